/**
 * What servers and their clients say to each other besides what their protocol has. The names begin with @, which is for the
 * system's own.
 */
import { Rpc } from "effect/rpc"
import * as Schema from "effect/Schema"
import type { Protocol } from "../../Protocol.ts"

/** How the server is. */
export const Health = Rpc.make("@health", {
  success: Schema.Struct({ uptime: Schema.Duration, clients: Schema.Int })
})

/** The server is about to disconnect the client; it says why. */
export const Dismissal = Schema.Struct({ reason: Schema.Literals(["TooSlow", "Dismissed"]), detail: Schema.String })

export const Dismissed = Rpc.make("@dismissed", { payload: Dismissal })

/** The protocol with what both sides say besides. */
export const extended = (protocol: Protocol<Rpc.Any, Rpc.Any>): Protocol<Rpc.Any, Rpc.Any> => ({
  ...protocol,
  server: [...protocol.server, Health],
  client: [...protocol.client, Dismissed]
})
