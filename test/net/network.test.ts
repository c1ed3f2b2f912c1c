import { assert, describe } from "@effect/vitest"
import { Clock, Duration, Effect, Fiber, Ref, type Scope } from "effect"
import { Explore, Network, TransportConformance } from "troupe/testing"
import { it } from "troupe/testing/vitest"
import type { Wire } from "../../src/net/Transport.ts"
import { WireClosed } from "../../src/net/TransportError.ts"

const mebibyte = 1024 * 1024

const subject = (options: Network.Options): TransportConformance.Subject => {
  let lose: Network.Network["lose"] = () => Effect.void
  return {
    make: Effect.map(Network.make(options), (network) => {
      lose = network.lose
      return network.transport("near", "far")
    }),
    lose: (wire) => lose(wire),
    underway: 2 * mebibyte
  }
}

it.conforms("network", subject({ latency: { min: 0, max: 2 } }))

describe("the guarantees hold under every schedule", () => {
  const small = TransportConformance.cases.filter(
    (one) =>
      TransportConformance.applies(one, subject({})) &&
      !/10,000|hundred|does not take|while the other|do not mix/.test(one.name)
  )
  for (const one of small) {
    it.live(
      one.name,
      () =>
        Explore.check(
          Effect.scoped(one.run(subject({ maxFrame: 4096, window: 100_000, latency: { min: 0, max: 2 } }))),
          {
            schedules: 5,
            maxSteps: 200_000
          }
        ),
      60_000
    )
  }
})
