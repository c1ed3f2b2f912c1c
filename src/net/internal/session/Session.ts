/**
 * One link of a connection: what is said over one wire, from the moment when both sides know each other until it ends.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { SchedulerDispatcher } from "effect/Scheduler"
import { stepNow } from "../../../channel/internal/telling.ts"
import { Deadline, type Deadlines } from "../../../process/internal/deadlines.ts"
import { Bell } from "../../transport/internal/Bell.ts"
import { isPushing, type Pushing } from "../../transport/internal/Pushing.ts"
import type { Wire } from "../../Transport.ts"
import { type FrameTooLarge, WireClosed } from "../../TransportError.ts"
import { within } from "../within.ts"
import type { Counters } from "./Counters.ts"
import { decode, encode, Kind, type Packet } from "./packet.ts"
import { Outbox } from "./Outbox.ts"

/** How the two sides see to it that the other one is alive. */
export interface Heartbeat {
  readonly interval: Duration.Duration
  /** After so many intervals in which nothing came, though something was asked for, the link is lost. */
  readonly misses: number
}

/** What a session is to whom it belongs. */
export interface Owner {
  readonly counters: Counters
  readonly heartbeat: Heartbeat
  readonly deadlines: Deadlines
  /** Takes a packet that is not about the session itself; false when it is not understood. */
  take(session: Session, packet: Packet): boolean
  /** A packet has come after a silence that was to be broken. */
  onVerified(session: Session): void
  /** The other side takes again what is sent to it, after it did not. */
  onRoom(session: Session): void
}

// How long an orderly end waits for what was posted to be written.
const Patience = Duration.seconds(2)

// How many frames wait at most for a side that takes none.
const MostUnread = 65_536

/** The kinds that count as messages. */
const isMessage = (kind: number): boolean =>
  kind === Kind.Request ||
  kind === Kind.Success ||
  kind === Kind.Failure ||
  kind === Kind.Fault ||
  kind === Kind.Values ||
  kind === Kind.Tell ||
  kind === Kind.Text ||
  kind === Kind.Bytes

export class Session {
  readonly wire: Wire
  /** Which server it is, of those that have been started one after the other. */
  readonly incarnation: string
  /** Whether the other side takes no new requests. */
  isLeaving = false
  /** Whether the other side has answered all that it has begun, and begins nothing more. */
  hasAnsweredAll = false
  /** Whether this side takes none. */
  isStopping = false
  hasEnded = false
  private readonly owner: Owner
  private readonly outbox: Outbox
  private lastHeard: number
  private missed = 0
  private isVerifying = false
  private nextBeat: Deadline | undefined
  private why: WireClosed | FrameTooLarge | undefined
  private readonly concluded = new Bell()

  constructor(wire: Wire, incarnation: string, owner: Owner) {
    this.wire = wire
    this.incarnation = incarnation
    this.owner = owner
    this.outbox = new Outbox(wire, () => owner.onRoom(this))
    this.lastHeard = this.now()
  }

  /** Sends a frame, behind all that was posted before. It has no more bytes than the wire carries. */
  post(frame: Uint8Array): void {
    if (this.hasEnded) return
    const { counters } = this.owner
    counters.bytesOut += frame.length
    if (isMessage(frame[0]! & 0x7f)) counters.messagesOut++
    this.outbox.post(frame)
    // Each is an answer to something that it has sent.
    if (this.outbox.length > MostUnread) this.end(`it does not take what it is sent: ${this.outbox.length} frames wait`)
  }

  /** Ends it, since the other side does not keep to what both have agreed upon. */
  end(detail: string): void {
    const { peer, transport } = this.wire
    this.over(new WireClosed({ transport, peer: peer.address, by: "this side", detail }))
  }

  say(kind: number, number: number, body: string | Uint8Array = ""): void {
    this.post(encode(kind, number, body))
  }

  /** Says it at once, ahead of the end of the step: the other side waits for it, and can go on while this one does. */
  sayNow(kind: number, number: number): void {
    this.say(kind, number)
    if (isPushing(this.wire)) this.wire.flushUnsafe?.()
  }

  /**
   * Whether nothing came for so long that it is not known whether the other side is there: this program stood still. It is
   * asked then, and the owner is told of its answer.
   */
  get isDoubtful(): boolean {
    if (this.isVerifying) return true
    const silence = this.now() - this.lastHeard
    if (silence < 2 * Duration.toMillis(this.owner.heartbeat.interval)) return false
    this.isVerifying = true
    this.say(Kind.Ping, 0)
    return true
  }

  /** Whether so much waits for the other side that nothing is to be begun for it. */
  get isBehind(): boolean {
    return this.outbox.isMuch
  }

  /** Runs it until it ends, and answers why. `ahead`: what came before it began. */
  run(ahead: ReadonlyArray<Uint8Array>): Effect.Effect<WireClosed | FrameTooLarge> {
    return Effect.withFiber((fiber) =>
      Effect.ensuring(
        Effect.suspend(() => {
          this.outbox.begin(fiber.context)
          this.beat()
          this.hearAll(ahead)
          if (!isPushing(this.wire)) return Effect.raceFirst(this.read(), this.ended)
          this.heed(this.wire, fiber.currentDispatcher)
          return this.ended
        }),
        Effect.sync(() => {
          this.nextBeat?.end(fiber.currentDispatcher)
          this.outbox.end()
        })
      )
    )
  }

  /** Has what was posted written, and closes the wire. */
  get close(): Effect.Effect<void> {
    return Effect.flatMap(within(this.outbox.flushed, Patience, Effect.void), () => {
      this.hasEnded = true
      return this.wire.close
    })
  }

  private read(): Effect.Effect<WireClosed | FrameTooLarge> {
    return Effect.matchEffect(this.wire.receive, {
      onFailure: Effect.succeed,
      onSuccess: (frames) => {
        this.hearAll(frames)
        return this.read()
      }
    })
  }

  // Without a fiber that waits for what comes in.
  private heed({ incoming }: Pushing, dispatcher: SchedulerDispatcher): void {
    incoming.attach({ onFrames: (frames) => this.hearAll(frames), onEnd: (why) => this.over(why) }, dispatcher)
  }

  private get ended(): Effect.Effect<WireClosed | FrameTooLarge> {
    return Effect.map(
      this.concluded.until(() => this.why !== undefined),
      () => this.why as WireClosed | FrameTooLarge
    )
  }

  private over(why: WireClosed | FrameTooLarge): void {
    this.why ??= why
    this.concluded.ring()
  }

  // Whoever is told of something is told when all is heard: it may run on this stack, and close the session.
  private hearAll(frames: ReadonlyArray<Uint8Array>): void {
    stepNow(() => {
      this.lastHeard = this.now()
      this.missed = 0
      for (const frame of frames) this.hear(frame)
    })
  }

  private hear(frame: Uint8Array): void {
    if (this.hasEnded) return
    const { counters } = this.owner
    counters.bytesIn += frame.length
    const packet = decode(frame)
    if (packet !== undefined && isMessage(packet.kind)) counters.messagesIn++
    if (packet === undefined || !this.take(packet)) counters.unknown++
    if (!this.isVerifying) return
    this.isVerifying = false
    this.owner.onVerified(this)
  }

  private take(packet: Packet): boolean {
    switch (packet.kind) {
      case Kind.Ping:
        this.say(Kind.Pong, 0)
        return true
      case Kind.Pong:
        return true
      default:
        return this.owner.take(this, packet)
    }
  }

  // The other side has so many intervals to say anything at all.
  private beat(): void {
    const { deadlines, heartbeat } = this.owner
    const { interval, misses } = heartbeat
    this.nextBeat = new Deadline(deadlines, Duration.toMillis(interval), () => {
      if (this.missed >= misses) {
        const { peer, transport } = this.wire
        const detail = `nothing was heard for ${misses} heartbeats of ${Duration.format(interval)}`
        return this.over(new WireClosed({ transport, peer: peer.address, by: "loss", detail }))
      }
      this.missed++
      // Before the ping, which may end the session, and the next beat with it.
      this.beat()
      this.say(Kind.Ping, 0)
    })
  }

  // In milliseconds.
  private now(): number {
    return this.owner.deadlines.clock.currentTimeMillisUnsafe()
  }
}
