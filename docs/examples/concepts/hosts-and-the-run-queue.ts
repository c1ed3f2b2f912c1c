import { Effect, Layer, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Process, ProcessHost, Selectable } from "troupe"

// #region process
const Work = Rpc.make("work", { payload: Schema.mutable(Schema.Array(Schema.Int)) })

export const Job = Process.make("app:job", {
  protocol: [Work]
})

export const JobLive = Job.toLayer(
  Effect.fn(function* () {
    const { payload } = yield* Job.receive()
    payload.push(4) // changes the very array that was sent
    return payload.length
  })
)
// #endregion process

// #region layers
export const Hosts = Layer.mergeAll(
  ProcessHost.layer("app:jobs", {
    timeSlice: "2 millis",
    payloads: "frozen"
  }),
  // The last one is where a spawn goes that names no host.
  ProcessHost.layer("app:processes")
)
// #endregion layers

// #region spawn
const placed = Effect.gen(function* () {
  const here = yield* Process.spawn(Job)
  const there = yield* Process.spawn(Job, undefined, { host: "app:jobs" })
  return [here.host, there.host, yield* ProcessHost.names]
})
// #endregion spawn

// #region frozen
const changed = Effect.gen(function* () {
  const shared = yield* Process.spawn(Job, undefined, {
    message: { topic: "work", payload: [1, 2, 3] }
  })
  const frozen = yield* Process.spawn(Job, undefined, {
    host: "app:jobs",
    message: { topic: "work", payload: [1, 2, 3] }
  })
  return [
    (yield* Process.await(shared))._tag, // "Success"
    (yield* Process.await(frozen))._tag // "Failure": a push throws
  ]
})
// #endregion frozen

// #region stats
const counted = Effect.gen(function* () {
  const pid = yield* Process.spawn(Job)
  yield* Process.send(pid, "work", [1])
  yield* Process.send(pid, "work", [2])
  const before = yield* ProcessHost.stats() // 2 sent, 2 queued
  yield* Process.await(pid) // takes one message and ends
  const after = yield* ProcessHost.stats() // 1 received, 1 dead letter
  return {
    queued: before.queued,
    received: after.received - before.received,
    deadLetters: after.deadLetters - before.deadLetters
  }
})
// #endregion stats

// #region stop
export const Saver = Process.make("app:saver")

export const SaverLive = Saver.toLayer(
  Effect.fn(function* () {
    const events = yield* Saver.events
    const event = yield* Selectable.take(events)
    yield* Effect.sleep("10 millis") // to save; at most `stopTimeout`
    return event._tag === "Cancel" ? `saved: ${event.reason}` : "?"
  })
)

const stopped = Effect.gen(function* () {
  const saver = yield* Process.spawn(Saver)
  yield* Effect.yieldNow
  yield* ProcessHost.stop() // the host that is provided, "app:processes"
  // "saved: the host app:processes stops"
  return yield* Effect.flatten(Process.await(saver))
})
// #endregion stop

export const program = Effect.gen(function* () {
  return { changed: yield* changed, counted: yield* counted, placed: yield* placed, stopped: yield* stopped }
}).pipe(Effect.provide([JobLive, SaverLive, Hosts]))
