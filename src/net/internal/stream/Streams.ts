/**
 * The streams of a program: by the other side and their id, those that it sends and those that it receives.
 */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { step } from "../../../channel/internal/step.ts"
import { Topic } from "../../../process/internal/topic.ts"
import type { Connection } from "../../Connection.ts"
import { InvalidArgument } from "../../ConnectionError.ts"
import type { Event, ReceiverOptions, SenderOptions, Stats } from "../../DataStream.ts"
import { StreamClosed, StreamInUse, StreamRefused } from "../../DataStreamError.ts"
import { type Batch, decode, Kind } from "./batch.ts"
import { type Asked, Peer, type Watching } from "./Peer.ts"
import { pumping } from "./pumping.ts"
import { type Noticing, Receiving } from "./Receiving.ts"
import type { Attach, Chunks, Close, Route } from "./routes.ts"
import { Sending } from "./Sending.ts"

/** How streams are kept. */
export interface Settings {
  readonly clock: Clock.Clock
  /** What runs for as long as there are streams of this program. */
  readonly scope: Scope.Scope
  /** How long the other side may take to come back. */
  readonly patience: number
}

// How many may wait when nothing else is asked for.
const Window = 256

// An answer that waits for room comes after this time at the latest, so that whoever asks is not given up.
const Hold = "1 second"

// How long whoever closes a stream waits until the other side knows.
const Farewell = "1 second"

// How long it is told for: a link that lives as long has carried it.
const Patience = "1 minute"

interface Ended {
  readonly until: number
  /** The chunk behind its end; nothing when it was closed before. */
  readonly next: number | undefined
}

const keyOf = (connection: string, streamId: string): string => `${connection} ${streamId}`

export class Streams implements Watching, Noticing {
  readonly patience: Effect.Effect<void>
  readonly topic = new Topic<Event>()
  private readonly settings: Settings
  private readonly run = globalThis.crypto.randomUUID()
  private readonly peers = new Map<string, Peer>()
  private readonly senders = new Map<string, Sending>()
  private readonly receivers = new Map<string, Receiving>()
  /** What was received until lately, the oldest first: its end may come again, where the answer was lost. */
  private readonly ended = new Map<string, Ended>()
  /** What the other side is being told to send no more. */
  private readonly closing = new Set<string>()
  private readonly refused = { NotRegistered: 0, NotProducer: 0, Closed: 0, Malformed: 0 }
  private gaps = 0
  private duplicates = 0

  constructor(settings: Settings) {
    this.settings = settings
    this.patience = Effect.sleep(settings.patience)
  }

  get stats(): Stats {
    return {
      sending: this.senders.size,
      receiving: this.receivers.size,
      refused: { ...this.refused },
      gaps: this.gaps,
      duplicates: this.duplicates
    }
  }

  // Who is on the other side.

  private fork(effect: Effect.Effect<unknown>): Effect.Effect<void> {
    return Effect.asVoid(Effect.forkIn(effect, this.settings.scope))
  }

  private watch(peer: Peer, connection: Connection<Route>): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (!peer.move(connection)) return Effect.void
      return Effect.flatMap(Effect.forkIn(peer.watch(connection, this), this.settings.scope), (fiber) =>
        Effect.sync(() => {
          peer.fibers.add(fiber)
          fiber.addObserver(() => peer.fibers.delete(fiber))
        })
      )
    })
  }

  /** Who is on the other side of a connection that this side uses. */
  private peerOf(connection: Connection<Route>): Effect.Effect<Peer> {
    return Effect.gen({ self: this }, function* () {
      const identity = yield* connection.identity
      let peer = this.peers.get(connection.id)
      if (peer === undefined) {
        peer = new Peer(connection, identity?.account)
        this.peers.set(peer.id, peer)
      }
      peer.streams++
      // One that was lost may have been followed by another, which is the way to it now.
      const isNew = peer.closed !== undefined && (yield* connection.state)._tag !== "Closed"
      yield* this.watch(peer, isNew ? connection : peer.connection)
      return peer
    })
  }

  /** The other side has come over this connection; fails when it is not who it says. */
  private come(connection: Connection<Route>): Effect.Effect<Peer | undefined> {
    return Effect.gen({ self: this }, function* () {
      const peer = this.peers.get(connection.id)
      if (peer === undefined) return undefined
      const identity = yield* connection.identity
      if (!peer.isSame(identity?.account)) return undefined
      if ((yield* connection.state)._tag !== "Closed") yield* this.watch(peer, connection)
      return peer
    })
  }

  private release(peer: Peer): void {
    if (--peer.streams > 0) return
    this.peers.delete(peer.id)
    for (const fiber of peer.fibers) fiber.interruptUnsafe()
  }

  // What becomes of it.

  readonly receiving = (peer: Peer): ReadonlyArray<Asked> =>
    [...this.receivers.values()]
      .filter((one) => one.peer === peer)
      .map(({ hasBegun, streamId }) => ({ streamId, hadBegun: hasBegun }))

  readonly onAttached = (
    peer: Peer,
    asked: ReadonlyArray<Asked>,
    producing: ReadonlyArray<string>,
    run: string
  ): void => {
    peer.run = run
    const there = new Set(producing)
    for (const { hadBegun, streamId } of asked) {
      const one = this.receivers.get(keyOf(peer.id, streamId))
      if (one === undefined) continue
      const isOfAnother = one.isOfAnother(run)
      one.run = run
      if (there.has(streamId)) continue
      if (isOfAnother) one.lose("the program that was to produce it was started anew, or may have been")
      else if (hadBegun) one.lose("the other side does not produce it any more")
    }
  }

  readonly onDown = (peer: Peer, detail: string): void => {
    for (const one of this.senders.values()) if (one.peer === peer) one.onUncertain(detail)
  }

  readonly onLost = (peer: Peer, detail: string): void => {
    for (const one of this.senders.values()) if (one.peer === peer) one.finish(one.lost(detail))
    for (const one of this.receivers.values()) if (one.peer === peer) one.lose(detail)
  }

  readonly onGap = (streamId: string, expected: number, sequence: number): void => {
    this.gaps++
    this.topic.publish({ _tag: "Gap", streamId, expected, sequence })
  }

  readonly onDuplicate = (streamId: string, expected: number, sequence: number): void => {
    this.duplicates++
    this.topic.publish({ _tag: "Duplicate", streamId, expected, sequence })
  }

  // Streams that are sent.

  open(connection: Connection<Route>, streamId: string, options: SenderOptions) {
    return Effect.gen({ self: this }, function* () {
      const { after, window } = yield* checked(options)
      const key = keyOf(connection.id, streamId)
      if (this.senders.has(key)) return yield* new StreamInUse({ streamId })
      const peer = yield* this.peerOf(connection)
      const isLossy = options.mode === "latency-first"
      const { clock } = this.settings
      const sending = new Sending(streamId, peer, isLossy, window, after, clock, (over) => {
        this.senders.delete(key)
        this.release(over.peer)
      })
      this.senders.set(key, sending)
      yield* this.fork(pumping(sending))
      yield* Effect.addFinalizer(() => this.abandon(sending))
      return sending
    }).pipe(Effect.uninterruptible)
  }

  private abandon(sending: Sending): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (sending.isOver) return Effect.void
      const { peer, streamId } = sending
      const detail = "its producer has gone before the end"
      sending.finish(new StreamClosed({ streamId, by: "this side", detail }))
      return this.tellClosed(peer, streamId, "producer", detail)
    })
  }

  // Streams that are received.

  /** Takes the place of whoever receives it now. */
  receive(connection: Connection<Route>, streamId: string, options: ReceiverOptions) {
    return Effect.gen({ self: this }, function* () {
      const { after, window } = yield* checked(options)
      const key = keyOf(connection.id, streamId)
      const peer = yield* this.peerOf(connection)
      const before = this.receivers.get(key)
      const receiving = new Receiving(streamId, peer, window, before?.next ?? after + 1, this)
      this.receivers.set(key, receiving)
      this.ended.delete(key)
      before?.closeHere("another receiver has taken its place")
      yield* Effect.addFinalizer(() => this.cancel(receiving))
      return { receiving, before }
    }).pipe(Effect.uninterruptible)
  }

  /** Something of it was taken out, or it was closed: whether it is over. */
  settle(receiving: Receiving): boolean {
    if (receiving.isSettled) return true
    if (!receiving.isDrained) return false
    this.forgetReceiver(receiving)
    this.release(receiving.peer)
    receiving.settle()
    return true
  }

  private forgetReceiver(receiving: Receiving): void {
    const { peer, streamId } = receiving
    const key = keyOf(peer.id, streamId)
    if (this.receivers.get(key) !== receiving) return
    this.receivers.delete(key)
    const now = this.settings.clock.currentTimeMillisUnsafe()
    for (const [old, { until }] of this.ended) {
      if (until > now) break
      this.ended.delete(old)
    }
    this.ended.delete(key)
    const next = receiving.hasEnd ? receiving.next : undefined
    this.ended.set(key, { until: now + this.settings.patience, next })
  }

  /** No more chunks are taken; what is here stays. */
  unregister(receiving: Receiving): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (!receiving.isOpen) return Effect.void
      const { peer, streamId } = receiving
      receiving.closeHere("it was unregistered")
      this.forgetReceiver(receiving)
      return this.tellClosed(peer, streamId, "receiver", "its receiver was unregistered")
    })
  }

  /** No more chunks are taken, and what is here is not handled. */
  cancel(receiving: Receiving): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { isOpen, isSettled, peer, streamId } = receiving
      if (isSettled) return Effect.void
      receiving.closeHere("it was cancelled")
      receiving.drop()
      this.settle(receiving)
      return isOpen ? this.tellClosed(peer, streamId, "receiver", "its receiver has cancelled it") : Effect.void
    })
  }

  // Where it can be told at once; otherwise the other side finds out when it comes back.
  private tellClosed(
    { connection }: Peer,
    streamId: string,
    by: "receiver" | "producer",
    detail: string
  ): Effect.Effect<void> {
    const told = Effect.ignore(connection.request("@stream.close", { streamId, by, detail }, { timeout: Patience }))
    return Effect.flatMap(connection.isConnected, (isConnected) =>
      isConnected
        ? // It goes on when it is not waited for any longer.
          Effect.flatMap(Effect.forkIn(told, this.settings.scope), (fiber) =>
            Effect.asVoid(Effect.timeoutOption(Fiber.await(fiber), Farewell))
          )
        : Effect.void
    )
  }

  // What the other side asks.

  private batchOf(bytes: Uint8Array, connection: Connection<Route>): Effect.Effect<Batch, StreamRefused> {
    return Effect.suspend(() => {
      const batch = decode(bytes)
      return batch === undefined ? Effect.fail(this.refuse("", 1, connection, "Malformed")) : Effect.succeed(batch)
    })
  }

  private refuse(
    streamId: string,
    chunks: number,
    connection: Connection<Route>,
    reason: StreamRefused["reason"]
  ): StreamRefused {
    this.refused[reason] += chunks
    this.topic.publish({ _tag: "Refused", streamId, connection: connection.id, reason })
    return new StreamRefused({ streamId, reason })
  }

  private refusalOf({ items, streamId }: Batch, connection: Connection<Route>): StreamRefused {
    const isEnded = this.ended.has(keyOf(connection.id, streamId))
    const isElsewhere = () => [...this.receivers.values()].some((one) => one.streamId === streamId)
    const reason = isEnded ? "Closed" : isElsewhere() ? "NotProducer" : "NotRegistered"
    return this.refuse(streamId, items.filter(({ _tag }) => _tag === "Chunk").length, connection, reason)
  }

  private receiverOf(batch: Batch, connection: Connection<Route>): Effect.Effect<Receiving | undefined> {
    return Effect.map(this.come(connection), (peer) =>
      peer === undefined ? undefined : this.receivers.get(keyOf(peer.id, batch.streamId))
    )
  }

  readonly onChunks = (
    bytes: Uint8Array,
    connection: Connection<Route>
  ): Effect.Effect<(typeof Chunks)["successSchema"]["Type"], StreamRefused> =>
    Effect.gen({ self: this }, function* () {
      const batch = yield* this.batchOf(bytes, connection)
      const receiving = yield* this.receiverOf(batch, connection)
      if (receiving === undefined || !receiving.isOpen) return yield* this.answerOfEnded(batch, connection, receiving)
      // Behind chunks that are on their way, or on their way to be handled.
      const isAhead = batch.kind !== Kind.Reliable && batch.from > receiving.next
      if (isAhead) yield* Effect.timeoutOption(receiving.untilBehind(batch), Hold)
      const before = receiving.next
      yield* this.offer(receiving, batch, connection)
      // What was taken is acknowledged at once, or when a handler that is not slow has handled it, so that the answer has room;
      // who asks again is answered when there is room.
      yield* Effect.suspend(() => {
        if (receiving.isRoomy) return Effect.void
        const isFull = receiving.room === 0 && receiving.next === before
        return isFull && batch.kind !== Kind.Lossy ? Effect.timeoutOption(receiving.untilRoomy, Hold) : Effect.yieldNow
      })
      // It may be another one by now.
      const present = this.receivers.get(keyOf(connection.id, batch.streamId))
      if (present !== undefined) return { next: present.next, room: present.room }
      return yield* this.answerOfEnded({ ...batch, items: [] }, connection, receiving)
    })

  // Whoever handles it goes on with the event that brings it.
  private offer(receiving: Receiving, batch: Batch, connection: Connection<Route>): Effect.Effect<void> {
    return step(() => {
      receiving.offer(batch, connection)
      return Exit.void
    })
  }

  // What has ended may come again, where the answer was lost; anything behind its end is refused.
  private answerOfEnded(batch: Batch, connection: Connection<Route>, receiving: Receiving | undefined) {
    return Effect.suspend(() => {
      const ended = this.ended.get(keyOf(connection.id, batch.streamId))
      const next = receiving?.hasEnd === true ? receiving.next : ended?.next
      return next === undefined || batch.from + batch.items.length > next
        ? Effect.fail(this.refusalOf(batch, connection))
        : Effect.succeed({ next, room: 1 })
    })
  }

  readonly onChunk = (bytes: Uint8Array, connection: Connection<Route>): Effect.Effect<void> =>
    Effect.gen({ self: this }, function* () {
      const batch = yield* this.batchOf(bytes, connection)
      const receiving = yield* this.receiverOf(batch, connection)
      if (receiving?.isOpen === true) return yield* this.offer(receiving, batch, connection)
      this.refusalOf(batch, connection)
      yield* this.stop(batch.streamId, connection)
    }).pipe(Effect.ignore)

  // Whoever waits for no answer is told to send no more.
  private stop(streamId: string, connection: Connection<Route>): Effect.Effect<void> {
    return Effect.suspend(() => {
      const key = keyOf(connection.id, streamId)
      if (this.closing.has(key)) return Effect.void
      this.closing.add(key)
      const told = connection.request("@stream.close", { streamId, by: "receiver", detail: "nobody receives it" })
      return this.fork(
        Effect.ensuring(
          Effect.ignore(told),
          Effect.sync(() => this.closing.delete(key))
        )
      )
    })
  }

  readonly onAttach = (
    { receiving }: (typeof Attach)["payloadSchema"]["Type"],
    connection: Connection<Route>
  ): Effect.Effect<(typeof Attach)["successSchema"]["Type"]> =>
    Effect.map(this.come(connection), (peer) => ({
      run: this.run,
      producing: receiving.filter((id) => peer !== undefined && this.senders.has(keyOf(peer.id, id)))
    }))

  readonly onClose = (
    { by, detail, streamId }: (typeof Close)["payloadSchema"]["Type"],
    connection: Connection<Route>
  ): Effect.Effect<void> =>
    Effect.map(this.come(connection), (peer) => {
      if (peer === undefined) return
      const key = keyOf(peer.id, streamId)
      if (by === "producer") return this.receivers.get(key)?.fail(detail)
      this.senders.get(key)?.finish(new StreamClosed({ streamId, by: "the other side", detail }))
    })

  /** Nothing goes on. */
  readonly end: Effect.Effect<void> = step(() => {
    const detail = "the streams of this program have ended"
    for (const one of this.senders.values()) one.finish(one.lost(detail))
    for (const one of this.receivers.values()) one.closeHere(detail)
    return Exit.void
  })
}

const checked = ({
  after = 0,
  window = Window
}: ReceiverOptions): Effect.Effect<{ readonly after: number; readonly window: number }, InvalidArgument> => {
  const invalid = (argument: string, value: number, least: number) =>
    Effect.fail(new InvalidArgument({ argument, detail: `is ${value}, and has to be a whole number from ${least} on` }))
  if (!(Number.isInteger(window) && window > 0)) return invalid("window", window, 1)
  if (!(Number.isInteger(after) && after >= 0)) return invalid("after", after, 0)
  return Effect.succeed({ after, window })
}
