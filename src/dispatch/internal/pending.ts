/**
 * A yield under its tag. It is settled once: by its handler, by a completion from elsewhere, or when nobody waits for it
 * any more.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { SchedulerDispatcher } from "effect/Scheduler"
import { step } from "../../channel/internal/step.ts"
import * as Selectable from "../../channel/Selectable.ts"
import type { WaitReport } from "../../scheduler/internal/Waited.ts"
import type { Any } from "../Command.ts"
import type { Yielder } from "../Yielded.ts"
import { Attempt } from "./attempt.ts"
import type { Door } from "./door.ts"
import { Outcome, type Tell } from "./outcome.ts"
import type { Handling, Registry } from "./registry.ts"
import { completing, completingUnsafe, type Run } from "./run.ts"

export class Pending implements Run {
  readonly command: Any
  readonly payload: unknown
  readonly tag: number
  readonly handling: Handling | undefined
  readonly registry: Registry
  /** How it ended; an interruption when it was given up. */
  exit: Exit.Exit<unknown, unknown> | undefined = undefined
  /** The fiber that does the work, where that is one of its own. */
  worker: Fiber.Fiber<unknown, unknown> | undefined = undefined
  /** Whether interceptors stand around the handler: each of its runs is completed for itself then. */
  isIntercepted = false
  /** Whether the handler has said that it is completed from elsewhere. */
  isDeferred = false
  private readonly door: Door
  private source: Answer | undefined = undefined
  // The run of the handler that began last, where interceptors stand around it.
  private attempt: Attempt | undefined = undefined
  private isGivenUp = false
  // Whether whoever waited for a completion from elsewhere was interrupted, and maybe still cleans up.
  private isShut = false

  constructor(
    door: Door,
    registry: Registry,
    handling: Handling | undefined,
    command: Any,
    payload: unknown,
    tag: number
  ) {
    this.door = door
    this.registry = registry
    this.handling = handling
    this.command = command
    this.payload = payload
    this.tag = tag
  }

  get process(): Yielder {
    return this.door.owner
  }

  /** Where its completion can be waited for, as often as one likes: made when somebody does. */
  get answer(): Answer {
    return (this.source ??= new Answer(this.door.owner.dispatcher, this))
  }

  /** A run of the handler begins, around which interceptors stand. */
  begin(): Attempt {
    return (this.attempt = new Attempt(this.door.owner.dispatcher, this))
  }

  get arriving(): Answer {
    return this.answer
  }

  get arrived(): Exit.Exit<unknown, unknown> | undefined {
    return this.isGivenUp ? undefined : this.exit
  }

  shut(): void {
    this.isShut = true
  }

  /** Whether nothing completes it any more. */
  get isOver(): boolean {
    return this.exit !== undefined || this.door.hasClosed
  }

  arrive(exit: Exit.Exit<unknown, unknown>, tell: Tell): boolean {
    if (this.attempt !== undefined) return this.attempt.arrive(exit, tell)
    if (!this.isOver && !this.isShut && !this.isIntercepted) return this.settle(exit, tell)
    this.registry.counts.droppedLate++
    return false
  }

  /** Ends it with an exit, unless it has ended, or its process has; answers whether it did. */
  settle(exit: Exit.Exit<unknown, unknown>, tell: Tell = "in a later step"): boolean {
    if (this.isOver) {
      this.registry.counts.droppedLate++
      return false
    }
    this.registry.counts.completions++
    this.door.onCompleted(this, exit)
    this.end(exit, tell)
    return true
  }

  /** Nobody waits for it any more: what completes it from now on is dropped. */
  giveUp(): void {
    if (this.exit !== undefined) return
    this.registry.counts.interruptions++
    this.isGivenUp = true
    this.door.onGivenUp(this)
    this.end(Exit.interrupt(), "in a later step")
  }

  private end(exit: Exit.Exit<unknown, unknown>, tell: Tell): void {
    this.exit = exit
    this.source?.onEnd(tell)
  }

  get complete(): Run["complete"] {
    return completing(this)
  }

  get completeUnsafe(): Run["completeUnsafe"] {
    return completingUnsafe(this)
  }

  get completeTag(): Run["completeTag"] {
    return (tag, exit) =>
      step(() => {
        const pending = this.door.find(tag)
        if (pending !== undefined) return Exit.succeed(pending.arrive(exit, "in this step"))
        if (this.door.hasGiven(tag)) this.registry.counts.droppedLate++
        else this.registry.counts.droppedUnknown++
        return Exit.succeed(false)
      })
  }
}

/** The completion of a yield. */
export class Answer extends Outcome {
  private readonly pending: Pending

  constructor(dispatcher: SchedulerDispatcher, pending: Pending) {
    super(dispatcher)
    this.pending = pending
  }

  get tag(): number {
    return this.pending.tag
  }

  get exit(): Exit.Exit<unknown, unknown> | undefined {
    return this.pending.exit
  }

  get await(): Effect.Effect<unknown, unknown> {
    return Selectable.take(this)
  }

  get cancel(): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.pending.giveUp()
      const { worker } = this.pending
      return worker === undefined ? Effect.void : Fiber.interrupt(worker)
    })
  }

  override waitReport(): WaitReport {
    const { command, tag } = this.pending
    return { ...super.waitReport(), what: `the completion of ${command._tag} under the tag ${tag}`, isKind: false }
  }
}
