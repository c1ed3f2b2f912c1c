/**
 * A channel with a buffer of any size, none included: receivers wait and take nothing until they are woken; senders wait
 * with their value in hand, and are told in the step in which it is accepted.
 */
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { Deque } from "../../scheduler/internal/Deque.ts"
import type { WaitReport } from "../../scheduler/internal/Waited.ts"
import type { ChannelClosed } from "../ChannelError.ts"
import type { Waiter } from "../Selectable.ts"
import { ChannelImpl, type Offer, type Settings } from "./channel.ts"
import { effectOf, Step, step } from "./step.ts"
import { afterwards } from "./telling.ts"
import { Wait, waitIn } from "./wait.ts"

/** What happens to a value that is sent to a full channel. */
export type WhenFull = "suspend" | "drop-newest" | "drop-oldest"

export class BufferedChannel<A, W> extends ChannelImpl<A, W> {
  readonly capacity: number
  private readonly whenFull: WhenFull
  protected readonly buffer = new Deque<A>()
  private readonly offers = new Deque<Offer<A>>()
  // Slots that are promised to permits.
  protected reserved = 0

  constructor(settings: Settings<A, W>, capacity: number, whenFull: WhenFull) {
    super(settings)
    this.capacity = capacity
    this.whenFull = whenFull
  }

  override waitReport(): WaitReport {
    const report = super.waitReport()
    return { ...report, waiting: [...report.waiting, ["to send to", this.offers]] }
  }

  get length(): number {
    return this.buffer.length
  }

  isReadyUnsafe(): boolean {
    return this.buffer.length > 0 || this.closed !== undefined || (this.capacity === 0 && this.hasOffer())
  }

  // Small, since a select asks one after the other, most of which hold nothing.
  pollUnsafe(): Exit.Exit<A, ChannelClosed> | undefined {
    if (this.buffer.length > 0) return this.takeFirst()
    return this.capacity === 0 || this.closed !== undefined ? this.takeOffered() : undefined
  }

  private takeFirst(): Exit.Exit<A> {
    const value = this.buffer.shift() as A
    this.refill()
    return Exit.succeed(value)
  }

  private takeOffered(): Exit.Exit<A, ChannelClosed> | undefined {
    const offer = this.capacity === 0 ? this.nextOffer() : undefined
    if (offer !== undefined && offer.claim !== "slot") {
      this.accept(offer)
      return Exit.succeed(offer.claim.value)
    }
    return this.closed === undefined ? undefined : Exit.fail(this.closed)
  }

  send(value: A): Effect.Effect<void, ChannelClosed | W> {
    return effectOf(new Sending(this, value))
  }

  /** Sends, in a step; waits where there is no room. */
  sendOrWait(value: A): Effect.Effect<void, ChannelClosed | W> {
    return this.sendNow(value) ?? this.wait({ value })
  }

  trySend(value: A): Effect.Effect<boolean, ChannelClosed> {
    return step((): Exit.Exit<boolean, ChannelClosed> => {
      // It says no where a send would drop the value.
      if (this.whenFull === "drop-newest" && this.closed === undefined && !this.hasRoom) return Exit.succeed(false)
      const sent = this.handOver(value)
      return sent === undefined ? Exit.succeed(false) : Exit.map(sent, () => true)
    })
  }

  /** Waits for a slot that stays free until it is filled or given back. */
  readonly reserve: Effect.Effect<void, ChannelClosed | W> = step((): Effect.Effect<void, ChannelClosed | W> => {
    if (this.closed !== undefined) return Exit.fail(this.closed)
    if (!this.hasSlot) return this.wait("slot")
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
    if (this.closed !== undefined) return Exit.fail(this.returned(value.value))
    this.put(value.value)
    return Exit.void
  }

  protected abandon(): Array<A> {
    return this.buffer.drain()
  }

  protected override onClose(): void {
    let offer = this.nextOffer()
    while (offer !== undefined) {
      const refused = offer
      const { claim } = refused
      const refusal = claim === "slot" ? (this.closed as ChannelClosed) : this.returned(claim.value)
      refused.settle()
      afterwards(() => refused.resume(Exit.fail(refusal)))
      offer = this.nextOffer()
    }
  }

  protected get hasRoom(): boolean {
    return this.buffer.length + this.reserved < this.capacity
  }

  /** Whether there is a slot to reserve. */
  protected get hasSlot(): boolean {
    return this.hasRoom
  }

  protected put(value: A): void {
    this.buffer.push(value)
    this.wakeSoon()
  }

  // A rendezvous is never ready for a send by itself: a receiver takes what is offered.
  get canSend(): boolean {
    return this.closed !== undefined || this.hasRoom || this.whenFull !== "suspend"
  }

  sendNow(value: A): Exit.Exit<void, ChannelClosed> | undefined {
    if (this.closed !== undefined) return Exit.fail(this.returned(value))
    if (this.hasRoom) {
      this.put(value)
      return Exit.void
    }
    switch (this.whenFull) {
      case "suspend":
        return undefined
      case "drop-newest":
        return this.drop(value)
      case "drop-oldest":
        return this.replaceOldest(value)
    }
  }

  private replaceOldest(value: A): Exit.Exit<void> {
    // Where permits hold all slots there is no older value to drop.
    if (this.buffer.length === 0) return this.drop(value)
    const oldest = this.buffer.shift() as A
    this.put(value)
    return this.drop(oldest)
  }

  // Answered by the step that found no room, so that there is none when it is parked.
  private wait(claim: Offer<A>["claim"]): Effect.Effect<void, ChannelClosed | W> {
    const sender = new WaitingSender(this, claim)
    return this.parkOffer(sender) ?? waitIn(sender)
  }

  handOver(value: A): Exit.Exit<void, ChannelClosed> | undefined {
    const sent = this.sendNow(value)
    if (sent !== undefined || this.capacity > 0 || !this.hasParked) return sent
    let accepted = false
    const offer: Offer<A> = {
      claim: { value },
      owner: undefined,
      isLive: () => true,
      settle: () => {
        accepted = true
      },
      resume: () => {}
    }
    this.offers.push(offer)
    this.wakeNow()
    this.offers.remove(offer)
    return accepted ? Exit.void : undefined
  }

  parkOffer(offer: Offer<A>): Exit.Exit<never, W> | undefined {
    const { claim, owner } = offer
    const refused = owner?.waited ? undefined : this.refusal("senders", this.offers, claim === "slot" ? {} : claim)
    if (refused !== undefined) return refused
    this.offers.push(offer)
    if (this.capacity === 0) this.wakeSoon()
    return undefined
  }

  unparkOffer(offer: Offer<A>): void {
    this.offers.remove(offer)
  }

  protected override isReadyFor(waiter: Waiter): boolean {
    return this.buffer.length > 0 || this.closed !== undefined || this.hasOffer(waiter)
  }

  private hasOffer(exceptOf?: Waiter): boolean {
    for (let i = 0; i < this.offers.length; i++) {
      const offer = this.offers.at(i) as Offer<A>
      if (offer.isLive() && (exceptOf === undefined || offer.owner !== exceptOf)) return true
    }
    return false
  }

  private nextOffer(): Offer<A> | undefined {
    let offer = this.offers.shift()
    while (offer !== undefined && !offer.isLive()) offer = this.offers.shift()
    return offer
  }

  private accept(offer: Offer<A>): void {
    offer.settle()
    afterwards(() => offer.resume(Exit.void))
  }

  // Lets in those who wait, first come, first served, while there is room.
  protected refill(): void {
    while (this.hasSlot) {
      const offer = this.nextOffer()
      if (offer === undefined) return
      if (offer.claim === "slot") this.reserved++
      else this.put(offer.claim.value)
      this.accept(offer)
    }
  }
}

class Sending<A, W> extends Step {
  private readonly channel: BufferedChannel<A, W>
  private readonly value: A

  constructor(channel: BufferedChannel<A, W>, value: A) {
    super()
    this.channel = channel
    this.value = value
  }

  override now(): Exit.Exit<void, ChannelClosed> | undefined {
    return this.channel.sendNow(this.value)
  }

  run(): Effect.Effect<void, ChannelClosed | W> {
    return this.channel.sendOrWait(this.value)
  }
}

class WaitingSender<A> extends Wait implements Offer<A> {
  readonly claim: Offer<A>["claim"]
  readonly owner = undefined
  private readonly channel: { unparkOffer(offer: Offer<A>): void }

  constructor(channel: { unparkOffer(offer: Offer<A>): void }, claim: Offer<A>["claim"]) {
    super()
    this.channel = channel
    this.claim = claim
  }

  // Who is interrupted, accepted or refused has left the line in that very step.
  isLive(): boolean {
    return true
  }

  settle(): void {}

  protected onInterrupted(): void {
    this.channel.unparkOffer(this)
  }
}
