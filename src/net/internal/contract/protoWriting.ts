/**
 * Contracts as `.proto` files.
 */
import * as Effect from "effect/Effect"
import type * as SchemaRepresentation from "effect/SchemaRepresentation"
import type { Contract, Route } from "../../Contract.ts"
import { NotInProto } from "../../ContractError.ts"
import { shown } from "../shown.ts"
import { resolve } from "./flaws.ts"
import { identifierOf } from "./graph.ts"
import { streamsFile } from "./protoTypes.ts"
import { isStreamRoute, streaming } from "./streams.ts"
import {
  capital,
  declared,
  ident,
  importOf,
  isMissing,
  isText,
  noteOf,
  numbering,
  numeric,
  snake
} from "./protoWords.ts"

type Representation = SchemaRepresentation.Representation
type Objects = SchemaRepresentation.Objects
type Union = SchemaRepresentation.Union
type Property = SchemaRepresentation.PropertySignature

interface Place {
  readonly route: string
  readonly path: string
}

type Written<A> = Effect.Effect<A, NotInProto>

export const write = Effect.fnUntraced(function* (contract: Contract): Effect.fn.Return<string, NotInProto> {
  const identifier = (text: string): string => text.replaceAll(/[^A-Za-z0-9_]/g, "_")
  const service = identifier(contract.type.name)
  const names = new Set([service, `${service}Client`])
  const messages = new Map<string, ReadonlyArray<string>>()
  const known = new Map<Representation, string>()
  const imports = new Set<string>()

  const fail = ({ path, route }: Place, detail: string) =>
    Effect.fail(new NotInProto({ actor: String(contract.type), route, path, detail }))

  const reserve = (wanted: string): string => {
    let name = wanted
    for (let count = 2; names.has(name); count++) name = `${wanted}${count}`
    names.add(name)
    return name
  }

  const found = (node: Representation): Representation =>
    resolve(node, contract.references) ?? { _tag: "Never", checks: [] }

  const wellKnown = (type: string): string => {
    const file = importOf[type.replace("google.protobuf.", "")]
    if (type.startsWith("google.protobuf.") && file !== undefined) imports.add(`google/protobuf/${file}.proto`)
    return type
  }

  /** The type of one value; messages and enums that it needs are written beside it. */
  const single = (schema: Representation, hint: string, at: Place): Written<string> => {
    const node = found(schema)
    const before = known.get(node)
    if (before !== undefined) return Effect.succeed(before)
    switch (node._tag) {
      case "String":
      case "TemplateLiteral":
        return Effect.succeed("string")
      case "Boolean":
        return Effect.succeed("bool")
      case "Number":
      case "BigInt":
        return Effect.fromNullishOr(numeric(node)).pipe(
          Effect.catch(() =>
            fail(at, "is a bigint of any size: check that it is between 0 and 2^64-1, or -2^63 and 2^63-1")
          )
        )
      case "Literal":
        return literals([node], node, hint, at)
      case "Enum":
        return enumeration(node, hint, at)
      case "Unknown":
      case "Any":
        return Effect.succeed(wellKnown("google.protobuf.Value"))
      case "Declaration": {
        const type = declared[node.representation?.id ?? ""]
        const name = (node.representation?.id ?? "it").replace("effect/schema/", "")
        return type === undefined
          ? fail(at, `is ${name}, which .proto has not: use a transformation to a type that it has`)
          : Effect.succeed(wellKnown(type))
      }
      case "Objects":
        return message(node, hint, at)
      case "Union":
        return union(node, hint, at)
      case "Arrays":
        return fail(at, "is an array or a tuple where .proto takes one value: put it into a struct")
      default:
        return fail(at, `is ${node._tag}, which .proto has not: use a struct, or another type`)
    }
  }

  // In a message of its own, as the names of values are otherwise those of their neighbours too.
  const enumMessage = (
    node: Representation,
    hint: string,
    values: ReadonlyArray<readonly [string, number]>
  ): string => {
    const name = reserve(hint)
    const type = `${name}.Value`
    known.set(node, type)
    const lines = values.map(([value, number]) => `    ${value} = ${number};`)
    messages.set(name, [`message ${name} {`, "  enum Value {", ...lines, "  }", "}"])
    return type
  }

  const literals = (
    all: ReadonlyArray<SchemaRepresentation.Literal>,
    node: Representation,
    hint: string,
    at: Place
  ): Written<string> => {
    const texts = [...new Set(all.filter(isText).map(({ literal }) => literal))]
    if (texts.length > 0 && all.every(isText)) {
      if (!texts.every((text) => ident.test(text))) return Effect.succeed("string")
      return Effect.succeed(
        enumMessage(
          node,
          hint,
          texts.map((text, index) => [text, index])
        )
      )
    }
    if (all.every(({ literal }) => typeof literal === "boolean")) return Effect.succeed("bool")
    if (all.every(({ literal }) => typeof literal === "number")) {
      return Effect.succeed(all.every(({ literal }) => Number.isSafeInteger(literal)) ? "int64" : "double")
    }
    return fail(at, "is one of several literals of different types: use literals of text")
  }

  const enumeration = (node: SchemaRepresentation.Enum, hint: string, at: Place): Written<string> => {
    const values = node.enums.flatMap(([name, value]) => (typeof value === "number" ? [[name, value] as const] : []))
    if (values.length === 0) {
      const texts = node.enums.map(([, value]) => ({ _tag: "Literal", literal: value, checks: [] }) as const)
      return literals(texts, node, hint, at)
    }
    const zero = values.filter(([, value]) => value === 0)
    const good =
      values.length === node.enums.length && values.every(([name, value]) => ident.test(name) && value === (value | 0))
    if (zero.length !== 1 || !good) {
      return fail(at, "is an enum that .proto has not: give its members whole numbers, and one of them 0")
    }
    return Effect.succeed(enumMessage(node, hint, [...zero, ...values.filter(([, value]) => value !== 0)]))
  }

  /** The members of a union but for what says that there is nothing. */
  const present = (node: Union): ReadonlyArray<Representation> =>
    node.types.flatMap((type) => {
      const member = found(type)
      if (isMissing(member)) return []
      return member._tag === "Union" && member.checks.length === 0 ? present(member) : [member]
    })

  const hasMissing = (node: Union): boolean =>
    node.types.some((type) => {
      const member = found(type)
      return isMissing(member) || (member._tag === "Union" && hasMissing(member))
    })

  const union = (node: Union, hint: string, at: Place): Written<string> => {
    if (hasMissing(node)) return fail(at, "may be missing, which .proto says of fields alone: put it into a struct")
    const members = present(node)
    const [first, ...others] = members
    if (first !== undefined && others.length === 0) return single(first, hint, at)
    const texts = members.flatMap((member) => (member._tag === "Literal" ? [member] : []))
    if (texts.length === members.length && texts.length > 0) return literals(texts, node, hint, at)
    const name = reserve(nameOf(node, hint))
    known.set(node, name)
    return Effect.map(
      oneof(
        members.map((member) => ({ name: caseOf(member), type: member, number: undefined })),
        "kind",
        name,
        at,
        numbering([])
      ),
      (lines) => {
        messages.set(name, [`message ${name} {`, ...lines, "}"])
        return name
      }
    )
  }

  const caseOf = (member: Representation): string | undefined => {
    if (member._tag !== "Objects") return undefined
    const tag = member.propertySignatures.map(({ type }) => found(type)).find(isText)
    const name = tag?.literal ?? identifierOf(member)
    return name === undefined ? undefined : snake(name)
  }

  interface Case {
    readonly name: string | undefined
    readonly type: Representation
    readonly number: number | undefined
  }

  const oneof = Effect.fnUntraced(function* (
    cases: ReadonlyArray<Case>,
    name: string,
    hint: string,
    at: Place,
    next: (wanted: number | undefined) => number
  ): Effect.fn.Return<ReadonlyArray<string>, NotInProto> {
    const lines: Array<string> = []
    for (const [index, { name: own, number, type }] of cases.entries()) {
      const place = { ...at, path: `${at.path}|${index}` }
      if (own === undefined || !ident.test(own) || cases.findIndex((other) => other.name === own) !== index) {
        return yield* fail(
          place,
          "has no name of its own among the members of the union: give each a field with another literal, such as _tag"
        )
      }
      lines.push(`    ${yield* single(type, hint + capital(own), place)} ${own} = ${next(number)};`)
    }
    return [`  oneof ${name} {`, ...lines, "  }"]
  })

  const nameOf = (node: Representation, hint: string): string => {
    const name = identifierOf(node)
    return name === undefined ? hint : capital(name.split("/").at(-1) ?? name) || hint
  }

  const message = Effect.fnUntraced(function* (
    node: Objects,
    hint: string,
    at: Place
  ): Effect.fn.Return<string, NotInProto> {
    const [index] = node.indexSignatures
    if (index !== undefined && node.propertySignatures.length === 0 && isJson(found(index.type))) {
      return wellKnown("google.protobuf.Struct")
    }
    const name = reserve(nameOf(node, hint))
    known.set(node, name)
    const lines = yield* index === undefined ? fields(node, name, at) : wrapped(node, name, at)
    messages.set(name, [`message ${name} {`, ...lines, "}"])
    return name
  })

  const isJson = (node: Representation): boolean =>
    node._tag === "Unknown" || node._tag === "Any" || declared[idOf(node)] === "google.protobuf.Value"

  const idOf = (node: Representation): string => (node._tag === "Declaration" ? (node.representation?.id ?? "") : "")

  const wrapped = (node: Representation, name: string, at: Place): Written<ReadonlyArray<string>> =>
    Effect.map(field(node, name, at), ({ label, type }) => [`  ${label}${type} value = 1;`])

  const fields = Effect.fnUntraced(function* (
    node: Objects,
    name: string,
    at: Place
  ): Effect.fn.Return<ReadonlyArray<string>, NotInProto> {
    const lines: Array<string> = []
    const casesOf = (property: Property) => oneofCases(found(property.type))
    const noted = node.propertySignatures.flatMap((property) => [
      noteOf(property)?.field,
      ...casesOf(property).map(({ number }) => number)
    ])
    const next = numbering(noted)
    for (const property of node.propertySignatures) {
      const key = String(property.name)
      const place = { ...at, path: `${at.path}.${key}` }
      if (!ident.test(key)) return yield* fail(place, "is a name that .proto has not: use letters, digits and _")
      const cases = casesOf(property)
      if (cases.length > 0) {
        lines.push(...(yield* oneof(cases, key, name, place, next)))
        continue
      }
      const { isOptional, label, type } = yield* field(property.type, name + capital(key), place)
      const note = noteOf(property)
      const mayMiss = (isOptional || property.isOptional) && label === "" && !type.startsWith("map<")
      const written = type.startsWith("map<")
        ? type.replace("<string", `<${note?.key ?? "string"}`)
        : (note?.type ?? type)
      lines.push(`  ${mayMiss ? "optional " : label}${written} ${key} = ${next(note?.field)};`)
    }
    return lines
  })

  /** Unions as they are read from a `oneof`. */
  const oneofCases = (node: Representation): ReadonlyArray<Case> => {
    if (node._tag !== "Union") return []
    const cases = present(node).map((member) => {
      if (member._tag !== "Objects" || member.propertySignatures.length !== 2) return undefined
      const tag = member.propertySignatures.find(({ name }) => name === "_tag")
      const value = member.propertySignatures.find(({ name }) => name === "value")
      const text = tag && found(tag.type)
      if (text === undefined || !isText(text) || value === undefined) return undefined
      return { name: text.literal, type: value.type, number: noteOf(value)?.field }
    })
    return cases.every((one) => one !== undefined) ? cases : []
  }

  interface Field {
    readonly label: "" | "repeated "
    readonly type: string
    readonly isOptional: boolean
  }

  const field = (schema: Representation, hint: string, at: Place): Written<Field> => {
    const node = found(schema)
    const optional = (inner: Representation) =>
      Effect.map(field(inner, hint, at), (field) => ({ ...field, isOptional: true }))
    if (node._tag === "Declaration" && node.representation?.id === "effect/schema/Option") {
      const [inner] = node.typeParameters
      if (inner !== undefined) return optional(inner)
    }
    if (node._tag === "Union" && hasMissing(node)) {
      const [first, ...others] = present(node)
      if (first === undefined) return fail(at, "is never there: leave it out")
      return optional(others.length === 0 ? first : { ...node, types: [first, ...others] })
    }
    if (node._tag === "Arrays") {
      const [element, ...more] = node.rest
      if (node.elements.length > 0 || element === undefined || more.length > 0) {
        return fail(at, "is a tuple, which .proto has not: use a struct")
      }
      const place = { ...at, path: `${at.path}[]` }
      return Effect.map(single(element, hint, place), (type) => ({ label: "repeated ", type, isOptional: false }))
    }
    if (node._tag === "Objects" && node.indexSignatures.length > 0) {
      const [index, ...more] = node.indexSignatures
      const isPlain = index !== undefined && found(index.parameter)._tag === "String" && more.length === 0
      if (index === undefined || !isPlain || node.propertySignatures.length > 0) {
        return fail(
          at,
          "is a struct with more keys than it names, which .proto has not: put a record into a field of its own"
        )
      }
      if (isJson(found(index.type))) {
        return Effect.succeed({ label: "", type: wellKnown("google.protobuf.Struct"), isOptional: false })
      }
      const place = { ...at, path: `${at.path}{}` }
      return Effect.map(single(index.type, `${hint}Value`, place), (type) => ({
        label: "",
        type: `map<string, ${type}>`,
        isOptional: false
      }))
    }
    return Effect.map(single(node, hint, at), (type) => ({ label: "", type, isOptional: false }))
  }

  /** What a route takes or gives, which is a message whatever it is. */
  const root = Effect.fnUntraced(function* (
    schema: Representation,
    hint: string,
    at: Place
  ): Effect.fn.Return<string, NotInProto> {
    const node = found(schema)
    if (isMissing(node)) return wellKnown("google.protobuf.Empty")
    if (node._tag === "Objects") return yield* single(node, hint, at)
    const name = reserve(hint)
    messages.set(name, [`message ${name} {`, ...(yield* wrapped(node, `${name}Value`, at)), "}"])
    return name
  })

  const method = Effect.fnUntraced(function* (route: Route): Effect.fn.Return<ReadonlyArray<string>, NotInProto> {
    const at = (path: string): Place => ({ route: route.name, path })
    if (!ident.test(route.name)) {
      return yield* fail(at("the name"), "has other characters than .proto takes: use letters, digits and _")
    }
    const hint = capital(route.name)
    const payload = yield* root(route.payload, `${hint}Request`, at("payload"))
    const success = yield* root(route.success, `${hint}Response`, at("success"))
    const failure = found(route.error)
    const comment =
      failure._tag === "Never" ? [] : [`  // Fails with ${yield* single(failure, `${hint}Error`, at("error"))}.`]
    return [...comment, `  rpc ${route.name}(${payload}) returns (${route.stream ? "stream " : ""}${success});`]
  })

  const streams = yield* streaming(contract)
  if (streams === "both") imports.add(streamsFile)
  if (streams === "partly") {
    const detail = "are said as .proto can't say them: let both sides have DataStream.routes, all and as they are"
    return yield* fail({ route: "@stream", path: "the routes of streams" }, detail)
  }

  const services: Array<string> = []
  for (const [name, routes] of [
    [service, contract.server],
    [`${service}Client`, contract.client]
  ] as const) {
    const own = routes.filter((route) => !isStreamRoute(route))
    // Streams alone are a service, too.
    if (own.length === 0 && (streams === "neither" || routes === contract.client)) continue
    const methods = yield* Effect.forEach(own, method)
    services.push([`service ${name} {`, ...methods.flat(), "}"].join("\n"))
  }
  return [
    [`// ${String(contract.type)}, protocol ${shown(contract.protocol)}.`, 'syntax = "proto3";'].join("\n"),
    `package ${identifier(contract.type.manufacturer)};`,
    ...(imports.size === 0
      ? []
      : [
          [...imports]
            .toSorted()
            .map((path) => `import "${path}";`)
            .join("\n")
        ]),
    ...services,
    ...[...messages.values()].map((lines) => lines.join("\n"))
  ]
    .join("\n\n")
    .concat("\n")
})
