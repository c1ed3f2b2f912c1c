/**
 * Streams of messages from one side of a connection to the other, each known by its id: in order, no further ahead than the
 * receiver has room, and over one link after the other.
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { Selectable } from "../channel/Selectable.ts"
import type { Rpc } from "effect/rpc"
import type { TypeId } from "./Connection.ts"
import type { InvalidArgument } from "./ConnectionError.ts"
import type { StreamClosed, StreamFailed, StreamInUse, StreamLost, StreamRefused } from "./DataStreamError.ts"
import { Attach, Chunk as ChunkRoute, Chunks, Close, type Route as AnyRoute } from "./internal/stream/routes.ts"
import { streaming } from "./internal/stream/streaming.ts"
import type { FrameTooLarge } from "./TransportError.ts"

/**
 * A message of a stream.
 *
 * @category models
 */
export interface Chunk {
  readonly streamId: string
  /** Its place in the stream: the first is 1, unless the stream was opened at another one. */
  readonly sequence: number
  /** A view of the frame that it came in, of 60 KiB or its own size: who keeps one of many for long keeps a copy of it. */
  readonly payload: Uint8Array
  readonly metadata: Readonly<Record<string, string>>
  /** When it was sent, by the clock of its sender, in milliseconds since 1970. */
  readonly timestamp: number
}

/**
 * A route of streams.
 *
 * @category models
 */
export type Route = AnyRoute

/**
 * What both sides of a protocol say to each other about streams: to be among the routes of each of them.
 *
 * @category models
 */
export const routes: readonly [typeof Chunks, typeof ChunkRoute, typeof Attach, typeof Close] = [
  Chunks,
  ChunkRoute,
  Attach,
  Close
]

/**
 * One side of a connection whose other side has the routes of streams: a `Connection`, an `IpcClient`, or a client of a server.
 *
 * @category models
 */
export interface Side {
  readonly [TypeId]: { readonly _Remote: (_: Route) => void }
  readonly id: string
}

/**
 * What handles the routes of streams.
 *
 * @category models
 */
export type RouteHandlers = {
  readonly [R in Route as Rpc.Tag<R>]: (
    payload: Rpc.Payload<R>,
    caller: Side
  ) => Effect.Effect<Rpc.Success<R>, Rpc.Error<R>>
}

/**
 * The streams of one program: those that it receives, and those that it sends, over all of its connections.
 *
 * **Details**
 *
 * A stream is known by its id and the other side of its connection: that side alone may send it. The side that receives
 * registers first, and then asks the other one, by a route of the protocol's own, to produce.
 *
 * @category models
 */
export interface DataStreams {
  /** What handles the routes of streams, to be among the handlers of the side. */
  readonly handlers: RouteHandlers

  /**
   * Has a handler get the chunks that the other side of `from` sends under the id, one after the other, until the scope closes.
   *
   * **Details**
   *
   * `handler`: gets a chunk, and the connection that it came over, by which the sender can be asked in turn. When it fails or
   * dies the failure is logged and counted, and the next chunk is handled.
   *
   * A second registration of the same stream takes its place: chunks that come from now on go to the new handler, when the
   * old one is done with what it has.
   *
   * When the scope closes, what waits is dropped and counted, and the sender is told.
   *
   * **Errors**
   *
   * `InvalidArgument`: the window is no whole number from 1 on, or `after` is below 0.
   */
  readonly register: <C extends Side, E, R>(
    from: C,
    streamId: string,
    handler: (chunk: Chunk, caller: C) => Effect.Effect<unknown, E, R>,
    options?: ReceiverOptions
  ) => Effect.Effect<Receiver, InvalidArgument, R | Scope.Scope>

  /**
   * As {@link DataStreams.register}, with the chunks as a stream, which one fiber consumes. It is registered when this is done,
   * not when the stream is run; the scope is that of the registration.
   */
  readonly toStream: (
    from: Side,
    streamId: string,
    options?: ReceiverOptions
  ) => Effect.Effect<Stream.Stream<Chunk, ReceiveError>, InvalidArgument, Scope.Scope>

  /**
   * Opens a stream to the other side of `to`, which has registered a receiver of the id. When the scope closes before the
   * stream has ended, the receiver sees it fail.
   *
   * **Errors**
   *
   * - `StreamInUse`: it is open to that side already.
   * - `InvalidArgument`: the window is no whole number from 1 on, or `after` is below 0.
   */
  readonly open: (
    to: Side,
    streamId: string,
    options?: SenderOptions
  ) => Effect.Effect<Sender, StreamInUse | InvalidArgument, Scope.Scope>

  /**
   * Sends the payloads of a stream under the id, and its end; answers when all of it has arrived. When the stream fails, so
   * does this, and the receiver is told why. When the receiver closes it, the stream is interrupted.
   */
  readonly fromStream: <E, R>(
    to: Side,
    streamId: string,
    payloads: Stream.Stream<Uint8Array, E, R>,
    options?: SenderOptions
  ) => Effect.Effect<void, E | SendError | StreamInUse | InvalidArgument, R>

  /** What is not as it should be, from now on. */
  readonly events: Effect.Effect<Selectable<Event>, never, Scope.Scope>
  readonly stats: Effect.Effect<Stats>
}

/**
 * How a stream is received.
 *
 * @category models
 */
export interface ReceiverOptions {
  /** How many chunks may wait here: 256 when absent. */
  readonly window?: number | undefined
  /** The chunk behind which the stream goes on, which this side has got already: 0 when absent. */
  readonly after?: number | undefined
}

/**
 * How a stream is sent.
 *
 * **Details**
 *
 * `mode`: `"reliable"`, when absent: `send` waits while the receiver has no room, and every chunk is handled once, in order.
 * `"latency-first"`: `send` never waits, and where there is no room the oldest chunk that waits is dropped, on either side.
 *
 * @category models
 */
export interface SenderOptions {
  readonly mode?: "reliable" | "latency-first" | undefined
  /** How many chunks may wait here, or be underway and not acknowledged: 256 when absent. */
  readonly window?: number | undefined
  /** The chunk behind which the stream begins: 0 when absent. */
  readonly after?: number | undefined
}

/**
 * A stream that is received.
 *
 * @category models
 */
export interface Receiver {
  readonly streamId: string
  /** Takes no more chunks, tells the sender, and waits until those that are here are handled. */
  readonly unregister: Effect.Effect<void>
  /** Takes no more chunks, tells the sender, and drops what waits; the handler that runs is interrupted. */
  readonly cancel: Effect.Effect<void>
  /** Waits until the stream has ended and all of it is handled, or why it ends before. */
  readonly ended: Effect.Effect<void, ReceiveError>
  readonly stats: Effect.Effect<ReceiverStats>
}

/**
 * What has become of the chunks of a stream that is received.
 *
 * @category models
 */
export interface ReceiverStats {
  /** Those that were taken: they are handled, failed, dropped, being handled, or wait. */
  readonly received: number
  readonly handled: number
  /** Those whose handler has failed or died. */
  readonly failed: number
  /** Those that had to make room for newer ones, and those that waited when it was cancelled. */
  readonly dropped: number
  readonly waiting: number
  /** The last one that was taken. */
  readonly sequence: number
  /** How often a chunk came before those that were to come first. */
  readonly gaps: number
  /** Those that had come before, or came too late. */
  readonly duplicates: number
}

/**
 * A stream that is sent.
 *
 * @category models
 */
export interface Sender {
  readonly streamId: string
  /**
   * Sends a chunk. A reliable stream waits while there is no room; an interrupted wait has sent nothing. The payload is copied.
   */
  readonly send: (
    payload: Uint8Array,
    options?: { readonly metadata?: Readonly<Record<string, string>> | undefined }
  ) => Effect.Effect<void, SendError>
  /** Ends the stream, and waits until all of it has arrived. */
  readonly end: Effect.Effect<void, SendError>
  /** Ends the stream with a failure, which the receiver sees behind all chunks, and waits until that has arrived. */
  readonly fail: (detail: string) => Effect.Effect<void, SendError>
  /** Waits until the stream is over: all of it has arrived, or why it ends before. */
  readonly ended: Effect.Effect<void, SendError>
  readonly state: Effect.Effect<SenderState>
  /** How it is, from now on, until it is over; who reads slowly sees the latest. */
  readonly changes: Stream.Stream<SenderState>
  readonly stats: Effect.Effect<SenderStats>
}

/**
 * How a stream is that is sent.
 *
 * @category models
 */
export type SenderState =
  | { readonly _tag: "Open" }
  /**
   * The link is lost, or the other side does not answer: chunks behind `acknowledged`, up to `sent`, may have arrived or not.
   * A reliable stream goes on from there when there is a link again, and is `Open` then.
   */
  | {
      readonly _tag: "Uncertain"
      readonly acknowledged: number
      readonly sent: number
      readonly detail: string
    }
  /** It is over: all of it has arrived when there is no error. */
  | { readonly _tag: "Over"; readonly error: SendError | undefined }

/**
 * What has become of the chunks of a stream that is sent.
 *
 * @category models
 */
export interface SenderStats {
  /** Those that were given to `send`. */
  readonly accepted: number
  /** The last one of them. */
  readonly sequence: number
  /** The last one that is known to have arrived; a latency-first stream learns of its end alone. */
  readonly acknowledged: number
  /** Those that a latency-first stream has dropped here. */
  readonly dropped: number
  /** Those that wait here, or are underway and not acknowledged. */
  readonly waiting: number
}

/**
 * Why something is not sent.
 *
 * @category errors
 */
export type SendError = StreamRefused | StreamClosed | StreamLost | FrameTooLarge

/**
 * Why a stream ends before its end, for who receives it.
 *
 * @category errors
 */
export type ReceiveError = StreamFailed | StreamClosed | StreamLost

/**
 * What is not as it should be.
 *
 * **Details**
 *
 * `Gap`: the chunk `sequence` came, and `expected` was to come first. A reliable stream does not take it, and waits for the
 * other; a latency-first one takes it. `Duplicate`: it came before, or comes too late, and is not taken. After a lost link a
 * few of these are as it should be. `Refused`: somebody sent a chunk of a stream that is not received from there.
 *
 * @category models
 */
export type Event =
  | { readonly _tag: "Gap"; readonly streamId: string; readonly expected: number; readonly sequence: number }
  | { readonly _tag: "Duplicate"; readonly streamId: string; readonly expected: number; readonly sequence: number }
  | {
      readonly _tag: "Refused"
      readonly streamId: string
      readonly connection: string
      readonly reason: StreamRefused["reason"]
    }

/**
 * What the streams of a program have counted.
 *
 * @category models
 */
export interface Stats {
  /** Streams that there are now. */
  readonly sending: number
  readonly receiving: number
  /** Chunks that were not taken: by why they were refused. */
  readonly refused: Readonly<Record<StreamRefused["reason"], number>>
  readonly gaps: number
  readonly duplicates: number
}

/**
 * How streams are kept.
 *
 * @category models
 */
export interface Options {
  /**
   * How long the other side of a connection that was lost may take to come back, until its streams are lost: 1 minute when
   * absent. A side that connects again by itself has its streams as long as its connection is not closed.
   */
  readonly patience?: Duration.Input | undefined
}

/**
 * Makes the streams of a program; what there is of them ends with the scope.
 *
 * **Details**
 *
 * Both sides have `DataStream.routes` in their protocol, and the handlers of their streams among theirs. One `DataStreams` may
 * serve all connections of a program.
 *
 * A stream outlives its link: when there is another one of the same connection, it goes on from the last chunk that was
 * acknowledged. It does not outlive its program: who receives is told how far it has come (`StreamLost`), and can ask for a
 * stream that goes on from there, with `after` on both sides.
 *
 * **Example** (Registering before asking)
 *
 * ```ts import.meta.vitest
 * import { Effect, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Acceptor, Authentication, Connection, DataStream, Memory, Protocol } from "troupe/net"
 *
 * const Echo = Protocol.make("app:echo", {
 *   server: [...DataStream.routes, Rpc.make("start", { payload: { streamId: Schema.String, count: Schema.Int } })],
 *   client: DataStream.routes
 * })
 *
 * const program = Effect.gen(function*() {
 *   // The side that produces: in a fiber of its own, so that it answers at once.
 *   const there = yield* DataStream.make()
 *   const scope = yield* Effect.scope
 *   const server = yield* Acceptor.make(Memory.make(), Echo, {
 *     authenticator: Authentication.open,
 *     handlers: {
 *       ...there.handlers,
 *       start: ({ count, streamId }, caller) =>
 *         Effect.gen(function*() {
 *           const sender = yield* there.open(caller, streamId)
 *           for (let n = 1; n <= count; n++) yield* sender.send(new TextEncoder().encode(`message ${n}`))
 *           yield* sender.end
 *         }).pipe(Effect.scoped, Effect.ignore, Effect.forkIn(scope))
 *     }
 *   })
 *
 *   // The side that receives.
 *   const here = yield* DataStream.make()
 *   const connection = yield* Connection.make(server.transport, Echo, { handlers: here.handlers })
 *   const seen: Array<string> = []
 *   const receiver = yield* here.register(connection, "my-stream", ({ payload, sequence }) =>
 *     Effect.sync(() => seen.push(`${sequence}: ${new TextDecoder().decode(payload)}`))
 *   )
 *   yield* connection.request("start", { streamId: "my-stream", count: 2 })
 *   yield* receiver.ended
 *   return seen
 * })
 *
 * await Effect.runPromise(Effect.scoped(program)) // => ["1: message 1", "2: message 2"]
 * ```
 *
 * **Example** (A stream of effect, there and back)
 *
 * ```ts import.meta.vitest
 * import { Effect, Stream } from "effect"
 * import { Acceptor, Authentication, Connection, DataStream, Memory, Protocol } from "troupe/net"
 *
 * const Upload = Protocol.make("app:upload", { server: DataStream.routes, client: DataStream.routes })
 *
 * const program = Effect.gen(function*() {
 *   const there = yield* DataStream.make()
 *   const server = yield* Acceptor.make(Memory.make(), Upload, {
 *     authenticator: Authentication.open,
 *     handlers: there.handlers
 *   })
 *   const here = yield* DataStream.make()
 *   const connection = yield* Connection.connect(server.transport, Upload, { handlers: here.handlers })
 *
 *   const [client] = yield* server.connections
 *   if (client === undefined) return 0
 *   const chunks = yield* there.toStream(client, "file")
 *   yield* Effect.forkChild(here.fromStream(connection, "file", Stream.make(Uint8Array.of(1), Uint8Array.of(2, 3))))
 *   return yield* Stream.runFold(chunks, () => 0, (size, { payload }) => size + payload.length)
 * })
 *
 * await Effect.runPromise(Effect.scoped(program)) // => 3
 * ```
 *
 * @category constructors
 */
export const make = (options: Options = {}): Effect.Effect<DataStreams, never, Scope.Scope> => streaming(options)
