/**
 * What this side has asked and is not answered yet: a request, or a stream. It is known by its number, over all links.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Pull from "effect/Pull"
import * as Result from "effect/Result"
import { step } from "../../../channel/internal/step.ts"
import { tellAfterwards, type Told } from "../../../channel/internal/telling.ts"
import { Wait } from "../../../channel/internal/wait.ts"
import type { Deadline, Timed } from "../../../process/internal/deadlines.ts"
import { InvalidMessage, type RequestError, Timeout } from "../../ConnectionError.ts"
import { Bell } from "../../transport/internal/Bell.ts"
import { type Route, valueOf, valuesOf } from "./codec.ts"
import type { Askings } from "./Askings.ts"
import type { ConnectionImpl } from "./ConnectionImpl.ts"
import { errorOf, read } from "./fault.ts"
import { Kind, type Packet } from "./packet.ts"
import type { Session } from "./Session.ts"

/** One that was asked. */
export interface Asking extends Timed {
  readonly id: number
  readonly route: Route
  readonly frame: Uint8Array
  readonly isOnce: boolean
  /** The link that it has gone over, while there is that link. */
  session: Session | undefined
  /** Which server it has gone to, if it has gone anywhere. */
  incarnation: string | undefined
  /** Whether it had gone over a link before this one. */
  isRepeated: boolean
  /** The one link that it goes over, if it goes over no other. */
  readonly only: Session | undefined
  /** It has gone over the link. */
  onSent(session: Session): void
  /** The other side has not begun what has come over its link: it goes over the next one. */
  putOff(): void
  /** Takes the answer, or a part of it. To be called in a step. */
  take(packet: Packet): void
  /** Ends it without an answer. To be called in a step. */
  fail(error: RequestError): void
}

/** What an answer says. */
const answerOf = (asking: Asking, packet: Packet, peer: string): Exit.Exit<unknown, unknown> => {
  const { route } = asking
  if (packet.kind === Kind.Fault) {
    const fault = read(packet.body)
    return fault === undefined
      ? unreadable(peer, route, "it is no fault of ours")
      : Exit.fail(errorOf(fault, peer, route.name))
  }
  const isSuccess = packet.kind === Kind.Success
  if (isSuccess && route.isStream) return Exit.void
  const value = valueOf(isSuccess ? route.success : route.error, packet.body, packet.isRaw)
  if (Result.isFailure(value)) return unreadable(peer, route, value.failure)
  return isSuccess ? Exit.succeed(value.success) : Exit.fail(value.success)
}

const unreadable = (peer: string, route: Route, detail: string): Exit.Exit<never, InvalidMessage> =>
  Exit.fail(new InvalidMessage({ peer, route: route.name, part: "reply", foundBy: "this side", detail }))

/** Whether the other side has said that it has not begun the request, so that it goes over the next link. */
const isPutOff = ({ body, kind }: Packet): boolean => kind === Kind.Fault && read(body)?._tag === "Leaving"

/** A request: whoever asked waits in it. */
export class RequestAsking extends Wait implements Asking, Told {
  readonly id: number
  readonly route: Route
  readonly frame: Uint8Array
  readonly isOnce: boolean
  readonly deadline: number
  session: Session | undefined
  only: Session | undefined
  incarnation: string | undefined
  isRepeated = false
  isOver = false
  /** How it has ended, if somebody is to be told of that. */
  outcome: Exit.Exit<unknown, unknown> | undefined
  private readonly connection: ConnectionImpl
  private readonly askings: Askings
  private readonly milliseconds: number
  private readonly begun: number

  /** `begun`: by the time of the deadlines. */
  constructor(
    connection: ConnectionImpl,
    askings: Askings,
    id: number,
    route: Route,
    frame: Uint8Array,
    isOnce: boolean,
    milliseconds: number,
    begun: number
  ) {
    super()
    this.connection = connection
    this.askings = askings
    this.id = id
    this.route = route
    this.frame = frame
    this.isOnce = isOnce
    this.milliseconds = milliseconds
    this.begun = begun
    this.deadline = connection.deadlines.after(milliseconds, begun)
  }

  onSent(): void {}

  putOff(): void {
    this.session = undefined
    // It may have been begun when it went over a link before.
    if (!this.isRepeated) this.incarnation = undefined
  }

  take(packet: Packet): void {
    const { connection, session } = this
    if (isPutOff(packet) && !connection.settings.hasOneLink) return this.putOff()
    if (this.isOnce) session?.say(Kind.Settled, this.id)
    this.askings.onAnswered(this.begun, packet.kind === Kind.Success)
    this.conclude(answerOf(this, packet, connection.peerName))
  }

  fail(error: RequestError): void {
    this.connection.counters.failed++
    this.conclude(Exit.fail(error))
  }

  expire(): void {
    const { connection, fiber, milliseconds, route, session } = this
    if (!this.end()) return
    session?.say(Kind.Interrupt, this.id)
    connection.counters.failed++
    const peer = connection.peerName
    const error =
      session === undefined
        ? connection.unavailable(route.name, this.incarnation, connection.whyNotConnected)
        : new Timeout({ peer, route: route.name, milliseconds })
    fiber?.currentDispatcher.scheduleTask(() => this.resume(Exit.fail(error)), 0)
  }

  tell(): void {
    this.resume(this.outcome as Exit.Exit<unknown, unknown>)
  }

  protected onInterrupted(): void {
    if (!this.end()) return
    this.connection.counters.failed++
    this.session?.say(Kind.Interrupt, this.id)
  }

  private conclude(exit: Exit.Exit<unknown, unknown>): void {
    if (!this.end()) return
    this.outcome = exit
    tellAfterwards(this)
  }

  private end(): boolean {
    if (this.isOver) return false
    this.isOver = true
    this.askings.forget(this)
    this.askings.onOver()
    return true
  }
}

/** A stream that the other side produces, and one fiber here consumes. */
export class StreamAsking implements Asking {
  readonly id: number
  readonly route: Route
  readonly frame: Uint8Array
  readonly isOnce = false
  readonly only = undefined
  readonly deadline: number
  isOver = false
  session: Session | undefined
  incarnation: string | undefined
  isRepeated = false
  // How long it waits for another link, once it was put off.
  private again: Deadline | undefined
  private readonly connection: ConnectionImpl
  private readonly askings: Askings
  private readonly window: number
  private values: Array<unknown> = []
  // Those that came, and were not granted again.
  private owed = 0
  private outcome: Exit.Exit<unknown, unknown> | undefined
  private readonly arrived = new Bell()

  /** `deadline`: until when it waits for a link. */
  constructor(
    connection: ConnectionImpl,
    askings: Askings,
    id: number,
    route: Route,
    frame: Uint8Array,
    window: number,
    deadline: number
  ) {
    this.deadline = deadline
    this.connection = connection
    this.askings = askings
    this.id = id
    this.route = route
    this.frame = frame
    this.window = window
  }

  onSent(session: Session): void {
    this.onStarted()
    // The other side may begin.
    session.say(Kind.MoreValues, this.id, String(this.window))
  }

  putOff(): void {
    this.session = undefined
    this.incarnation = undefined
    this.again = this.askings.waitAgain(this)
  }

  expire(): void {
    const { connection, route } = this
    connection.counters.failed++
    this.end(Exit.fail(connection.unavailable(route.name, undefined, connection.whyNotConnected)))
  }

  take(packet: Packet): void {
    if (packet.kind !== Kind.Values) {
      if (isPutOff(packet) && !this.connection.settings.hasOneLink) return this.putOff()
      const { counters, peerName } = this.connection
      if (packet.kind === Kind.Success) counters.succeeded++
      else counters.failed++
      this.end(answerOf(this, packet, peerName))
      return
    }
    const values = valuesOf(this.route.success, packet.body, packet.isRaw)
    if (Result.isFailure(values)) {
      this.session?.say(Kind.Interrupt, this.id)
      this.connection.counters.failed++
      this.end(unreadable(this.connection.peerName, this.route, values.failure))
      return
    }
    this.owed += values.success.length
    if (this.owed > this.window) {
      this.session?.end("it sends more values than it may")
      return
    }
    for (const value of values.success) this.values.push(value)
    this.arrived.ring()
  }

  fail(error: RequestError): void {
    this.connection.counters.failed++
    this.end(Exit.fail(error))
  }

  /** What has come, at least one value; or the end. */
  readonly pull: Pull.Pull<NonEmptyReadonlyArray<unknown>, unknown> = Effect.suspend(() =>
    Effect.andThen(
      this.arrived.until(() => this.values.length > 0 || this.outcome !== undefined),
      this.next
    )
  )

  private readonly next: Pull.Pull<NonEmptyReadonlyArray<unknown>, unknown> = step(() => {
    const { outcome, values } = this
    if (isSome(values)) {
      this.values = []
      this.owed -= values.length
      this.session?.say(Kind.MoreValues, this.id, String(values.length))
      return Exit.succeed(values)
    }
    if (outcome === undefined) return this.pull
    return Exit.isSuccess(outcome) ? Cause.done() : Exit.failCause(outcome.cause)
  })

  /** It is consumed no further. */
  stop(): void {
    if (this.outcome !== undefined) return
    this.session?.say(Kind.Interrupt, this.id)
    this.connection.counters.succeeded++
    this.end(Exit.void)
  }

  private end(outcome: Exit.Exit<unknown, unknown>): void {
    if (this.outcome !== undefined) return
    this.outcome = outcome
    this.onStarted()
    this.askings.forget(this)
    this.arrived.ring()
  }

  // Its deadline is for the link alone.
  private onStarted(): void {
    this.again?.end()
    if (this.isOver) return
    this.isOver = true
    this.askings.onOver()
  }
}

const isSome = <A>(values: Array<A>): values is [A, ...Array<A>] => values.length > 0
