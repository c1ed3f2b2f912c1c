/**
 * What two nodes say to each other before they are connected. What they say then are signals, in messages beside all routes.
 */
import { Rpc } from "effect/rpc"
import * as Schema from "effect/Schema"
import { NodeRefused } from "../../NodeError.ts"
import * as Protocol from "../../Protocol.ts"

/** What a node is called, and which run of it. */
export const Self = Schema.Struct({ name: Schema.String, incarnation: Schema.String })
export type Self = typeof Self.Type

export const NodeProtocol = Protocol.make("troupe:node", {
  server: [
    Rpc.make("who", { success: Self }),
    Rpc.make("join", {
      // `lost`: the connections between the two that are over, as the side that connects knows.
      payload: { self: Self, lost: Schema.Array(Schema.String) },
      error: NodeRefused
    })
  ]
})
