import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { join } from "node:path"
import { parseResults, readResults } from "./results.ts"

const row = {
  name: "call",
  unit: "calls/s",
  subject: "troupe",
  median: 2,
  min: 1,
  max: 3,
  rounds: 7,
  peers: { nact: { median: 2, min: 1, max: 3 }, Go: { absent: "there is no go" } },
  ratio: { nact: 1 }
}

const messageOf = (text: string) =>
  Effect.map(Effect.flip(parseResults("results.json", text)), ({ message }) => message)

describe("results.json", () => {
  it.effect("is read as it is written", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* parseResults("results.json", JSON.stringify([row])), [row])
      assert.deepStrictEqual(yield* parseResults("results.json", "[]"), [])
    })
  )

  it.effect("as committed can be read", () =>
    Effect.gen(function* () {
      assert.isAbove((yield* readResults(join(import.meta.dirname, "../results.json"))).length, 0)
    })
  )

  it.effect("that is none is refused with what is wrong, and where", () =>
    Effect.gen(function* () {
      assert.match(yield* messageOf("[{"), /^results\.json can't be used: .*JSON/s)
      assert.match(yield* messageOf("{}"), /^results\.json can't be used: Expected array/)
      const { ratio: _, ...without } = row
      assert.match(yield* messageOf(JSON.stringify([row, without])), /Missing key.*\[1\]\["ratio"\]/s)
      const text = { ...row, peers: { nact: { ...row, median: "2" } } }
      assert.match(yield* messageOf(JSON.stringify([text])), /\["peers"\]\["nact"\]/)
    })
  )

  it.effect("that is not there is said to be missing", () =>
    Effect.gen(function* () {
      const { message } = yield* Effect.flip(readResults("/nowhere/results.json"))
      assert.strictEqual(
        message,
        "/nowhere/results.json can't be used: there is no such file; `npm run bench` writes it"
      )
    })
  )
})
