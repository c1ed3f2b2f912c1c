/**
 * One side of a wire of a simulated network.
 */
import * as Effect from "effect/Effect"
import { Line, weigh } from "../../../net/transport/internal/Line.ts"
import type { Chance, Conditions } from "./Chance.ts"
import type { Gate } from "./Gate.ts"
import { Lane, type Road } from "./Lane.ts"

/** A named node, and who listens there. */
export interface Place {
  readonly name: string
  /** Shut while the node is frozen. */
  readonly program: Gate
}

/** What a wire has of its network. */
export interface Around extends Road {
  readonly chance: Chance
  readonly conditions: Conditions
  readonly link: (from: Place, to: Place) => Gate
  /** Told of each wire when it has ended on both sides. */
  readonly ended: (one: SimulatedWire, other: SimulatedWire) => void
}

export const name = "simulated"

export class SimulatedWire extends Line {
  readonly at: Place
  private readonly around: Around
  /** What goes from here to the other side. */
  private readonly lane: Lane
  private underway = 0
  // The other side knows of the end, or will learn it otherwise.
  private isTold = false
  private isGone = false
  // Set by `pair`, before anybody has the wire.
  private other: SimulatedWire = this

  private constructor(around: Around, at: Place, to: Place) {
    super({ transport: name, peer: { address: to.name }, maxFrame: around.conditions.maxFrame }, "in its turn")
    this.around = around
    this.at = at
    this.lane = new Lane(around, around.link(at, to))
    this.whenEnded(() => {
      if (this.other.hasEnded) around.ended(this, this.other)
      if (!this.isTold) at.program.whenOpen(() => this.lane.carry(() => this.other.leave()))
    })
  }

  static pair(around: Around, from: Place, to: Place): readonly [near: SimulatedWire, far: SimulatedWire] {
    const near = new SimulatedWire(around, from, to)
    const far = new SimulatedWire(around, to, from)
    near.other = far
    far.other = near
    return [near, far]
  }

  /** Whether it has ended by loss. */
  get isLost(): boolean {
    return this.isGone
  }

  hasRoom(): boolean {
    const { datagrams, window } = this.around.conditions
    return !this.at.program.isShut && (datagrams !== undefined || this.underway < window)
  }

  /** The node goes on. */
  thaw(): void {
    this.room.ring()
  }

  protected post(frames: ReadonlyArray<Uint8Array>): void {
    const { chance, conditions } = this.around
    const { breaks, datagrams } = conditions
    for (const sent of frames) {
      if (this.hasEnded) return
      // Not `slice`, which shares the memory when the frame is one of Node's buffers.
      const frame = new Uint8Array(sent)
      this.underway += weigh([frame])
      if (datagrams === undefined) this.lane.carry(() => this.other.arrive(frame))
      else this.postAlone(frame, datagrams)
      if (chance.happens(breaks)) this.snap("the connection broke")
    }
  }

  private postAlone(frame: Uint8Array, datagrams: NonNullable<Conditions["datagrams"]>): void {
    const { chance } = this.around
    if (chance.happens(datagrams.loss)) return
    const arrive = (): void => {
      if (this.other.waiting < this.around.conditions.window) this.other.arrive(new Uint8Array(frame))
    }
    if (chance.happens(datagrams.reordering)) this.lane.stray(arrive)
    else this.lane.carry(arrive, "datagram")
    if (chance.happens(datagrams.duplication)) this.lane.stray(arrive)
  }

  protected onTaken(frames: ReadonlyArray<Uint8Array>): void {
    const weight = weigh(frames)
    const { other } = this
    // The other side learns by this one's word that there is room again.
    this.around.link(this.at, other.at).whenOpen(() => {
      other.underway -= weight
      other.room.ring()
    })
  }

  // What is on the lane goes on, and the end comes after it.
  protected readonly shut: Line["close"] = Effect.void

  private arrive(frame: Uint8Array): void {
    this.at.program.whenOpen(() => this.push([frame]))
  }

  private leave(): void {
    this.at.program.whenOpen(() => {
      this.isTold = true
      this.finish("the other side", "")
    })
  }

  /** It is lost on this side, as the program learns when it runs. */
  lose(detail: string): void {
    this.at.program.whenOpen(() => {
      if (this.hasEnded) return
      this.isTold = true
      this.isGone = true
      this.finish("loss", detail)
    })
  }

  /** It is lost on both sides; of what was underway an arbitrary first part has arrived. */
  snap(detail: string): void {
    const sides = [this, this.other]
    for (const { lane } of sides) {
      lane.cut()
      lane.flush()
    }
    for (const side of sides) side.lose(detail)
  }

  /** The node of this side is gone; the other side learns it after a while. */
  die(detail: string): void {
    const { conditions, run } = this.around
    const { other } = this
    this.lane.cut()
    other.lane.clear()
    this.lose(detail)
    if (!other.hasEnded)
      run(
        Effect.delay(
          Effect.sync(() => other.lose(detail)),
          conditions.detection
        )
      )
  }
}
