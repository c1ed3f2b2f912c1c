import { Effect, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Pid, Process, Registry, Select } from "troupe"
import { EchoResponse, Worker } from "./worker.ts"

// #region definition
export const Relay = Process.make("app:relay", {
  protocol: [Rpc.make("echo", { payload: { sender: Pid.of(EchoResponse), line: Schema.Int, data: Schema.String } })],
  start: "acknowledged"
})

/** Where the relay is found, whichever process it is at the time. */
export const relay = Relay.named("relay")
// #endregion definition

// #region body
export const RelayLive = Relay.toLayer(
  Effect.fn(function* () {
    const inbox = yield* Relay.inbox
    const events = yield* Relay.events
    const stats = { messages: 0, workersSpawned: 0 }

    yield* Registry.register(relay)
    yield* Process.fork(reportEvery("5 seconds", stats))
    yield* Process.ready

    while (true) {
      const next = yield* Select.any({ message: inbox, event: events })
      if (next._tag === "message") {
        stats.messages++
        yield* Process.spawnMonitored(Worker, next.value.payload, { host: "app:processes" })
        stats.workersSpawned++
      } else if (next.value._tag === "Exit") {
        yield* Effect.logDebug("worker exited", { from: String(next.value.from), exit: next.value.exit })
      } else if (next.value._tag === "Cancel") {
        return
      }
    }
  })
)
// #endregion body

// #region coroutine
const reportEvery = Effect.fnUntraced(function* (
  interval: "5 seconds",
  stats: { readonly messages: number; readonly workersSpawned: number }
) {
  while (true) {
    yield* Effect.sleep(interval)
    yield* Effect.logDebug("stats", { ...stats })
  }
})
// #endregion coroutine
