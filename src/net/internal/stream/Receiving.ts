/**
 * A stream that is received: each chunk is taken once, in order, and no more of them than there is room for.
 */
import * as Deferred from "effect/Deferred"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { Deque } from "../../../scheduler/internal/Deque.ts"
import type { Connection } from "../../Connection.ts"
import type { Chunk, ReceiveError, ReceiverStats } from "../../DataStream.ts"
import { StreamClosed, StreamFailed, StreamLost } from "../../DataStreamError.ts"
import { Bell } from "../../transport/internal/Bell.ts"
import { type Batch, type Item, Kind } from "./batch.ts"
import type { Peer } from "./Peer.ts"
import type { Route } from "./routes.ts"

/** A chunk, and what it came over. */
export interface Arrival {
  readonly chunk: Chunk
  readonly caller: Connection<Route>
}

/** Is told what is not as it should be. */
export interface Noticing {
  readonly onGap: (streamId: string, expected: number, sequence: number) => void
  readonly onDuplicate: (streamId: string, expected: number, sequence: number) => void
}

export class Receiving {
  readonly streamId: string
  readonly peer: Peer
  /** The run of the other side that it was asked of, when that is known. */
  run: string | undefined
  /** How often the other side had been linked again when it was registered. */
  private readonly relinks: number
  /** Its end has come. */
  hasEnd = false
  /** It is over, and nothing of it is here. */
  isSettled = false
  /** The chunk that is to come next. */
  next: number
  private readonly arrived = new Bell()
  private readonly roomy = new Bell()
  private readonly consumers = new Bell()
  private readonly first: number
  private readonly window: number
  private readonly noticing: Noticing
  private readonly arrivals = new Deque<Arrival>()
  /** How it ends behind what is here; it takes no more chunks then. */
  private closing: Exit.Exit<void, ReceiveError> | undefined
  private readonly over = Deferred.makeUnsafe<void, ReceiveError>()
  private readonly counts = { received: 0, handled: 0, failed: 0, dropped: 0, gaps: 0, duplicates: 0 }

  constructor(streamId: string, peer: Peer, window: number, next: number, noticing: Noticing) {
    this.streamId = streamId
    this.peer = peer
    this.run = peer.run
    this.relinks = peer.relinks
    this.window = window
    this.first = next
    this.next = next
    this.noticing = noticing
  }

  /** Whether it takes chunks. */
  get isOpen(): boolean {
    return this.closing === undefined
  }

  /** Whether anything of it has come. */
  get hasBegun(): boolean {
    return this.next > this.first
  }

  /** Whether it was asked of a run of the other side that is not this one, as far as that is known. */
  isOfAnother(run: string): boolean {
    return this.run === undefined ? this.peer.relinks > this.relinks : this.run !== run
  }

  get room(): number {
    return Math.max(0, this.window - this.arrivals.length)
  }

  get stats(): ReceiverStats {
    return { ...this.counts, waiting: this.arrivals.length, sequence: this.next - (this.hasEnd ? 2 : 1) }
  }

  /** Waits until it is over, and how. */
  readonly ended: Effect.Effect<void, ReceiveError> = Deferred.await(this.over)

  /** Whether there is room for many. */
  get isRoomy(): boolean {
    return this.room >= Math.ceil(this.window / 2)
  }

  /** Waits until there is room for many again, or it takes no more. */
  readonly untilRoomy: Effect.Effect<void> = this.roomy.until(() => this.isRoomy || !this.isOpen)

  /** Waits until all chunks before this one have come, or can't be taken. */
  untilBehind({ from, kind }: Batch): Effect.Effect<void> {
    const isLossy = kind === Kind.Lossy
    return this.arrived.until(() => this.next >= from || !this.isOpen || (!isLossy && this.room === 0))
  }

  /** Waits until something is here, or it is over. */
  readonly due: Effect.Effect<void> = this.consumers.until(() => this.arrivals.length > 0 || this.closing !== undefined)

  /** Takes what follows what is here, as far as there is room. To be called in a step, behind which it is handled. */
  offer({ from, items, kind }: Batch, caller: Connection<Route>): void {
    const isLossy = kind === Kind.Lossy
    let sequence = from - 1
    for (const item of items) {
      sequence++
      if (!this.isOpen) break
      if (sequence < this.next) {
        this.counts.duplicates++
        this.noticing.onDuplicate(this.streamId, this.next, sequence)
        continue
      }
      if (sequence > this.next) {
        // There was no room for those before it.
        if (kind === Kind.Behind && this.room === 0) break
        this.counts.gaps++
        this.noticing.onGap(this.streamId, this.next, sequence)
        if (!isLossy) break
      }
      if (item._tag === "Chunk" && this.room === 0) {
        if (!isLossy) break
        this.arrivals.shift()
        this.counts.dropped++
      }
      this.take(sequence, item, caller)
    }
    this.consumers.ringBehind()
    this.arrived.ring()
  }

  private take(sequence: number, item: Item, caller: Connection<Route>): void {
    const { streamId } = this
    this.next = sequence + 1
    switch (item._tag) {
      case "Chunk": {
        const { metadata, payload, timestamp } = item
        this.counts.received++
        this.arrivals.push({ chunk: { streamId, sequence, payload, metadata, timestamp }, caller })
        return
      }
      case "End":
        this.hasEnd = true
        return this.close(Exit.void)
      case "Failure":
        this.hasEnd = true
        return this.fail(item.detail)
    }
  }

  /** Takes the next one out, which makes room for another. */
  shift(): Arrival | undefined {
    const arrival = this.arrivals.shift()
    if (arrival !== undefined) this.roomy.ring()
    return arrival
  }

  onHandled(isSuccess: boolean): void {
    if (isSuccess) this.counts.handled++
    else this.counts.failed++
  }

  /** It takes no more, and is over when what is here is taken out. */
  close(exit: Exit.Exit<void, ReceiveError>): void {
    this.closing ??= exit
    this.consumers.ring()
    this.arrived.ring()
    this.roomy.ring()
  }

  /** Its producer has failed it. */
  fail(detail: string): void {
    this.close(Exit.fail(new StreamFailed({ streamId: this.streamId, detail })))
  }

  closeHere(detail: string): void {
    this.close(Exit.fail(new StreamClosed({ streamId: this.streamId, by: "this side", detail })))
  }

  lose(detail: string): void {
    const { sequence } = this.stats
    this.close(Exit.fail(new StreamLost({ streamId: this.streamId, sequence, delivery: "uncertain", detail })))
  }

  /** What is here is not handled. */
  drop(): void {
    this.counts.dropped += this.arrivals.length
    this.arrivals.drain()
    this.consumers.ring()
  }

  /** Whether it takes no more, and nothing of it is here. */
  get isDrained(): boolean {
    return this.closing !== undefined && this.arrivals.length === 0
  }

  /** Whoever waits for its end is told. */
  settle(): void {
    if (this.closing === undefined) return
    this.isSettled = true
    Deferred.doneUnsafe(this.over, this.closing)
  }
}
