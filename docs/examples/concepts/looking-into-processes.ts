import { Effect, Ref, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Message, Process, ProcessHost, Sys } from "troupe"

// #region shown
const Counter = Process.make("app:counter", {
  protocol: [Rpc.make("add", { payload: Schema.Int, success: Schema.Int })],
  state: Schema.Int
})

const CounterLive = Counter.toLayer(
  Effect.fn(function* () {
    const total = yield* Counter.state(0)
    while (true) {
      const message = yield* Counter.receive()
      yield* Message.reply(message, yield* Ref.updateAndGet(total, (n) => n + message.payload))
    }
  })
)
// #endregion shown

// #region state
const state = Effect.gen(function* () {
  const pid = yield* Process.spawn(Counter)
  yield* Process.call(pid, "add", 3)
  const before = yield* Sys.getState(Counter, pid) // 3
  yield* Sys.replaceState(Counter, pid, (n) => n * 10)
  const after = yield* Process.call(pid, "add", 1) // 31
  const refusal = yield* Effect.flip(Sys.replaceState(Counter, pid, (n) => n / 2))
  return [before, after, refusal._tag] // [3, 31, "InvalidState"]
})
// #endregion state

// #region suspend
const suspended = Effect.gen(function* () {
  const pid = yield* Process.spawn(Counter)
  yield* Process.call(pid, "add", 1)
  yield* Sys.suspend(pid)
  yield* Process.send(pid, "add", 1) // it waits
  const held = [(yield* Process.info(pid)).queued, yield* Sys.getState(Counter, pid)] // [1, 1]
  yield* Sys.resume(pid)
  return [...held, yield* Process.call(pid, "add", 1)] // the last is 3
})
// #endregion suspend

// #region spies
const watched = Effect.gen(function* () {
  const pid = yield* Process.spawn(Counter)
  yield* Sys.statistics(pid, "on")
  yield* Sys.log(pid, 3)
  let highest = 0
  yield* Sys.install(pid, "highest", {
    initial: 0,
    next: (max, event) => (event._tag === "State" ? (highest = Math.max(max, Number(event.state))) : max)
  })
  yield* Process.call(pid, "add", 5)
  yield* Process.call(pid, "add", -2)
  const { messagesIn, messagesOut } = yield* Sys.getStatistics(pid) // 2 and 2
  const log = (yield* Sys.getLog(pid)).map((event) => event._tag) // ["In", "State", "Reply"]
  return { highest, log, messages: [messagesIn, messagesOut] }
})
// #endregion spies

export const program = Effect.all({ state, suspended, watched }).pipe(
  Effect.provide([CounterLive, ProcessHost.layer("app:processes")])
)
