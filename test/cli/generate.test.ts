/** Modules that `troupe gen` writes: they say what the contract says, and nothing of it gets out of its literals. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema, SchemaRepresentation } from "effect"
import { Rpc } from "effect/rpc"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { format } from "../../src/cli/internal/generate/format.ts"
import { reserved } from "../../src/cli/internal/generate/names.ts"
import { revivers } from "../../src/cli/internal/generate/plain.ts"
import { remoteModule } from "../../src/cli/internal/generate/remoteModule.ts"
import { ActorType, Contract, DataStream, Protocol } from "../../src/net/index.ts"
import { contractOf, Shape, schemaOf, taking } from "../net/contracts.ts"
import { corpus } from "./corpus.ts"
import { bare, folder, load, protocolOf, root, sourcesOf, write } from "./generating.ts"

/** The fingerprint of what a contract's generated module exports. */
const again = Effect.fnUntraced(function* (contract: Contract.Contract) {
  const path = yield* folder
  const sources = yield* sourcesOf(contract)
  yield* write(path, sources)
  const protocols = yield* Effect.forEach(["remote", "local"], (name) =>
    Effect.map(load(join(path, `${name}.ts`)), protocolOf)
  )
  const { handlers } = yield* load(join(path, "scaffold.ts"))
  const routes = contract.server.map(({ name }) => name)
  // Those of streams are made by an effect.
  if (!routes.some((name) => name.startsWith("@"))) assert.sameMembers(Object.keys(Object(handlers)), routes)
  return yield* Effect.forEach(protocols, (protocol) =>
    protocol === undefined
      ? Effect.succeed("no protocol")
      : Effect.flatMap(Contract.make({ type: contract.type, protocol }), Contract.fingerprint)
  )
})

const remote = (contract: Contract.Contract) =>
  remoteModule({ name: "shop", contract, fingerprint: "f", range: ActorType.compatible(contract.type) })

describe("a generated module", () => {
  for (const [name, contract] of Object.entries(corpus)) {
    it.effect(`has the fingerprint of its contract: ${name}`, () =>
      Effect.gen(function* () {
        const original = yield* contract
        const fingerprint = yield* Contract.fingerprint(original)
        // As it comes from a file or the network, too.
        const read = yield* Contract.parse(Contract.print(original))
        assert.deepStrictEqual(yield* again(original), [fingerprint, fingerprint])
        assert.deepStrictEqual(yield* sourcesOf(read), yield* sourcesOf(original))
      })
    )
  }

  it.effect.prop(
    "has the fingerprint of its contract, whatever that says",
    [Shape],
    ([shape]) =>
      Effect.gen(function* () {
        const contract = yield* taking(schemaOf(shape, { otherwise: true }))
        const fingerprint = yield* Contract.fingerprint(contract)
        assert.deepStrictEqual(yield* again(contract), [fingerprint, fingerprint])
      }),
    { arbitrary: { runs: 25 } }
  )

  it.effect.prop(
    "has the fingerprint of its contract, whatever texts it has",
    [Schema.Array(Schema.NonEmptyString).check(Schema.isBetweenLength(5, 5))],
    ([[route = "", name = "", key = "", literal = "", start = ""]]) =>
      Effect.gen(function* () {
        const payload = Schema.Struct({
          [key]: Schema.Literals([literal, `${literal}2`]),
          [`${key}2`]: Schema.TemplateLiteral([literal, Schema.String]),
          [`${key}3`]: Schema.String.check(Schema.isStartingWith(start))
        }).annotate({ identifier: name, description: literal })
        const contract = yield* contractOf(Protocol.make(name, { server: [Rpc.make(`r${route}`, { payload })] }))
        const fingerprint = yield* Contract.fingerprint(contract)
        assert.deepStrictEqual(yield* again(contract), [fingerprint, fingerprint])
      }),
    { arbitrary: { runs: 25 } }
  )

  it.effect.prop(
    "has the fingerprint of its contract, whichever types have each other in them",
    [Schema.Array(Schema.Array(Schema.Literals([0, 1, 2, 3]))).check(Schema.isBetweenLength(4, 4))],
    ([edges]) =>
      Effect.gen(function* () {
        const nodes: ReadonlyArray<Schema.Codec<unknown>> = edges.map((to, index) =>
          Schema.Struct({
            own: Schema.Literal(index),
            ...Object.fromEntries(
              to.map((other) => [
                `f${other}`,
                Schema.optionalKey(Schema.suspend((): Schema.Codec<unknown> => nodes[other] ?? Schema.Never))
              ])
            )
          }).annotate({ identifier: `Node${index}` })
        )
        const routes = nodes.map((payload, index) => Rpc.make(`r${index}`, { payload }))
        const contract = yield* contractOf(Protocol.make("app:graph", { server: routes }))
        const fingerprint = yield* Contract.fingerprint(contract)
        assert.deepStrictEqual(yield* again(contract), [fingerprint, fingerprint])
      }),
    { arbitrary: { runs: 40 } }
  )

  it.effect("has its protocol under a name that it has not used already", () =>
    Effect.gen(function* () {
      for (const name of ["schema", "protocol", "actor-type", "handlers", "1st", "-"]) {
        yield* harmless(yield* corpus["streams"] ?? Effect.never, name)
      }
    })
  )

  it.effect("has handlers that say that they are not written", () =>
    Effect.gen(function* () {
      const path = yield* folder
      yield* write(path, yield* sourcesOf(yield* corpus["shop"] ?? Effect.never))
      const { handlers } = yield* load(join(path, "scaffold.ts"))
      const { order } = handlers as { readonly order: () => Effect.Effect<never> }
      assert.strictEqual(yield* Effect.catchDefect(order(), Effect.succeed), "order is not written yet")
    })
  )

  it.effect("is written as people would write it", () =>
    Effect.gen(function* () {
      const { local } = yield* sourcesOf(
        yield* taking(
          Schema.Struct({
            state: Schema.Literals(["on", "off"]),
            count: Schema.Int,
            price: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 9 })),
            at: Schema.optionalKey(Schema.DateTimeUtc)
          })
        )
      )
      for (const line of [
        'state: Schema.Literals(["on", "off"]),',
        "count: Schema.Int,",
        "price: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 9 })),",
        "at: Schema.optionalKey(Schema.DateTimeUtc),"
      ]) {
        assert.include(local, line)
      }
      // Nobody asks for its type.
      assert.notInclude(local, "effect/DateTime")
    })
  )

  it.effect("is formatted as the configuration of its place says", () =>
    Effect.gen(function* () {
      const written = Effect.fnUntraced(function* (config: string) {
        const path = yield* folder
        writeFileSync(join(path, ".prettierrc"), config)
        return yield* format(join(path, "a.ts"), 'export const a = "b"')
      })
      assert.strictEqual(yield* written('{ "semi": false, "singleQuote": true }'), "export const a = 'b'\n")
      const error = yield* Effect.flip(written("{ nonsense"))
      assert.strictEqual(error._tag, "NotFormatted")
      assert.include(error.message, "Look at the configuration of prettier for this path.")
    })
  )

  it.effect("is the same each time, and formatted as its place asks for", () =>
    Effect.gen(function* () {
      const contract = yield* corpus["shop"] ?? Effect.never
      const sources = yield* sourcesOf(contract, "shop-server")
      assert.deepStrictEqual(yield* sourcesOf(contract, "shop-server"), sources)
      for (const source of Object.values(sources)) {
        assert.strictEqual(yield* format(join(root, "generated.ts"), source), source)
      }
      assert.include(sources.remote, "export const ShopServer = Protocol.make(")
      assert.include(sources.remote, `// Fingerprint: ${yield* Contract.fingerprint(contract)}\n`)
      // The indent of .editorconfig.
      assert.include(
        sources.scaffold,
        '\n  order: (_payload, _connection) => Effect.die("order is not written yet"),\n'
      )
    })
  )

  it.effect("names what effect's own schemas import as no schema", () =>
    Effect.sync(() => {
      const missing = revivers.flatMap((reviver) => {
        const code: unknown = reviver.id.startsWith("effect/schema/is") ? undefined : importsOf(reviver)
        return Array.isArray(code) ? code.filter((name) => !reserved.has(name)) : []
      })
      assert.deepStrictEqual(missing, [])
    })
  )
})

/** The namespaces that the code of a declaration imports. */
const importsOf = (reviver: SchemaRepresentation.AnyReviver): ReadonlyArray<string> => {
  const typeParameters = [Schema.String, Schema.String, Schema.String]
  const payload = reviver.id.endsWith("Graph") ? "directed" : null
  if (!("revive" in reviver)) return []
  const input = { payload, typeParameters, schemas: [], annotations: undefined }
  const made: unknown = reviver.revive(input)
  if (!Schema.isSchema(made)) return []
  const code = SchemaRepresentation.toCodeDocument(
    SchemaRepresentation.toMultiDocument(SchemaRepresentation.toRepresentation(made.ast))
  )
  return code.artifacts.flatMap((artifact) =>
    artifact._tag === "Import" ? [artifact.importDeclaration.split(" ")[3] ?? ""] : []
  )
}

/** Texts that would run, if they got out of where they stand. */
const attacks = [
  '"); globalThis.pwned = 1; ("',
  "'); globalThis.pwned = 1; ('",
  "`; globalThis.pwned = 1; `",
  "${globalThis.pwned = 1}",
  "*/ globalThis.pwned = 1 /*",
  "\n globalThis.pwned = 1 //",
  "\r\u2028\u2029 globalThis.pwned = 1 //",
  '\\"); globalThis.pwned = 1 //',
  "globalThis.pwned = 1",
  "\u202e globalThis.pwned = 1",
  "</script>globalThis.pwned = 1"
]

/** A contract that says the text wherever it can. */
const hostile = Effect.fnUntraced(function* (text: string) {
  const schema = Schema.Struct({
    [text]: Schema.String,
    literal: Schema.Literals([text, `${text}2`]),
    template: Schema.TemplateLiteral([text, Schema.String]),
    enum: Schema.Enum({ [text]: text }),
    start: Schema.String.check(Schema.isStartingWith(text), Schema.isEndingWith(text), Schema.isIncluding(text)),
    pattern: Schema.String.check(Schema.isPattern(new RegExp(text.replaceAll(/[^\w\s]/g, "\\$&")))),
    loose: Schema.String.check(Schema.isPattern(/["'`]\/\); globalThis\.pwned = 1/)),
    label: Schema.Redacted(Schema.String, { label: text }),
    symbol: Schema.UniqueSymbol(Symbol.for(text)),
    [Symbol.for(`${text}3`)]: Schema.Int,
    noted: Schema.String.annotate({ title: text, description: text, documentation: text }),
    kept: Schema.String.pipe(Schema.annotateKey({ "troupe/proto": { field: 1, type: text, key: text }, title: text })),
    json: Schema.fromJsonString(Schema.Literal(text))
  }).annotate({ identifier: text })
  const self: Schema.Codec<unknown> = Schema.Struct({
    [text]: Schema.Array(Schema.suspend((): Schema.Codec<unknown> => self))
  }).annotate({ identifier: `${text}Self` })
  return yield* contractOf(
    Protocol.make(text, {
      server: [Rpc.make(text, { payload: schema, success: self, error: Schema.Literal(text) })],
      client: [Rpc.make(text, { payload: schema, stream: true })]
    })
  )
})

interface Json {
  readonly [key: string]: unknown
}

/** Changes each object of a document. */
const everywhere = (json: unknown, change: (node: Json) => Json): unknown =>
  Array.isArray(json)
    ? json.map((inner) => everywhere(inner, change))
    : typeof json === "object" && json !== null
      ? change(Object.fromEntries(Object.entries(json).map(([key, inner]) => [key, everywhere(inner, change)])))
      : json

/** What others could write into a document that no program of theirs would. */
const forged: Readonly<Record<string, (text: string) => (node: Json) => Json>> = {
  "annotations that are code": (text) => (node) =>
    "checks" in node || "_tag" in node
      ? { ...node, annotations: { toCode: text, "~toCode": text, runtime: text, identifier: [text], [text]: text } }
      : node,
  "payloads of checks": (text) => (node) =>
    "id" in node && typeof node["payload"] === "object" && node["payload"] !== null
      ? { ...node, payload: Object.fromEntries(Object.keys(node["payload"]).map((key) => [key, text])) }
      : node,
  "payloads of all kinds": (text) => (node) => ("id" in node ? { ...node, payload: text } : node),
  "ids of declarations and checks": (text) => (node) => ("id" in node ? { ...node, id: text } : node),
  "modes of unions": (text) => (node) => (node["_tag"] === "Union" ? { ...node, options: { mode: text } } : node),
  "numbers that are texts": (text) => (node) => (node["type"] === "number" ? { ...node, value: text } : node),
  "kinds of content": (text) => (node) => ("mediaType" in node ? { ...node, mediaType: text } : node),
  "more of everything": (text) => (node) =>
    "_tag" in node ? { ...node, [text]: text, importDeclarations: [text], code: text, runtime: text } : node
}

/** That source has nothing of an attack but in literals and comments, and does nothing when it is imported. */
const harmless = Effect.fnUntraced(function* (contract: Contract.Contract, name: string) {
  const path = yield* folder
  const sources = yield* sourcesOf(contract, name)
  for (const source of Object.values(sources)) {
    assert.notInclude(bare(source), "pwned")
    assert.notMatch(source, /[\u2028\u2029\u202e\r]/)
  }
  yield* write(path, sources)
  for (const module of ["remote", "local", "scaffold"]) yield* load(join(path, `${module}.ts`))
  assert.notProperty(globalThis, "pwned")
})

describe("a hostile contract", () => {
  it.effect("runs nothing, whatever its texts are", () =>
    Effect.forEach(attacks, (text) =>
      Effect.gen(function* () {
        const contract = yield* hostile(text)
        yield* harmless(contract, text)
        const fingerprint = yield* Contract.fingerprint(contract)
        assert.deepStrictEqual(yield* again(contract), [fingerprint, fingerprint])
      }).pipe(Effect.scoped)
    )
  )

  for (const [what, forge] of Object.entries(forged)) {
    it.effect(`runs nothing when it has forged ${what}`, () =>
      Effect.forEach(attacks, (text) =>
        Effect.gen(function* () {
          const plain = yield* hostile("a text")
          for (const original of [
            plain,
            yield* corpus["checks"] ?? Effect.never,
            yield* corpus["basics"] ?? Effect.never
          ]) {
            const json = everywhere(Contract.toJson(original), forge(text))
            const read = yield* Effect.result(Contract.fromJson(json))
            if (read._tag === "Failure") continue
            const result = yield* Effect.result(remote(read.success))
            if (result._tag === "Success") yield* harmless(read.success, "shop")
            else assert.strictEqual(result.failure._tag, "NotGenerated")
          }
        }).pipe(Effect.scoped)
      )
    )
  }

  it.effect("runs no code that it has been given itself", () =>
    Effect.gen(function* () {
      const contract = yield* taking(Schema.Date.check(Schema.isGreaterThanDate(new Date(0))))
      const evil = {
        toCode: () => ({ runtime: "globalThis.pwned = 1", Type: "globalThis.pwned", importDeclarations: ["pwned"] })
      }
      const route = contract.server[0]
      if (route?.payload._tag !== "Declaration") return assert.fail("no declaration")
      const checks = route.payload.checks.map((check) => ({ ...check, annotations: evil }))
      const payload = { ...route.payload, annotations: evil, checks }
      yield* harmless({ ...contract, server: [{ ...route, payload }] }, "shop")
    })
  )
})

const refused = Effect.fnUntraced(function* (protocol: Protocol.Any) {
  return (yield* Effect.flip(remote(yield* contractOf(protocol)))).message
})

describe("what can't be generated", () => {
  it.effect("declarations and checks that only their own program knows", () =>
    Effect.gen(function* () {
      const Mine = Schema.declare((value): value is number => value === 1, {
        representation: { id: "my/one", payload: null }
      })
      const check = Schema.makeFilter((value: string) => value.length > 1, {
        representation: { id: "my/check", payload: null }
      })
      assert.strictEqual(
        yield* refused(Protocol.make("p", { server: [Rpc.make("a", { payload: { items: Schema.Array(Mine) } })] })),
        'No code can be generated for the route "a" of acme/Shop@1.0.0: payload.items[] is declared as "my/one", which only its own program knows: let the contract have one of Schema\'s own in its place.'
      )
      assert.include(
        yield* refused(Protocol.make("p", { client: [Rpc.make("a", { success: Schema.String.check(check) })] })),
        'success has the check "my/check", which only its own program knows'
      )
    })
  )

  it.effect("routes of the system, and streams of another version", () =>
    Effect.gen(function* () {
      assert.include(
        yield* refused(Protocol.make("p", { server: [Rpc.make("@ping")] })),
        "its name begins with @, which is for the system's own: give it another"
      )
      const [chunks, ...others] = DataStream.routes
      assert.include(
        yield* refused(Protocol.make("p", { server: [chunks] })),
        '"@stream.attach" of acme/Shop@1.0.0: the server\'s route is not there, but others of streams are'
      )
      assert.include(
        yield* refused(Protocol.make("p", { client: [Rpc.make("@stream.chunks"), ...others] })),
        "the client's route is another than in this version of Troupe: generate with the version of Troupe that the client has"
      )
      assert.include(
        yield* refused(Protocol.make("p", { server: DataStream.routes })),
        "the routes of streams are those of the server alone, which handles none without the other side: give the client"
      )
      assert.include(
        yield* refused(Protocol.make("p", { client: [...DataStream.routes, Rpc.make("@stream.more")] })),
        "is none that this version of Troupe has"
      )
    })
  )

  it.effect("checks that effect does not make", () =>
    Effect.gen(function* () {
      const contract = yield* taking(Schema.Struct({ a: Schema.String.check(Schema.isMinLength(1)) }))
      const forged = everywhere(Contract.toJson(contract), (node) => ("id" in node ? { ...node, payload: "1" } : node))
      const error = yield* Effect.flip(remote(yield* Contract.fromJson(forged)))
      assert.include(
        error.message,
        'for the route "take" of acme/Shop@1.0.0: payload is none that effect makes (Invalid'
      )
    })
  )

  it.effect("schemas that effect reads as others", () =>
    Effect.gen(function* () {
      const contract = yield* taking(Schema.Record(Schema.String, Schema.Int))
      const literal = { _tag: "Literal", literal: { type: "string", value: "a" }, checks: [] }
      const forged = everywhere(Contract.toJson(contract), (node) =>
        "parameter" in node ? { ...node, parameter: literal } : node
      )
      const error = yield* Effect.flip(remote(yield* Contract.fromJson(forged)))
      assert.include(
        error.message,
        "is another one when it is read (the fingerprint is another): fetch the contract again"
      )
    })
  )

  it.effect("types without an end", () =>
    Effect.gen(function* () {
      const self: Schema.Codec<unknown> = Schema.Union([
        Schema.String,
        Schema.suspend((): Schema.Codec<unknown> => self)
      ]).annotate({ identifier: "Self" })
      assert.include(
        yield* refused(Protocol.make("p", { server: [Rpc.make("a", { payload: self })] })),
        "Self is one of several of which it is one itself: leave it out of them"
      )
      const torn: Schema.Codec<unknown, unknown> = Schema.Struct({
        text: Schema.fromJsonString(Schema.Int),
        more: Schema.Array(Schema.suspend((): Schema.Codec<unknown, unknown> => torn))
      }).annotate({ identifier: "Torn" })
      assert.include(
        yield* refused(Protocol.make("p", { server: [Rpc.make("a", { payload: torn })] })),
        "Torn has itself in it, and text that is JSON: let the text be a text"
      )
    })
  )
})
