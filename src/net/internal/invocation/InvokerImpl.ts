/**
 * An invoker: its instances, those who wait for one that has room, and each invocation's way through them.
 */
import { isReadonlyArrayNonEmpty } from "effect/Array"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { Topic } from "../../../process/internal/topic.ts"
import { Deque } from "../../../scheduler/internal/Deque.ts"
import type { Choose } from "../../Balance.ts"
import { InvalidArgument, InvalidMessage, type RequestError, Unavailable, UnknownRoute } from "../../ConnectionError.ts"
import type { Instance } from "../../Instance.ts"
import type { Change, InvokeOptions, Response, Status } from "../../Invocation.ts"
import { type InvocationError, InvokerClosed, NoInstance, Overloaded } from "../../InvocationError.ts"
import { Bell } from "../../transport/internal/Bell.ts"
import type { Route } from "../session/codec.ts"
import type { ConnectionImpl } from "../session/ConnectionImpl.ts"
import { Member, type Settings as MemberSettings } from "./Member.ts"
import { pack, unpackReply } from "./envelope.ts"
import type { Failed, Invalid } from "./routes.ts"
import { type Invoked, Slot } from "./Slot.ts"

export interface Settings {
  /** What its functions are called together. */
  readonly name: string
  readonly routes: ReadonlyMap<string, Route>
  readonly choose: Choose
  /** How many invocations may wait. */
  readonly queue: number
  readonly stopTimeout: Duration.Input
  readonly member: Omit<MemberSettings, "onForgotten" | "onState">
}

/** It was not handled, or may be handled again: another instance is to have it. */
const Again = "again"

type Again = typeof Again

const again = Effect.succeed<Again>(Again)

const invalid = (
  { name }: Member,
  route: string,
  part: "payload" | "reply",
  foundBy: "this side" | "the other side",
  detail: string
): Effect.Effect<never, InvalidMessage> => Effect.fail(new InvalidMessage({ peer: name, route, part, foundBy, detail }))

export class InvokerImpl {
  private readonly settings: Settings
  private readonly memberSettings: MemberSettings
  private readonly members = new Map<Instance, Member>()
  /** Those that are gone: they answer what is underway, or are being disconnected. */
  private readonly leaving = new Set<Member>()
  private readonly queue = new Deque<Slot>()
  private readonly topic = new Topic<Change>()
  private readonly idle = new Bell()
  private joined = 0
  private active = 0
  /** Whether it is known which instances there are. */
  private isKnown = false
  /** Why nothing more is heard of instances. */
  private silence = ""
  private isClosing = false
  private isClosed = false

  constructor(settings: Settings) {
    this.settings = settings
    this.memberSettings = {
      ...settings.member,
      onState: (member) => this.onState(member),
      onForgotten: (member) => this.leaving.delete(member)
    }
  }

  /** These are the instances that there are. */
  update(instances: ReadonlyArray<Instance>): void {
    if (this.isClosed) return
    this.isKnown = true
    const present = new Set(instances)
    // All are known before anything is said of one: who waits is refused when there is none, and not before others come.
    const left = [...this.members.values()].filter(({ instance }) => !present.has(instance))
    for (const { instance } of left) this.members.delete(instance)
    const come: Array<Member> = []
    for (const instance of present) {
      if (this.members.has(instance)) continue
      const member = new Member(instance, this.joined++, this.memberSettings)
      this.members.set(instance, member)
      come.push(member)
    }
    for (const member of come) {
      this.topic.publish({ instance: member.instance, state: member.state })
      member.start()
    }
    for (const member of left) member.leave("it has left")
    this.review()
  }

  /** Nothing more is heard of them. */
  onSilence(why: string): void {
    this.isKnown = true
    this.silence = why
    this.review()
  }

  private onState(member: Member): void {
    const { instance, state } = member
    if (state._tag === "Gone") this.leaving.add(member)
    this.topic.publish({ instance, state })
    this.review()
  }

  // One that has ended is kept until it leaves, so that it does not come as another one.
  private get present(): ReadonlyArray<Member> {
    return [...this.members.values()].filter(({ state }) => state._tag !== "Gone")
  }

  readonly instances: Effect.Effect<ReadonlyArray<Status>> = Effect.suspend(() =>
    Effect.forEach(this.present, ({ stats }) => stats)
  )

  readonly changes = this.topic.subscribe()

  readonly waiting: Effect.Effect<number> = Effect.sync(() => this.queue.length)

  /** Invokes a function. */
  execute(name: string, input: unknown, options: InvokeOptions | undefined): Effect.Effect<Response<unknown>, unknown> {
    return Effect.suspend(() => {
      const timeout = options?.timeout ?? "10 seconds"
      const milliseconds = Option.match(Duration.fromInput(timeout), {
        onNone: () => Number.NaN,
        onSome: Duration.toMillis
      })
      if (!(milliseconds > 0)) {
        const detail = `is ${milliseconds} ms, and has to be above 0`
        return Effect.fail(new InvalidArgument({ argument: "timeout", detail }))
      }
      if (this.isClosing) return Effect.fail(this.closed(name, "not sent"))
      const { name: functions, routes } = this.settings
      const route = routes.get(name)
      if (route === undefined) return Effect.fail(new UnknownRoute({ peer: functions, route: name }))
      return this.attempt({
        id: globalThis.crypto.randomUUID(),
        name,
        route,
        input,
        metadata: options?.metadata ?? {},
        isIdempotent: options?.idempotent === true,
        milliseconds,
        deadline: this.now + milliseconds,
        tried: new Map(),
        uncertain: undefined
      })
    })
  }

  private attempt(invoked: Invoked): Effect.Effect<Response<unknown>, unknown> {
    return Effect.flatMap(
      Effect.uninterruptibleMask((restore) =>
        Effect.suspend(() => {
          const slot = this.place(invoked)
          return Effect.onExit(restore(this.use(slot)), (exit) => Effect.sync(() => this.release(slot, exit)))
        })
      ),
      (outcome) => (outcome === Again ? this.attempt(invoked) : Effect.succeed(outcome))
    )
  }

  private place(invoked: Invoked): Slot {
    this.active++
    const slot = new Slot(invoked)
    if (!this.settle(slot)) {
      const { queue } = this.settings
      if (this.queue.length < queue) {
        this.queue.push(slot)
      } else {
        const { underway } = this.memberSettings
        slot.refuse(new Overloaded({ functions: this.settings.name, function: invoked.name, underway, queue }))
      }
    }
    return slot
  }

  // Gives it a place, or refuses it; false when it has to wait.
  private settle(slot: Slot): boolean {
    const { invoked } = slot
    if (this.isClosed) {
      slot.refuse(this.closed(invoked.name, "not sent"))
      return true
    }
    const candidates: Array<Member> = []
    let mayHaveRoom = !this.isKnown
    for (const member of this.members.values()) {
      if (!member.isAvailable || invoked.tried.has(member)) continue
      mayHaveRoom = true
      if (member.hasRoom) candidates.push(member)
    }
    if (isReadonlyArrayNonEmpty(candidates)) {
      // What the user's balance throws is of this invocation only: it is run in the steps of others, too.
      const chosen = Result.try(() => this.settings.choose(candidates))
      if (Result.isSuccess(chosen)) slot.give(chosen.success)
      else slot.die(chosen.failure)
      return true
    }
    if (!mayHaveRoom) slot.refuse(this.noInstance(invoked))
    return !mayHaveRoom
  }

  // Something has changed for all who wait.
  private review(): void {
    for (let at = 0; at < this.queue.length;) {
      if (this.settle(this.queue.at(at) as Slot)) this.queue.removeAt(at)
      else at++
    }
  }

  // There is room for one at this instance: for the first who has not been there.
  private onRoom(member: Member): void {
    for (let at = 0; at < this.queue.length && member.hasRoom;) {
      const slot = this.queue.at(at) as Slot
      if (!slot.invoked.tried.has(member) && this.settle(slot)) this.queue.removeAt(at)
      else at++
    }
  }

  private release(slot: Slot, exit: Exit.Exit<unknown, unknown>): void {
    this.active--
    const { member } = slot
    if (member === undefined) {
      this.queue.remove(slot)
    } else {
      const hasFailed = Exit.isSuccess(exit) ? exit.value === Again : !Exit.hasInterrupts(exit)
      member.end(hasFailed ? "failed" : Exit.isSuccess(exit) ? "succeeded" : "interrupted")
      this.onRoom(member)
    }
    this.idle.ring()
  }

  private use(slot: Slot): Effect.Effect<Response<unknown> | Again, unknown> {
    const { invoked } = slot
    const settled = slot.isSettled
      ? Effect.void
      : Effect.timeoutOrElse(slot.wait, {
          duration: invoked.deadline - this.now,
          orElse: () =>
            Effect.fail(invoked.uncertain ?? this.notSent(invoked, "all instances have as much as they may"))
        })
    return Effect.andThen(
      settled,
      Effect.suspend(() => {
        const { member, refusal } = slot
        if (member === undefined) return refusal
        return this.isClosed ? Effect.fail(this.closed(invoked.name, "not sent")) : this.send(invoked, member)
      })
    )
  }

  private send(invoked: Invoked, member: Member): Effect.Effect<Response<unknown> | Again, unknown> {
    const { id, input, metadata, name, route } = invoked
    const left = invoked.deadline - this.now
    if (left <= 0) return Effect.fail(invoked.uncertain ?? this.notSent(invoked, "there was no time left"))
    const attempt = invoked.tried.size + 1
    const head = { id, attempt, left: Number.isFinite(left) ? left : null, metadata }
    const request = pack(route.payload, input, head)
    if (Result.isFailure(request)) return invalid(member, name, "payload", "this side", request.failure)
    const { link } = member
    const { answers } = member
    return Effect.matchEffect(link.request(name, request.success, { timeout: left }), {
      onSuccess: (packed) => {
        member.onAnswer()
        const reply = unpackReply(route.success, packed)
        if (Result.isFailure(reply)) return invalid(member, name, "reply", "this side", reply.failure)
        const { head, value } = reply.success
        return Effect.succeed({ value, metadata: head.metadata, instance: member.instance.id, attempts: attempt })
      },
      onFailure: (error) => this.onError(invoked, member, link, answers, error as RequestError | Failed | Invalid)
    })
  }

  // `answers`: how often the instance had answered when it was sent.
  private onError(
    invoked: Invoked,
    member: Member,
    link: ConnectionImpl,
    answers: number,
    error: RequestError | Failed | Invalid
  ): Effect.Effect<Again, unknown> {
    if ("failed" in error) {
      member.onAnswer()
      return Effect.fail(error.failed)
    }
    if ("invalid" in error) {
      member.onAnswer()
      return invalid(member, invoked.name, error.invalid.part, "the other side", error.invalid.detail)
    }
    const elsewhere = (detail: string): Effect.Effect<Again> => {
      invoked.tried.set(member, detail)
      return again
    }
    switch (error._tag) {
      case "ConnectionClosed":
        // Whatever had gone over its link was told so before.
        return this.isClosed
          ? Effect.fail(this.closed(invoked.name, "uncertain"))
          : elsewhere(`can't be connected to: ${link.lastError?.message ?? error.message}`)
      case "LimitExceeded":
        member.onAnswer()
        return elsewhere(`takes no more now: ${error.message}`)
      case "Timeout":
        if (member.isLinkedBy(link) && member.answers === answers) member.onFailure(error.message)
        return Effect.fail(error)
      case "HandlerFailed":
        member.onAnswer()
        if (!invoked.isIdempotent || error.how === "died") return Effect.fail(error)
        invoked.uncertain = error
        return elsewhere(error.message)
      case "Unavailable":
        if (error.delivery === "uncertain") {
          if (!invoked.isIdempotent) return Effect.fail(error)
          invoked.uncertain = error
        } else if (this.now >= invoked.deadline) {
          if (member.isLinkedBy(link) && member.answers === answers) member.onFailure(error.message)
          return Effect.fail(invoked.uncertain ?? error)
        }
        return elsewhere(`was lost: ${error.detail}`)
      default:
        return Effect.fail(error)
    }
  }

  private noInstance({ name, tried }: Invoked): InvocationError {
    const known = this.present.map((member) => {
      const { name, state } = member
      const failure = tried.get(member)
      if (failure !== undefined) return { instance: name, detail: failure }
      const detail = state._tag === "SetAside" ? `is set aside: ${state.why}` : "is about to stop"
      return { instance: name, detail }
    })
    return new NoInstance({ functions: this.settings.name, function: name, known, detail: this.silence })
  }

  private notSent({ milliseconds, name }: Invoked, why: string): InvocationError {
    const detail = `${why}, for ${milliseconds} ms`
    return new Unavailable({ peer: this.settings.name, route: name, delivery: "not sent", detail })
  }

  private closed(name: string, delivery: "not sent" | "uncertain"): InvocationError {
    return new InvokerClosed({ functions: this.settings.name, function: name, delivery })
  }

  private get now(): number {
    return this.memberSettings.surroundings.deadlines.clock.currentTimeMillisUnsafe()
  }

  /** Takes no more invocations, and ends when those that there are have ended, or the time is over. */
  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.isClosing = true
    return this.idle
      .until(() => this.active === 0)
      .pipe(
        Effect.timeoutOption(this.settings.stopTimeout),
        Effect.andThen(
          Effect.suspend(() => {
            this.isClosed = true
            this.review()
            const members = new Set([...this.members.values(), ...this.leaving])
            return Effect.forEach(members, ({ forget }) => forget, { concurrency: "unbounded", discard: true })
          })
        )
      )
  })
}
