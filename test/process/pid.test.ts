import { assert, describe, it } from "@effect/vitest"
import { Effect, Equal, Exit, Hash, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Pid, Process } from "troupe"
import { host } from "../support/processes.ts"

describe("Pid", () => {
  it.effect("prints as {host|0x00001} and parses back", () =>
    Effect.gen(function* () {
      const Idle = Process.make("test:idle")
      const [first, second] = yield* Effect.gen(function* () {
        return [yield* Process.spawn(Idle), yield* Process.spawn(Idle)] as const
      }).pipe(Effect.provide(Idle.toLayer(() => Effect.never)))
      assert.strictEqual(String(first), "{app:processes|0x00001}")
      assert.strictEqual(String(second), "{app:processes|0x00002}")
      assert.isTrue(Equal.equals(yield* Pid.parse(String(first)), first))
      assert.isFalse(Equal.equals(first, second))
    }).pipe(Effect.provide(host))
  )

  it.effect("names its node when it has one", () =>
    Effect.gen(function* () {
      const pid = yield* Pid.parse("{east@app:processes|0x0000a}")
      assert.deepStrictEqual([pid.node, pid.host, pid.id], ["east", "app:processes", 10])
      assert.strictEqual(String(pid), "{east@app:processes|0x0000a}")
      assert.isFalse(Equal.equals(pid, yield* Pid.parse("{app:processes|0x0000a}")))
    })
  )

  it.effect("prints more than five digits when it has to", () =>
    Effect.gen(function* () {
      assert.strictEqual(String(yield* Pid.parse("{h|0x123456}")), "{h|0x123456}")
    })
  )

  for (const input of [
    "",
    "{}",
    "app|0x1",
    "{app|1}",
    "{app|0x}",
    "{app|0xZZ}",
    "{|0x1}",
    "{a b|0x1}",
    "{@h|0x1}",
    "{h|0x0}",
    "{h|0xffffffffffffff}",
    " {h|0x1}"
  ]) {
    it.effect(`refuses ${JSON.stringify(input)} with InvalidPid`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(Pid.parse(input))
        assert.strictEqual(error._tag, "InvalidPid")
        assert.include(error.message, "A pid reads {host|0x00004}")
      })
    )
  }

  it.effect.prop(
    "what prints parses back to an equal pid with an equal hash",
    [
      Schema.String.check(Schema.isPattern(/^[a-z:.-]{1,12}$/)),
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 2 ** 48 }))
    ],
    ([name, id]) =>
      Effect.gen(function* () {
        const text = `{${name}|0x${id.toString(16).padStart(5, "0")}}`
        const pid = yield* Pid.parse(text)
        const again = yield* Pid.parse(String(pid))
        assert.strictEqual(String(pid), text)
        assert.isTrue(Equal.equals(pid, again))
        assert.strictEqual(Hash.hash(pid), Hash.hash(again))
      })
  )

  it.effect("has a schema that encodes it as text", () =>
    Effect.gen(function* () {
      const Note = Rpc.make("note")
      const schema = Schema.Struct({ to: Pid.of(Note), from: Pid.schema })
      const value = yield* Schema.decodeUnknownEffect(schema)({ to: "{h|0x00001}", from: "{n@h|0x00002}" })
      assert.strictEqual(value.to.id, 1)
      assert.deepStrictEqual(yield* Schema.encodeEffect(schema)(value), { to: "{h|0x00001}", from: "{n@h|0x00002}" })
      const wrong = yield* Effect.exit(Schema.decodeUnknownEffect(schema)({ to: "nobody", from: "{h|0x00002}" }))
      assert.isTrue(Exit.isFailure(wrong))
      assert.include(String(wrong), "is not a pid")
    })
  )

  it.effect("is a pid, and what only looks like one is not", () =>
    Effect.gen(function* () {
      assert.isTrue(Pid.isPid(yield* Pid.parse("{h|0x00001}")))
      assert.isFalse(Pid.isPid({ node: undefined, host: "h", id: 1 }))
    })
  )
})
