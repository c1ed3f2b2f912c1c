/**
 * Listens in several ways at once, as one transport: whoever comes by one of them and then by another is the same, and what
 * it asked is handled once.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Effect from "effect/Effect"
import type { Listening, Transport } from "../../../Transport.ts"

interface EveryWay {
  readonly transport: Transport
  /** Those that are listened on, with the addresses that were given to them, in the order of the ways. */
  readonly listening: () => ReadonlyArray<Transport>
}

export const everyWay = (ways: NonEmptyReadonlyArray<Transport>): EveryWay => {
  let all: ReadonlyArray<Listening> = []
  const sum = (count: (one: Listening) => Effect.Effect<number>) =>
    Effect.map(
      Effect.suspend(() => Effect.forEach(all, count)),
      (counts) => counts.reduce((total, one) => total + one, 0)
    )
  const transport: Transport = {
    ...ways[0],
    listen: (serve) =>
      Effect.gen(function* () {
        all = yield* Effect.forEach(ways, (way) => way.listen(serve))
        return {
          transport,
          wires: sum(({ wires }) => wires),
          refused: sum(({ refused }) => refused ?? Effect.succeed(0))
        }
      })
  }
  return { transport, listening: () => all.map(({ transport }) => transport) }
}
