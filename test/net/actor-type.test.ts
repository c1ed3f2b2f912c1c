/** Types of actors: what they print, what they read, and which versions a client accepts. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Equal, Schema } from "effect"
import { ActorType } from "../../src/net/index.ts"

const bad = [
  "",
  "acme",
  "acme/Echo",
  "acme/Echo@",
  "acme/Echo@1",
  "acme/Echo@1.2",
  "acme/Echo@v1.2.3",
  "acme/Echo@1.2.3@4",
  "acme/Echo/More@1.2.3",
  "/Echo@1.2.3",
  "acme/@1.2.3",
  "acme/Ec ho@1.2.3",
  "acme/1Echo@1.2.3",
  "äcme/Echo@1.2.3",
  "acme/Echo@01.2.3"
]

const badRanges = ["", "acme", "acme/Echo@", "acme/Echo@ ", "acme/Echo@newest", "acme/Echo/More@1", "/Echo@1.x"]

describe("ActorType", () => {
  it.effect.prop("a type reads as it prints", [ActorType.ActorType], ([type]) =>
    Effect.gen(function* () {
      const read = yield* ActorType.parse(String(type))
      assert.isTrue(Equal.equals(read, type))
      assert.strictEqual(String(read), String(type))
    })
  )

  it.effect("keeps what stands behind the version", () =>
    Effect.gen(function* () {
      const text = "acme/stream-echo_2@1.2.0-beta.1+build.5"
      assert.strictEqual(String(yield* ActorType.parse(text)), text)
    })
  )

  it.effect.each(bad)("refuses %j", (text) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(ActorType.parse(text))
      assert.strictEqual(error._tag, "InvalidArgument")
    })
  )

  it.effect.each(badRanges)("refuses the range %j", (text) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(ActorType.parseRange(text))
      assert.strictEqual(error._tag, "InvalidArgument")
    })
  )

  it.effect("says what is wrong", () =>
    Effect.gen(function* () {
      const messages = yield* Effect.forEach(["acme/Echo", "acme/Ec ho@1.0.0", "Echo@1.0.0"], (text) =>
        Effect.map(Effect.flip(ActorType.parse(text)), ({ message }) => message)
      )
      assert.deepStrictEqual(messages, [
        'actor type is "acme/Echo", and has no version: write it behind an @, as in acme/Echo@1.2.0.',
        'name is "Ec ho": use letters, digits, - and _, and begin with a letter.',
        'actor type is "Echo@1.0.0", and reads manufacturer/name@version.'
      ])
    })
  )

  it.effect("travels by its schema", () =>
    Effect.gen(function* () {
      const codec = Schema.toCodecJson(ActorType.ActorType)
      const type = yield* ActorType.parse("acme/Echo@1.2.0")
      const json = yield* Schema.encodeEffect(codec)(type)
      assert.deepStrictEqual(json, { manufacturer: "acme", name: "Echo", version: "1.2.0" })
      assert.isTrue(Equal.equals(yield* Schema.decodeEffect(codec)(json), type))
      const error = yield* Effect.flip(
        Schema.decodeUnknownEffect(codec)({ manufacturer: "acme", name: "../etc", version: "1.2.0" })
      )
      assert.include(error.message, "a name of letters")
    })
  )

  it.effect("sorts by name, and the oldest version first", () =>
    Effect.gen(function* () {
      const texts = ["b/A@1.0.0", "a/B@1.10.0", "a/B@1.9.0", "a/B@1.9.0-rc.1", "a/A@2.0.0"]
      const types = yield* Effect.forEach(texts, ActorType.parse)
      assert.deepStrictEqual(types.toSorted(ActorType.Order).map(String), [
        "a/A@2.0.0",
        "a/B@1.9.0-rc.1",
        "a/B@1.9.0",
        "a/B@1.10.0",
        "b/A@1.0.0"
      ])
    })
  )

  it.effect.each([
    ["acme/Echo@^1.2.0", "acme/Echo@1.9.9", true],
    ["acme/Echo@^1.2.0", "acme/Echo@2.0.0", false],
    ["acme/Echo@^1.2.0", "acme/Echo@1.1.0", false],
    ["acme/Echo@^0.2.0", "acme/Echo@0.3.0", false],
    ["acme/Echo@1.x || 3.x", "acme/Echo@3.1.0", true],
    ["acme/Echo@>=1 <3", "acme/Echo@3.0.0", false],
    ["acme/Echo", "acme/Echo@7.0.0", true],
    ["acme/Echo", "acme/Echo@7.0.0-rc.1", false],
    ["acme/Echo@*", "acme/Other@1.0.0", false],
    ["acme/Echo@*", "other/Echo@1.0.0", false]
  ] as const)("%s of %s: %s", ([range, type, accepted]) =>
    Effect.gen(function* () {
      assert.strictEqual(ActorType.accepts(yield* ActorType.parseRange(range), yield* ActorType.parse(type)), accepted)
    })
  )

  it.effect("a client accepts what keeps to the version that it was made for", () =>
    Effect.gen(function* () {
      const range = ActorType.compatible(yield* ActorType.parse("acme/Echo@1.2.3"))
      assert.strictEqual(String(range), "acme/Echo@^1.2.3")
      assert.isTrue(Equal.equals(yield* ActorType.parseRange(String(range)), range))
    })
  )
})
