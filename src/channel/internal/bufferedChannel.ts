/**
 * A channel with a buffer of any size, none included: receivers wait and take nothing until they are woken; senders wait
 * with their value in hand, and are told in the step in which it is accepted.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { SchedulerDispatcher } from "effect/Scheduler"
import { Deque } from "../../scheduler/internal/Deque.ts"
import type { ChannelClosed } from "../ChannelError.ts"
import { ChannelImpl, type OnUndelivered } from "./channel.ts"
import { afterwards, step } from "./step.ts"

/** What happens to a value that is sent to a full channel. */
export type WhenFull = "suspend" | "drop-newest" | "drop-oldest"

// A sender that waits: with a value, or for a slot that it will fill later.
interface Offer<A> {
  readonly claim: { readonly value: A } | "slot"
  readonly resume: (exit: Exit.Exit<void, ChannelClosed>) => void
  /** Tells in the step of the interruption itself that the sender is gone; its clean-up runs in a later one. */
  readonly interrupted: AbortSignal | undefined
  settled: boolean
}

export class BufferedChannel<A> extends ChannelImpl<A> {
  readonly capacity: number
  private readonly whenFull: WhenFull
  private readonly buffer = new Deque<A>()
  private readonly offers = new Deque<Offer<A>>()
  // Slots that are promised to permits.
  private reserved = 0

  constructor(dispatcher: SchedulerDispatcher, capacity: number, whenFull: WhenFull, undelivered: OnUndelivered<A>) {
    super(dispatcher, undelivered)
    this.capacity = capacity
    this.whenFull = whenFull
  }

  get length(): number {
    return this.buffer.length
  }

  isReadyUnsafe(): boolean {
    return this.buffer.length > 0 || this.closed !== undefined || (this.capacity === 0 && this.hasOffer())
  }

  pollUnsafe(): Exit.Exit<A, ChannelClosed> | undefined {
    if (this.buffer.length > 0) {
      const value = this.buffer.shift() as A
      this.refill()
      return Exit.succeed(value)
    }
    const offer = this.capacity === 0 ? this.nextOffer() : undefined
    if (offer !== undefined && offer.claim !== "slot") {
      this.accept(offer)
      return Exit.succeed(offer.claim.value)
    }
    return this.closed === undefined ? undefined : Exit.fail(this.closed)
  }

  send(value: A): Effect.Effect<void, ChannelClosed> {
    const sent: Effect.Effect<void, ChannelClosed> = step(() => this.offer(value) ?? this.wait({ value }, sent))
    return sent
  }

  trySend(value: A): Effect.Effect<boolean, ChannelClosed> {
    return step((): Effect.Effect<boolean, ChannelClosed> => {
      if (this.closed !== undefined) return Exit.fail(this.refuse(value))
      if (this.hasRoom) {
        this.put(value)
        return Exit.succeed(true)
      }
      if (this.whenFull === "drop-oldest") return Effect.as(this.replaceOldest(value), true)
      return Exit.succeed(this.capacity === 0 && this.handOver(value))
    })
  }

  /** Waits for a slot that stays free until it is filled or given back. */
  readonly reserve: Effect.Effect<void, ChannelClosed> = step((): Effect.Effect<void, ChannelClosed> => {
    if (this.closed !== undefined) return Exit.fail(this.closed)
    if (!this.hasRoom) return this.wait("slot", this.reserve)
    this.reserved++
    return Exit.void
  })

  /** Gives a reserved slot back, or fills it. */
  release(value?: { readonly value: A }): Exit.Exit<void, ChannelClosed> {
    this.reserved--
    if (value === undefined) {
      this.refill()
      return Exit.void
    }
    if (this.closed !== undefined) return Exit.fail(this.refuse(value.value))
    this.put(value.value)
    return Exit.void
  }

  protected abandon(): Array<A> {
    return this.buffer.drain()
  }

  protected override onClose(): void {
    let offer = this.nextOffer()
    while (offer !== undefined) {
      const { claim, resume } = offer
      offer.settled = true
      const refusal = claim === "slot" ? (this.closed as ChannelClosed) : this.refuse(claim.value)
      afterwards(() => resume(Exit.fail(refusal)))
      offer = this.nextOffer()
    }
  }

  private get hasRoom(): boolean {
    return this.buffer.length + this.reserved < this.capacity
  }

  private put(value: A): void {
    this.buffer.push(value)
    this.wakeSoon()
  }

  // What can be said of a send at once; nothing if the sender has to wait.
  private offer(value: A): Effect.Effect<void, ChannelClosed> | undefined {
    if (this.closed !== undefined) return Exit.fail(this.refuse(value))
    if (this.hasRoom) {
      this.put(value)
      return Exit.void
    }
    switch (this.whenFull) {
      case "suspend":
        return undefined
      case "drop-newest":
        return this.giveUp([value])
      case "drop-oldest":
        return this.replaceOldest(value)
    }
  }

  private replaceOldest(value: A): Effect.Effect<void> {
    const oldest = this.buffer.shift() as A
    this.put(value)
    return this.giveUp([oldest])
  }

  private wait(
    claim: Offer<A>["claim"],
    again: Effect.Effect<void, ChannelClosed>
  ): Effect.Effect<void, ChannelClosed> {
    return Effect.callback((resume, interrupted) => {
      // Between the look of the sender and now it may have yielded; nothing is accepted here, so that it looks again.
      if (this.hasRoom || this.closed !== undefined) return resume(again)
      const offer: Offer<A> = { claim, resume, interrupted, settled: false }
      this.offers.push(offer)
      if (this.capacity === 0) this.wakeSoon()
      return Effect.sync(() => this.offers.remove(offer))
    })
  }

  // Hands a value to a receiver that waits now, if one takes it on the spot.
  private handOver(value: A): boolean {
    if (!this.hasWaiters) return false
    const offer: Offer<A> = { claim: { value }, resume: () => {}, interrupted: undefined, settled: false }
    this.offers.push(offer)
    this.wakeNow()
    if (!offer.settled) this.offers.remove(offer)
    return offer.settled
  }

  private hasOffer(): boolean {
    return this.peekOffer() !== undefined
  }

  private peekOffer(): Offer<A> | undefined {
    let offer = this.offers.at(0)
    while (offer !== undefined && offer.interrupted?.aborted === true) {
      this.offers.shift()
      offer = this.offers.at(0)
    }
    return offer
  }

  private nextOffer(): Offer<A> | undefined {
    const offer = this.peekOffer()
    if (offer !== undefined) this.offers.shift()
    return offer
  }

  private accept(offer: Offer<A>): void {
    offer.settled = true
    afterwards(() => offer.resume(Exit.void))
  }

  // Lets in those who wait, first come, first served, while there is room.
  private refill(): void {
    while (this.hasRoom) {
      const offer = this.nextOffer()
      if (offer === undefined) return
      if (offer.claim === "slot") this.reserved++
      else this.put(offer.claim.value)
      this.accept(offer)
    }
  }
}
