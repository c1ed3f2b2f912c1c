import { Effect, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Pid, Process } from "troupe"

// #region response
/** What a worker answers: the text in upper case, the line it belongs to, and who did it. */
export const EchoResponse = Rpc.make("echo_response", {
  payload: { line: Schema.Int, data: Schema.String, worker: Pid.schema }
})
// #endregion response

// #region definition
export const Worker = Process.make("app:worker", {
  args: Schema.Struct({ sender: Pid.of(EchoResponse), line: Schema.Int, data: Schema.String })
})
// #endregion definition

// #region body
export const WorkerLive = Worker.toLayer(
  Effect.fn(function* ({ data, line, sender }) {
    yield* Effect.sleep("100 millis")
    yield* Process.send(sender, "echo_response", { line, data: data.toUpperCase(), worker: yield* Worker.self })
  })
)
// #endregion body
