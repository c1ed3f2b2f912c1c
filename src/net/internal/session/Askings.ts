/**
 * All that one side of a connection has asked and is not answered yet, over one link after the other.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { effectOf, Step, step } from "../../../channel/internal/step.ts"
import { waitIn } from "../../../channel/internal/wait.ts"
import { Deadline, type Deadlines } from "../../../process/internal/deadlines.ts"
import { IntMap } from "../../../scheduler/internal/IntMap.ts"
import type { RequestOptions, StreamOptions } from "../../Connection.ts"
import {
  type ConnectionClosed,
  InvalidArgument,
  LimitExceeded,
  type RequestError,
  UnknownRoute
} from "../../ConnectionError.ts"
import { type Asking, RequestAsking, StreamAsking } from "./Asking.ts"
import { bodyOf, type Route } from "./codec.ts"
import type { ConnectionImpl } from "./ConnectionImpl.ts"
import { leaving } from "./fault.ts"
import { encode, Flag, Kind, type Packet } from "./packet.ts"
import type { Session } from "./Session.ts"
import { behindTrace, traceOf } from "./trace.ts"

// In milliseconds.
const defaultTimeout = 10_000

// How many values of a stream are underway.
const defaultWindow = 16

export class Askings {
  private readonly connection: ConnectionImpl
  private readonly deadlines: Deadlines
  private readonly byId = new IntMap<Asking>()
  private lastId = 0

  constructor(connection: ConnectionImpl) {
    this.connection = connection
    this.deadlines = connection.deadlines
  }

  /** How many there are. */
  get size(): number {
    return this.byId.size
  }

  /** What has not gone over a link yet, or goes over one link after the other, goes over this one. To be called in a step. */
  begin(session: Session): void {
    for (const asking of this.byId.values()) this.dispatch(asking, session)
  }

  /**
   * What went over a link that is lost can't be answered any more, unless it is handled once and goes over the next one. To be
   * called in a step.
   */
  onLost(session: Session, detail: string): void {
    const { settings } = this.connection
    for (const asking of this.byId.values()) {
      if (asking.session !== session && asking.only !== session) continue
      const isPutOff = session.hasAnsweredAll && !asking.isRepeated
      // What goes over this link alone has no next one.
      const hasNext = asking.only === undefined && !settings.hasOneLink
      if (isPutOff) asking.putOff()
      else asking.session = undefined
      if (isPutOff ? !hasNext : !asking.isOnce) {
        asking.fail(this.connection.unavailable(asking.route.name, asking.incarnation, detail))
      }
    }
  }

  /** Nothing is answered any more. To be called in a step. */
  end(error: ConnectionClosed): void {
    for (const asking of this.byId.values()) asking.fail(error)
  }

  /** Takes an answer, or a part of one. To be called in a step. */
  take(packet: Packet): void {
    const asking = this.byId.get(packet.number)
    if (asking === undefined) this.connection.counters.late++
    else asking.take(packet)
  }

  /** Nobody waits for it any more. */
  forget(asking: Asking): void {
    this.byId.delete(asking.id)
  }

  /** One needs its deadline no more. */
  onOver(): void {
    this.deadlines.onOver()
  }

  /** A stream waits for another link. */
  waitAgain(asking: StreamAsking): Deadline {
    return new Deadline(this.deadlines, defaultTimeout, () => asking.expire())
  }

  /** A request was answered that was made at a time of the deadlines. */
  onAnswered(begun: number, isSuccess: boolean): void {
    const { counters } = this.connection
    if (isSuccess) counters.succeeded++
    else counters.failed++
    counters.onAnswered((this.deadlines.now() - begun) / 1000)
  }

  request(route: string, payload: unknown, options: RequestOptions | undefined): Effect.Effect<unknown, unknown> {
    return effectOf(new Requesting(this, route, payload, options))
  }

  stream(name: string, payload: unknown, options: StreamOptions | undefined): Stream.Stream<unknown, unknown> {
    return Stream.unwrap(
      Effect.map(
        Effect.acquireRelease(
          step((fiber) => this.consume(fiber, name, payload, options)),
          (asking) => Effect.sync(() => asking.stop())
        ),
        ({ pull }) => Stream.fromPull(Effect.succeed(pull))
      )
    )
  }

  /** To be answered by a step: makes a request, and waits for its answer. `only`: the one link that it goes over. */
  wait(
    fiber: Fiber.Fiber<unknown, unknown>,
    name: string,
    payload: unknown,
    options: RequestOptions | undefined,
    only?: Session
  ): Effect.Effect<unknown, unknown> {
    const asking = this.ask(fiber, name, payload, options, only)
    if (!(asking instanceof RequestAsking)) return Exit.fail(asking)
    // It may have ended as it began: nobody is to wait then.
    return asking.outcome ?? waitIn(asking)
  }

  private ask(
    fiber: Fiber.Fiber<unknown, unknown>,
    name: string,
    payload: unknown,
    options: RequestOptions | undefined,
    only: Session | undefined
  ): RequestAsking | RequestError {
    const milliseconds = millisecondsOf(options)
    if (!(milliseconds > 0)) {
      return new InvalidArgument({ argument: "timeout", detail: `is ${milliseconds} ms, and has to be above 0` })
    }
    const isOnce = options?.retry !== undefined
    const made = this.frameOf(fiber, name, payload, isOnce)
    if (!("frame" in made)) return made
    const { frame, route } = made
    const begun = this.deadlines.now()
    const asking = new RequestAsking(this.connection, this, this.lastId, route, frame, isOnce, milliseconds, begun)
    asking.only = only
    return this.add(asking)
  }

  private consume(
    fiber: Fiber.Fiber<unknown, unknown>,
    name: string,
    payload: unknown,
    options: StreamOptions | undefined
  ): Exit.Exit<StreamAsking, RequestError> {
    const window = options?.window ?? defaultWindow
    if (!(Number.isInteger(window) && window > 0)) {
      const detail = `is ${window}, and has to be a whole number from 1 on`
      return Exit.fail(new InvalidArgument({ argument: "window", detail }))
    }
    const made = this.frameOf(fiber, name, payload, false)
    if (!("frame" in made)) return Exit.fail(made)
    const { frame, route } = made
    const deadline = this.deadlines.after(defaultTimeout)
    return Exit.succeed(this.add(new StreamAsking(this.connection, this, this.lastId, route, frame, window, deadline)))
  }

  private add<A extends Asking>(asking: A): A {
    const { connection } = this
    connection.counters.sent++
    this.byId.set(asking.id, asking)
    this.deadlines.add(asking)
    if (connection.link === undefined) connection.settings.dial()
    else this.dispatch(asking, connection.link)
    return asking
  }

  private frameOf(
    fiber: Fiber.Fiber<unknown, unknown>,
    name: string,
    payload: unknown,
    isOnce: boolean
  ): { readonly route: Route; readonly frame: Uint8Array } | RequestError {
    const { connection } = this
    if (connection.error !== undefined) return connection.error
    const { pending, remote } = connection.settings
    const route = remote.get(name)
    if (route === undefined) return new UnknownRoute({ peer: connection.peerName, route: name })
    if (this.byId.size >= pending) {
      return new LimitExceeded({ peer: connection.peerName, route: name, limit: "pending", allowed: pending })
    }
    const body = bodyOf(route.payload, payload)
    if (Result.isFailure(body)) return connection.invalid(name, body.failure)
    const trace = traceOf(fiber)
    const flags = (isOnce ? Flag.Once : 0) | (trace === undefined ? 0 : Flag.Traced)
    const traced = trace === undefined ? body.success : behindTrace(trace, body.success)
    return { route, frame: encode(Kind.Request, ++this.lastId, traced, name, flags) }
  }

  private dispatch(asking: Asking, session: Session): void {
    const { connection } = this
    if (connection.isOpening && asking.only !== session) return
    if (asking.session !== undefined) return
    if (session.isLeaving && connection.settings.hasOneLink) {
      asking.fail(connection.unavailable(asking.route.name, undefined, leaving))
      return
    }
    if (session.isLeaving || session.isDoubtful) return
    if (asking.incarnation !== undefined && asking.incarnation !== session.incarnation) {
      const detail = "it was started anew since"
      asking.fail(connection.unavailable(asking.route.name, asking.incarnation, detail))
      return
    }
    const refusal = connection.refusalOf(asking.frame)
    if (refusal !== undefined) {
      asking.fail(refusal)
      return
    }
    asking.session = session
    asking.isRepeated = asking.incarnation !== undefined
    asking.incarnation = session.incarnation
    session.post(asking.frame)
    asking.onSent(session)
  }
}

const millisecondsOf = (options: RequestOptions | undefined): number => {
  const timeout = options?.timeout
  if (timeout === undefined) return defaultTimeout
  // What is no time at all is refused with those that are too short.
  return Option.match(Duration.fromInput(timeout), { onNone: () => Number.NaN, onSome: Duration.toMillis })
}

// One step, so that nothing falls between what is set up and what clears it away.
class Requesting extends Step {
  private readonly askings: Askings
  private readonly route: string
  private readonly payload: unknown
  private readonly options: RequestOptions | undefined

  constructor(askings: Askings, route: string, payload: unknown, options: RequestOptions | undefined) {
    super()
    this.askings = askings
    this.route = route
    this.payload = payload
    this.options = options
  }

  run(fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<unknown, unknown> {
    return this.askings.wait(fiber, this.route, this.payload, this.options)
  }
}
