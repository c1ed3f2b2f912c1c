/**
 * What two sides say to each other about streams. The names begin with @, which is for the system's own.
 */
import { Rpc } from "effect/rpc"
import * as Schema from "effect/Schema"
import { StreamRefused } from "../../DataStreamError.ts"
import { BytesInPlace } from "../session/codec.ts"

/** Chunks of a stream that loses nothing, or the end of any: the answer says how far they were taken. */
export const Chunks = Rpc.make("@stream.chunks", {
  payload: BytesInPlace,
  success: Schema.Struct({
    /** The chunk that is to come next: all before it have arrived. */
    next: Schema.Int,
    /** How many more there is room for. */
    room: Schema.Int
  }),
  error: StreamRefused
})

/** Chunks of a stream that may lose some. */
export const Chunk = Rpc.make("@stream.chunk", { payload: BytesInPlace })

/** There is a link, and these streams are received over it: which of them are produced, and by which run of the other side. */
export const Attach = Rpc.make("@stream.attach", {
  payload: { receiving: Schema.Array(Schema.String) },
  success: Schema.Struct({ run: Schema.String, producing: Schema.Array(Schema.String) })
})

/** One of the two sides goes on with a stream no further. */
export const Close = Rpc.make("@stream.close", {
  payload: { streamId: Schema.String, by: Schema.Literals(["receiver", "producer"]), detail: Schema.String }
})

export type Route = typeof Chunks | typeof Chunk | typeof Attach | typeof Close
