/**
 * A state machine at work: one event after the other, in the order that OTP's `gen_statem` keeps.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Ref from "effect/Ref"
import type { Rpc } from "effect/rpc"
import { step } from "../../channel/internal/step.ts"
import * as Selectable from "../../channel/Selectable.ts"
import type { Cell, Role } from "../../process/internal/cell.ts"
import type { MessageImpl } from "../../process/internal/message.ts"
import type { Replacing } from "../../process/internal/replacing.ts"
import * as Message from "../../process/Message.ts"
import type { AlreadyReplied } from "../../process/ProcessError.ts"
import type { ProcessEvent } from "../../process/ProcessEvent.ts"
import { UnhandledEvent } from "../StateMachineError.ts"
import { Draining } from "./draining.ts"
import { EventTimer, StateTimer, type TimerKey, Timeouts } from "./timeouts.ts"
import type { Actions, Tagged, TransitionImpl } from "./transition.ts"

type Event =
  | { readonly _tag: "Message"; readonly message: MessageImpl }
  | { readonly _tag: "Internal"; readonly event: Tagged }
  | { readonly _tag: "Timer"; readonly timer: string }
  | { readonly _tag: "StateTimeout" }
  | { readonly _tag: "EventTimeout" }
  | { readonly _tag: "Event"; readonly event: ProcessEvent }

// What comes last of all, when the machine is stopped.
const Stopped = { _tag: "Stopped" } as const

type Handler = (state: Tagged, event: unknown) => unknown

interface StateHandlers {
  readonly on?: Readonly<Record<string, Handler>>
  readonly internal?: Readonly<Record<string, Handler>>
  readonly timers?: Readonly<Record<string, Handler>>
  readonly stateTimeout?: Handler
  readonly eventTimeout?: Handler
  readonly event?: Handler
  readonly enter?: Handler
  readonly otherwise?: Handler
}

/** What an implementation of a machine consists of. */
export interface Machine {
  readonly initial: Tagged
  readonly actions?: Actions
  readonly states: Readonly<Record<string, StateHandlers>>
}

// With what the machine ends; `undefined` while it goes on.
type End = Exit.Exit<unknown, unknown> | undefined

const goingOn: Exit.Exit<End> = Exit.succeed(undefined)

export class MachineImpl implements Role {
  private readonly cell: Cell
  private readonly states: Machine["states"]
  private readonly shown: Ref.Ref<Tagged>
  private readonly timeouts: Timeouts
  private readonly draining: Draining
  // What is handled before anything that arrives: raised events, and those that were postponed and are due again.
  private queue: Array<Event> = []
  private postponed: Array<Event> = []
  // Whether it is in the midst of an event, or enters its first state; what is to replace the state waits until then.
  private isHandling = true
  private replacing: Array<Replacing<unknown, unknown>> = []

  /** The machine of the process, from now on. */
  constructor(cell: Cell, states: Machine["states"], shown: Ref.Ref<Tagged>) {
    this.cell = cell
    this.states = states
    this.shown = shown
    this.timeouts = new Timeouts(cell)
    this.draining = new Draining(cell)
    cell.role = this
  }

  /** Runs the machine until it stops; `started` when the first state has been entered. */
  run(actions: Actions, started: Effect.Effect<void>): Effect.Effect<unknown, unknown, unknown> {
    return Effect.gen({ self: this }, function* () {
      this.queue.push(...(actions.raise ?? []).map(raised))
      yield* this.setTimers(actions)
      const entered = yield* this.enter(undefined)
      if (entered !== undefined) return yield* entered
      yield* started
      while (true) {
        const event = yield* this.next
        if (event._tag === "Stopped") return undefined
        const end = yield* this.handle(event)
        if (end !== undefined) return yield* end
      }
    }).pipe(Effect.ensuring(this.leave))
  }

  private readonly leave: Effect.Effect<void> = step(() => {
    this.pause()
    this.giveBack()
    return Exit.void
  })

  onDrain(): void {
    this.draining.onDrain()
  }

  keep(replacing: Replacing<unknown, unknown>): boolean {
    if (this.isHandling) this.replacing.push(replacing)
    return this.isHandling
  }

  // It is between two events.
  private pause(): void {
    this.isHandling = false
    const { replacing } = this
    this.replacing = []
    for (const one of replacing) one.run()
  }

  // ---------------------------------------------------------------- events

  private readonly next: Effect.Effect<Event | typeof Stopped> = step(() => {
    this.pause()
    const event = this.poll()
    this.isHandling = event !== undefined
    if (event !== undefined) return Exit.succeed(event)
    if (this.draining.isReadyUnsafe()) return Exit.succeed(Stopped)
    const { events, inbox } = this.cell
    return Effect.andThen(Selectable.parked([events, this.timeouts, inbox, this.draining]), this.next)
  })

  private poll(): Event | undefined {
    const queued = this.queue.shift()
    if (queued !== undefined) return queued
    const immediate = this.timeouts.takeImmediate()
    if (immediate !== undefined) return timeout(immediate)
    const told = valueOf(this.cell.events.pollUnsafe())
    if (told !== undefined) return { _tag: "Event", event: told }
    // A message that was there before the timer went off is handled before it.
    const due = this.timeouts.nextArrival
    const { inbox } = this.cell
    const message = valueOf(
      due === undefined ? inbox.pollUnsafe() : inbox.pollWhereUnsafe(({ arrival }) => arrival < due)
    )
    if (message !== undefined) return { _tag: "Message", message }
    const timer = valueOf(this.timeouts.pollUnsafe())
    return timer === undefined ? undefined : timeout(timer)
  }

  private handle(event: Event): Effect.Effect<End, unknown, unknown> {
    return Effect.suspend((): Effect.Effect<End, unknown, unknown> => {
      if (event._tag === "Event" && event.event._tag === "Cancel") return Exit.succeed(Exit.void)
      const state = this.state
      const answer = this.answerOf(state, event)
      if (answer === undefined) {
        return event._tag === "Event" ? goingOn : Effect.fail(this.unhandled(state, event))
      }
      this.timeouts.cancel(EventTimer)
      return Effect.flatMap(answer(), (transition) => this.apply(event, transition))
    })
  }

  private answerOf(state: Tagged, event: Event): (() => Effect.Effect<TransitionImpl, unknown, unknown>) | undefined {
    const handlers = this.states[state._tag] ?? {}
    const handler = handlerOf(handlers, event)
    if (handler !== undefined) return () => asEffect(handler(state, contentOf(event)))
    const { otherwise } = handlers
    return otherwise === undefined || event._tag === "Event" ? undefined : () => asEffect(otherwise(state, event))
  }

  private unhandled(state: Tagged, event: Event): UnhandledEvent {
    const { definition, name } = this.cell
    return new UnhandledEvent({ target: name, process: definition.name, state: state._tag, event: describe(event) })
  }

  // ---------------------------------------------------------------- transitions

  private get state(): Tagged {
    return this.shown.ref.current
  }

  private apply(event: Event, { actions, exit, kind, state }: TransitionImpl): Effect.Effect<End, unknown, unknown> {
    if (kind === "stop") return Effect.as(reply(event, actions), exit)
    const before = this.state
    const changed = state !== undefined && state._tag !== before._tag
    // The state is there before anybody learns of it from the answer.
    if (state !== undefined) this.shown.ref.current = state
    if (actions.postpone === true) this.postponed.push(event)
    const again = changed ? this.postponed : []
    if (changed) {
      this.postponed = []
      this.timeouts.cancel(StateTimer)
    }
    const raise = actions.raise ?? []
    if (raise.length > 0 || again.length > 0) this.queue = [...raise.map(raised), ...again, ...this.queue]
    const done = Effect.andThen(reply(event, actions), this.setTimers(actions))
    return changed || kind === "repeat" ? Effect.andThen(done, this.enter(before)) : Effect.andThen(done, goingOn)
  }

  private enter(previous: Tagged | undefined): Effect.Effect<End, unknown, unknown> {
    return Effect.suspend(() => {
      const state = this.state
      const handler = this.states[state._tag]?.enter
      if (handler === undefined) return goingOn
      return Effect.flatMap(asEffect(handler(state, previous)), (transition: TransitionImpl | undefined) => {
        if (transition === undefined) return goingOn
        if (transition.kind === "stop") return Exit.succeed(transition.exit)
        if (transition.state !== undefined) this.shown.ref.current = transition.state
        const set = this.setTimers(transition.actions)
        return Effect.andThen(set, transition.kind === "repeat" ? this.enter(this.state) : goingOn)
      })
    })
  }

  private setTimers({ eventTimeout, stateTimeout, timers }: Actions): Effect.Effect<void> {
    const set = Object.entries(timers ?? {}).map(([timer, delay]) => this.timeouts.set(timer, delay))
    if (stateTimeout !== undefined) set.push(this.timeouts.set(StateTimer, stateTimeout))
    if (eventTimeout !== undefined) set.push(this.timeouts.set(EventTimer, eventTimeout))
    return set.length === 0 ? Effect.void : Effect.all(set, { discard: true })
  }

  // What was taken and never handled is a dead letter, or waits for the body that comes next.
  private giveBack(): void {
    const messages = [...this.queue, ...this.postponed].flatMap((event) =>
      event._tag === "Message" ? [event.message] : []
    )
    if (messages.length === 0) return
    const { host, inbox, pid, status } = this.cell
    for (const message of messages) this.cell.onReturned(message)
    if (status === "ended") host.bury(pid, messages, "Killed")
    else inbox.restore(messages)
  }
}

const valueOf = <A>(exit: Exit.Exit<A> | undefined): A | undefined =>
  exit !== undefined && Exit.isSuccess(exit) ? exit.value : undefined

const raised = (event: Tagged): Event => ({ _tag: "Internal", event })

const timeout = (timer: TimerKey): Event => {
  if (timer === StateTimer) return { _tag: "StateTimeout" }
  return typeof timer === "string" ? { _tag: "Timer", timer } : { _tag: "EventTimeout" }
}

const own = (handlers: Readonly<Record<string, Handler>> | undefined, name: string): Handler | undefined =>
  handlers !== undefined && Object.hasOwn(handlers, name) ? handlers[name] : undefined

const handlerOf = (handlers: StateHandlers, event: Event): Handler | undefined => {
  switch (event._tag) {
    case "Message":
      return own(handlers.on, event.message.topic)
    case "Internal":
      return own(handlers.internal, event.event._tag)
    case "Timer":
      return own(handlers.timers, event.timer)
    case "StateTimeout":
      return handlers.stateTimeout
    case "EventTimeout":
      return handlers.eventTimeout
    case "Event":
      return handlers.event
  }
}

const contentOf = (event: Event): unknown => {
  if (event._tag === "Message") return event.message
  return event._tag === "Internal" || event._tag === "Event" ? event.event : undefined
}

const describe = (event: Event): string => {
  switch (event._tag) {
    case "Message":
      return `the message "${event.message.topic}"`
    case "Internal":
      return `the internal event ${event.event._tag}`
    case "Timer":
      return `the timer "${event.timer}"`
    case "StateTimeout":
      return "its timeout"
    case "EventTimeout":
      return "the event timeout"
    case "Event":
      return `the event ${event.event._tag}`
  }
}

const asEffect = (answer: unknown): Effect.Effect<never, unknown, unknown> =>
  (Effect.isEffect(answer) ? answer : Exit.succeed(answer)) as Effect.Effect<never, unknown, unknown>

const reply = (event: Event, actions: Actions): Effect.Effect<void, AlreadyReplied> => {
  if (event._tag !== "Message") return Effect.void
  const message = event.message as unknown as Message.Of<Rpc.Any>
  if ("reply" in actions) return Message.replyExit(message, Exit.succeed(actions.reply as never))
  return "replyFail" in actions ? Message.replyExit(message, Exit.fail(actions.replyFail as never)) : Effect.void
}
