/**
 * Contracts of `.proto` files: their services as routes, their messages as schemas.
 */
import * as Effect from "effect/Effect"
import { Rpc } from "effect/rpc"
import * as Schema from "effect/Schema"
import type { ActorType } from "../../ActorType.ts"
import type { Contract } from "../../Contract.ts"
import { InvalidProto } from "../../ContractError.ts"
import * as DataStream from "../../DataStream.ts"
import * as Protocol from "../../Protocol.ts"
import { shown } from "../shown.ts"
import * as document from "./document.ts"
import { FieldKey, type FieldNote } from "./protoNotes.ts"
import { type Enum, type Field, type File, type Message, parse, type Service } from "./protoParsing.ts"
import { fileOf, files as knownFiles, scalars, streamsFile, wellKnown } from "./protoTypes.ts"

export interface ProtoOptions {
  readonly files: ReadonlyArray<{ readonly name: string; readonly text: string }>
  readonly main: string
  readonly type: ActorType
  readonly protocol: string
  readonly service?: string
}

type Declared =
  | { readonly _tag: "Message"; readonly message: Message; readonly file: string; readonly local: string }
  | { readonly _tag: "Enum"; readonly enumeration: Enum }

export const read = Effect.fnUntraced(function* (options: ProtoOptions): Effect.fn.Return<Contract, InvalidProto> {
  const main = yield* load(options.files, options.main)
  const [first] = main
  const service = yield* serviceOf(first, options.service)
  const client = first.services.find(({ name }) => name === `${service.name}Client`)
  const schemas = schemasOf(main)
  const rpcs = Effect.fnUntraced(function* (service: Service | undefined) {
    const all: Array<Rpc.AnyWithProps> = []
    for (const { line, name, request, response, stream } of service?.methods ?? []) {
      const payload = yield* schemas.operand(first, request, line)
      const success = yield* schemas.operand(first, response, line)
      all.push(stream ? Rpc.make(name, { payload, success, stream }) : Rpc.make(name, { payload, success }))
    }
    return all
  })
  const streams = first.imports.some(({ path }) => path === streamsFile) ? DataStream.routes : []
  const protocol = Protocol.make(options.protocol, {
    server: [...(yield* rpcs(service)), ...streams],
    client: [...(yield* rpcs(client)), ...streams]
  })
  // All of its schemas are such as can be written.
  return yield* Effect.orDie(document.make({ type: options.type, protocol }))
})

const fail = (file: string, line: number, detail: string) => Effect.fail(new InvalidProto({ file, line, detail }))

/** A file, and those that it imports, and those that they import. */
const load = Effect.fnUntraced(function* (
  files: ProtoOptions["files"],
  main: string
): Effect.fn.Return<readonly [File, ...Array<File>], InvalidProto> {
  const textOf = (path: string) => files.find(({ name }) => name === path)?.text
  const text = textOf(main)
  if (text === undefined) return yield* fail(main, 0, `the file is not there: give it among the files`)
  const loaded: [File, ...Array<File>] = [yield* parse(main, text)]
  // Grows under way.
  for (const file of loaded) {
    for (const { line, path } of file.imports) {
      if (loaded.some(({ name }) => name === path) || knownFiles.has(path) || path === streamsFile) continue
      const found = textOf(path)
      if (found !== undefined) loaded.push(yield* parse(path, found))
      else if (path.startsWith("google/protobuf/")) {
        const known = [...knownFiles].map((file) => file.split("/").at(-1)).join(", ")
        return yield* fail(file.name, line, `${shown(path)} is not supported: of google/protobuf there are ${known}`)
      } else
        return yield* fail(file.name, line, `${shown(path)} is not there: give it among the files, under this name`)
    }
  }
  return loaded
})

const serviceOf = (file: File, wanted: string | undefined): Effect.Effect<Service, InvalidProto> => {
  const names = file.services.map(({ name }) => name)
  const isClient = (name: string) => name.endsWith("Client") && names.includes(name.slice(0, -"Client".length))
  const candidates = file.services.filter(({ name }) => (wanted === undefined ? !isClient(name) : name === wanted))
  const [first, second] = candidates
  if (first !== undefined && second === undefined) return Effect.succeed(first)
  if (names.length === 0) return fail(file.name, 0, "the file has no service: give the one that has it as main")
  const list = names.map(shown).join(", ")
  return wanted === undefined
    ? fail(file.name, second?.line ?? 0, `the file has several services: say which, one of ${list}`)
    : fail(file.name, 0, `the file has no service ${shown(wanted)}: use one of ${list}`)
}

const schemasOf = (files: ReadonlyArray<File>) => {
  const declared = new Map<string, Declared>()
  const imported = new Set(files.flatMap(({ imports }) => imports.map(({ path }) => path)))
  for (const file of files) {
    const within = (scope: string, local: string, messages: ReadonlyArray<Message>, enums: ReadonlyArray<Enum>) => {
      for (const enumeration of enums) declared.set(scope + enumeration.name, { _tag: "Enum", enumeration })
      for (const message of messages) {
        const name = scope + message.name
        declared.set(name, { _tag: "Message", message, file: file.name, local: local + message.name })
        within(`${name}.`, `${local}${message.name}_`, message.messages, message.enums)
      }
    }
    within(file.package === "" ? "" : `${file.package}.`, "", file.messages, file.enums)
  }

  const built = new Map<string, Schema.Top>()
  const building = new Set<string>()

  /** The full name of a type that is named in a scope: the innermost that there is. */
  const nameIn = (scope: string, type: string): string | undefined => {
    const isThere = (name: string) => declared.has(name) || wellKnown.has(name)
    if (type.startsWith(".")) return isThere(type.slice(1)) ? type.slice(1) : undefined
    for (let at = scope; ; at = at.slice(0, Math.max(0, at.lastIndexOf(".")))) {
      const name = at === "" ? type : `${at}.${type}`
      if (isThere(name)) return name
      if (at === "") return undefined
    }
  }

  const named = Effect.fnUntraced(function* (
    file: string,
    scope: string,
    type: string,
    line: number
  ): Effect.fn.Return<Named, InvalidProto> {
    const name = nameIn(scope, type)
    if (name === undefined) {
      const detail = `there is no type ${shown(type)}: declare it, or import the file that does`
      return yield* fail(file, line, detail)
    }
    const found = declared.get(name)
    if (found === undefined) {
      const known = wellKnown.get(name)
      const path = fileOf(name)
      if (known === undefined || path === undefined || !imported.has(path)) {
        return yield* fail(file, line, `${shown(type)} is not there: import ${shown(path ?? "its file")}`)
      }
      return { schema: known, isMessage: true, isEmpty: name === "google.protobuf.Empty" }
    }
    if (found._tag === "Enum") {
      return { schema: Schema.Literals(found.enumeration.values), isMessage: false, isEmpty: false }
    }
    const before = built.get(name)
    if (before !== undefined) return { schema: before, isMessage: true, isEmpty: false }
    // It is there when somebody looks at it.
    if (building.has(name)) {
      return { schema: Schema.suspend(() => built.get(name) ?? Schema.Never), isMessage: true, isEmpty: false }
    }
    building.add(name)
    const schema = (yield* struct(found, name)).annotate({ identifier: found.local })
    built.set(name, schema)
    return { schema, isMessage: true, isEmpty: false }
  })

  const struct = Effect.fnUntraced(function* (
    { file, message }: Extract<Declared, { readonly _tag: "Message" }>,
    scope: string
  ): Effect.fn.Return<Schema.Struct<Schema.Struct.Fields>, InvalidProto> {
    const fields: Array<readonly [string, Schema.Top]> = []
    const cases = new Map<string, Array<Schema.Top>>()
    for (const field of message.fields) {
      const scalar = scalars.get(field.type)
      const type: Named =
        scalar === undefined
          ? yield* named(file, scope, field.type, field.line)
          : { schema: scalar, isMessage: false, isEmpty: false }
      // Where nothing else can be said, it is an empty message.
      const value = type.isEmpty ? Schema.Struct({}) : type.schema
      const note = { [FieldKey]: noteOf(field, scalar !== undefined) }
      if (field.oneof !== undefined) {
        const one = Schema.Struct({ _tag: Schema.Literal(field.name), value: value.pipe(Schema.annotateKey(note)) })
        const before = cases.get(field.oneof)
        if (before === undefined) cases.set(field.oneof, [one])
        else before.push(one)
        // In the place of its first.
        if (before === undefined) fields.push([field.oneof, Schema.Never])
      } else if (field.key !== undefined) {
        fields.push([field.name, Schema.Record(Schema.String, value).pipe(Schema.annotateKey(note))])
      } else if (field.label === "repeated") {
        fields.push([field.name, Schema.Array(value).pipe(Schema.annotateKey(note))])
      } else if (field.label === "optional" || type.isMessage) {
        fields.push([field.name, Schema.optionalKey(value).pipe(Schema.annotateKey(note))])
      } else fields.push([field.name, value.pipe(Schema.annotateKey(note))])
    }
    return Schema.Struct(
      Object.fromEntries(
        fields.map(([name, schema]) => {
          const union = cases.get(name)
          return [name, union === undefined ? schema : Schema.optionalKey(Schema.Union(union))]
        })
      )
    )
  })

  /** What an rpc takes or gives. */
  const operand = Effect.fnUntraced(function* (
    file: File,
    type: string,
    line: number
  ): Effect.fn.Return<Schema.Top, InvalidProto> {
    const found = yield* named(file.name, file.package, type, line)
    if (found.isEmpty) return Schema.Void
    return found.isMessage ? found.schema : yield* fail(file.name, line, `${shown(type)} is no message: use one`)
  })

  return { operand }
}

interface Named {
  readonly schema: Schema.Top
  readonly isMessage: boolean
  readonly isEmpty: boolean
}

const noteOf = (field: Field, isScalar: boolean): FieldNote => ({
  field: field.number,
  ...(isScalar && field.key === undefined ? { type: field.type } : {}),
  ...(field.key === undefined ? {} : { key: field.key })
})
