import { Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Protocol } from "troupe/net"

// #region protocol
export const Shout = Protocol.make("app:shout", {
  server: [
    Rpc.make("shout", { payload: Schema.String, success: Schema.String }),
    // Who answers.
    Rpc.make("pid", { success: Schema.Int })
  ]
})
// #endregion protocol
