/**
 * A stream that is sent: what was accepted is kept until the other side has it, or dropped where it may be.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Pull from "effect/Pull"
import * as Stream from "effect/Stream"
import { afterwards, step } from "../../../channel/internal/step.ts"
import { Deque } from "../../../scheduler/internal/Deque.ts"
import type { Sender, SendError, SenderState } from "../../DataStream.ts"
import { StreamClosed, StreamLost } from "../../DataStreamError.ts"
import { Bell } from "../../transport/internal/Bell.ts"
import { encode, encodeItem, type Item } from "./batch.ts"
import type { Peer } from "./Peer.ts"

// How many bytes go in one frame, where there is more than one chunk: a slow link answers in time all the same.
const MaxBytes = 256 * 1024

/** What goes in one frame. */
export interface Parcel {
  readonly bytes: Uint8Array
  readonly count: number
}

export class Sending {
  readonly streamId: string
  readonly peer: Peer
  readonly isLossy: boolean
  /** As its users have it. */
  readonly sender: Sender
  /** How many the other side has room for; one, until it is known. */
  room = 1
  private readonly window: number
  private readonly clock: Clock.Clock
  /** What is not known to have arrived, or not sent; the first one has the number behind `acknowledged`. */
  private readonly items = new Deque<Uint8Array>()
  private readonly first: number
  private acknowledged: number
  private sequence: number
  private dropped = 0
  /** The end, or the failure, is among the items. */
  private isEnding = false
  private present: SenderState = { _tag: "Open" }
  private readonly changed = new Bell()
  private readonly over = Deferred.makeUnsafe<void, SendError>()
  private maxBytes = MaxBytes
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
  readonly due: Effect.Effect<void> = this.changed.until(() => this.items.length > 0 || this.isOver)

  /** Waits until it is over. */
  readonly settled: Effect.Effect<void> = this.changed.until(() => this.isOver)

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
          const isDue = () => this.items.length < this.window || this.isOver || this.isEnding
          return Effect.andThen(this.changed.until(isDue), this.send(payload, metadata))
        }
        this.dropOldest()
      }
      const timestamp = Math.max(0, Math.round(this.clock.currentTimeMillisUnsafe()))
      this.items.push(encodeItem({ _tag: "Chunk", payload, metadata, timestamp }))
      this.sequence++
      this.ringAfterwards()
      return Exit.void
    })
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
        this.items.push(encodeItem(item))
        this.ringAfterwards()
        return Exit.void
      }),
      Effect.suspend(() => this.ended)
    )
  }

  /** What is to go next, as much as there is room for; it may be nothing, where there is no room. */
  next(): Parcel {
    const chosen: Array<Uint8Array> = []
    let size = 0
    for (const item of this.items) {
      if (chosen.length === this.room || (chosen.length > 0 && size + item.length > this.maxBytes)) break
      chosen.push(item)
      size += item.length
    }
    return this.parcel(chosen)
  }

  /** As {@link Sending.next}, for who waits for no answer: takes it out, and leaves the end, since that needs one. */
  takeUnanswered(): Parcel | undefined {
    const chosen: Array<Uint8Array> = []
    const count = this.items.length - (this.isEnding ? 1 : 0)
    let size = 0
    for (const item of this.items) {
      if (chosen.length === count || (chosen.length > 0 && size + item.length > this.maxBytes)) break
      chosen.push(item)
      size += item.length
    }
    if (chosen.length === 0) return undefined
    const parcel = this.parcel(chosen)
    this.forget(chosen.length)
    return parcel
  }

  private parcel(items: ReadonlyArray<Uint8Array>): Parcel {
    return { bytes: encode(this.streamId, this.isLossy, this.acknowledged + 1, items), count: items.length }
  }

  private forget(count: number): void {
    for (let i = 0; i < count && this.items.length > 0; i++) this.items.shift()
    this.acknowledged += count
  }

  /** The other side has what is before `next`, and room for so many more. */
  onAnswer(next: number, room: number): void {
    if (this.isOver) return
    if (next <= this.acknowledged) {
      return this.finish(this.lost(`the other side wants chunk ${next}, which is not kept any more`, next - 1))
    }
    this.room = room
    // It may be further than this side is: it has got these from a sender before.
    const count = next - 1 - this.acknowledged
    this.forget(Math.min(count, this.items.length))
    this.acknowledged = next - 1
    if (this.isEnding && this.items.length === 0) return this.finish(undefined)
    this.enter({ _tag: "Open" })
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
    this.items.drain()
    this.onOver(this)
    this.enter({ _tag: "Over", error })
    Deferred.doneUnsafe(this.over, error === undefined ? Exit.void : Exit.fail(error))
  }

  private enter(state: SenderState): void {
    if (state._tag !== "Open" || this.present._tag !== "Open") this.present = state
    this.changed.ring()
  }

  // Behind the step, in which whoever sends is told that it has sent.
  private ringAfterwards(): void {
    afterwards(() => this.changed.ring())
  }

  private readonly changes: Stream.Stream<SenderState> = Stream.suspend(() => {
    let seen: SenderState | undefined
    const pull: Pull.Pull<NonEmptyReadonlyArray<SenderState>> = Effect.suspend(() => {
      if (seen?._tag === "Over") return Cause.done()
      return Effect.map(
        this.changed.until(() => this.present !== seen),
        () => {
          seen = this.present
          return [seen] as const
        }
      )
    })
    return Stream.fromPull(Effect.succeed(pull))
  })
}
