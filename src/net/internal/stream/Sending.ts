/**
 * A stream that is sent: what was accepted is kept until the other side has it, or dropped where it may be.
 */
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Stream from "effect/Stream"
import { step } from "../../../channel/internal/step.ts"
import { Deque } from "../../../scheduler/internal/Deque.ts"
import type { Sender, SendError, SenderState } from "../../DataStream.ts"
import { StreamClosed, StreamLost } from "../../DataStreamError.ts"
import { Bell } from "../../transport/internal/Bell.ts"
import { changesOf } from "../changes.ts"
import { type BatchWriter, type Item, ItemWriter, Kind } from "./batch.ts"
import type { Peer } from "./Peer.ts"

// How many bytes go in one frame, where there is more than one chunk: connections and wires copy as much without new memory.
const MaxBytes = 60 * 1024

/** How many frames of a stream that loses nothing are underway: some are on their way while others are handled. */
export const MostUnderway = 4

/** What goes in one frame. */
export interface Parcel {
  readonly bytes: Uint8Array
  /** The number of the first one. */
  readonly from: number
  readonly count: number
  /** The last one that was acknowledged when it was put together. */
  readonly acknowledged: number
}

export class Sending {
  readonly streamId: string
  readonly peer: Peer
  readonly isLossy: boolean
  /** As its users have it. */
  readonly sender: Sender
  /** How many the other side has room for behind those that are acknowledged; one, until it is known. */
  private room = 1
  private readonly window: number
  private readonly clock: Clock.Clock
  /** What is not known to have arrived, or not sent; the first one has the number behind `acknowledged`. */
  private readonly items = new Deque<Uint8Array>()
  private readonly writer = new ItemWriter()
  private readonly first: number
  private acknowledged: number
  /** How many behind these are underway, and in how many frames. */
  private underway = 0
  private frames = 0
  /** How many bytes the items have that are not underway. */
  private bytes = 0
  /** Something that was underway was not taken: it goes again with all behind it, when nothing is underway. */
  private isGoingBack = false
  private sequence: number
  private dropped = 0
  /** The end, or the failure, is among the items. */
  private isEnding = false
  private present: SenderState = { _tag: "Open" }
  private readonly changed = new Bell()
  private readonly pumps = new Bell()
  private readonly producers = new Bell()
  private readonly over = Deferred.makeUnsafe<void, SendError>()
  private maxBytes = MaxBytes
  /** How many chunks go in one frame at most: of what both sides have room for, so that all frames have a part. */
  private most = 1
  private readonly onOver: (sending: Sending) => void

  constructor(
    streamId: string,
    peer: Peer,
    isLossy: boolean,
    window: number,
    after: number,
    clock: Clock.Clock,
    onOver: (sending: Sending) => void
  ) {
    this.onOver = onOver
    this.streamId = streamId
    this.peer = peer
    this.isLossy = isLossy
    this.window = window
    this.first = after
    this.acknowledged = after
    this.sequence = after
    this.clock = clock
    this.sender = {
      streamId,
      send: (payload, options) => this.send(payload, options?.metadata ?? {}),
      end: this.endWith({ _tag: "End" }),
      fail: (detail) => this.endWith({ _tag: "Failure", detail }),
      ended: this.ended,
      state: Effect.sync(() => this.present),
      changes: this.changes,
      stats: Effect.sync(() => ({
        accepted: this.sequence - this.first,
        sequence: this.sequence,
        acknowledged: Math.min(this.acknowledged, this.sequence),
        dropped: this.dropped,
        waiting: this.items.length - (this.isEnding && this.items.length > 0 ? 1 : 0)
      }))
    }
  }

  get isOver(): boolean {
    return this.present._tag === "Over"
  }

  get hasEnd(): boolean {
    return this.isEnding
  }

  /** Waits until something is to be sent, or it is over. */
  readonly due: Effect.Effect<void> = this.pumps.until(() => this.isDue || this.isOver)

  /**
   * Whether something is to be sent. One frame has whatever is there, and asks for room when there is none; those behind it are
   * worth it when they are full.
   */
  get isDue(): boolean {
    return this.frames === 0 ? this.items.length > 0 : this.isFull
  }

  // Whether a whole frame is to be sent.
  private get isFull(): boolean {
    const { bytes, frames, isGoingBack, items, room, underway } = this
    if (isGoingBack || frames === MostUnderway) return false
    if (bytes >= this.maxBytes && items.length <= room) return true
    return Math.min(items.length, room) - underway >= this.most
  }

  /** Waits until it is over. */
  readonly settled: Effect.Effect<void> = this.changed.until(() => this.isOver)

  // Waits until there is room for one more, or none is taken.
  private readonly admitted: Effect.Effect<void> = this.producers.until(
    () => this.items.length < this.window || this.isOver || this.isEnding
  )

  private get ended(): Effect.Effect<void, SendError> {
    return Deferred.await(this.over)
  }

  private send(payload: Uint8Array, metadata: Readonly<Record<string, string>>): Effect.Effect<void, SendError> {
    return step<void, SendError>(() => {
      const { present } = this
      if (present._tag === "Over") return Exit.fail(present.error ?? this.closed("it has ended"))
      if (this.isEnding) return Exit.fail(this.closed("it was ended"))
      // The other side has it from a sender before.
      if (this.sequence < this.acknowledged) {
        this.sequence++
        return Exit.void
      }
      if (this.items.length >= this.window) {
        if (!this.isLossy) {
          return Effect.andThen(this.admitted, this.send(payload, metadata))
        }
        this.dropOldest()
      }
      const timestamp = Math.max(0, Math.round(this.clock.currentTimeMillisUnsafe()))
      this.push({ _tag: "Chunk", payload, metadata, timestamp })
      this.sequence++
      this.wakePumps()
      return Exit.void
    })
  }

  private push(item: Item): void {
    const bytes = this.writer.write(item)
    this.items.push(bytes)
    this.bytes += bytes.length
  }

  private dropOldest(): void {
    this.forget(1)
    this.dropped++
  }

  private closed(detail: string): StreamClosed {
    return new StreamClosed({ streamId: this.streamId, by: "this side", detail })
  }

  private endWith(item: Item): Effect.Effect<void, SendError> {
    return Effect.andThen(
      step<void, SendError>(() => {
        if (this.isEnding || this.isOver) return Exit.void
        this.isEnding = true
        this.push(item)
        this.wakePumps()
        this.producers.ringBehind()
        return Exit.void
      }),
      Effect.suspend(() => this.ended)
    )
  }

  /** What is to go next, as much as there is room for; it may be nothing, where there is no room. */
  next(writer: BatchWriter): Parcel {
    const { underway } = this
    const chosen: Array<Uint8Array> = []
    const most = Math.min(this.room - underway, this.most)
    let size = 0
    for (let at = underway; at < this.items.length; at++) {
      const item = this.items.at(at) as Uint8Array
      if (chosen.length === most || (chosen.length > 0 && size + item.length > this.maxBytes)) break
      chosen.push(item)
      size += item.length
    }
    const parcel = this.parcel(writer, chosen, this.isLossy ? Kind.Lossy : underway > 0 ? Kind.Behind : Kind.Reliable)
    this.underway += chosen.length
    this.bytes -= size
    this.frames++
    return parcel
  }

  /** As {@link Sending.next}, for who waits for no answer: takes it out, and leaves the end, since that needs one. */
  takeUnanswered(writer: BatchWriter): Parcel | undefined {
    const chosen: Array<Uint8Array> = []
    const count = this.items.length - (this.isEnding ? 1 : 0)
    let size = 0
    for (const item of this.items) {
      if (chosen.length === count || (chosen.length > 0 && size + item.length > this.maxBytes)) break
      chosen.push(item)
      size += item.length
    }
    if (chosen.length === 0) return undefined
    const parcel = this.parcel(writer, chosen, Kind.Lossy)
    this.forget(chosen.length)
    return parcel
  }

  private parcel(writer: BatchWriter, items: ReadonlyArray<Uint8Array>, kind: Kind): Parcel {
    const { acknowledged } = this
    const from = acknowledged + this.underway + 1
    return { bytes: writer.write(this.streamId, kind, from, items), from, count: items.length, acknowledged }
  }

  private forget(count: number): void {
    for (let i = 0; i < count; i++) {
      const item = this.items.shift()
      if (item === undefined) break
      this.writer.free(item)
      if (this.underway > 0) this.underway--
      else this.bytes -= item.length
    }
    this.acknowledged += count
  }

  /** The answer to a frame: the other side has what is before `next`, and room for so many more. To be called in a step. */
  onAnswer({ acknowledged, count, from }: Parcel, next: number, room: number): void {
    if (this.isOver) return
    if (next <= acknowledged) {
      return this.finish(this.lost(`the other side wants chunk ${next}, which is not kept any more`, next - 1))
    }
    // An answer may be older than one that has come.
    if (next > this.acknowledged) {
      this.room = room
      this.most = Math.max(this.most, Math.ceil(Math.min(room, this.window) / MostUnderway))
      // It may be further than this side is: it has got these from a sender before.
      this.forget(Math.min(next - 1 - this.acknowledged, this.items.length))
      this.acknowledged = next - 1
    }
    this.onLanded(next >= from + count)
    if (this.isEnding && this.items.length === 0) return this.finish(undefined)
    this.producers.ringBehind()
    if (this.isFull) this.pumps.ringBehind()
    this.enter({ _tag: "Open" })
  }

  /** A frame is not underway any more. When it was not taken, it goes again with all behind it. */
  onLanded(isTaken: boolean): void {
    if (!isTaken) this.isGoingBack = true
    if (--this.frames > 0 || !this.isGoingBack) return
    this.isGoingBack = false
    for (let at = 0; at < this.underway; at++) this.bytes += this.items.at(at)?.length ?? 0
    this.underway = 0
  }

  /** Those that were taken out are on their way. */
  onGone(): void {
    if (!this.isOver) this.enter({ _tag: "Open" })
  }

  /** Those that were taken out can't be sent, and are not worth to be waited for. */
  onMissed({ count }: Parcel): void {
    this.dropped += count
  }

  /** Less goes in one frame; false when it is one chunk already. */
  shrink({ bytes, count }: Parcel): boolean {
    if (count <= 1) return false
    this.maxBytes = bytes.length >> 1
    return true
  }

  /** It is not known what has arrived. */
  onUncertain(detail: string): void {
    if (this.isOver) return
    // Where nothing was sent since, nothing is uncertain.
    if (!this.isLossy && this.items.length === 0) return
    const { acknowledged, sequence } = this
    this.enter({ _tag: "Uncertain", acknowledged, sent: sequence, detail })
  }

  /** Why it can't go on. */
  lost(detail: string, sequence = Math.min(this.acknowledged, this.sequence)): StreamLost {
    const delivery = !this.isLossy && sequence === this.sequence ? "complete" : "uncertain"
    return new StreamLost({ streamId: this.streamId, sequence, delivery, detail })
  }

  /** It is over: as it should be when there is no error. */
  finish(error: SendError | undefined): void {
    if (this.isOver) return
    for (const item of this.items.drain()) this.writer.free(item)
    this.underway = 0
    this.bytes = 0
    this.onOver(this)
    this.enter({ _tag: "Over", error })
    this.pumps.ring()
    this.producers.ring()
    Deferred.doneUnsafe(this.over, error === undefined ? Exit.void : Exit.fail(error))
  }

  private enter(state: SenderState): void {
    if (state._tag !== "Open" || this.present._tag !== "Open") this.present = state
    this.changed.ring()
  }

  // Those that come one by one go together.
  private wakePumps(): void {
    if (this.isFull && !this.isLossy) this.pumps.ringBehind()
    else if (this.isDue) this.pumps.ring()
  }

  private get changes(): Stream.Stream<SenderState> {
    return changesOf<SenderState>(
      this.changed,
      () => this.present,
      () => (this.isOver ? Cause.done() : undefined)
    )
  }
}
