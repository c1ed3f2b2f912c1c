/**
 * One direction of a wire: what is put on it comes out at the other end later, in order, unless it is cut.
 */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Chance } from "./Chance.ts"
import type { Gate } from "./Gate.ts"

/** What all lanes of a network share. */
export interface Road {
  readonly run: (effect: Effect.Effect<void>) => void
  readonly clock: Clock.Clock
  readonly chance: Chance
}

interface Packet {
  readonly due: number
  readonly arrive: () => void
  /** Whether it is lost where it can't pass; else it is held. */
  readonly isDatagram: boolean
}

export class Lane {
  private readonly road: Road
  private readonly link: Gate
  private packets: Array<Packet> = []
  private isRunning = false

  constructor(road: Road, link: Gate) {
    this.road = road
    this.link = link
  }

  /** Has it arrive after what is on the lane. */
  carry(arrive: () => void, kind: "held" | "datagram" = "held"): void {
    const { chance, clock, run } = this.road
    const due = clock.currentTimeMillisUnsafe() + chance.latency()
    this.packets.push({ due, arrive, isDatagram: kind === "datagram" })
    // A lane has a fiber only while something is on it.
    if (this.isRunning) return
    this.isRunning = true
    run(this.courier)
  }

  /** Has it arrive by itself, whenever that may be. */
  stray(arrive: () => void): void {
    const { chance, run } = this.road
    const passes = Effect.sync(() => this.link.isShut || arrive())
    run(Effect.asVoid(Effect.delay(passes, chance.latency() + chance.delay())))
  }

  /** Of what is on it an arbitrary first part will arrive. */
  cut(): void {
    this.packets.length = this.road.chance.upTo(this.packets.length)
  }

  clear(): void {
    this.packets = []
  }

  /** Has what is on it arrive now. */
  flush(): void {
    for (const { arrive } of this.packets.splice(0)) arrive()
  }

  private readonly courier: Effect.Effect<void> = Effect.suspend(() => {
    const packet = this.packets[0]
    if (packet === undefined) {
      this.isRunning = false
      return Effect.void
    }
    const wait = packet.due - this.road.clock.currentTimeMillisUnsafe()
    return Effect.andThen(
      wait > 0 ? Effect.andThen(Effect.sleep(wait), this.pass(packet)) : this.pass(packet),
      this.courier
    )
  })

  private pass(packet: Packet): Effect.Effect<void> {
    const passes = Effect.sync(() => {
      // It was cut off meanwhile.
      if (this.packets[0] !== packet) return
      this.packets.shift()
      if (!this.link.isShut) packet.arrive()
    })
    return packet.isDatagram ? passes : Effect.andThen(this.link.untilOpen, passes)
  }
}
