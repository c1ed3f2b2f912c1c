/**
 * The schemas of a contract without what others may have put in to be run or shown: only what means something is kept.
 */
import * as Schema from "effect/Schema"
import * as SchemaRepresentation from "effect/SchemaRepresentation"
import type { Contract, Route } from "../../../net/Contract.ts"
import { parts } from "../../../net/internal/contract/document.ts"
import { checksOf } from "../../../net/internal/contract/flaws.ts"
import { FieldKey, isFieldNote } from "../../../net/internal/contract/protoNotes.ts"
import { mapped } from "./mapped.ts"
import { pascal } from "./names.ts"

type Representation = SchemaRepresentation.Representation

type Annotations = SchemaRepresentation.PropertySignature["annotations"]

/** Something for which no code can be written, with its place. */
export interface Flaw {
  readonly route: string
  readonly path: string
  readonly detail: string
}

/** The schemas of routes, three to each, and those that they name by identifiers; or what is wrong with them. */
export interface Plain {
  readonly roots: ReadonlyArray<Representation>
  readonly references: SchemaRepresentation.References
  readonly flaw: Flaw | undefined
}

/** A text that is the JSON of another schema, as a declaration: representations of texts are not revived with it. */
const JsonText = "troupe/json-text"

const isReviver = (value: unknown): value is SchemaRepresentation.AnyReviver =>
  typeof value === "object" && value !== null && "revive" in value && "payloadSchema" in value

/** What brings declarations and checks back to life: all that `effect` has. */
export const revivers: ReadonlyArray<SchemaRepresentation.AnyReviver> = [
  ...Object.values<unknown>(SchemaRepresentation).filter(isReviver),
  SchemaRepresentation.makeReviverDeclaration(JsonText, Schema.Null, ({ typeParameters: [inner = Schema.Unknown] }) =>
    Schema.fromJsonString(inner)
  )
]

const known = new Set(revivers.map(({ id }) => id))

/** The annotations that are text for people; functions and whatever else is not among them. */
const notes = ["identifier", "title", "description", "documentation"] as const

export const notesOf = (annotations: Annotations): Annotations => {
  const given: Readonly<Record<string, unknown>> = annotations ?? {}
  const kept: Record<string, unknown> = {}
  for (const note of notes) if (typeof given[note] === "string") kept[note] = given[note]
  const field = given[FieldKey]
  if (isFieldNote(field)) {
    const { key, type } = field
    kept[FieldKey] = {
      field: field.field,
      ...(type === undefined ? {} : { type }),
      ...(key === undefined ? {} : { key })
    }
  }
  return Object.keys(kept).length === 0 ? undefined : kept
}

/** Names are those of references. */
const unnamed = (annotations: Annotations): Annotations => {
  const { identifier: _, ...others } = { ...notesOf(annotations) }
  return Object.keys(others).length === 0 ? undefined : others
}

/** What its author calls a schema that is named; the last word of a path. */
const nameOf = ($ref: string, node: Representation): string => {
  const all = node._tag === "Reference" ? [] : [node.annotations, ...checksOf(node).map((check) => check.annotations)]
  const given = all
    .map((annotations): unknown => {
      const own: Readonly<Record<string, unknown>> = annotations ?? {}
      return own["identifier"] ?? own["~identifier"]
    })
    .findLast((name) => typeof name === "string")
  return pascal(
    String(given ?? $ref)
      .split("/")
      .at(-1) ?? ""
  )
}

const isJsonText = (node: Representation | undefined): boolean => node?._tag === "String" && node.content !== undefined

/** Takes over what routes of a contract say; `name` gives each schema that is named an identifier. */
export const plain = (contract: Contract, routes: ReadonlyArray<Route>, name: (wanted: string) => string): Plain => {
  const names = new Map<string, string>()
  const references: Record<string, Representation> = {}
  const open = new Set<Representation>()
  let flaw: Flaw | undefined
  let route = ""

  const fail = (path: string, detail: string): Representation => {
    flaw ??= { route, path, detail }
    return { _tag: "Never", checks: [] }
  }

  const referred = ($ref: string, path: string): Representation => {
    const node = Object.hasOwn(contract.references, $ref) ? contract.references[$ref] : undefined
    if (node === undefined) return fail(path, "is named and not there: fetch the contract again")
    // Not its text, but what stands in it, bears the name.
    if (isJsonText(node)) return visit(node, path)
    const before = names.get($ref)
    if (before !== undefined) return { _tag: "Reference", $ref: before }
    const own = name(nameOf($ref, node))
    names.set($ref, own)
    references[own] = visit(node, path)
    return { _tag: "Reference", $ref: own }
  }

  const check = (one: SchemaRepresentation.Check, path: string): SchemaRepresentation.Check => {
    const { id = "", payload = null, schemas } = one.representation ?? {}
    if (!known.has(id)) fail(path, unknown("has the check", id))
    return {
      _tag: "Filter",
      aborted: one._tag === "Filter" && one.aborted,
      representation: {
        id,
        payload,
        ...(schemas === undefined ? {} : { schemas: schemas.map((schema) => visit(schema, path)) })
      },
      annotations: unnamed(one.annotations)
    }
  }

  const visit = (node: Representation, path: string): Representation => {
    if (node._tag === "Reference") return referred(node.$ref, path)
    if (open.has(node)) return fail(path, "is the JSON of itself: leave that out of the protocol")
    open.add(node)
    const own = inner(node, path)
    open.delete(node)
    return own
  }

  const inner = (node: Exclude<Representation, SchemaRepresentation.Reference>, path: string): Representation => {
    const mapping = {
      child: (child: Representation, step: string) => visit(child, path + step),
      check: (one: SchemaRepresentation.Check) => check(one, path),
      annotations: unnamed
    }
    switch (node._tag) {
      // Who is suspended is told by the references.
      case "Suspend":
        return visit(node.thunk, path)
      case "String": {
        const { content } = node
        if (content === undefined) break
        if (content.mediaType !== "application/json" || content.schema === undefined) {
          return fail(
            path,
            "is a text of other content than JSON by a schema: let it be a text, or Schema.fromJsonString"
          )
        }
        const typeParameters = [visit(content.schema, path)]
        const { checks } = node
        return mapped(
          { _tag: "Declaration", representation: { id: JsonText, payload: null }, typeParameters, checks },
          { ...mapping, child: (child) => child }
        )
      }
      // On the wire there are its values alone.
      case "Enum": {
        const values = [...new Set(node.enums.map(([, value]) => value))]
        if (!values.every((value) => typeof value === "string" || Number.isFinite(value))) {
          return fail(path, "has a value that is no finite number: give the enum others")
        }
        const types = values.map((literal) => ({ _tag: "Literal", literal, checks: [] }) as const)
        return mapped({ ...node, _tag: "Union", types }, mapping)
      }
      case "Declaration": {
        const id = node.representation?.id ?? ""
        if (!known.has(id) || id === JsonText) return fail(path, unknown("is declared as", id))
        break
      }
      case "Objects": {
        const keys = node.propertySignatures.map(({ name }) => (typeof name === "symbol" ? name : String(name)))
        const twice = keys.find((key, index) => keys.indexOf(key) !== index)
        if (twice !== undefined) return fail(`${path}.${String(twice)}`, "is there twice: leave one out")
        break
      }
    }
    return mapped({ ...node, checks: checksOf(node) }, mapping)
  }

  const roots = routes.flatMap((one) =>
    parts.map((part) => {
      route = one.name
      return visit(one[part], part)
    })
  )
  return { roots, references, flaw }
}

const unknown = (what: string, id: string): string =>
  `${what} ${JSON.stringify(id)}, which only its own program knows: let the contract have one of Schema's own in its place`
