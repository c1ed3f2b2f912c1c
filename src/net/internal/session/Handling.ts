/**
 * What the other side asks over one link: handlers run side by side for requests, and one after the other for tells.
 */
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as Stream from "effect/Stream"
import { afterwards } from "../../../channel/internal/telling.ts"
import { Deque } from "../../../scheduler/internal/Deque.ts"
import { IntMap } from "../../../scheduler/internal/IntMap.ts"
import type { Connection } from "../../Connection.ts"
import { Bell } from "../../transport/internal/Bell.ts"
import { bodyOf, type Route, valueOf } from "./codec.ts"
import type { Counters } from "./Counters.ts"
import { bodyOf as faultBodyOf, type Fault } from "./fault.ts"
import type { Once } from "./Once.ts"
import { encode, Flag, Kind, type Packet, textOf } from "./packet.ts"
import { Producing, Unsendable } from "./Producing.ts"
import type { Rate } from "./Rate.ts"
import type { Session } from "./Session.ts"
import { inTraceOf } from "./trace.ts"
import { TellWindow } from "./windows.ts"

/** One route with what handles it. */
export interface Served {
  readonly route: Route
  readonly handle: (
    payload: unknown,
    connection: Connection
  ) => Effect.Effect<unknown, unknown> | Stream.Stream<unknown, unknown>
}

/** What a connection does for the other side. */
export interface Service {
  readonly served: ReadonlyMap<string, Served>
  /** What handlers require. */
  readonly context: Context.Context<never>
  /** Fails with why the other side may not. */
  readonly authorize: ((route: string, connection: Connection) => Effect.Effect<void, string>) | undefined
  /** How many requests may be handled at once. */
  readonly pending: number
  /** The handlers that run, of all links. */
  readonly fibers: IntMap<Fiber.Fiber<unknown, unknown>>
  /** What became of all that was handled, for whomever: a handler may end later than the connection that it handles for. */
  readonly outcomes: { succeeded: number; failed: number }
}

/** On whose behalf things are handled. */
export interface Client {
  readonly connection: Connection
  readonly counters: Counters
  /** What is handled once for it; none on a side that nobody sends a request to twice. */
  readonly once: Once | undefined
  readonly rate: Rate | undefined
}

class Denied {
  readonly detail: string
  constructor(detail: string) {
    this.detail = detail
  }
}

export class Handling {
  private readonly session: Session
  private readonly service: Service
  private readonly client: Client
  private readonly clock: Clock.Clock
  // By number, from when they were admitted; those that have not begun have no fiber yet.
  private readonly running = new IntMap<Fiber.Fiber<unknown, unknown> | undefined>()
  private readonly held = new IntMap<readonly [Asked, Once | undefined]>()
  private readonly streams = new IntMap<Producing>()
  private readonly tells = new Deque<readonly [Packet, Served]>()
  private isTelling = false
  private telling: Fiber.Fiber<unknown, unknown> | undefined
  private told = 0
  // Tells that came, and were not granted again.
  private owed = 0
  private isOver = false
  private readonly idle = new Bell()

  constructor(session: Session, service: Service, client: Client, clock: Clock.Clock) {
    this.session = session
    this.service = service
    this.client = client
    this.clock = clock
  }

  /** How many requests are being handled, or are to be. */
  get size(): number {
    return this.running.size + (this.client.once?.running ?? 0)
  }

  /** Waits until all that was admitted is answered. */
  get settled(): Effect.Effect<void> {
    return this.idle.until(() => this.isOver || (this.size === 0 && !this.isTelling))
  }

  /** Takes a packet; false when it is none of what is asked here. */
  take(packet: Packet): boolean {
    if (this.isOver) return true
    switch (packet.kind) {
      case Kind.Request:
        this.onRequest(packet)
        return true
      case Kind.Interrupt:
        this.onInterrupt(packet.number)
        return true
      case Kind.Settled:
        this.client.once?.settle(packet.number)
        return true
      case Kind.MoreValues:
        this.streams.get(packet.number)?.grant(amountOf(packet))
        return true
      case Kind.Tell:
        return this.onTell(packet)
      default:
        return false
    }
  }

  /** The link is over: what it asked nobody waits for, but for what is handled once. To be called in a step. */
  end(): void {
    this.isOver = true
    this.tells.drain()
    // What has not begun is handled when it comes again.
    for (const [id, [, once]] of this.held) once?.drop(id)
    this.held.clear()
    const fibers = [...this.running.values(), this.telling]
    // Finalizers may do anything.
    afterwards(() => {
      for (const fiber of fibers) fiber?.interruptUnsafe()
      this.idle.ring()
    })
  }

  // Nobody waits for an answer; its number may be another's from now on.
  private onInterrupt(id: number): void {
    this.held.delete(id)
    const fiber = this.running.get(id) ?? this.client.once?.drop(id)
    this.running.delete(id)
    this.streams.delete(id)
    // Behind the step, since finalizers may do anything.
    afterwards(() => {
      fiber?.interruptUnsafe()
      this.idle.ring()
    })
  }

  private onRequest(packet: Packet): void {
    const { client, session } = this
    const id = packet.number
    const once = (packet.flags & Flag.Once) === 0 ? undefined : client.once
    if (once?.has(id) === true) {
      client.counters.duplicates++
      once.join(id, session)
      return
    }
    // It has one answer, however often it comes.
    if (this.running.has(id)) {
      client.counters.duplicates++
      return
    }
    const read = this.read(packet)
    if ("_tag" in read) {
      this.onOutcome(false)
      session.post(encode(Kind.Fault, id, faultBodyOf(read)))
      return
    }
    // From now on it counts, so that those that come with it know of it.
    if (once === undefined) this.running.set(id, undefined)
    else once.join(id, session)
    if (read.served.route.isStream) this.streams.set(id, new Producing(session, id, read.served.route.success))
    this.held.set(id, [read, once])
    // What is handled adds to what the other side does not take.
    if (!session.isBehind) afterwards(() => this.begin(id))
  }

  /** The other side takes again what it is sent. */
  onRoom(): void {
    for (const [id] of this.held) {
      if (this.session.isBehind) return
      this.begin(id)
    }
  }

  // Behind the step: handlers may do anything, as closing this very link.
  private begin(id: number): void {
    const held = this.held.get(id)
    if (held === undefined) return
    this.held.delete(id)
    const [asked, once] = held
    const fiber = this.start(asked, this.streams.get(id))
    if (once === undefined) this.running.set(id, fiber)
    else once.started(id, fiber)
    fiber.addObserver((exit) => this.onAnswer(id, fiber, asked.served.route, exit, once))
  }

  // What is to be handled; or why it is not.
  private read(packet: Packet): Asked | Fault {
    const { client, service, session } = this
    const { pending, served } = service
    if (session.isStopping) return { _tag: "Leaving" }
    const one = served.get(packet.route)
    if (one === undefined) return { _tag: "UnknownRoute" }
    const { once } = client
    // Whoever never says that it has its answers has them kept up to a number.
    const isMuch = (packet.flags & Flag.Once) !== 0 && once !== undefined && once.size >= 2 * pending
    if (isMuch || this.size >= pending) return { _tag: "LimitExceeded", limit: "pending", allowed: pending }
    const { rate } = client
    if (rate?.take(this.clock.currentTimeMillisUnsafe()) === false) {
      return { _tag: "LimitExceeded", limit: "rate", allowed: rate.allowed }
    }
    const { body, isRaw } = packet
    const traced = (packet.flags & Flag.Traced) === 0 ? 0 : (body[0] ?? 0) + 1
    const payload = valueOf(one.route.payload, traced === 0 ? body : body.subarray(traced), isRaw)
    if (Result.isFailure(payload)) return { _tag: "InvalidMessage", part: "payload", detail: payload.failure }
    const trace = traced === 0 ? undefined : textOf(body.subarray(1, traced))
    return { served: one, payload: payload.success, trace }
  }

  private start(asked: Asked, producing: Producing | undefined): Fiber.Fiber<unknown, unknown> {
    const { authorize, context } = this.service
    const { connection } = this.client
    const { payload, served, trace } = asked
    const { name } = served.route
    const handle = Effect.suspend(() => {
      const handled = served.handle(payload, connection)
      return producing === undefined
        ? (handled as Effect.Effect<unknown, unknown>)
        : producing.run(handled as Stream.Stream<unknown, unknown>)
    })
    const allowed =
      authorize === undefined
        ? handle
        : Effect.andThen(
            Effect.mapError(
              Effect.suspend(() => authorize(name, connection)),
              (detail) => new Denied(detail)
            ),
            handle
          )
    const fiber = Effect.runForkWith(context)(trace === undefined ? allowed : inTraceOf(allowed, name, trace))
    const { fibers } = this.service
    if (fiber.pollUnsafe() === undefined) {
      fibers.set(fiber.id, fiber)
      fiber.addObserver(() => fibers.delete(fiber.id))
    }
    return fiber
  }

  private onAnswer(
    id: number,
    fiber: Fiber.Fiber<unknown, unknown>,
    route: Route,
    exit: Exit.Exit<unknown, unknown>,
    once: Once | undefined
  ): void {
    // One that was interrupted is not there any more, and its number may be another's.
    const isWaitedFor = once === undefined ? this.running.get(id) === fiber : once.isHandledBy(id, fiber)
    if (isWaitedFor) {
      this.running.delete(id)
      this.streams.delete(id)
    }
    this.onOutcome(Exit.isSuccess(exit))
    if (isWaitedFor) {
      const frame = this.answerOf(id, route, exit)
      if (once === undefined) this.session.post(frame)
      else once.answered(id, frame)
    }
    this.idle.ring()
  }

  private answerOf(id: number, route: Route, exit: Exit.Exit<unknown, unknown>): Uint8Array {
    const answer = this.bodyOfExit(route, exit)
    const frame = encode(answer.kind, id, answer.body)
    const limit = this.session.wire.maxFrame
    return frame.length <= limit
      ? frame
      : encode(Kind.Fault, id, faultBodyOf({ _tag: "FrameTooLarge", bytes: frame.length, limit }))
  }

  private bodyOfExit(route: Route, exit: Exit.Exit<unknown, unknown>): Answer {
    if (Exit.isSuccess(exit)) {
      const body = route.isStream ? Result.succeed("") : bodyOf(route.success, exit.value)
      return Result.isSuccess(body) ? { kind: Kind.Success, body: body.success } : unreadable(body.failure)
    }
    const error = Cause.findErrorOption(exit.cause)
    if (Option.isSome(error)) {
      const { value } = error
      if (value instanceof Denied) return faultOf({ _tag: "PermissionDenied", detail: value.detail })
      if (value instanceof Unsendable) return faultOf(value.fault)
      const body = bodyOf(route.error, value)
      return Result.isSuccess(body) ? { kind: Kind.Failure, body: body.success } : unreadable(body.failure)
    }
    if (Cause.hasInterruptsOnly(exit.cause)) return faultOf({ _tag: "HandlerFailed", how: "interrupted" })
    this.report(`The handler of "${route.name}" died`, exit.cause)
    return faultOf({ _tag: "HandlerFailed", how: "died" })
  }

  private onTell(packet: Packet): boolean {
    if (++this.owed > TellWindow) {
      this.session.end("it tells more than it may")
      return true
    }
    const served = this.service.served.get(packet.route)
    if (served === undefined || served.route.isStream) {
      this.onTold()
      return false
    }
    this.tells.push([packet, served])
    if (!this.isTelling) {
      this.isTelling = true
      afterwards(() => this.nextTell())
    }
    return true
  }

  // One after the other, in the order in which they came.
  private nextTell(): void {
    this.telling = undefined
    for (let next = this.tells.shift(); next !== undefined; next = this.tells.shift()) {
      const fiber = this.startTell(next[0], next[1])
      if (fiber !== undefined && fiber.pollUnsafe() === undefined) {
        this.telling = fiber
        fiber.addObserver((exit) => {
          this.onToldExit(next[1].route, exit)
          this.nextTell()
        })
        return
      }
      const exit = fiber?.pollUnsafe()
      if (exit !== undefined) this.onToldExit(next[1].route, exit)
      else this.onTold()
    }
    this.isTelling = false
    this.idle.ring()
  }

  private startTell({ body, isRaw }: Packet, served: Served): Fiber.Fiber<unknown, unknown> | undefined {
    const payload = valueOf(served.route.payload, body, isRaw)
    if (Result.isFailure(payload)) {
      this.client.counters.unknown++
      this.report(`What was told as "${served.route.name}" is not what its schema says: ${payload.failure}`)
      return undefined
    }
    return this.start({ served, payload: payload.success, trace: undefined }, undefined)
  }

  private onToldExit(route: Route, exit: Exit.Exit<unknown, unknown>): void {
    this.onOutcome(Exit.isSuccess(exit))
    if (Exit.isFailure(exit)) {
      // Whoever is denied something could fill the log.
      const error = Cause.findErrorOption(exit.cause)
      const isDenied = Option.isSome(error) && error.value instanceof Denied
      if (!isDenied && !Cause.hasInterruptsOnly(exit.cause))
        this.report(`The handler of "${route.name}" failed`, exit.cause)
    }
    this.onTold()
  }

  private onOutcome(isSuccess: boolean): void {
    const { client, service } = this
    if (isSuccess) {
      client.counters.handled++
      service.outcomes.succeeded++
    } else {
      client.counters.handledInVain++
      service.outcomes.failed++
    }
  }

  // The other side may tell as many more.
  private onTold(): void {
    if (++this.told < TellWindow / 2 || this.isOver) return
    const { told } = this
    this.owed -= told
    this.told = 0
    // Over a wire in memory, the next ones may come before this returns.
    this.session.sayNow(Kind.MoreTells, told)
  }

  private report(what: string, cause?: Cause.Cause<unknown>): void {
    const { peer, transport } = this.session.wire
    const said = `${what}, asked by ${peer.address} (${transport})`
    Effect.runForkWith(this.service.context)(
      cause === undefined ? Effect.logWarning(said) : Effect.logError(said, cause)
    )
  }
}

interface Asked {
  readonly served: Served
  readonly payload: unknown
  readonly trace: string | undefined
}

interface Answer {
  readonly kind: number
  readonly body: string | Uint8Array
}

const faultOf = (fault: Fault): Answer => ({ kind: Kind.Fault, body: faultBodyOf(fault) })

const unreadable = (detail: string): Answer => faultOf({ _tag: "InvalidMessage", part: "reply", detail })

/** How many more there may be, as the body of a packet says. */
const amountOf = ({ body }: Packet): number => {
  const amount = Number(textOf(body))
  return Number.isSafeInteger(amount) && amount > 0 ? amount : 0
}
