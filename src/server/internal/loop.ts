/**
 * The loop of a server: does one thing after the other, the most urgent first, and waits when there is nothing to do.
 *
 * One step gives the reply to the message before, takes the next one and begins its handler, so that a message costs little
 * more than its handler.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { Mailbox } from "../../channel/internal/Mailbox.ts"
import { effectOf, Step, step } from "../../channel/internal/step.ts"
import { Wait, waitIn } from "../../channel/internal/wait.ts"
import type { Waiter } from "../../channel/Selectable.ts"
import type { Cell } from "../../process/internal/cell.ts"
import type { MessageImpl } from "../../process/internal/message.ts"
import type { ProcessEvent } from "../../process/ProcessEvent.ts"
import type { AnyBehaviour, Turn } from "./behaviour.ts"
import type { Beside } from "./beside.ts"
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

// One object and not a closure for each thing that it does: there are as many loops as servers.
export class Loop extends Wait implements Waiter {
  readonly waited = true
  private readonly cell: Cell
  private readonly behaviour: AnyBehaviour
  private readonly turns: Turns
  private readonly beside: Beside | undefined
  private readonly idle: Idle | undefined
  private readonly events: Mailbox<ProcessEvent>
  private readonly turn = effectOf<unknown, unknown>(new Turning(this))
  private readonly hearing = new Hearing(this)
  // The message whose handler runs in the loop itself, or has just ended; and its reply, if there is one by then.
  private current: MessageImpl | undefined = undefined
  private reply: Exit.Exit<unknown, unknown> | undefined = undefined
  // `leaving`: nothing more is begun, and what runs is finished.
  private status: "serving" | "leaving" | "left" = "serving"

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
  get run(): Effect.Effect<void, unknown> {
    const { beside } = this
    if (beside === undefined) return this.serve
    return Effect.onExit(this.serve, () =>
      Effect.sync(() => {
        this.status = "left"
        beside.close()
      })
    )
  }

  private get serve(): Effect.Effect<void, unknown> {
    return Effect.catchCause(Effect.whileLoop(this), (cause) => this.onFailed(cause))
  }

  /** As effect's `whileLoop` asks: whether there is another turn, ... */
  while(): boolean {
    return this.status !== "left"
  }

  /** ... the turn, ... */
  body(): Turn {
    return this.turn
  }

  /** ... and what becomes of its value. */
  step(value: unknown): void {
    if (value !== later && this.current?.call !== undefined) this.reply = Exit.succeed(value)
  }

  // ---------------------------------------------------------------- what is next

  /** A turn, in one step. */
  take(): Turn {
    const { current, reply } = this
    this.current = undefined
    this.reply = undefined
    if (current !== undefined && reply !== undefined) {
      this.answer(current, reply)
      // The caller goes on behind this step, and may well call again: then there is no need to wait.
      if (!this.hasWork) return Exit.void
    }
    return this.next()
  }

  private next(): Turn {
    const turn = this.turns.next.shift()
    if (turn !== undefined) return turn
    if (this.status === "leaving") return this.end()
    const event = this.events.pollUnsafe()
    if (event !== undefined) return Exit.isSuccess(event) ? this.onEvent(event.value) : event
    if (this.isSuspended) return this.wait()
    const due = this.turns.due.shift()
    if (due !== undefined) return due
    const { inbox } = this.cell
    const message = this.beside === undefined ? inbox.takeUnsafe() : this.beside.take(inbox)
    if (message !== undefined) return this.onMessage(message)
    if (this.idle?.take() === true) return this.idle.run
    if (this.isDrained) return this.end()
    if (!this.isBusy) this.keepQuiet()
    return this.wait()
  }

  // Who is suspended is told of events alone.
  private get isSuspended(): boolean {
    const { inspection } = this.cell
    if (inspection?.suspended !== true) return false
    inspection.tellWhenResumed(this.turns)
    return true
  }

  private get isBusy(): boolean {
    return this.beside !== undefined && this.beside.busy > 0
  }

  private get isDrained(): boolean {
    if (this.cell.status !== "draining") return false
    return this.cell.inbox.length === 0 && (this.beside === undefined || this.beside.waiting === 0)
  }

  private end(): Turn {
    this.status = this.isBusy ? "leaving" : "left"
    return this.isBusy ? this.wait() : Exit.void
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
      return this.handle(message, topic.streams)
    }
    return this.beside.start(this.handleBeside(message, topic.streams), this.cell.scope, (exit) => this.onHandled(exit))
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

  private onFailed(cause: Cause.Cause<unknown>): Effect.Effect<void, unknown> {
    if (this.current === undefined || !isTyped(cause)) return Effect.failCause(cause)
    this.reply = Exit.failCause(cause)
    return this.serve
  }

  private handleBeside(message: MessageImpl, streams: boolean): Turn {
    return Effect.matchCauseEffect(
      Effect.suspend(() => this.handle(message, streams)),
      {
        onSuccess: (value) =>
          step(() => {
            if (value !== later) this.answer(message, Exit.succeed(value))
            return Exit.void
          }),
        onFailure: (cause) =>
          step(() => {
            const exit = Exit.failCause(cause)
            if (!isTyped(cause)) return exit
            this.answer(message, exit)
            return Exit.void
          })
      }
    )
  }

  // A handler that ran beside the loop has ended: a failure is not one that its topic declares.
  private onHandled(exit: Exit.Exit<unknown, unknown>): void {
    if (this.status === "left") return
    // A handler that upgrades its process is interrupted, maybe before the loop is.
    if (this.cell.isUpgrading && Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)) return
    if (Exit.isFailure(exit)) this.cell.end(exit)
    else this.turns.wakeSoon()
  }

  // To be called in a step.
  private answer(message: MessageImpl, exit: Exit.Exit<unknown, unknown>): void {
    const { call, topic } = message
    if (call === undefined) {
      if (Exit.isFailure(exit))
        this.warn(`the handler of "${topic}" failed, and nobody waits for its answer`, exit.cause)
    } else if (call.reply(exit)) {
      this.cell.inspection?.observe({ _tag: "Reply", message, exit })
    } else {
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
    if (this.events.isReadyUnsafe()) return true
    if (this.isSuspended) return false
    return this.turns.due.length > 0 || this.canTake || this.idle?.isDue === true || this.isDrained
  }

  private get canTake(): boolean {
    const { inbox } = this.cell
    return this.beside === undefined ? inbox.isReadyUnsafe() : this.beside.canTake(inbox)
  }

  // To be answered by the step that has found nothing to do: until there may be something.
  private wait(): Effect.Effect<void> {
    // It may have become due by looking at the clock.
    if (this.hasWork) return Exit.void
    this.turns.waiting = this
    this.cell.inbox.parkUnsafe(this)
    this.hearing.park(this.events)
    return waitIn(this)
  }

  wake(): void {
    if (!this.isLive()) return
    this.unpark()
    this.resume(Exit.void)
  }

  isLive(): boolean {
    return this.fiber !== undefined
  }

  protected onInterrupted(): void {
    this.unpark()
  }

  private unpark(): void {
    this.turns.waiting = undefined
    this.cell.inbox.unparkUnsafe(this)
  }
}

class Turning extends Step {
  private readonly loop: Loop

  constructor(loop: Loop) {
    super()
    this.loop = loop
  }

  run(): Turn {
    return this.loop.take()
  }
}

// It stays parked there while the server is busy, since events are few; the server looks at them before each message.
class Hearing implements Waiter {
  readonly waited = true
  private readonly loop: Loop
  private isParked = false

  constructor(loop: Loop) {
    this.loop = loop
  }

  park(events: Mailbox<ProcessEvent>): void {
    if (this.isParked) return
    this.isParked = true
    events.parkUnsafe(this)
  }

  isLive(): boolean {
    return true
  }

  wake(): void {
    this.isParked = false
    this.loop.wake()
  }
}

/** Whether it is an error that the topic declares, and no defect or interruption. */
const isTyped = (cause: Cause.Cause<unknown>): boolean => !Cause.hasDies(cause) && !Cause.hasInterrupts(cause)
