/**
 * The loop of a server: does one thing after the other, the most urgent first, and waits when there is nothing to do.
 *
 * The inbox is polled in the step that begins the handler. A handler that answers with an `Exit` has its reply given in
 * that very step; otherwise the reply takes one more. So a message costs little more than its handler.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import type { Mailbox } from "../../channel/internal/Mailbox.ts"
import { effectOf, Step } from "../../channel/internal/step.ts"
import type { Waiter } from "../../channel/Selectable.ts"
import type { Cell } from "../../process/internal/cell.ts"
import type { MessageImpl } from "../../process/internal/message.ts"
import type { ProcessEvent } from "../../process/ProcessEvent.ts"
import type { AnyBehaviour, Turn } from "./behaviour.ts"
import { type Beside, takeFrom } from "./beside.ts"
import type { Idle } from "./idle.ts"
import { later } from "./later.ts"
import type { Turns } from "./turns.ts"

/** What the loop of a server works with. */
interface Parts {
  readonly cell: Cell
  readonly behaviour: AnyBehaviour
  readonly turns: Turns
  /** How handlers run side by side; `undefined` when they run one after the other. */
  readonly beside: Beside | undefined
  readonly idle: Idle | undefined
}

export class Loop extends Step implements Waiter {
  readonly waited = true
  private readonly cell: Cell
  private readonly behaviour: AnyBehaviour
  private readonly turns: Turns
  private readonly beside: Beside | undefined
  private readonly idle: Idle | undefined
  private readonly events: Mailbox<ProcessEvent>
  // The message whose handler runs in the loop itself.
  private current: MessageImpl | undefined = undefined
  // How that handler ended: the reply, which is given in the next step.
  private outcome: Exit.Exit<unknown, unknown> | undefined = undefined
  // `leaving`: nothing more is begun, and what runs is finished.
  private status: "serving" | "leaving" | "left" = "serving"
  private resume: ((exit: Exit.Exit<void>) => void) | undefined = undefined
  private hearsEvents = false

  constructor({ behaviour, beside, cell, idle, turns }: Parts) {
    super()
    this.cell = cell
    this.behaviour = behaviour
    this.turns = turns
    this.beside = beside
    this.idle = idle
    this.events = cell.events
  }

  /** Serves until the server ends. */
  get untilEnd(): Effect.Effect<void, unknown> {
    return Effect.onExit(this.serve(), () =>
      Effect.sync(() => {
        this.status = "left"
        this.beside?.close()
      })
    )
  }

  private serve(): Effect.Effect<void, unknown> {
    const turn = effectOf<unknown, unknown>(this)
    return Effect.catchCause(
      Effect.whileLoop({
        while: () => this.status !== "left",
        body: () => turn,
        step: (value) => {
          if (this.current !== undefined) this.outcome = Exit.succeed(value)
        }
      }),
      (cause) => this.onFailed(cause)
    )
  }

  // ---------------------------------------------------------------- what is next

  // Who is called may go on at the end of the step, and call again: so nothing more is taken in a step that replies.
  run(): Turn {
    if (this.outcome !== undefined) return this.onOutcome(this.outcome)
    const next = Result.try(this.next)
    return Result.isSuccess(next) ? next.success : Exit.die(next.failure)
  }

  private readonly next = (): Turn => {
    const turn = this.turns.next.shift()
    if (turn !== undefined) return turn
    if (this.status === "leaving") return this.leave()
    const event = this.events.pollUnsafe()
    if (event !== undefined) return Exit.isSuccess(event) ? this.onEvent(event.value) : event
    const due = this.turns.due.shift()
    if (due !== undefined) return due
    const { inbox } = this.cell
    const message = this.beside === undefined ? takeFrom(inbox) : this.beside.take(inbox)
    if (message !== undefined) return this.onMessage(message)
    if (this.idle?.take() === true) return this.idle.run
    if (this.isDrained) return this.leave()
    if (!this.isBusy) this.keepQuiet()
    return this.wait
  }

  private get isBusy(): boolean {
    return this.beside !== undefined && this.beside.busy > 0
  }

  private get isDrained(): boolean {
    if (this.cell.status !== "draining") return false
    return this.cell.inbox.length === 0 && (this.beside === undefined || this.beside.waiting === 0)
  }

  private leave(): Turn {
    this.status = this.isBusy ? "leaving" : "left"
    return this.isBusy ? this.wait : Exit.void
  }

  private keepQuiet(): void {
    const timer = this.idle?.onQuiet()
    if (timer !== undefined) Fiber.runIn(Effect.runForkWith(this.cell.context)(timer), this.cell.scope)
  }

  // ---------------------------------------------------------------- handling

  private onEvent(event: ProcessEvent): Turn {
    if (this.behaviour.events !== undefined) return this.behaviour.events(event)
    if (event._tag === "Cancel") this.status = "leaving"
    return Exit.void
  }

  private onMessage(message: MessageImpl): Turn {
    this.idle?.onMessage()
    const topic = this.cell.definition.topics.get(message.topic)
    if (topic === undefined) return this.onOther(message)
    if (this.beside === undefined) {
      this.current = message
      const turn = this.handle(message, topic.streams)
      return Exit.isExit(turn) ? this.onOutcome(turn) : turn
    }
    const handler = Effect.suspend(() => this.handle(message, topic.streams))
    return this.beside.start(handler, this.cell.scope, (exit) => this.onHandled(message, exit))
  }

  private handle(message: MessageImpl, streams: boolean): Turn {
    const outcome = this.behaviour.handlers[message.topic]?.(message.payload, message)
    return streams ? Exit.succeed(outcome) : (outcome as Turn)
  }

  private onOther(message: MessageImpl): Turn {
    return (
      this.behaviour.info?.(message) ??
      Effect.logWarning(`${this.name} dropped a message of another topic: "${message.topic}"`)
    )
  }

  // To be called in a step: the outcome of the handler that ran in the loop is the reply.
  private onOutcome(exit: Exit.Exit<unknown, unknown>): Turn {
    const message = this.current
    this.outcome = undefined
    if (message === undefined || !isReply(exit)) return exit
    this.current = undefined
    if (!isLater(exit)) this.answer(message, exit, message.call?.reply(exit))
    return Exit.void
  }

  private onFailed(cause: Cause.Cause<unknown>): Effect.Effect<void, unknown> {
    if (this.current === undefined || !isTyped(cause)) return Effect.failCause(cause)
    this.outcome = Exit.failCause(cause)
    return this.serve()
  }

  // The outcome of a handler that ran beside the loop.
  private onHandled(message: MessageImpl, exit: Exit.Exit<unknown, unknown>): void {
    if (this.status === "left") return
    if (!isReply(exit)) return this.cell.end(exit)
    if (!isLater(exit)) this.answer(message, exit, message.call?.replySoon(exit))
    this.turns.wakeSoon()
  }

  // `isFirst`: whether it was the first answer to the call; `undefined` where nobody waits for one.
  private answer(message: MessageImpl, exit: Exit.Exit<unknown, unknown>, isFirst: boolean | undefined): void {
    const { topic } = message
    if (isFirst === undefined) {
      if (Exit.isFailure(exit))
        this.warn(`the handler of "${topic}" failed, and nobody waits for its answer`, exit.cause)
    } else if (!isFirst) {
      this.warn(
        `the call "${topic}" was answered before its handler ended, whose outcome was dropped: have it succeed with Server.later`
      )
    }
  }

  private warn(what: string, ...causes: ReadonlyArray<Cause.Cause<unknown>>): void {
    this.turns.addNext(Effect.logWarning(`${this.name}: ${what}`, ...causes))
  }

  private get name(): string {
    return `the server ${this.cell.name} (${this.cell.definition.name})`
  }

  // ---------------------------------------------------------------- waiting

  private get hasWork(): boolean {
    if (this.turns.next.length > 0) return true
    if (this.status !== "serving") return !this.isBusy
    return (
      this.events.isReadyUnsafe() ||
      this.turns.due.length > 0 ||
      this.canTake ||
      this.idle?.isDue === true ||
      this.isDrained
    )
  }

  private get canTake(): boolean {
    const { inbox } = this.cell
    return this.beside === undefined ? inbox.isReadyUnsafe() : this.beside.canTake(inbox)
  }

  // Waits until there may be something to do. Readiness is checked in the step that parks.
  private readonly wait: Effect.Effect<void> = Effect.callback<void>((resume) => {
    if (this.hasWork) return resume(Exit.void)
    this.resume = resume
    this.turns.waiting = this
    this.cell.inbox.parkUnsafe(this)
    if (!this.hearsEvents) {
      this.hearsEvents = true
      this.events.parkUnsafe(new Listener(this))
    }
    return this.unparked
  })

  wake(): void {
    const { resume } = this
    if (resume === undefined) return
    this.unpark()
    resume(Exit.void)
  }

  isLive(): boolean {
    return this.resume !== undefined
  }

  onHeard(): void {
    this.hearsEvents = false
    this.wake()
  }

  private unpark(): void {
    this.resume = undefined
    this.turns.waiting = undefined
    this.cell.inbox.unparkUnsafe(this)
  }

  private readonly unparked = Effect.sync(() => this.unpark())
}

/**
 * Has a server look at its events. It stays parked there while the server is busy, since events are few; the server looks
 * at them before each message.
 */
class Listener implements Waiter {
  readonly waited = true
  private readonly loop: Loop

  constructor(loop: Loop) {
    this.loop = loop
  }

  wake(): void {
    this.loop.onHeard()
  }

  isLive(): boolean {
    return true
  }
}

/** Whether a handler that ended so has answered, and has not failed as the server does. */
const isReply = (exit: Exit.Exit<unknown, unknown>): boolean => Exit.isSuccess(exit) || isTyped(exit.cause)

const isLater = (exit: Exit.Exit<unknown, unknown>): boolean => Exit.isSuccess(exit) && exit.value === later

/** Whether it is an error that the topic declares, and no defect or interruption. */
const isTyped = (cause: Cause.Cause<unknown>): boolean => !Cause.hasDies(cause) && !Cause.hasInterrupts(cause)
