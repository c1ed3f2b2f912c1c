import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { ActorType, Contract, Protocol } from "troupe/net"
import * as Installing from "../../src/cli/internal/installing.ts"

/** A contract of a version, as it was found for a dependency. */
const found = Effect.fnUntraced(function* (type: string, payload: Schema.Top, range = "acme/Echo@^1.0.0") {
  const protocol = Protocol.make("app:echo", { server: [Rpc.make("echo", { payload })] })
  const contract = yield* Contract.make({ type: yield* ActorType.parse(type), protocol })
  const dependency = { name: "echo", range: yield* ActorType.parseRange(range) }
  return { dependency, contract, fingerprint: yield* Contract.fingerprint(contract) }
})

const lockedOf = (one: Installing.Found) => Installing.lockOf([one]).get("echo")!

/** What is made of a contract, after another one. */
const outcome = (now: Installing.Found, before: Installing.Found, isKept = true) => {
  const made = Installing.outcomeOf(now, {
    locked: lockedOf(before),
    contract: isKept ? before.contract : undefined
  })
  return { lines: Installing.report(now, made, true), isBreaking: Installing.isBreaking(made) }
}

const name = Schema.Struct({ name: Schema.String })
const more = Schema.Struct({ name: Schema.String, note: Schema.optionalKey(Schema.String) })
const required = Schema.Struct({ name: Schema.String, age: Schema.Int })

describe("what is made of a contract that was found", () => {
  it.effect("tells new, unchanged, compatible and breaking ones apart, with the reason", () =>
    Effect.gen(function* () {
      const one = yield* found("acme/Echo@1.0.0", name)
      const fresh = Installing.outcomeOf(one, undefined)
      assert.deepStrictEqual(Installing.report(one, fresh, true), ["echo: installed acme/Echo@1.0.0"])
      assert.deepStrictEqual(Installing.report(one, fresh, false), ["echo: found acme/Echo@1.0.0"])
      assert.isFalse(Installing.isBreaking(fresh))

      assert.deepStrictEqual(outcome(one, one), { lines: ["echo: unchanged, acme/Echo@1.0.0"], isBreaking: false })
      assert.deepStrictEqual(outcome(yield* found("acme/Echo@1.0.1", name), one), {
        lines: ["echo: acme/Echo@1.0.0 -> acme/Echo@1.0.1, with the same contract"],
        isBreaking: false
      })
      assert.deepStrictEqual(outcome(yield* found("acme/Echo@1.1.0", more), one), {
        lines: [
          "echo: acme/Echo@1.0.0 -> acme/Echo@1.1.0, compatible",
          '  full: server route "echo", payload.note: the field was added, and may be left out'
        ],
        isBreaking: false
      })
      assert.deepStrictEqual(outcome(yield* found("acme/Echo@1.2.0", required), one), {
        lines: [
          "echo: acme/Echo@1.0.0 -> acme/Echo@1.2.0, BREAKING",
          '  breaking: server route "echo", payload.age: the field was added, and is required'
        ],
        isBreaking: true
      })
    })
  )

  it.effect("takes a change for a breaking one where nobody knows any more what was before", () =>
    Effect.gen(function* () {
      const one = yield* found("acme/Echo@1.0.0", name)
      assert.isFalse(outcome(one, one, false).isBreaking)
      assert.isTrue(outcome(yield* found("acme/Echo@1.1.0", more), one, false).isBreaking)
    })
  )

  it.effect("does not compare with what the name was for before", () =>
    Effect.gen(function* () {
      const one = yield* found("acme/Echo@1.0.0", name)
      const other = yield* found("acme/Other@1.0.0", required, "acme/Other")
      assert.deepStrictEqual(outcome(other, one), {
        lines: ["echo: installed acme/Other@1.0.0"],
        isBreaking: false
      })
    })
  )
})
