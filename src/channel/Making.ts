/**
 * Making channels: one maker for each kind.
 */
import * as Effect from "effect/Effect"
import { InvalidCapacity, TooManyWaiters } from "./ChannelError.ts"
import type { Channel, Receiver } from "./Ends.ts"
import { BufferedChannel, type WhenFull } from "./internal/bufferedChannel.ts"
import type { ChannelImpl, Limit, Settings } from "./internal/channel.ts"
import { PromiseChannel } from "./internal/promiseChannel.ts"
import { TypeId } from "./Selectable.ts"

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
  /** See {@link WithWaiters}. */
  readonly waiters?: undefined
}

/**
 * How a channel is made that lets only so many wait.
 *
 * **Details**
 *
 * A send, a reservation or a receive that would have to wait behind that many others fails with `TooManyWaiters` at once;
 * who waits already is never refused. Those who were interrupted do not count.
 *
 * **Example** (Refusing in place of piling up)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Channel } from "troupe"
 *
 * const program = Effect.gen(function*() {
 *   const orders = yield* Channel.bounded<string>(1, { waiters: 1 })
 *   yield* Channel.send(orders, "held")
 *   yield* Effect.forkChild(Channel.send(orders, "waits"), { startImmediately: true })
 *   const refused = yield* Effect.flip(Channel.send(orders, "one too many"))
 *   return [refused._tag, refused.value]
 * })
 *
 * await Effect.runPromise(program) // => ["TooManyWaiters", "one too many"]
 * ```
 *
 * @category models
 */
export interface WithWaiters<in A> {
  readonly onUndelivered?: Options<A>["onUndelivered"]
  /** How many senders may wait, and how many receivers: a whole number from 1 on. */
  readonly waiters: number
}

/**
 * Makes a channel, without a limit on those who wait or with one.
 *
 * @category models
 */
export interface Make {
  <A>(options: WithWaiters<A>): Effect.Effect<Channel<A, TooManyWaiters>, InvalidCapacity>
  <A>(options?: Options<A>): Effect.Effect<Channel<A>>
}

/**
 * Makes a channel that holds up to `capacity` values, without a limit on those who wait or with one.
 *
 * @category models
 */
export interface MakeWithCapacity {
  <A>(capacity: number, options: WithWaiters<A>): Effect.Effect<Channel<A, TooManyWaiters>, InvalidCapacity>
  <A>(capacity: number, options?: Options<A>): Effect.Effect<Channel<A>, InvalidCapacity>
}

type AnyOptions<A> = Options<A> | WithWaiters<A>

const check = (option: InvalidCapacity["option"], value: number): Effect.Effect<void, InvalidCapacity> =>
  Number.isInteger(value) && value >= 1 ? Effect.void : Effect.fail(new InvalidCapacity({ option, capacity: value }))

const limitOf = (waiters: number): Limit<TooManyWaiters> => ({
  waiters,
  refusal: (side, sent) => new TooManyWaiters({ side, waiters, ...sent })
})

// The face of a channel is its implementation: the sending end, and how it may fail, are known to the compiler alone. What
// a channel may fail with, and making it, is in the overloads.
const made = <A>(
  options: AnyOptions<A> | undefined,
  make: (settings: Settings<A, TooManyWaiters>) => ChannelImpl<A, TooManyWaiters>
): Effect.Effect<Channel<A>> => {
  const { onUndelivered = () => Effect.void, waiters } = options ?? {}
  const limit = waiters === undefined ? undefined : limitOf(waiters)
  const channel = Effect.withFiber(({ currentDispatcher }) =>
    Effect.succeed(make({ dispatcher: currentDispatcher, limit, undelivered: onUndelivered }))
  )
  const checked = waiters === undefined ? channel : Effect.andThen(check("waiters", waiters), channel)
  return checked as Effect.Effect<unknown> as Effect.Effect<Channel<A>>
}

const unchecked = <A>(capacity: number, whenFull: WhenFull, options: AnyOptions<A> | undefined) =>
  made(options, (settings) => new BufferedChannel(settings, capacity, whenFull))

const buffered = <A>(capacity: number, whenFull: WhenFull, options: AnyOptions<A> | undefined) =>
  Effect.andThen(check("capacity", capacity), unchecked(capacity, whenFull, options))

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
export const rendezvous: Make = <A>(options?: AnyOptions<A>) => unchecked(0, "suspend", options)

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
export const bounded: MakeWithCapacity = <A>(capacity: number, options?: AnyOptions<A>) =>
  buffered(capacity, "suspend", options)

/**
 * Makes a channel without limit: a send never waits.
 *
 * @category constructors
 */
export const unbounded: Make = <A>(options?: AnyOptions<A>) => unchecked(Infinity, "suspend", options)

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
export const dropping: MakeWithCapacity = <A>(capacity: number, options?: AnyOptions<A>) =>
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
export const sliding: MakeWithCapacity = <A>(capacity: number, options?: AnyOptions<A>) =>
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
export const conflated: Make = <A>(options?: AnyOptions<A>) => unchecked(1, "drop-oldest", options)

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
export const promise: Make = <A>(options?: AnyOptions<A>) => made(options, (settings) => new PromiseChannel(settings))

/**
 * The receiving side of a channel on which nothing is ever sent, and which is never closed.
 *
 * @category constructors
 */
export const never: Receiver<never> = {
  [TypeId]: TypeId,
  length: 0,
  capacity: 0,
  isClosed: false,
  isReadyUnsafe: () => false,
  pollUnsafe: () => undefined,
  parkUnsafe: () => undefined,
  unparkUnsafe: () => {}
}
