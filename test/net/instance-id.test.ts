import { assert, describe, it } from "@effect/vitest"
import { Effect, Equal, FileSystem, Hash, Schema } from "effect"
import { layer as NodeFileSystemLive } from "@effect/platform-node/NodeFileSystem"
import { InvalidArgument } from "../../src/net/ConnectionError.ts"
import {
  fromEnvironment,
  InstanceId,
  make,
  parse,
  type RuntimeType,
  socketPath,
  toEnvironment
} from "../../src/net/InstanceId.ts"
import * as Unix from "../../src/net/transport/node/Unix.ts"
import { served, texts, bytes } from "./sockets.ts"

const id = (namespace: string, instance = "1", runtime: RuntimeType = "process") =>
  new InstanceId({ runtime, namespace, instance })

const refusal = <A>(effect: Effect.Effect<A, InvalidArgument>) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.instanceOf(error, InvalidArgument)
    return error.message
  })

// What means something in texts, paths, URLs or environments, beside letters.
const Awkward = Schema.NonEmptyArray(
  Schema.Literals([
    "a",
    "b",
    "A",
    "-",
    ".",
    "~",
    "/",
    "%",
    "%2F",
    "\\",
    " ",
    "\n",
    "\0",
    "=",
    "é",
    "e\u0301",
    "😀",
    ".sock"
  ])
)
const Part = Schema.Union([InstanceId.fields.namespace, Awkward])
const textOf = (part: typeof Part.Type): string => (typeof part === "string" ? part : part.join(""))

describe("instance ids", () => {
  it.effect("K43 are equal when their parts are, and not otherwise", () =>
    Effect.gen(function* () {
      const made = yield* make({ runtime: "process", namespace: "a", instance: "1" })
      assert.isTrue(Equal.equals(made, id("a")))
      assert.strictEqual(Hash.hash(made), Hash.hash(id("a")))
      for (const other of [id("b"), id("a", "2"), id("a", "1", "worker")]) assert.isFalse(Equal.equals(made, other))
    })
  )

  it.effect.prop("what one prints is read as the same, and by its schema", [InstanceId], ([given]) =>
    Effect.gen(function* () {
      assert.isTrue(Equal.equals(yield* parse(String(given)), given))
      const encoded = JSON.stringify(yield* Schema.encodeEffect(InstanceId)(given))
      assert.isTrue(Equal.equals(yield* Schema.decodeUnknownEffect(InstanceId)(JSON.parse(encoded)), given))
      assert.isTrue(Equal.equals(yield* fromEnvironment(toEnvironment(given)), given))
    })
  )

  it.effect.prop(
    "K43 what one prints has no part of another in it, and nothing that an environment can't have",
    [Part, Part, Part, Part],
    (parts) =>
      Effect.gen(function* () {
        const [a, b, c, d] = parts.map(textOf)
        const [one, other] = [id(a!, b), id(c!, d)]
        assert.isTrue(Equal.equals(yield* parse(String(one)), one))
        assert.strictEqual(String(one) === String(other), Equal.equals(one, other))
        assert.match(toEnvironment(one).TROUPE_INSTANCE, /^process\/[!-.0-~]+\/[!-.0-~]+$/)
      })
  )

  it.effect("a part that is empty, or no text, is refused with its name", () =>
    Effect.gen(function* () {
      const refused = (namespace: string, instance: string) =>
        refusal(make({ runtime: "process", namespace, instance }))
      assert.strictEqual(yield* refused("", "1"), "namespace is empty: give it at least one character.")
      assert.strictEqual(yield* refused("a", ""), "instance is empty: give it at least one character.")
      assert.strictEqual(yield* refused("a", "\uD800"), 'instance is "\\ud800", with half a character.')
      const decode = Schema.decodeUnknownEffect(InstanceId)
      for (const namespace of ["", "\uDC00a"]) {
        yield* Effect.flip(decode({ runtime: "process", namespace, instance: "1" }))
      }
    })
  )

  it.effect("a text of another form is refused", () =>
    Effect.gen(function* () {
      const form = (text: string) => `instance id is ${JSON.stringify(text)}, and reads runtime/namespace/instance.`
      for (const text of ["", "process", "process/a", "process/a/b/c", "process/%/b", "process/%ff/b"]) {
        assert.strictEqual(yield* refusal(parse(text)), form(text))
      }
      assert.strictEqual(
        yield* refusal(parse("docker/a/b")),
        'instance id is "docker/a/b", and begins with one of process, worker, wasm, kubernetes.'
      )
      assert.include(yield* refusal(parse("process//b")), "namespace is empty")
      assert.include(yield* refusal(parse("process/a/")), "instance is empty")
    })
  )

  it.effect("what a person has written less carefully is read", () =>
    Effect.gen(function* () {
      assert.isTrue(Equal.equals(yield* parse("process/app:images/node 1"), id("app:images", "node 1")))
    })
  )

  it.effect("an environment that says nothing, or something else, is refused", () =>
    Effect.gen(function* () {
      assert.strictEqual(
        yield* refusal(fromEnvironment({ PATH: "/usr/bin" })),
        "TROUPE_INSTANCE is not in the environment: have its runtime start this program."
      )
      assert.include(yield* refusal(fromEnvironment({ TROUPE_INSTANCE: "1" })), 'TROUPE_INSTANCE is "1"')
    })
  )
})

describe("socket paths", () => {
  it.effect("can be read where the name allows it", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* socketPath(id("images"), "/run/troupe"), "/run/troupe/process.images.1.sock")
      assert.strictEqual(yield* socketPath(id("images"), "/run/troupe/"), "/run/troupe/process.images.1.sock")
      assert.match(yield* socketPath(id("app:Images"), "/run"), /^\/run\/process\.app--mages\.1~[0-9a-f]{32}\.sock$/)
    })
  )

  it.effect.prop(
    "K43 those of two names differ, also where a file system takes A for a, and none leaves its folder or is too long",
    [Part, Part, Part, Part, Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 64 }))],
    ([a, b, c, d, length]) =>
      Effect.gen(function* () {
        const folder = `/${"f".repeat(length - 1)}`
        const base = length === 1 ? "/" : `${folder}/`
        const [one, other] = [id(textOf(a), textOf(b)), id(textOf(c), textOf(d))]
        const paths = [yield* socketPath(one, folder), yield* socketPath(other, folder)]
        assert.strictEqual(paths[0]!.toLowerCase() === paths[1]!.toLowerCase(), Equal.equals(one, other))
        for (const path of paths) {
          assert.isAtMost(Buffer.byteLength(path), 103)
          assert.strictEqual(path.slice(0, base.length), base)
          assert.match(path.slice(base.length), /^[a-z0-9_.~-]+\.sock$/)
        }
      })
  )

  it.effect("K43 those of names that look alike differ", () =>
    Effect.gen(function* () {
      const long = "a".repeat(200)
      const alike = [
        id("a.b", "c"),
        id("a", "b.c"),
        id("a", "b-c"),
        id("a-b", "c"),
        id("A-b", "c"),
        id("a", "b-c", "worker"),
        id("é"),
        id("e\u0301"),
        id(`${long}1`),
        id(`${long}2`),
        id(`${long}b`, "c"),
        id(long, "bc"),
        id("A", "b-c"),
        id("A", "b.c")
      ]
      // A name that reads as the path of another one.
      const [hash] = /~[0-9a-f]{32}/.exec(yield* socketPath(id("A", "b"), "/run"))!
      alike.push(id("A", "b"), id("-", `b${hash}`))
      const paths = yield* Effect.forEach(alike, (one) => socketPath(one, "/run"))
      assert.strictEqual(new Set(paths).size, alike.length)
    })
  )

  it.effect("a folder that is empty, or too long, is refused whatever the name", () =>
    Effect.gen(function* () {
      assert.strictEqual(
        yield* refusal(socketPath(id("a"), "")),
        "folder is empty: give the path of one that is there."
      )
      const folder = `/${"f".repeat(63)}`
      assert.strictEqual(yield* socketPath(id("a"), folder), `${folder}/process.a.1.sock`)
      for (const name of ["a", "A"]) {
        assert.include(yield* refusal(socketPath(id(name), `${folder}é`)), "2 bytes too long for sockets in it.")
      }
    })
  )

  it.live("K43 can be listened on, and each leads to its own instance", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* fs.makeTempDirectoryScoped({ prefix: "t" })
      const ids = [id("images"), id("Images"), id("x".repeat(300))]
      const listening = yield* Effect.forEach(ids, (one) =>
        Effect.flatMap(socketPath(one, folder), (path) => served(Unix.make({ path })))
      )
      for (const [at, { next, transport }] of listening.entries()) {
        const wire = yield* transport.connect
        yield* wire.send(bytes(String(ids[at])))
        assert.deepStrictEqual(yield* texts(yield* next), [String(ids[at])])
      }
    }).pipe(Effect.provide(NodeFileSystemLive))
  )
})
