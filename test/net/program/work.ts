/**
 * What the programs beside this file and their tests say to each other.
 */
import { Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Protocol } from "troupe/net"

export const Work = Protocol.make("test:work", {
  server: [
    Rpc.make("echo", { payload: Schema.String, success: Schema.String }),
    // Answers how many it has handled.
    Rpc.make("add", { payload: Schema.Int, success: Schema.Int }),
    Rpc.make("never", { payload: Schema.Int }),
    Rpc.make("note", { payload: Schema.Int }),
    Rpc.make("ticks", { success: Schema.Int, stream: true })
  ],
  client: [Rpc.make("asked", { payload: Schema.Int, success: Schema.Int })]
})
