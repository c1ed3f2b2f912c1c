/**
 * Contracts as documents: what a protocol's schemas are written as, and the way back.
 */
import * as Effect from "effect/Effect"
import * as RpcSchema from "effect/rpc/RpcSchema"
import type { Rpc } from "effect/rpc"
import * as Schema from "effect/Schema"
import * as SchemaRepresentation from "effect/SchemaRepresentation"
import * as SchemaIssue from "effect/SchemaIssue"
import * as ActorType from "../../ActorType.ts"
import type { Contract, Route } from "../../Contract.ts"
import { InvalidContract, NotExportable } from "../../ContractError.ts"
import type * as Protocol from "../../Protocol.ts"
import { shown } from "../shown.ts"
import { recursive } from "./classes.ts"
import { type Flaw, flawOf, looseReference } from "./flaws.ts"
import { type Id, make as makeGraph, MaxDepth } from "./graph.ts"

type Representation = SchemaRepresentation.Representation

/** What a route has a schema of, in the order in which documents have them. */
export const parts = ["payload", "success", "error"] as const

const sides = ["server", "client"] as const

const Format = "troupe-contract/1"

const byName = (a: { readonly name: string }, b: { readonly name: string }) =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : 0

interface Schemas {
  readonly name: string
  readonly stream: boolean
  readonly schemas: readonly [payload: Schema.Top, success: Schema.Top, error: Schema.Top]
}

const schemasOf = (rpc: Rpc.AnyWithProps): Schemas => {
  const success = rpc.successSchema
  return RpcSchema.isStreamSchema(success)
    ? { name: rpc._tag, stream: true, schemas: [rpc.payloadSchema, success.success, success.error] }
    : { name: rpc._tag, stream: false, schemas: [rpc.payloadSchema, success, rpc.errorSchema] }
}

/** Routes with what stands for their schemas, which are `count` to a route, in a row. */
const routesOf = (
  routes: ReadonlyArray<{ readonly name: string; readonly stream: boolean }>,
  representations: ReadonlyArray<Representation>,
  first: number
): ReadonlyArray<Route> =>
  routes.map(({ name, stream }, index) => {
    const at = (first + index) * parts.length
    const [payload, success, error] = representations.slice(at, at + parts.length)
    return { name, stream, payload: payload ?? Nothing, success: success ?? Nothing, error: error ?? Nothing }
  })

const Nothing: Representation = { _tag: "Void", checks: [] }

// A document of several has one at least, and a protocol may have no routes.
const oneAtLeast = <A>(nothing: A, all: ReadonlyArray<A>): readonly [A, ...Array<A>] => {
  const [first, ...others] = all
  return first === undefined ? [nothing] : [first, ...others]
}

export const make = Effect.fnUntraced(function* (options: {
  readonly type: ActorType.ActorType
  readonly protocol: Protocol.Any
}): Effect.fn.Return<Contract, NotExportable> {
  const { protocol, type } = options
  const fail = (route: string, { detail, path }: Flaw) =>
    new NotExportable({ actor: String(type), route, path, detail })
  const routes = { server: sorted(protocol.server), client: sorted(protocol.client) }
  for (const side of sides) {
    const twice = routes[side].find(({ name }, index) => routes[side][index + 1]?.name === name)
    const detail = `has two routes of the name: give one of them another`
    if (twice !== undefined) return yield* fail(twice.name, { path: `the ${side}`, detail })
  }

  const all = [...routes.server, ...routes.client]
  const live = yield* Effect.try({
    try: () =>
      SchemaRepresentation.toRepresentations(
        oneAtLeast(
          Schema.Void.ast,
          all.flatMap(({ schemas }) => schemas.map(({ ast }) => ast))
        )
      ),
    // A schema that is suspended is code, which may do anything.
    catch: (error) => fail("*", { path: "the schema", detail: `could not be looked at (${String(error)})` })
  })
  for (const [index, { name }] of all.entries()) {
    for (const [offset, part] of parts.entries()) {
      const representation = live.representations[index * parts.length + offset]
      const flaw = representation && flawOf(representation, live.references, part)
      if (flaw !== undefined) return yield* fail(name, flaw)
    }
  }
  const tangle = tangleOf(
    all.map(({ name }, index) => [name, live.representations.slice(index * parts.length, (index + 1) * parts.length)]),
    live.references
  )
  if (tangle !== undefined) return yield* fail(tangle.route, { path: "a schema", detail: tangle.detail })
  // What it is once it was written and read, so that it is the same value wherever it comes from.
  const read = yield* Effect.try({
    try: () => SchemaRepresentation.fromJsonMultiDocument(SchemaRepresentation.toJsonMultiDocument(live)),
    catch: (error) => fail("*", { path: "the schema", detail: `could not be written (${String(error)})` })
  })
  return {
    type,
    protocol: protocol.name,
    server: routesOf(routes.server, read.representations, 0),
    client: routesOf(routes.client, read.representations, routes.server.length),
    references: read.references
  }
})

// Each `Rpc` has what `Rpc.Any` leaves out of its type.
const sorted = (rpcs: ReadonlyArray<Rpc.Any>): ReadonlyArray<Schemas> =>
  rpcs.map((rpc) => schemasOf(rpc as Rpc.AnyWithProps)).toSorted(byName)

const RouteDocument = Schema.Struct({
  name: Schema.NonEmptyString,
  stream: Schema.Boolean,
  payload: Schema.Json,
  success: Schema.Json,
  error: Schema.Json
})

const Document = Schema.Struct({
  format: Schema.Literal(Format),
  type: Schema.String,
  protocol: Schema.String,
  server: Schema.Array(RouteDocument),
  client: Schema.Array(RouteDocument),
  references: Schema.Json
})

const Written = Schema.Struct({ representations: Schema.Array(Schema.Json), references: Schema.Json })

const written = Schema.decodeUnknownSync(Written)

export const toJson = (contract: Contract): Schema.Json => {
  const all = [...contract.server, ...contract.client]
  const { references, representations } = written(
    SchemaRepresentation.toJsonMultiDocument({
      representations: oneAtLeast(
        Nothing,
        all.flatMap((route) => parts.map((part) => route[part]))
      ),
      references: contract.references
    })
  )
  const routes = (from: ReadonlyArray<Route>, first: number) =>
    from.map(({ name, stream }, index) => {
      const at = (first + index) * parts.length
      const [payload = null, success = null, error = null] = representations.slice(at, at + parts.length)
      return { name, stream, payload, success, error }
    })
  return {
    format: Format,
    type: String(contract.type),
    protocol: contract.protocol,
    server: routes(contract.server, 0),
    client: routes(contract.client, contract.server.length),
    references
  }
}

const decodeDocument = Schema.decodeUnknownEffect(Document)

export const fromJson = Effect.fnUntraced(function* (json: unknown): Effect.fn.Return<Contract, InvalidContract> {
  const read = yield* Effect.mapError(decodeDocument(json), (error) => issueOf(error, (path) => path))
  const type = yield* Effect.mapError(ActorType.parse(read.type), ({ message }) => invalid("type", `says: ${message}`))
  for (const side of sides) {
    const names = read[side].map(({ name }) => name)
    const twice = names.find((name, index) => names.indexOf(name) !== index)
    if (twice !== undefined) return yield* invalid(side, `has two routes of the name ${shown(twice)}`)
  }
  const server = read.server.toSorted(byName)
  const client = read.client.toSorted(byName)
  const all = [...server, ...client]

  // Where something stands in the document, of where it stands among all schemas.
  const place = ([first, index, ...rest]: ReadonlyArray<PropertyKey>): ReadonlyArray<PropertyKey> => {
    const route = first === "representations" ? all[Math.floor(Number(index) / parts.length)] : undefined
    const part = parts[Number(index) % parts.length]
    if (route === undefined || part === undefined) return [first, index, ...rest].filter((key) => key !== undefined)
    const side = read.server.includes(route) ? "server" : "client"
    return [side, read[side].indexOf(route), part, ...rest]
  }
  const { references, representations } = yield* Effect.try({
    try: () =>
      SchemaRepresentation.fromJsonMultiDocument({
        representations: oneAtLeast<Schema.Json>(
          { _tag: "Void", checks: [] },
          all.flatMap((route) => parts.map((part) => route[part]))
        ),
        references: read.references
      }),
    catch: (error) =>
      Schema.isSchemaError(error) ? issueOf(error, place) : invalid("", `can't be read (${String(error)})`)
  })
  for (const [index, { name }] of all.entries()) {
    for (const [offset, part] of parts.entries()) {
      const representation = representations[index * parts.length + offset]
      const loose = representation && looseReference(representation, references)
      if (loose !== undefined)
        return yield* invalid(
          `${part} of ${shown(name)}`,
          `names the schema ${shown(loose)}, which is not there or only another name of itself`
        )
    }
  }
  const tangle = tangleOf(
    all.map(({ name }, index) => [name, representations.slice(index * parts.length, (index + 1) * parts.length)]),
    references
  )
  if (tangle !== undefined) return yield* invalid(`a schema of ${shown(tangle.route)}`, tangle.detail)
  return {
    type,
    protocol: read.protocol,
    server: routesOf(server, representations, 0),
    client: routesOf(client, representations, server.length),
    references
  }
})

// To tell types apart that stand in themselves takes a time with the square of their number: about a second for these.
const MaxRecursive = 500

/** The first route with types that stand too deep in each other, or too many of which stand in themselves. */
const tangleOf = (
  routes: ReadonlyArray<readonly [name: string, schemas: ReadonlyArray<Representation>]>,
  references: SchemaRepresentation.References
): { readonly route: string; readonly detail: string } | undefined => {
  const graph = makeGraph()
  const roots: Array<Id> = []
  for (const [route, schemas] of routes) {
    for (const schema of schemas) roots.push(graph.add(schema, references))
    if (graph.isTooDeep()) {
      return { route, detail: `has types that stand more than ${MaxDepth} deep in each other: make them flatter` }
    }
  }
  if (recursive(graph, roots) <= MaxRecursive) return undefined
  const before = (route: number) => roots.slice(0, route * parts.length)
  const first = routes.findIndex((_, index) => recursive(graph, before(index + 1)) > MaxRecursive)
  const detail = `has more than ${MaxRecursive} types, with those before, that stand in themselves or have such in them: make them fewer`
  return { route: routes[first]?.[0] ?? "*", detail }
}

const invalid = (path: string, detail: string) => new InvalidContract({ path, detail })

const issues = SchemaIssue.makeFormatterStandardSchemaV1()

const issueOf = (
  error: Schema.SchemaError,
  place: (path: ReadonlyArray<PropertyKey>) => ReadonlyArray<PropertyKey>
): InvalidContract => {
  const [issue] = issues(error.issue).issues
  const keys = (issue?.path ?? []).map((key) => (typeof key === "object" ? key.key : key))
  const path = place(keys).reduce<string>(
    (text, key) => (typeof key === "number" ? `${text}[${key}]` : text === "" ? String(key) : `${text}.${String(key)}`),
    ""
  )
  const detail = (issue?.message ?? error.message).replaceAll(/\s+/g, " ")
  return invalid(path, `is not as it may be: ${detail.length > 160 ? `${detail.slice(0, 160)}…` : detail}`)
}
