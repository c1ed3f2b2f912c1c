import { assert, describe, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { Channel, Select, Timer } from "troupe"
import { inTime } from "../support/both.ts"
import { explore } from "../support/schedules.ts"

/**
 * Defines the test twice, for a program that tells who has won: over 10,000 rounds on Effect's own scheduler, and over a
 * round in each of 1,000 schedules, which have a seed each. `shares` is what each is to win at least.
 */
const tallied = <K extends string>(
  name: string,
  shares: Readonly<Record<K, number>>,
  round: Effect.Effect<K, unknown, Scope.Scope>
): void => {
  const tally = (rounds: (won: Effect.Effect<void>) => Effect.Effect<unknown>) =>
    Effect.gen(function* () {
      const wins = new Map<K, number>()
      const won = (key: K) => Effect.sync(() => void wins.set(key, (wins.get(key) ?? 0) + 1))
      yield* rounds(Effect.orDie(Effect.flatMap(Effect.scoped(round), won)))
      const all = [...wins.values()].reduce((sum, one) => sum + one, 0)
      for (const key in shares) assert.isAtLeast((wins.get(key) ?? 0) / all, shares[key], key)
    })
  it.effect(name, () => tally((won) => inTime(Effect.repeat(won, { times: 9999 }))))
  it.live(`${name}, in 1,000 schedules`, () => tally((won) => explore(won, { schedules: 1000 })))
}

const holding = (value: number) => Effect.tap(Channel.unbounded<number>(), (channel) => Channel.send(channel, value))
const both = Effect.all({ a: holding(1), b: holding(2) })

describe("select, when several cases are ready", () => {
  tallied(
    "L18 of two channels, a timer and a ticker each wins at least an eighth",
    { a: 1 / 8, b: 1 / 8, once: 1 / 8, ticks: 1 / 8 },
    Effect.gen(function* () {
      const cases = { ...(yield* both), once: yield* Timer.after(0), ticks: yield* Timer.ticker(1) }
      yield* Effect.sleep(2)
      return (yield* Select.any(cases))._tag
    })
  )

  tallied(
    "L20 any gives each of two at least a quarter",
    { a: 1 / 4, b: 1 / 4 },
    Effect.map(Effect.flatMap(both, Select.any), ({ _tag }) => _tag)
  )

  tallied(
    "L20 priority takes the first, always",
    { a: 1 },
    Effect.map(
      Effect.flatMap(both, ({ a, b }) => Select.priority({ a, b })),
      ({ _tag }) => _tag as "a"
    )
  )

  for (const [kind, make] of [
    ["a rendezvous", Channel.rendezvous<number>()],
    ["a buffer", Channel.bounded<number>(1)]
  ] as const) {
    tallied(
      `L28 of two sends to the same receiver, on ${kind}, each wins more than a tenth`,
      { zero: 1 / 10, one: 1 / 10 },
      Effect.gen(function* () {
        const channel = yield* make
        yield* Effect.forkChild(
          Effect.ignore(Select.any({ zero: Select.send(channel, 0), one: Select.send(channel, 1) }))
        )
        return (yield* Channel.receive(channel)) === 0 ? "zero" : "one"
      })
    )
  }
})
