/**
 * A worker thread for tests: what it does is in its `workerData`.
 */
import { Effect } from "effect"
import { parentPort, workerData } from "node:worker_threads"
import type { Wire } from "../../../src/net/Transport.ts"
import * as WorkerPort from "../../../src/net/transport/node/WorkerPort.ts"

const echo = (wire: Wire) => Effect.ignore(Effect.forever(Effect.flatMap(wire.receive, wire.sendAll)))

const connected = Effect.flatMap(WorkerPort.parent(), (parent) => parent.connect)

const programs: { readonly [name: string]: Effect.Effect<unknown, unknown> } = {
  connects: Effect.scoped(Effect.flatMap(connected, echo)),
  listens: Effect.scoped(
    Effect.gen(function* () {
      const parent = yield* WorkerPort.parent()
      yield* parent.listen(echo)
      yield* Effect.never
    })
  ),
  // Ends in order, with a wire that its scope closes.
  ends: Effect.scoped(Effect.flatMap(connected, (wire) => wire.send(Uint8Array.of(1)))),
  exits: Effect.scoped(
    Effect.andThen(
      connected,
      Effect.sync(() => process.exit(3))
    )
  ),
  fails: Effect.scoped(
    Effect.andThen(
      connected,
      Effect.andThen(
        Effect.sync(() =>
          setImmediate(() => {
            throw new Error("a fault of the thread")
          })
        ),
        Effect.never
      )
    )
  ),
  // Counts what it is sent, as it takes it.
  counts: Effect.scoped(
    Effect.gen(function* () {
      const wire = yield* connected
      let bytes = 0
      while (bytes < workerData.bytes) for (const frame of yield* wire.receive) bytes += frame.length
      yield* wire.send(Uint8Array.of(1))
      yield* wire.closed
    })
  ),
  // Has a listener of its own on the port to its parent, and no transport.
  answers: Effect.sync(() =>
    parentPort?.on("message", (message: unknown) => {
      if (typeof message === "string") parentPort?.postMessage({ message }, [])
    })
  ),
  nothing: Effect.void
}

Effect.runFork(programs[workerData.does] ?? Effect.die(new Error("what is it to do?")))
