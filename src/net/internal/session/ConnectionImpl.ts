/**
 * One side of a connection: what it has asked and said, over one link after the other.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type { Rpc } from "effect/rpc"
import * as Result from "effect/Result"
import type * as Scheduler from "effect/Scheduler"
import type * as Stream from "effect/Stream"
import { step } from "../../../channel/internal/step.ts"
import { waitIn } from "../../../channel/internal/wait.ts"
import * as Selectable from "../../../channel/Selectable.ts"
import type { Deadlines } from "../../../process/internal/deadlines.ts"
import type { Identity } from "../../Authentication.ts"
import type { Connection, LinkError, RequestOptions, State, Stats, StreamOptions } from "../../Connection.ts"
import {
  ConnectionClosed,
  type ConnectionFailed,
  InvalidMessage,
  type TellError,
  Unavailable
} from "../../ConnectionError.ts"
import type { InstanceId } from "../../InstanceId.ts"
import type { Peer } from "../../Transport.ts"
import { Bell } from "../../transport/internal/Bell.ts"
import { FrameTooLarge, type WireClosed } from "../../TransportError.ts"
import { changesOf } from "../changes.ts"
import { Askings } from "./Askings.ts"
import type { Route } from "./codec.ts"
import { Counters } from "./Counters.ts"
import type { Agreed } from "./handshake.ts"
import { type Client, Handling, type Service } from "./Handling.ts"
import { Line, Sending, type Turn } from "./Line.ts"
import { Messages } from "./Messages.ts"
import type { Once } from "./Once.ts"
import { encode, Kind, type Packet, textOf } from "./packet.ts"
import { frameOfTell } from "./telling.ts"
import { Rate } from "./Rate.ts"
import type { Heartbeat, Owner, Session } from "./Session.ts"
import { MessageWindow, TellWindow } from "./windows.ts"

/** What a connection is made with. */
export interface Settings {
  readonly id: string
  readonly instanceId: InstanceId | undefined
  /** What the other side is called in errors; as its address when absent. */
  readonly name: string | undefined
  /** That address, where there is no link. */
  readonly target: string
  /** The routes of the other side. */
  readonly remote: ReadonlyMap<string, Route>
  readonly service: Service
  readonly heartbeat: Heartbeat
  /** How many requests of this side may be pending. */
  readonly pending: number
  /** How many requests of the other side there may be in a second. */
  readonly rate: number | undefined
  /** What is handled once for the other side. */
  readonly once: Once | undefined
  /** Whether no other link is made when one has ended: what could only go over the next one has nothing to wait for. */
  readonly hasOneLink: boolean
  /** Makes a link, if that can be done and is not being done. */
  readonly dial: () => void
  /** Has no other link made; the present one has ended. */
  readonly hangUp: Effect.Effect<void>
  /** What is asked over each new link, and answered, before anything else is sent over it; `undefined` when that is nothing. */
  readonly opening: () => Effect.Effect<void> | undefined
  /** Is told what it does, in the step in which it does that. */
  readonly onState: (state: State) => void
  /** Is told when the other side says that it takes no more requests, in the step in which it is heard. */
  readonly onLeaving: () => void
  readonly deadlines: Deadlines
  readonly scheduler: Scheduler.Scheduler
}

const tooMuch = "it sends more than it may"

// Half a character, as a text of JavaScript may have it, can't be written in UTF-8.
const half = /\p{Surrogate}/u

const variance = { _Remote: (_: Rpc.Any) => {} }

export class ConnectionImpl implements Owner, Client {
  readonly counters = new Counters()
  readonly settings: Settings
  readonly id: string
  readonly instanceId: InstanceId | undefined
  readonly heartbeat: Heartbeat
  readonly deadlines: Deadlines
  readonly once: Once | undefined
  readonly rate: Rate | undefined
  readonly messages: Messages

  /** Why nothing makes links any more, when that has died. */
  death: Cause.Cause<never> | undefined

  /** Why there is no link, since the last attempt. */
  lastError: LinkError | undefined

  /** The link that there is. */
  link: Session | undefined
  /** Whether the link is there for what is asked over it first, and for nothing else. */
  isOpening = false
  private handling: Handling | undefined
  private links = 0
  private present: State = { _tag: "Idle" }
  /** Why it is over for good. */
  error: ConnectionClosed | undefined
  private who: Identity | undefined
  private readonly changed = new Bell()
  private readonly askings: Askings
  private readonly tells = new Line(TellWindow)
  private readonly sends = new Line(MessageWindow)

  constructor(settings: Settings) {
    const { deadlines, heartbeat, id, instanceId, once, rate, scheduler } = settings
    this.settings = settings
    this.id = id
    this.instanceId = instanceId
    this.heartbeat = heartbeat
    this.deadlines = deadlines
    this.once = once
    this.rate = rate === undefined ? undefined : new Rate(rate, deadlines.clock.currentTimeMillisUnsafe())
    this.messages = new Messages(scheduler.makeDispatcher(), (amount) => this.link?.say(Kind.MoreMessages, amount))
    this.askings = new Askings(this)
    this.receive = Selectable.take(this.messages)
  }

  /** As those see it who have it; what its other side handles is known to the compiler alone. */
  get connection(): Connection<Rpc.Any> {
    return this as unknown as Connection<Rpc.Any>
  }

  get "~troupe/net/Connection"() {
    return variance
  }

  /** What the other side is called in errors. */
  get peerName(): string {
    return this.settings.name ?? this.link?.wire.peer.address ?? this.settings.target
  }

  get isClosed(): boolean {
    return this.error !== undefined
  }

  /** How many requests of the other side are being handled. */
  get running(): number {
    return this.handling?.size ?? 0
  }

  /** Why there is no link. */
  get whyNotConnected(): string {
    const { present } = this
    if (present._tag === "Waiting") return `it can't be connected to. ${present.error.message}`
    return "there is no link to it yet"
  }

  /** Has everything go over a link until that ends, and answers why. */
  runLink(session: Session, { ahead, identity }: Agreed): Effect.Effect<WireClosed | FrameTooLarge> {
    return Effect.acquireUseRelease(
      this.attach(session, identity),
      (opening) =>
        opening === undefined
          ? session.run(ahead)
          : Effect.raceFirst(
              session.run(ahead),
              opening.pipe(Effect.andThen(this.open(session)), Effect.andThen(Effect.never))
            ),
      (_, exit) => this.detach(session, Exit.isSuccess(exit) ? exit.value.message : "it was closed")
    )
  }

  private attach(session: Session, identity: Identity): Effect.Effect<Effect.Effect<void> | undefined> {
    return step(() => {
      if (this.links++ > 0) this.counters.reconnects++
      this.link = session
      this.who = identity
      this.handling = new Handling(session, this.settings.service, this, this.deadlines.clock)
      this.messages.begin()
      const opening = this.settings.opening()
      this.isOpening = opening !== undefined
      if (opening === undefined) this.begin(session)
      return Exit.succeed(opening)
    })
  }

  // What was asked first is answered.
  private open(session: Session): Effect.Effect<void> {
    return step(() => {
      if (this.link !== session) return Exit.void
      this.isOpening = false
      this.begin(session)
      return Exit.void
    })
  }

  // From now on all goes over the link.
  private begin(session: Session): void {
    const { peer, transport } = session.wire
    this.enter({ _tag: "Connected", transport, peer, identity: this.who })
    this.askings.begin(session)
    this.tells.begin(session, this.refusalOf)
    this.sends.begin(session, this.refusalOf)
  }

  // What went over the link can't be answered any more, unless it is handled once and goes over the next one.
  private detach(session: Session, detail: string): Effect.Effect<void> {
    return step(() => {
      session.hasEnded = true
      this.handling?.end()
      this.handling = undefined
      this.link = undefined
      this.isOpening = false
      this.askings.onLost(session, detail)
      return Exit.void
    })
  }

  /** It does something else now. */
  enter(state: State): void {
    this.present = state
    this.settings.onState(state)
    this.changed.ring()
  }

  /** Makes the first link; whoever waits for it does not wait for a second attempt, and it is closed when there is none. */
  get firstLink(): Effect.Effect<void, ConnectionFailed> {
    return Effect.suspend(() => {
      this.settings.dial()
      const isOver = () => this.links > 0 || this.lastError !== undefined || this.error !== undefined
      return Effect.andThen(
        this.changed.until(isOver),
        Effect.suspend(() => {
          if (this.links > 0) return Effect.void
          if (this.death !== undefined) return Effect.failCause(this.death)
          // It was closed meanwhile, by whoever has its scope.
          return this.lastError?._tag === "ConnectionFailed" ? Effect.fail(this.lastError) : Effect.interrupt
        })
      ).pipe(Effect.tapError(() => this.close))
    })
  }

  /** No link could be made for now: what only waits for one fails. */
  onUnavailable(state: State): Effect.Effect<void> {
    return step(() => {
      this.enter(state)
      const errorOf = ({ route }: Turn) => this.unavailable(route, undefined, this.whyNotConnected)
      this.tells.fail(errorOf)
      this.sends.fail(errorOf)
      return Exit.void
    })
  }

  /** It is over for good; the link, if there is one, is closed by whoever made it. */
  end(error: ConnectionClosed): Effect.Effect<void> {
    return step(() => {
      if (this.error !== undefined) return Exit.void
      this.error = error
      this.enter({ _tag: "Closed", error })
      this.askings.end(error)
      this.tells.fail(() => error)
      this.sends.fail(() => error)
      this.messages.close(error)
      return Exit.void
    })
  }

  /** Another one has taken its place: nothing that came over its link is handled beside what comes over the other's. */
  get giveUp(): Effect.Effect<void> {
    return step(() => {
      this.handling?.end()
      return Exit.void
    })
  }

  /** This side takes no more requests; waits until those are answered that it has, and what it was to tell is sent. */
  get drain(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { handling, link } = this
      if (link === undefined || handling === undefined) return Effect.void
      link.isStopping = true
      link.say(Kind.Leaving, 0)
      return handling.settled.pipe(
        Effect.andThen(this.tells.settled),
        Effect.andThen(Effect.sync(() => link.say(Kind.Left, 0)))
      )
    })
  }

  take(session: Session, packet: Packet): boolean {
    if (this.handling === undefined || session !== this.link) return true
    switch (packet.kind) {
      case Kind.Success:
      case Kind.Failure:
      case Kind.Fault:
      case Kind.Values:
        this.askings.take(packet)
        return true
      case Kind.Text:
        if (!this.messages.offer(textOf(packet.body))) session.end(tooMuch)
        return true
      case Kind.Bytes:
        if (!this.messages.offer(new Uint8Array(packet.body))) session.end(tooMuch)
        return true
      case Kind.MoreTells:
        this.tells.grant(packet.number, session, this.refusalOf)
        return true
      case Kind.MoreMessages:
        this.sends.grant(packet.number, session, this.refusalOf)
        return true
      case Kind.Leaving:
        session.isLeaving = true
        this.settings.onLeaving()
        return true
      case Kind.Left:
        session.hasAnsweredAll = true
        return true
      default:
        return this.handling.take(packet)
    }
  }

  onVerified(session: Session): void {
    this.askings.begin(session)
  }

  onRoom(session: Session): void {
    if (session === this.link) this.handling?.onRoom()
  }

  /** Why a frame can't go over the link. */
  readonly refusalOf = (frame: Uint8Array): FrameTooLarge | undefined => {
    const limit = this.link?.wire.maxFrame ?? Infinity
    return frame.length <= limit
      ? undefined
      : new FrameTooLarge({ peer: this.peerName, direction: "out", bytes: frame.length, limit })
  }

  /** `incarnation`: which server it has gone to, if it has gone anywhere. */
  unavailable(route: string, incarnation: string | undefined, detail: string): Unavailable {
    const delivery = incarnation === undefined ? "not sent" : "uncertain"
    return new Unavailable({ peer: this.peerName, route, delivery, detail })
  }

  invalid(route: string, detail: string): InvalidMessage {
    return new InvalidMessage({ peer: this.peerName, route, part: "payload", foundBy: "this side", detail })
  }

  readonly request = (route: string, payload?: unknown, options?: RequestOptions): Effect.Effect<unknown, unknown> =>
    this.askings.request(route, payload, options)

  /**
   * To be answered by a step: asks over the link that there is, and over no other; also before anything else is sent over it.
   * When there is none, one is made.
   */
  askHere(
    fiber: Fiber.Fiber<unknown, unknown>,
    name: string,
    payload: unknown,
    options: RequestOptions
  ): Effect.Effect<unknown, unknown> {
    const { error, link } = this
    if (error !== undefined) return Exit.fail(error)
    if (link !== undefined) return this.askings.wait(fiber, name, payload, options, link)
    this.settings.dial()
    return Exit.fail(this.unavailable(name, undefined, this.whyNotConnected))
  }

  readonly stream = (name: string, payload?: unknown, options?: StreamOptions): Stream.Stream<unknown, unknown> =>
    this.askings.stream(name, payload, options)

  readonly tell = (name: string, payload?: unknown): Effect.Effect<void, TellError> =>
    step<void, TellError>(() => {
      const frame = frameOfTell(this.settings.remote, this.peerName, name, payload)
      return Result.isFailure(frame) ? Exit.fail(frame.failure) : this.pass(this.tells, frame.success, name)
    })

  /**
   * To be called in a step: as a tell, and never waits. Answers why it is not sent; its turn is told what has become of it when
   * that is `undefined`.
   */
  push(turn: Turn): TellError | undefined {
    const { error, link } = this
    if (error !== undefined) return error
    if (link !== undefined) {
      const refusal = this.refusalOf(turn.frame)
      if (refusal !== undefined) return refusal
      if (!this.isOpening && this.tells.take()) {
        link.post(turn.frame)
        turn.conclude(Exit.void)
        return undefined
      }
    }
    this.tells.join(turn)
    return undefined
  }

  /** What is to be told, and waits for the other side. */
  get backlog(): { readonly length: number; readonly bytes: number } {
    return this.tells
  }

  readonly send = (message: Uint8Array | string): Effect.Effect<void, TellError> =>
    step<void, TellError>(() => {
      const isText = typeof message === "string"
      if (isText && half.test(message)) {
        return Exit.fail(this.invalid("a message", "Expected whole characters, got half of one"))
      }
      return this.pass(this.sends, encode(isText ? Kind.Text : Kind.Bytes, 0, message), "a message")
    })

  readonly receive: Effect.Effect<Uint8Array | string, ConnectionClosed>

  private pass(line: Line, frame: Uint8Array, route: string): Effect.Effect<void, TellError> {
    const { error, link, present } = this
    if (error !== undefined) return Exit.fail(error)
    if (present._tag === "Waiting") return Exit.fail(this.unavailable(route, undefined, this.whyNotConnected))
    if (link !== undefined) {
      const refusal = this.refusalOf(frame)
      if (refusal !== undefined) return Exit.fail(refusal)
      if (!this.isOpening && line.take()) {
        link.post(frame)
        return Exit.void
      }
    }
    const sending = new Sending(line, frame, route)
    line.join(sending)
    if (link === undefined) this.settings.dial()
    // The attempt may be over already: nobody is to wait then.
    return sending.outcome ?? waitIn(sending)
  }

  // Most of what can be asked of a connection is asked of few: each of these is made when it is.

  get identity(): Effect.Effect<Identity | undefined> {
    return Effect.sync(() => this.who)
  }

  get peer(): Effect.Effect<Peer | undefined> {
    return Effect.sync(() => this.link?.wire.peer)
  }

  get isConnected(): Effect.Effect<boolean> {
    return Effect.sync(() => this.link !== undefined && !this.isOpening)
  }

  get state(): Effect.Effect<State> {
    return Effect.sync(() => this.present)
  }

  get changes(): Stream.Stream<State> {
    return changesOf<State>(
      this.changed,
      () => this.present,
      () => (this.isClosed ? Cause.done() : undefined)
    )
  }

  get closed(): Effect.Effect<ConnectionClosed> {
    return Effect.map(
      this.changed.until(() => this.error !== undefined),
      () => this.error as ConnectionClosed
    )
  }

  get stats(): Effect.Effect<Stats> {
    return Effect.sync(() => this.counters.snapshot(this.askings.size, this.running))
  }

  /** Ends the link in order, if there is one. */
  get hangUp(): Effect.Effect<void> {
    return Effect.suspend(() => this.link?.close ?? Effect.void)
  }

  get close(): Effect.Effect<void> {
    return Effect.suspend(() =>
      Effect.andThen(
        this.end(new ConnectionClosed({ peer: this.peerName, by: "this side", detail: "" })),
        Effect.andThen(this.hangUp, this.settings.hangUp)
      )
    )
  }
}

/** What a connection is, where it is known to be one of these. */
export const implOf = (connection: Connection): ConnectionImpl => connection as unknown as ConnectionImpl
