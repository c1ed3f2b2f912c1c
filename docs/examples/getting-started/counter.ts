// #region process
import { Effect, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Message, Process, ProcessHost } from "troupe"

const Add = Rpc.make("add", { payload: Schema.Int })
const Total = Rpc.make("total", { success: Schema.Int })

export const Counter = Process.make("app:counter", {
  protocol: [Add, Total]
})

export const CounterLive = Counter.toLayer(
  Effect.fn(function* () {
    let total = 0
    while (true) {
      const message = yield* Counter.receive()
      if (message.topic === "add") total += message.payload
      else yield* Message.reply(message, total)
    }
  })
)

export const program = Effect.gen(function* () {
  const counter = yield* Process.spawn(Counter)
  yield* Process.send(counter, "add", 2)
  yield* Process.send(counter, "add", 3)
  return yield* Process.call(counter, "total")
}).pipe(Effect.provide([CounterLive, ProcessHost.layer("app:processes")]))
// #endregion process
