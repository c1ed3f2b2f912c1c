/**
 * The door of a process: all that it asks of the world passes here, under a tag.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import type { SchedulerDispatcher } from "effect/Scheduler"
import type { Any } from "../Command.ts"
import { CommandDenied, type DispatchError, InvalidCommandPayload, UnknownCommand } from "../DispatchError.ts"
import type { Yielder } from "../Yielded.ts"
import { ofTheCaller, ofTheFiber } from "./ambient.ts"
import { Inner } from "./inner.ts"
import { type Allowance, Allowed } from "./allowed.ts"
import { accepts } from "./command.ts"
import { Pending } from "./pending.ts"
import { type Handling, Registry } from "./registry.ts"
import { Dispatcher } from "./services.ts"

/** The process behind a door. */
export interface Owner extends Yielder {
  readonly dispatcher: SchedulerDispatcher
  /** Whether payloads are checked against their schemas. */
  readonly checks: boolean
  /** What it may yield, whatever its fibers see; everything when it is absent. */
  readonly allowance: Allowance | undefined
  /** What in its context nobody else has: the keys. */
  readonly own: ReadonlySet<string>
  /** What is wrong with a payload, in words. */
  issueOf(command: Any, payload: unknown): string
}

/** Who writes down what passes. */
export interface Journal {
  onYielded(pending: Pending): void
  onCompleted(pending: Pending, exit: Exit.Exit<unknown, unknown>): void
  /** Nobody waits for it any more. */
  onGivenUp(pending: Pending): void
}

/** Who answers in place of the handlers. */
export interface Script {
  /** The answer of a yield, if it has one at once; else it completes the yield later. */
  answer(pending: Pending): Exit.Exit<unknown, unknown> | undefined
}

// What a fiber of the process sees, as far as it matters here.
interface View {
  readonly context: Context.Context<never>
  readonly registry: Registry | undefined
  readonly allowance: Allowance | undefined
  /** Whether it does the work of a handler. */
  readonly isInner: boolean
  /** The contexts in which handlers run for it, by what they were built with. */
  readonly merged: Map<Context.Context<never>, Context.Context<never>>
}

// Where a process has no dispatcher at all, what it does is counted nowhere.
const nowhere = new Registry()

export class Door {
  readonly owner: Owner
  journal: Journal | undefined = undefined
  script: Script | undefined = undefined
  private readonly pending = new Map<number, Pending>()
  private lastTag = 0
  // What handlers yield has tags of its own, below 0: those of the body are the same when it is replayed without handlers.
  private lastInnerTag = 0
  private view: View | undefined = undefined
  private isClosed = false

  constructor(owner: Owner) {
    this.owner = owner
  }

  get outstanding(): number {
    return this.pending.size
  }

  /** Gives the command a tag; the yield is settled already when something refuses it. */
  open(command: Any, payload: unknown, fiber: Fiber.Fiber<unknown, unknown>): Pending {
    const view = this.viewOf(fiber)
    const registry = view.registry ?? nowhere
    const handling = registry.find(command)
    const pending = new Pending(
      this,
      registry,
      handling,
      command,
      payload,
      view.isInner ? --this.lastInnerTag : ++this.lastTag
    )
    registry.counts.yields++
    this.pending.set(pending.tag, pending)
    if (!view.isInner) this.journal?.onYielded(pending)
    if (view.isInner || this.script === undefined) {
      const refusal = this.refusalOf(view, registry, handling, command, payload)
      if (refusal !== undefined) pending.settle(refusal)
    } else {
      const answer = this.script.answer(pending)
      if (answer !== undefined) pending.settle(answer)
    }
    return pending
  }

  /** The context in which a handler runs for a fiber: what it was built with, at the place of the fiber. */
  contextFor(handling: Handling, fiber: Fiber.Fiber<unknown, unknown>): Context.Context<never> {
    const { merged } = this.viewOf(fiber)
    let context = merged.get(handling.services)
    if (context === undefined) {
      context = mergedOf(fiber.context, handling.services, this.owner.own)
      merged.set(handling.services, context)
    }
    return context
  }

  /** The yield under the tag, if it is pending. */
  find(tag: number): Pending | undefined {
    return this.pending.get(tag)
  }

  /** The last tag that the process gave; one that is replayed begins behind that of its recording. */
  get given(): number {
    return this.lastTag
  }

  set given(tag: number) {
    this.lastTag = tag
  }

  /** Whether the process ever gave the tag. */
  hasGiven(tag: number): boolean {
    return Number.isInteger(tag) && tag !== 0 && tag <= this.lastTag && tag >= this.lastInnerTag
  }

  onCompleted(pending: Pending, exit: Exit.Exit<unknown, unknown>): void {
    this.pending.delete(pending.tag)
    if (pending.tag > 0) this.journal?.onCompleted(pending, exit)
  }

  onGivenUp(pending: Pending): void {
    this.pending.delete(pending.tag)
    if (pending.tag > 0 && !this.isClosed) this.journal?.onGivenUp(pending)
  }

  /** Nobody waits any more for what is pending: the body that yielded it is gone. */
  abandon(): void {
    for (const pending of this.pending.values()) pending.giveUp()
  }

  /** The process has ended: nothing is completed any more. */
  close(): void {
    this.abandon()
    this.isClosed = true
    this.view = undefined
  }

  get hasClosed(): boolean {
    return this.isClosed
  }

  private viewOf({ context }: Fiber.Fiber<unknown, unknown>): View {
    // The fibers of a process nearly always have the context that it started with.
    if (this.view?.context === context) return this.view
    const registry = Context.getOrUndefined(context, Dispatcher) as Registry | undefined
    const seen = Context.get(context, Allowed)
    const { allowance: own } = this.owner
    const allowance = own === undefined || own === seen ? seen : own.narrow(seen)
    return (this.view = { context, registry, allowance, isInner: Context.get(context, Inner), merged: new Map() })
  }

  private refusalOf(
    view: View,
    registry: Registry,
    handling: Handling | undefined,
    command: Any,
    payload: unknown
  ): Exit.Exit<never, DispatchError> | undefined {
    const { _tag, id } = command
    if (view.allowance !== undefined && !view.allowance.has(command)) {
      registry.counts.denied++
      const denied = new CommandDenied({ command: _tag, id, process: this.owner.id, allowed: view.allowance.names })
      Effect.runForkWith(view.context)(Effect.logWarning(denied.message))
      return Exit.fail(denied)
    }
    if (handling === undefined) {
      registry.counts.unknownCommands++
      const modules = [...new Set(registry.all.map(({ command }) => command.module))]
      return Exit.fail(new UnknownCommand({ command: _tag, id, process: this.owner.id, modules }))
    }
    if (!this.owner.checks) return undefined
    // A check is the user's, and may throw: a defect of the yield, as one of its handler.
    const issue = Result.try(() => (accepts(command, payload) ? undefined : this.owner.issueOf(command, payload)))
    if (Result.isFailure(issue)) return Exit.die(issue.failure)
    return issue.success === undefined
      ? undefined
      : Exit.fail(new InvalidCommandPayload({ command: _tag, id, process: this.owner.id, detail: issue.success }))
  }
}

const mergedOf = (
  caller: Context.Context<never>,
  services: Context.Context<never>,
  own: ReadonlySet<string>
): Context.Context<never> => {
  const entries = new Map(caller.mapUnsafe)
  for (const [key, value] of services.mapUnsafe) {
    if (!ofTheCaller.has(key) && !ofTheFiber.has(key) && !own.has(key)) entries.set(key, value)
  }
  entries.set(Inner.key, true)
  return Context.makeUnsafe(entries)
}
