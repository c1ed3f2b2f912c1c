/** What the server and the clients of the soak both have. */
import { Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Protocol } from "troupe/net"

/** Who asks, in which of its lanes, and for which time. */
const Asked = Schema.Struct({ client: Schema.Int, lane: Schema.Int, n: Schema.Int })

const ask = Rpc.make("ask", { payload: Asked, success: Schema.String })
const tell = Rpc.make("tell", { payload: Asked })

export type Soak = typeof ask | typeof tell
export const Soak = Protocol.make("test:soak", { server: [ask, tell] })

/** How many requests each client has outstanding. */
export const lanes = 2

/** What became of the requests of one process. */
export interface Report {
  readonly asked: number
  readonly answered: number
  /** Answers that belong to another request. */
  readonly wrong: number
  /** Those that ended neither with an answer nor with an error of the types that they may have. */
  readonly untyped: number
  readonly told: number
  /** How many ended with each typed error. */
  readonly failed: Readonly<Record<string, number>>
}
