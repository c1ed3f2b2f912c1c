/** The examples of the page on contracts do what it says. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { program } from "../../docs/examples/concepts/contracts.ts"

describe("docs/examples/concepts about contracts", () => {
  it.effect("contracts", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* program, {
        accepting: ["acme/Shop@1.4.2"],
        keeping: { routes: ["order", "prices"], broken: "server[0].name" },
        refusing: ["order", "payload.items[].count"],
        recognising: true,
        comparing: {
          compatibility: "breaking",
          changes: [
            'backward: server route "order", payload.count: the type was widened from Number (isInt, isBetween {"maximum":4294967295,"minimum":0}) to Number (isInt)',
            'full: server route "order", payload.note: the field was added, and may be left out',
            'backward: server route "order", success.currency: the field was added, and is required',
            'breaking: server route "prices", payload.currency: the field was added, and is required'
          ]
        },
        translating: [
          true,
          'shop.proto:6: "order" takes a stream, which contracts have not: let the other side answer with one, or use a DataStream.'
        ]
      })
    })
  )
})
