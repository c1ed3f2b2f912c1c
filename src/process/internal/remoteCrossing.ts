/**
 * That a value is on its way between two nodes: pids in it are written so that the other node reads them as the same
 * processes.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"

/** What a node is to others: its name, and which run of it, since a node that was started again has none of its processes. */
export interface NodeId {
  readonly name: string
  /** `undefined` where it is not known. */
  readonly incarnation: string | undefined
}

/** The node whose border a value crosses, in either direction; `undefined` when it crosses none. */
export const Crossing: Context.Reference<NodeId | undefined> = Context.Reference<NodeId | undefined>(
  "troupe/process/internal/remoteCrossing/Crossing",
  { defaultValue: () => undefined }
)

/** Runs a codec at the border of a node, in place: what crosses is encoded and decoded without waiting. */
export const crossing = <A, E>(self: NodeId, codec: Effect.Effect<A, E>): Exit.Exit<A, E> =>
  Effect.runSyncExitWith(Context.make(Crossing, self))(codec)
