/**
 * A yield under its tag. It is settled once: by its handler, by a completion from elsewhere, or when nobody waits for it
 * any more.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { SchedulerDispatcher } from "effect/Scheduler"
import { Source } from "../../channel/internal/Source.ts"
import { afterwards, step } from "../../channel/internal/step.ts"
import * as Selectable from "../../channel/Selectable.ts"
import type { WaitReport } from "../../scheduler/internal/Waited.ts"
import type { Any } from "../Command.ts"
import type { Yielded, Yielder } from "../Yielded.ts"
import type { Door } from "./door.ts"
import type { Handling, Registry } from "./registry.ts"

/** When those who wait are told. */
export type Tell = "in this step" | "in a later step"

export class Pending implements Yielded<unknown, unknown> {
  readonly command: Any
  readonly payload: unknown
  readonly tag: number
  readonly handling: Handling | undefined
  readonly registry: Registry
  /** How it ended; an interruption when it was given up. */
  exit: Exit.Exit<unknown, unknown> | undefined = undefined
  /** The fiber that does the work, where that is one of its own. */
  worker: Fiber.Fiber<unknown, unknown> | undefined = undefined
  /** Whether interceptors stand around the handler: a completion from elsewhere passes them, as its own answer does. */
  isIntercepted = false
  /** Whether the handler has said that it is completed from elsewhere. */
  isDeferred = false
  private readonly door: Door
  private source: Answer | undefined = undefined
  private arrival: Arrival | undefined = undefined
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

  /** What is to be waited for when it is completed from elsewhere. */
  get arriving(): Source<unknown, unknown> {
    return this.isIntercepted ? this.currentArrival : this.answer
  }

  /** What completed it from elsewhere. */
  get arrived(): Exit.Exit<unknown, unknown> | undefined {
    if (this.isIntercepted) return this.arrival?.exit
    return this.isGivenUp ? undefined : this.exit
  }

  /** The handler begins: for the first time, or again where an interceptor has it so. */
  reopen(): void {
    this.arrival = undefined
    this.isDeferred = false
    this.isShut = false
  }

  /** Nobody waits for a completion from elsewhere any more. */
  shut(): void {
    this.isShut = true
  }

  private get currentArrival(): Arrival {
    return (this.arrival ??= new Arrival(this.door.owner.dispatcher))
  }

  /** Takes a completion from elsewhere; answers whether it did. */
  private arrive(exit: Exit.Exit<unknown, unknown>, tell: Tell): boolean {
    const isLate = this.exit !== undefined || this.isShut || this.door.hasClosed
    if (!isLate && !this.isIntercepted) return this.settle(exit, tell)
    if (!isLate && this.currentArrival.arrive(exit, tell)) return true
    this.registry.counts.droppedLate++
    return false
  }

  /** Ends it with an exit, unless it has ended, or its process has; answers whether it did. */
  settle(exit: Exit.Exit<unknown, unknown>, tell: Tell = "in a later step"): boolean {
    if (this.exit !== undefined || this.door.hasClosed) {
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
    this.source?.tell(tell)
  }

  // Functions that can be handed on by themselves, made for the few handlers that ask for them.

  get complete(): Yielded<unknown, unknown>["complete"] {
    return (exit) => step(() => Exit.succeed(this.arrive(exit, "in this step")))
  }

  get completeUnsafe(): Yielded<unknown, unknown>["completeUnsafe"] {
    return (exit) => this.arrive(exit, "in a later step")
  }

  get completeTag(): Yielded<unknown, unknown>["completeTag"] {
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

/** A source that stays ready once it is. */
abstract class Outcome extends Source<unknown, unknown> {
  abstract readonly exit: Exit.Exit<unknown, unknown> | undefined

  isReadyUnsafe(): boolean {
    return this.exit !== undefined
  }

  pollUnsafe(): Exit.Exit<unknown, unknown> | undefined {
    return this.exit
  }

  tell(when: Tell): void {
    if (when === "in a later step") this.wakeSoon()
    else if (this.hasParked) afterwards(() => this.wakeNow())
  }
}

/** What comes from elsewhere for a handler around which interceptors stand. */
class Arrival extends Outcome {
  exit: Exit.Exit<unknown, unknown> | undefined = undefined

  arrive(exit: Exit.Exit<unknown, unknown>, tell: Tell): boolean {
    if (this.exit !== undefined) return false
    this.exit = exit
    this.tell(tell)
    return true
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
