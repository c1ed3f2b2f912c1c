/**
 * Go's channels for Effect: typed queues between fibers that can be selected over, closed with a cause, and that lose
 * nothing when somebody who waits is interrupted.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Option from "effect/Option"
import type { SchedulerDispatcher } from "effect/Scheduler"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type ChannelClosed, InvalidCapacity } from "./ChannelError.ts"
import { BufferedChannel, type WhenFull } from "./internal/bufferedChannel.ts"
import type { ChannelImpl } from "./internal/channel.ts"
import { PromiseChannel } from "./internal/promiseChannel.ts"
import { step } from "./internal/step.ts"
import * as Selectable from "./Selectable.ts"

/**
 * The type-level and runtime key of the sending side of a channel.
 *
 * @category type ids
 */
export const SenderTypeId = "~troupe/channel/Channel/Sender"

/**
 * The type of {@link SenderTypeId}.
 *
 * @category type ids
 */
export type SenderTypeId = typeof SenderTypeId

/**
 * The receiving side of a channel: a source that ends with `ChannelClosed`.
 *
 * @category models
 */
export interface Receiver<out A> extends Selectable.Selectable<A, ChannelClosed> {
  /** How many values the channel holds now. */
  readonly length: number
  /** How many it can hold: `Infinity` when it has no limit, 0 when it only hands over. */
  readonly capacity: number
  /** Whether it was closed. */
  readonly isClosed: boolean
}

/**
 * The sending side of a channel.
 *
 * @category models
 */
export interface Sender<in A> {
  readonly [SenderTypeId]: (_: A) => void
  readonly length: number
  readonly capacity: number
  readonly isClosed: boolean
}

/**
 * A channel: what is sent on one side is received on the other, first in, first out.
 *
 * @category models
 */
export interface Channel<in out A> extends Receiver<A>, Sender<A> {}

/**
 * How a channel is made.
 *
 * @category models
 */
export interface Options<in A> {
  /**
   * What becomes of a value that was accepted and is never received: it was dropped by a full channel, or the channel was
   * cancelled. Each such value is handed over exactly once, in a fiber of its own; what a hook of a drop dies of is
   * logged. A send that failed or was interrupted was not accepted: its
   * value is the sender's.
   */
  readonly onUndelivered?: ((value: A) => Effect.Effect<void>) | undefined
}

// The face of a channel is its implementation; the sending side is known to the compiler alone.
const made = <A>(make: (dispatcher: SchedulerDispatcher) => ChannelImpl<A>): Effect.Effect<Channel<A>> =>
  Effect.withFiber((fiber) => Effect.succeed(make(fiber.currentDispatcher) as ChannelImpl<A> & Channel<A>))

const undelivered = <A>(options: Options<A> | undefined) => options?.onUndelivered ?? (() => Effect.void)

const buffered = <A>(
  capacity: number,
  whenFull: WhenFull,
  options: Options<A> | undefined
): Effect.Effect<Channel<A>, InvalidCapacity> =>
  Number.isInteger(capacity) && capacity >= 1
    ? made((dispatcher) => new BufferedChannel(dispatcher, capacity, whenFull, undelivered(options)))
    : Effect.fail(new InvalidCapacity({ capacity }))

/**
 * Makes a channel that holds nothing: a send succeeds when a receiver takes the value, in the same step.
 *
 * **Example** (Handing over)
 *
 * ```ts import.meta.vitest
 * import { Effect, Fiber } from "effect"
 * import { Channel } from "troupe"
 *
 * const program = Effect.gen(function*() {
 *   const channel = yield* Channel.rendezvous<string>()
 *   const sending = yield* Effect.forkChild(Channel.send(channel, "hello"))
 *   const received = yield* Channel.receive(channel)
 *   yield* Fiber.join(sending)
 *   return received
 * })
 *
 * await Effect.runPromise(program) // => "hello"
 * ```
 *
 * @category constructors
 */
export const rendezvous = <A>(options?: Options<A>): Effect.Effect<Channel<A>> =>
  made((dispatcher) => new BufferedChannel(dispatcher, 0, "suspend", undelivered(options)))

/**
 * Makes a channel that holds up to `capacity` values, and has senders wait while it is full, first come, first served.
 *
 * **Details**
 *
 * - `capacity`: a whole number from 1 on; fails with `InvalidCapacity` otherwise.
 *
 * **Example** (A buffer between two fibers)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Channel } from "troupe"
 *
 * const program = Effect.gen(function*() {
 *   const channel = yield* Channel.bounded<number>(2)
 *   yield* Effect.forkChild(Effect.forEach([1, 2, 3, 4], (n) => Channel.send(channel, n)))
 *   return [yield* Channel.receive(channel), yield* Channel.receive(channel)]
 * })
 *
 * await Effect.runPromise(program) // => [1, 2]
 * ```
 *
 * @category constructors
 */
export const bounded = <A>(capacity: number, options?: Options<A>): Effect.Effect<Channel<A>, InvalidCapacity> =>
  buffered(capacity, "suspend", options)

/**
 * Makes a channel without limit: a send never waits.
 *
 * @category constructors
 */
export const unbounded = <A>(options?: Options<A>): Effect.Effect<Channel<A>> =>
  made((dispatcher) => new BufferedChannel(dispatcher, Infinity, "suspend", undelivered(options)))

/**
 * Makes a channel that holds up to `capacity` values, and while it is full drops what is sent: a send never waits.
 *
 * **Details**
 *
 * What is dropped is handed to `onUndelivered`; a {@link trySend} answers false instead, and nothing is dropped. Fails
 * with `InvalidCapacity` unless `capacity` is a whole number from 1 on.
 *
 * @category constructors
 */
export const dropping = <A>(capacity: number, options?: Options<A>): Effect.Effect<Channel<A>, InvalidCapacity> =>
  buffered(capacity, "drop-newest", options)

/**
 * Makes a channel that holds the last `capacity` values: a send to a full one never waits, and drops the oldest.
 *
 * **Details**
 *
 * What is dropped is handed to `onUndelivered`; it is the value that is sent, while permits hold all slots. Fails with
 * `InvalidCapacity` unless `capacity` is a whole number from 1 on.
 *
 * @category constructors
 */
export const sliding = <A>(capacity: number, options?: Options<A>): Effect.Effect<Channel<A>, InvalidCapacity> =>
  buffered(capacity, "drop-oldest", options)

/**
 * Makes a channel that holds the last value: a receiver that comes late sees the newest one alone.
 *
 * **Details**
 *
 * What is replaced is handed to `onUndelivered`.
 *
 * @category constructors
 */
export const conflated = <A>(options?: Options<A>): Effect.Effect<Channel<A>> =>
  made((dispatcher) => new BufferedChannel(dispatcher, 1, "drop-oldest", undelivered(options)))

/**
 * Makes a channel that holds the first value for ever: every receive answers it, and later sends succeed and change
 * nothing.
 *
 * **Details**
 *
 * What is sent later is handed to `onUndelivered`. A channel that is closed before the first send never has a value.
 *
 * @category constructors
 */
export const promise = <A>(options?: Options<A>): Effect.Effect<Channel<A>> =>
  made((dispatcher) => new PromiseChannel(dispatcher, undelivered(options)))

/**
 * The receiving side of a channel on which nothing is ever sent, and which is never closed.
 *
 * @category constructors
 */
export const never: Receiver<never> = {
  [Selectable.TypeId]: Selectable.TypeId,
  length: 0,
  capacity: 0,
  isClosed: false,
  isReadyUnsafe: () => false,
  pollUnsafe: () => undefined,
  parkUnsafe: () => {},
  unparkUnsafe: () => {}
}

const implementation = <A>(channel: Sender<A>): ChannelImpl<A> => channel as unknown as ChannelImpl<A>

/**
 * Sends a value, waiting while the channel is full; once it has succeeded, the value was accepted.
 *
 * **Details**
 *
 * Senders are let in first come, first served. A send that is interrupted has sent nothing: the channel never had the
 * value. Fails with `ChannelClosed`, which carries the value back, when the channel is closed, or is closed meanwhile.
 *
 * @category sending
 */
export const send = <A>(channel: Sender<A>, value: A): Effect.Effect<void, ChannelClosed> =>
  implementation(channel).send(value)

/**
 * Sends a value if it is accepted now, and never waits; answers whether it was.
 *
 * **Details**
 *
 * A channel that holds nothing accepts a value if a receiver waits and takes it on the spot. Fails with `ChannelClosed`,
 * which carries the value back, when the channel is closed.
 *
 * @category sending
 */
export const trySend = <A>(channel: Sender<A>, value: A): Effect.Effect<boolean, ChannelClosed> =>
  implementation(channel).trySend(value)

/**
 * Receives the next value, waiting until there is one; an interrupted receive has taken nothing.
 *
 * **Details**
 *
 * Receivers are served first come, first served. Of a closed channel what it holds is received first; then it fails with
 * `ChannelClosed`.
 *
 * @category receiving
 */
export const receive: <A>(channel: Receiver<A>) => Effect.Effect<A, ChannelClosed> = Selectable.take

/**
 * Receives the next value if there is one now, and never waits.
 *
 * @category receiving
 */
export const tryReceive: <A>(channel: Receiver<A>) => Effect.Effect<Option.Option<A>, ChannelClosed> = Selectable.poll

/**
 * A slot of a channel that is free for whoever holds the permit.
 *
 * @category models
 */
export interface Permit<in A> {
  /**
   * Fills the slot: it is accepted at once, unless the channel was closed meanwhile; then it fails with `ChannelClosed`,
   * which carries the value back. A permit serves one value; a second send waits like any other.
   */
  readonly send: (value: A) => Effect.Effect<void, ChannelClosed>
}

/**
 * Waits until the channel has room and keeps the slot until the permit is used or the scope closes, so that a value which
 * is costly to make is made when it will be accepted.
 *
 * **Details**
 *
 * Fails with `ChannelClosed` when the channel is closed, or is closed meanwhile, and with `InvalidCapacity` for one that
 * holds nothing, or one value for ever.
 *
 * @category sending
 */
export const reserve = <A>(
  channel: Sender<A>
): Effect.Effect<Permit<A>, ChannelClosed | InvalidCapacity, Scope.Scope> => {
  const target = implementation(channel)
  if (!(target instanceof BufferedChannel) || target.capacity === 0) {
    return Effect.fail(new InvalidCapacity({ capacity: channel.capacity }))
  }
  const slots: BufferedChannel<A> = target
  return Effect.map(
    Effect.acquireRelease(
      Effect.map(slots.reserve, () => ({ held: true })),
      (slot) =>
        step(() => {
          if (!slot.held) return Exit.void
          slot.held = false
          return Effect.orDie(slots.release())
        }),
      { interruptible: true }
    ),
    (slot): Permit<A> => ({
      send: (value) =>
        step(() => {
          if (!slot.held) return slots.send(value)
          slot.held = false
          return slots.release({ value })
        })
    })
  )
}

/**
 * Closes a channel: what it holds can still be received, then receivers get `ChannelClosed`; senders get it at once, with
 * their value.
 *
 * **Details**
 *
 * - `cause`: why, if there is something to say; receivers find it in `ChannelClosed`.
 *
 * Fails with `ChannelClosed` when it was closed before; the first cause stays.
 *
 * @category closing
 */
export const close = <A>(channel: Sender<A>, cause?: Cause.Cause<unknown>): Effect.Effect<void, ChannelClosed> =>
  step(() => implementation(channel).close(cause))

/**
 * Closes a channel, if it is open, and hands what it holds to `onUndelivered`: nothing more is received, but of a promise
 * channel, whose value stays.
 *
 * **Details**
 *
 * Every value is handed over, whatever becomes of one of them; defects of `onUndelivered` are combined. What the channel
 * was closed with stays.
 *
 * @category closing
 */
export const cancel = <A>(channel: Sender<A>, cause?: Cause.Cause<unknown>): Effect.Effect<void> =>
  implementation(channel).cancel(cause)

/**
 * The values of a channel as a stream, which ends when the channel is closed, and fails with `ChannelClosed` when it was
 * closed with a cause.
 *
 * @category streams
 */
export const toStream = <A>(channel: Receiver<A>): Stream.Stream<A, ChannelClosed> =>
  Stream.fromPull(
    Effect.succeed(
      Effect.matchEffect(receive(channel), {
        onFailure: (closed): Effect.Effect<never, ChannelClosed | Cause.Done> =>
          closed.cause === undefined ? Cause.done() : Effect.fail(closed),
        onSuccess: (value) => Effect.succeed([value] as const)
      })
    )
  )

/**
 * Sends the elements of a stream on a channel, and closes the channel when the stream ends, with its cause if it fails or
 * is interrupted.
 *
 * **Details**
 *
 * Fails with `ChannelClosed` when somebody else closes the channel before the stream has ended.
 *
 * @category streams
 */
export const fromStream = <A, E, R>(
  stream: Stream.Stream<A, E, R>,
  channel: Sender<A>
): Effect.Effect<void, ChannelClosed, R> =>
  Effect.matchCauseEffect(
    Stream.runForEach(stream, (value) => send(channel, value)),
    {
      onFailure: (cause) => close(channel, cause),
      onSuccess: () => close(channel)
    }
  ).pipe(Effect.onInterrupt(() => Effect.ignore(close(channel, Cause.interrupt()))))
