/** Measures again what seems to have lost, which has lost only if it does so each time. */
import { Console, Effect } from "effect"
import { afterAnother, compare, type Comparison, lostOf } from "./comparison.ts"
import { type Bench, measure } from "./measure.ts"
import { endPairs } from "./pairs.ts"
import type { Result } from "./results.ts"

/** How often at most. */
export const repeats = 3

/** What has become of a bench's ratios, of which the first measurement is known. */
export const measuredAgain = Effect.fnUntraced(function* (
  committed: ReadonlyArray<Result>,
  bench: Bench,
  first: ReadonlyArray<Comparison>
) {
  let known = first
  for (let time = 1; time <= repeats && lostOf(known).length > 0; time++) {
    const lost = new Set(lostOf(known).map(({ peer }) => peer))
    yield* Console.log(
      `${bench.name} seems to have lost against ${[...lost].join(", ")}: ` +
        `measured again by itself in new processes, time ${time} of at most ${repeats}`
    )
    // Every other program of an arm ends with the measurement that has started it.
    yield* Effect.promise(endPairs)
    const rows = yield* measure({ ...bench, peers: bench.peers.filter(({ name }) => lost.has(name)) })
    known = afterAnother(known, compare(committed, rows))
  }
  return known
})
