/**
 * What a `.proto` file declares (proto3), as it stands there. What contracts don't have is refused with its line.
 */
import * as Effect from "effect/Effect"
import { InvalidProto } from "../../ContractError.ts"
import { shown } from "../shown.ts"
import { type Token, tokens } from "./protoTokens.ts"

export interface Field {
  readonly name: string
  readonly number: number
  readonly label: "repeated" | "optional" | ""
  /** As it stands there; of a map, that of its values. */
  readonly type: string
  /** Of a map, the type of its keys. */
  readonly key: string | undefined
  readonly oneof: string | undefined
  readonly line: number
}

export interface Message {
  readonly name: string
  readonly fields: ReadonlyArray<Field>
  readonly messages: ReadonlyArray<Message>
  readonly enums: ReadonlyArray<Enum>
  readonly line: number
}

export interface Enum {
  readonly name: string
  readonly values: ReadonlyArray<string>
  readonly line: number
}

export interface Method {
  readonly name: string
  readonly request: string
  readonly response: string
  readonly stream: boolean
  readonly line: number
}

export interface Service {
  readonly name: string
  readonly methods: ReadonlyArray<Method>
  readonly line: number
}

export interface File {
  readonly name: string
  readonly package: string
  readonly imports: ReadonlyArray<{ readonly path: string; readonly line: number }>
  readonly messages: ReadonlyArray<Message>
  readonly enums: ReadonlyArray<Enum>
  readonly services: ReadonlyArray<Service>
}

type Parsing<A> = Effect.Effect<A, InvalidProto>

const keyTypes = new Set(
  "int32 int64 uint32 uint64 sint32 sint64 fixed32 fixed64 sfixed32 sfixed64 bool string".split(" ")
)

export const parse = Effect.fnUntraced(function* (name: string, source: string): Effect.fn.Return<File, InvalidProto> {
  const all = yield* Effect.fromResult(tokens(name, source))
  const end: Token = { kind: "end", text: "the end of the file", line: 0 }
  let at = 0

  const peek = (): Token => all[at] ?? all.at(-1) ?? end
  const next = (): Token => {
    const token = peek()
    at++
    return token
  }
  const fail = (line: number, detail: string) => Effect.fail(new InvalidProto({ file: name, line, detail }))
  const unexpected = (token: Token, wanted: string) =>
    fail(token.line, `${token.kind === "end" ? token.text : shown(token.text)} stands where ${wanted} is expected`)

  const has = (text: string): boolean => peek().text === text && peek().kind !== "text"
  const skip = (text: string): boolean => {
    const found = has(text)
    if (found) at++
    return found
  }
  const expect = (text: string): Parsing<void> => (skip(text) ? Effect.void : unexpected(peek(), shown(text)))
  const take = (kind: Token["kind"], wanted: string): Parsing<Token> => {
    const token = next()
    return token.kind === kind ? Effect.succeed(token) : unexpected(token, wanted)
  }
  const identifier = (wanted: string): Parsing<string> => Effect.map(take("name", wanted), ({ text }) => text)

  /** A name with points, which may begin with one. */
  const path = Effect.fnUntraced(function* (wanted: string): Effect.fn.Return<string, InvalidProto> {
    let text = skip(".") ? "." : ""
    do text += `${text === "" || text === "." ? "" : "."}${yield* identifier(wanted)}`
    while (skip("."))
    return text
  })

  const integer = Effect.fnUntraced(function* (wanted: string): Effect.fn.Return<number, InvalidProto> {
    const sign = skip("-") ? -1 : 1
    const token = yield* take("number", wanted)
    // A zero in front makes it octal.
    const value = /^0[0-7]+$/.test(token.text) ? Number(`0o${token.text.slice(1)}`) : Number(token.text)
    return Number.isSafeInteger(value) ? sign * value : yield* unexpected(token, wanted)
  })

  /** Leaves out everything up to one of the signs, with what brackets it has inside. */
  const passOver = Effect.fnUntraced(function* (until: string): Effect.fn.Return<void, InvalidProto> {
    const first = peek()
    for (let depth = 0; depth > 0 || !has(until); at++) {
      const { kind, text } = peek()
      if (kind === "end") return yield* unexpected(peek(), `${shown(until)}, for what begins in line ${first.line},`)
      if (kind === "sign" && "{[(".includes(text)) depth++
      if (kind === "sign" && "}])".includes(text)) depth--
      if (depth < 0) return yield* unexpected(peek(), shown(until))
    }
    at++
  })

  /** What stands anywhere and changes nothing, or what contracts don't have. */
  const common = Effect.fnUntraced(function* (): Effect.fn.Return<boolean, InvalidProto> {
    const { kind, line, text } = peek()
    if (kind === "sign" && text === ";") {
      at++
      return true
    }
    // Unless it is the type of a field.
    const after = all[at + 1]
    if (kind !== "name" || after === undefined || after.text === ".") return false
    if (text === "option" || text === "reserved") {
      yield* passOver(";")
      return true
    }
    if (text === "extend" || text === "extensions" || text === "group") {
      return yield* fail(line, `${text} is not supported: write the fields into a message`)
    }
    return false
  })

  const number = Effect.fnUntraced(function* (field: string): Effect.fn.Return<number, InvalidProto> {
    const { line } = peek()
    const value = yield* integer(`the number of ${shown(field)}`)
    const isAllowed = value >= 1 && value <= 536_870_911 && (value < 19_000 || value > 19_999)
    if (isAllowed) return value
    return yield* fail(line, `${shown(field)} has the number ${value}: use 1 to 536870911, but for 19000 to 19999`)
  })

  const ending = Effect.fnUntraced(function* (): Effect.fn.Return<void, InvalidProto> {
    if (skip("[")) yield* passOver("]")
    yield* expect(";")
  })

  const field = Effect.fnUntraced(function* (oneof: string | undefined): Effect.fn.Return<Field, InvalidProto> {
    const { line, text } = peek()
    const after = all[at + 1]
    // A type may have the name of a label.
    const isLabel = ["repeated", "optional", "required"].includes(text) && after?.kind !== "sign"
    if (isLabel) at++
    if (isLabel && text === "required") return yield* fail(line, "required is of proto2: leave it out")
    const label = isLabel && (text === "repeated" || text === "optional") ? text : ""
    if (label !== "" && oneof !== undefined)
      return yield* fail(line, `a oneof has no ${label} fields: leave the word out`)
    if (has("group")) return yield* fail(line, "group is not supported: use a message")
    if (has("map") && all[at + 1]?.text === "<") {
      at += 2
      const key = yield* identifier("the type of the keys")
      if (!keyTypes.has(key))
        return yield* fail(line, `${shown(key)} can't be the type of keys: use string or an integer`)
      yield* expect(",")
      const type = yield* path("the type of the values")
      yield* expect(">")
      if (label !== "" || oneof !== undefined)
        return yield* fail(line, "a map stands by itself: leave out repeated, optional and oneof")
      return yield* named({ label, type, key, oneof, line })
    }
    return yield* named({ label, type: yield* path("the type of a field"), key: undefined, oneof, line })
  })

  const named = Effect.fnUntraced(function* (
    rest: Omit<Field, "name" | "number">
  ): Effect.fn.Return<Field, InvalidProto> {
    const name = yield* identifier("the name of a field")
    yield* expect("=")
    const own = yield* number(name)
    yield* ending()
    return { ...rest, name, number: own }
  })

  const once = Effect.fnUntraced(function* <A extends { readonly line: number }>(
    items: ReadonlyArray<A>,
    what: string,
    key: (item: A) => string | number
  ): Effect.fn.Return<void, InvalidProto> {
    const seen = new Map<string | number, number>()
    for (const item of items) {
      const before = seen.get(key(item))
      if (before !== undefined) {
        return yield* fail(item.line, `the ${what} ${key(item)} is that of line ${before} already: give it another`)
      }
      seen.set(key(item), item.line)
    }
  })

  const MaxDepth = 64

  const message = Effect.fnUntraced(function* (depth: number): Effect.fn.Return<Message, InvalidProto> {
    const { line } = next()
    if (depth > MaxDepth)
      return yield* fail(line, `messages stand more than ${MaxDepth} deep in each other: move them out`)
    const own = yield* identifier("the name of a message")
    const fields: Array<Field> = []
    const oneofs: Array<{ readonly name: string; readonly line: number }> = []
    const messages: Array<Message> = []
    const enums: Array<Enum> = []
    yield* expect("{")
    while (!skip("}")) {
      const isDeclaration = all[at + 1]?.kind === "name" && all[at + 2]?.text === "{"
      if (yield* common()) continue
      if (isDeclaration && has("message")) messages.push(yield* message(depth + 1))
      else if (isDeclaration && has("enum")) enums.push(yield* enumeration())
      else if (isDeclaration && has("oneof")) {
        const { line } = next()
        const name = yield* identifier("the name of a oneof")
        oneofs.push({ name, line })
        yield* expect("{")
        const before = fields.length
        while (!skip("}")) if (!(yield* common())) fields.push(yield* field(name))
        if (fields.length === before) return yield* fail(line, `the oneof ${shown(name)} is empty: give it a field`)
      } else fields.push(yield* field(undefined))
    }
    yield* once([...fields, ...oneofs], "name", ({ name }) => name)
    yield* once(fields, "number", ({ number }) => number)
    return { name: own, fields, messages, enums, line }
  })

  const enumeration = Effect.fnUntraced(function* (): Effect.fn.Return<Enum, InvalidProto> {
    const { line } = next()
    const own = yield* identifier("the name of an enum")
    const values: Array<{ readonly name: string; readonly number: number; readonly line: number }> = []
    yield* expect("{")
    while (!skip("}")) {
      if (yield* common()) continue
      const { line } = peek()
      const name = yield* identifier("the name of a value")
      yield* expect("=")
      values.push({ name, number: yield* integer("the number of a value"), line })
      yield* ending()
    }
    const [first] = values
    if (first?.number !== 0)
      return yield* fail(first?.line ?? line, `the first value of the enum ${shown(own)} has to be 0`)
    yield* once(values, "name", ({ name }) => name)
    return { name: own, values: values.map(({ name }) => name), line }
  })

  const service = Effect.fnUntraced(function* (): Effect.fn.Return<Service, InvalidProto> {
    const { line } = next()
    const own = yield* identifier("the name of a service")
    const methods: Array<Method> = []
    yield* expect("{")
    while (!skip("}")) {
      if (yield* common()) continue
      const { line } = peek()
      yield* expect("rpc")
      const name = yield* identifier("the name of an rpc")
      const request = yield* operand()
      if (request.stream) {
        const detail = `${shown(name)} takes a stream, which contracts have not: let the other side answer with one, or use a DataStream`
        return yield* fail(line, detail)
      }
      yield* expect("returns")
      const response = yield* operand()
      methods.push({ name, request: request.type, response: response.type, stream: response.stream, line })
      if (skip("{")) yield* passOver("}")
      else yield* expect(";")
    }
    yield* once(methods, "name", ({ name }) => name)
    return { name: own, methods, line }
  })

  const operand = Effect.fnUntraced(function* () {
    yield* expect("(")
    // A message may have the name, too.
    const stream = has("stream") && all[at + 1]?.text !== ")" && all[at + 1]?.text !== "." && skip("stream")
    const type = yield* path("the name of a message")
    yield* expect(")")
    return { stream, type }
  })

  if (has("edition")) return yield* fail(peek().line, 'editions are not supported: write syntax = "proto3";')
  const proto3 = 'write syntax = "proto3"; at the top, and what it asks for'
  if (!skip("syntax")) return yield* fail(peek().line, `the file does not say which syntax it has: ${proto3}`)
  yield* expect("=")
  const syntax = yield* take("text", "the syntax, in quotes,")
  if (syntax.text !== "proto3") return yield* fail(syntax.line, `the syntax is ${shown(syntax.text)}: ${proto3}`)
  yield* expect(";")

  let packaged: string | undefined
  const imports: Array<{ readonly path: string; readonly line: number }> = []
  const messages: Array<Message> = []
  const enums: Array<Enum> = []
  const services: Array<Service> = []
  while (peek().kind !== "end") {
    if (yield* common()) continue
    const { line } = peek()
    if (has("message")) messages.push(yield* message(0))
    else if (has("enum")) enums.push(yield* enumeration())
    else if (has("service")) services.push(yield* service())
    else if (skip("import")) {
      if (has("weak")) return yield* fail(line, "weak imports are not supported: leave the word out")
      skip("public")
      imports.push({ path: (yield* take("text", "the path of a file, in quotes,")).text, line })
      yield* expect(";")
    } else if (skip("package")) {
      if (packaged !== undefined) return yield* fail(line, "the file has a second package: leave it out")
      packaged = yield* path("the name of a package")
      yield* expect(";")
    } else return yield* unexpected(peek(), "message, enum, service, import, package or option")
  }
  return { name, package: packaged ?? "", imports, messages, enums, services }
})
