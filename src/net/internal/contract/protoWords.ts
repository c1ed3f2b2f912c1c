/**
 * The words of `.proto` files that are written: names, types of single values, and numbers of fields.
 */
import type * as SchemaRepresentation from "effect/SchemaRepresentation"
import { ownName, rangeOf } from "./checks.ts"
import { checksOf } from "./flaws.ts"
import { FieldKey, type FieldNote, isFieldNote } from "./protoNotes.ts"

type Representation = SchemaRepresentation.Representation

export const ident = /^[A-Za-z_][A-Za-z0-9_]*$/

export const declared: Readonly<Record<string, string>> = {
  "effect/schema/Uint8Array": "bytes",
  "effect/schema/Date": "google.protobuf.Timestamp",
  "effect/schema/DateTimeUtc": "google.protobuf.Timestamp",
  "effect/schema/Duration": "google.protobuf.Duration",
  "effect/schema/Json": "google.protobuf.Value",
  "effect/schema/MutableJson": "google.protobuf.Value",
  "effect/schema/URL": "string"
}

export const importOf: Readonly<Record<string, string>> = {
  Timestamp: "timestamp",
  Duration: "duration",
  Value: "struct",
  Struct: "struct",
  ListValue: "struct",
  Empty: "empty"
}

export const isText = (node: Representation): node is SchemaRepresentation.Literal & { readonly literal: string } =>
  node._tag === "Literal" && typeof node.literal === "string"

export const isMissing = (node: Representation): boolean =>
  node._tag === "Null" || node._tag === "Undefined" || node._tag === "Void"

export const capital = (text: string): string =>
  text
    .split(/[^A-Za-z0-9]+/)
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join("")

export const snake = (text: string): string =>
  text
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replaceAll(/[^A-Za-z0-9]+/g, "_")
    .toLowerCase()

/** The type of numbers that satisfy their checks; nothing if no type is large enough. */
export const numeric = (node: Representation): string | undefined => {
  const checks = checksOf(node).map(({ representation }) => ({
    id: representation?.id ?? "",
    payload: representation?.payload
  }))
  const { least, most } = rangeOf(checks)
  if (node._tag === "BigInt") {
    if (least >= 0n && most < 1n << 64n) return "uint64"
    return least >= -(1n << 63n) && most < 1n << 63n ? "int64" : undefined
  }
  if (!checks.some((check) => ownName(check) === "isInt")) return "double"
  if (least >= 0 && most < 2 ** 32) return "uint32"
  return least >= -(2 ** 31) && most < 2 ** 31 ? "int32" : "int64"
}

/** What a field keeps of the file that it was read from. */
export const noteOf = (property: SchemaRepresentation.PropertySignature): FieldNote | undefined => {
  const note: unknown = { ...property.annotations }[FieldKey]
  return isFieldNote(note) ? note : undefined
}

/** The numbers of fields: those that are wanted, and otherwise the next ones that nobody wants and .proto allows. */
export const numbering = (wanted: ReadonlyArray<number | undefined>) => {
  const taken = new Set(wanted)
  let last = 0
  return (own: number | undefined): number => {
    if (own !== undefined) return own
    do last += last === 18_999 ? 1001 : 1
    while (taken.has(last))
    return last
  }
}
