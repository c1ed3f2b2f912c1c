/**
 * The schemas of a contract as source: definitions of those that are named, and an expression for each part of a route.
 */
import * as Effect from "effect/Effect"
import { Rpc } from "effect/rpc"
import type * as Schema from "effect/Schema"
import * as SchemaRepresentation from "effect/SchemaRepresentation"
import type { Contract, Route } from "../../../net/Contract.ts"
import { canonicalOf } from "../../../net/internal/contract/canonical.ts"
import * as document from "../../../net/internal/contract/document.ts"
import { childrenOf } from "../../../net/internal/contract/flaws.ts"
import * as Protocol from "../../../net/Protocol.ts"
import { endlessIn, type Group, groupsOf } from "./cycles.ts"
import { mapped } from "./mapped.ts"
import { NotGenerated } from "./NotGenerated.ts"
import { notesOf, plain, revivers } from "./plain.ts"
import { visible } from "./text.ts"

type Representation = SchemaRepresentation.Representation

/** A schema with a name. */
export interface Definition {
  readonly name: string
  readonly runtime: string
  /** Its type, where it can't be told from the schema: the type is recursive. */
  readonly Type: string | undefined
}

/** The parts of a route, where they are others than those that a route has by itself. */
export interface RouteSource {
  readonly name: string
  readonly stream: boolean
  readonly payload: string | undefined
  readonly success: string | undefined
  readonly error: string | undefined
}

/** What a module is made of. */
export interface Definitions {
  /** Modules that are named in types alone. */
  readonly namespaces: ReadonlyArray<{ readonly name: string; readonly from: string }>
  readonly symbols: ReadonlyArray<{ readonly name: string; readonly runtime: string }>
  /** In the order in which they can stand. */
  readonly schemas: ReadonlyArray<Definition>
  readonly server: ReadonlyArray<RouteSource>
  readonly client: ReadonlyArray<RouteSource>
}

const Nothing: Representation = { _tag: "Void", checks: [] }

/** Writes the schemas of a contract, whose names are given out by `name`. */
export const definitionsOf = Effect.fnUntraced(function* (
  contract: Contract,
  name: (wanted: string) => string
): Effect.fn.Return<Definitions, NotGenerated> {
  const routes = [...contract.server, ...contract.client]
  const fail = (flaw: { readonly route?: string; readonly path: string; readonly detail: string }) =>
    new NotGenerated({
      contract: String(contract.type),
      route: flaw.route ?? "*",
      path: flaw.path,
      detail: flaw.detail
    })

  const { flaw, references, roots } = plain(contract, routes, name)
  if (flaw !== undefined) return yield* fail(flaw)
  const revive = (
    representations: ReadonlyArray<Representation>,
    place: { readonly route?: string; readonly path: string }
  ) =>
    Effect.try({
      try: () =>
        SchemaRepresentation.fromRepresentations(
          { representations: [Nothing, ...representations], references },
          { revivers }
        ),
      catch: (error) =>
        fail({ ...place, detail: `is none that effect makes (${reason(error)}): fetch the contract again` })
    })
  // Each by itself first, which tells where it is that something is wrong.
  for (const [index, root] of roots.entries()) {
    const place = {
      route: routes[Math.floor(index / document.parts.length)]?.name ?? "*",
      path: document.parts[index % document.parts.length] ?? ""
    }
    yield* revive([root], place)
  }
  const revived = yield* revive(roots, { path: "a schema" })
  const [, ...schemas] = revived
  yield* same(contract, routes, schemas, fail)

  const live = SchemaRepresentation.toRepresentations([revived[0].ast, ...schemas.map(({ ast }) => ast)], {
    // Those of effect's own schemas are no names here.
    referencePolicy: ({ identifier = "" }) => (Object.hasOwn(references, identifier) ? identifier : undefined)
  })
  const endless = endlessIn(live.references)
  if (endless !== undefined) {
    return yield* fail({ path: endless, detail: "is one of several of which it is one itself: leave it out of them" })
  }
  const groups = groupsOf(live.references)
  const torn = recursiveText(live.references, groups)
  if (torn !== undefined) {
    return yield* fail({ path: torn, detail: "has itself in it, and text that is JSON: let the text be a text" })
  }
  const code = SchemaRepresentation.toCodeDocument({
    representations: [Nothing, ...live.representations.slice(1).map((root) => emittable(root, new Set()))],
    references: Object.fromEntries(
      groups.flatMap(({ isRecursive, names }) =>
        names.map((own) => [own, emittable(live.references[own] ?? Nothing, new Set(isRecursive ? names : []))])
      )
    )
  })

  const written = new Map([
    ...code.references.nonRecursives.map(({ $ref, code }) => [$ref, code] as const),
    ...Object.entries(code.references.recursives)
  ])
  const definitions = groups.flatMap(({ isRecursive, names }) =>
    names.flatMap((own): ReadonlyArray<Definition> => {
      const found = written.get(own)
      if (found === undefined) return []
      return [{ name: own, runtime: visible(found.runtime), Type: isRecursive ? visible(found.Type) : undefined }]
    })
  )
  const sources = routes.map(({ name: own, stream }, index): RouteSource => {
    const at = 1 + index * document.parts.length
    const part = (offset: number, usual: string) => {
      const source = code.codes[at + offset]?.runtime ?? usual
      return source === usual ? undefined : visible(source)
    }
    return {
      name: own,
      stream,
      payload: part(0, "Schema.Void"),
      success: part(1, "Schema.Void"),
      error: part(2, "Schema.Never")
    }
  })
  const all = [...definitions.flatMap(({ runtime, Type = "" }) => [runtime, Type]), ...sources.flatMap(partsOf)]
  return {
    namespaces: namespacesOf(code.artifacts, all.join("\n")),
    symbols: code.artifacts.flatMap((artifact) =>
      artifact._tag === "Symbol"
        ? // As TypeScript knows it for a symbol of its own.
          [{ name: artifact.identifier, runtime: visible(artifact.code.runtime.replace(/^globalThis\./, "")) }]
        : []
    ),
    schemas: definitions,
    server: sources.slice(0, contract.server.length),
    client: sources.slice(contract.server.length)
  }
})

/** Those that a source names in types; what stands in literals is no use of a name. */
const namespacesOf = (
  artifacts: ReadonlyArray<SchemaRepresentation.Artifact>,
  source: string
): Definitions["namespaces"] => {
  const bare = source.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""')
  return artifacts
    .flatMap((artifact) => {
      const found = artifact._tag === "Import" ? importOf.exec(artifact.importDeclaration)?.groups : undefined
      const { from = "", name = "" } = found ?? {}
      return found !== undefined && new RegExp(`(?<![.\\w])${name}\\.`).test(bare) ? [{ name, from }] : []
    })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

const importOf = /^import \* as (?<name>\w+) from "(?<from>[\w/]+)"$/

const partsOf = ({ error = "", payload = "", success = "" }: RouteSource) => [payload, success, error]

const reason = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, " ").slice(0, 200)

/** That the schemas say what the contract says: the code is made of them. */
const same = Effect.fnUntraced(function* (
  contract: Contract,
  routes: ReadonlyArray<Route>,
  schemas: ReadonlyArray<Schema.Top>,
  fail: (flaw: { readonly path: string; readonly detail: string }) => NotGenerated
): Effect.fn.Return<void, NotGenerated> {
  const rpcs = routes.map(({ name, stream }, index) => {
    const [payload, success, error] = schemas.slice(index * document.parts.length, (index + 1) * document.parts.length)
    if (payload === undefined || success === undefined || error === undefined) return Rpc.make(name)
    return stream ? Rpc.make(name, { payload, success, error, stream }) : Rpc.make(name, { payload, success, error })
  })
  const protocol = Protocol.make(contract.protocol, {
    server: rpcs.slice(0, contract.server.length),
    client: rpcs.slice(contract.server.length)
  })
  const other = (detail: string) =>
    fail({ path: "a schema", detail: `is another one when it is read (${detail}): fetch the contract again` })
  const made = yield* Effect.mapError(document.make({ type: contract.type, protocol }), ({ detail }) => other(detail))
  if (canonicalOf(made) !== canonicalOf(contract)) return yield* other("the fingerprint is another")
})

/** A recursive name with text of JSON in it: recursive types are written down once, for both sides of a schema. */
const recursiveText = (
  references: SchemaRepresentation.References,
  groups: ReadonlyArray<Group>
): string | undefined => {
  const withText = new Set<string>()
  const hasText = (node: Representation): boolean =>
    node._tag === "Reference"
      ? withText.has(node.$ref)
      : (node._tag === "String" && node.content !== undefined) || childrenOf(node).some(([, child]) => hasText(child))
  for (const { isRecursive, names } of groups) {
    const torn = names.find((name) => hasText(references[name] ?? Nothing))
    if (torn === undefined) continue
    if (isRecursive) return torn
    withText.add(torn)
  }
  return undefined
}

/** A schema as it is written: with names of its own group suspended, and what was written for people. */
const emittable = (root: Representation, group: ReadonlySet<string>): Representation => {
  const visit = (node: Representation): Representation => {
    if (node._tag === "Reference") {
      return group.has(node.$ref) ? { _tag: "Suspend", checks: [], thunk: node } : node
    }
    // Only what is named by itself is suspended.
    if (node._tag === "Suspend") return visit(node.thunk)
    if (node._tag === "String" && node.content?.schema !== undefined) {
      return { _tag: "Declaration", typeParameters: [visit(node.content.schema)], checks: [], annotations: { toCode } }
    }
    return mapped(node, {
      child: visit,
      check: (check) => ({
        ...check,
        ...(check.representation === undefined
          ? {}
          : { representation: { ...check.representation, schemas: (check.representation.schemas ?? []).map(visit) } }),
        annotations: ownOf(check.annotations, check.representation?.id)
      }),
      annotations: (annotations) => ownOf(annotations)
    })
  }
  return visit(root)
}

const toCode: SchemaRepresentation.Generation.Declaration = ({ typeParameters: [inner] }) => ({
  runtime: `Schema.fromJsonString(${inner?.runtime ?? "Schema.Unknown"})`,
  Type: inner?.Type ?? "unknown"
})

type Annotations = SchemaRepresentation.PropertySignature["annotations"]

/** Notes, and how effect itself writes it; `Schema.Finite` is known by what it expects. */
const ownOf = (annotations: Annotations, id?: string): Annotations => {
  const { expected, toCode } = { expected: undefined, toCode: undefined, ...annotations }
  const own = {
    ...notesOf(annotations),
    ...(isCheckCode(toCode) ? { toCode: isBetween.test(id ?? "") ? withoutUndefined(toCode) : toCode } : {}),
    ...(id === "effect/schema/isFinite" ? { expected } : {})
  }
  return Object.keys(own).length === 0 ? undefined : own
}

const isCheckCode = (value: unknown): value is SchemaRepresentation.Generation.Check => typeof value === "function"

const isBetween = /^effect\/schema\/isBetween(BigInt|Date)?$/

/** What is written of numbers alone, without those options that are not given. */
const withoutUndefined =
  (code: SchemaRepresentation.Generation.Check): SchemaRepresentation.Generation.Check =>
  (input) => ({ runtime: code(input).runtime.replaceAll(/, \w+: undefined/g, "") })
