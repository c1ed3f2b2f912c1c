import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ActorType } from "troupe/net"
import { type Locked, mismatches, parse, print } from "../../src/cli/internal/lock.ts"

const fingerprint = "0123456789abcdef".repeat(4)

const locked = (type: string, range = "acme/Echo@^1.0.0"): Effect.Effect<Locked> =>
  Effect.map(Effect.orDie(ActorType.parse(type)), (type) => ({ range, type, protocol: "app:echo", fingerprint }))

describe("troupe.lock.json", () => {
  it.effect("has the same bytes for the same dependencies, in whatever order they come", () =>
    Effect.gen(function* () {
      const [one, two] = [yield* locked("acme/Echo@1.0.0"), yield* locked("acme/Echo@1.1.0")]
      const text = print(new Map([["b", one], ["a", two]])) // prettier-ignore
      assert.strictEqual(print(new Map([["a", two], ["b", one]])), text) // prettier-ignore
      assert.strictEqual(print(yield* parse(text)), text)
      assert.deepStrictEqual(Object.keys(JSON.parse(text).dependencies), ["a", "b"])
      assert.isTrue(text.endsWith("}\n"))
    })
  )

  it.effect("that was changed by hand is told where", () =>
    Effect.gen(function* () {
      const text = print(new Map([["echo", yield* locked("acme/Echo@1.0.0")]]))
      const broken = [
        ["lockVersion", text.replace('"lockVersion": 1', '"lockVersion": 2')],
        ["dependencies.echo.fingerprint", text.replace(fingerprint, "abc")],
        ["dependencies.echo.type", text.replace("Echo@1.0.0", "Echo")],
        ["dependencies.../echo", text.replace('"echo"', '"../echo"')],
        ["", text.slice(1)]
      ] as const
      for (const [place, text] of broken) {
        const [problem] = yield* Effect.flip(parse(text))
        assert.strictEqual(problem.at, place)
      }
    })
  )

  it.effect("matches dependencies that it has, within their range", () =>
    Effect.gen(function* () {
      const lock = new Map([["echo", yield* locked("acme/Echo@1.1.0")]])
      const wrong = Effect.fnUntraced(function* (name: string, range: string) {
        const all = mismatches([{ name, range: yield* ActorType.parseRange(range) }], lock)
        return all.map(({ at, detail }) => `${at} ${detail}`)
      })
      assert.deepStrictEqual(yield* wrong("echo", "acme/Echo@^1.0.0"), [])
      assert.deepStrictEqual(yield* wrong("echo", "acme/Echo@>=1.1.0"), [])
      assert.deepStrictEqual(yield* wrong("other", "acme/Echo@^1.0.0"), ["other it is not in the lock"])
      assert.deepStrictEqual(yield* wrong("echo", "acme/Echo@^2.0.0"), [
        "echo the lock has acme/Echo@1.1.0, and acme/Echo@^2.0.0 is asked for"
      ])
      assert.strictEqual((yield* wrong("echo", "other/Echo@^1.0.0")).length, 1)
    })
  )
})
