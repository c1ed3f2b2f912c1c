import { assert, describe, it } from "@effect/vitest"
import { Effect, Scheduler } from "effect"
import { EventEmitter } from "node:events"
import { GrpcWire } from "../../src/net/transport/node/internal/grpcWire.ts"
import { until } from "./sockets.ts"

/** A wire over a call whose other side does nothing, and how often it was given up. */
const stuck = () => {
  let abandoned = 0
  const call = Object.assign(new EventEmitter(), {
    write: () => true,
    end: () => undefined,
    pause: () => undefined,
    resume: () => undefined
  })
  const wire = new GrpcWire(call, 1000, {
    peer: () => ({ address: "there" }),
    saysClosing: true,
    refuse: () => {},
    abort: () => void abandoned++
  })
  return { wire, abandoned: () => abandoned }
}

describe("a wire over gRPC", () => {
  it.live("tells its reader of one end, whatever its status says afterwards", () =>
    Effect.gen(function* () {
      const { wire } = stuck()
      wire.onOver("loss", "the connection is gone", "destroyed")
      const told = yield* Effect.flip(wire.receive)
      wire.onTooLarge(1001)
      assert.deepStrictEqual(yield* Effect.flip(wire.receive), told)
      assert.deepStrictEqual(yield* wire.closed, told)
    })
  )

  it.live("gives up the other side, even if who closes it is interrupted at once", () =>
    Effect.gen(function* () {
      const wires = Array.from({ length: 12 }, stuck)
      for (const [at, { wire }] of wires.entries()) {
        const closing = Effect.provideService(wire.close, Scheduler.MaxOpsBeforeYield, at + 3)
        const fiber = yield* Effect.forkChild(closing, { startImmediately: true })
        fiber.interruptUnsafe()
      }
      yield* until(() => wires.every(({ abandoned }) => abandoned() === 1))
    })
  )
})
