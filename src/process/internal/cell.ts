/**
 * A running process: its fiber, who watches it, and the one place where it ends.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Runtime from "effect/Runtime"
import * as Scope from "effect/Scope"
import * as Ref from "effect/Ref"
import { nothingToDo } from "../../channel/internal/fiber.ts"
import { waitIn } from "../../channel/internal/wait.ts"
import type { Allowance } from "../../dispatch/internal/allowed.ts"
import { Door } from "../../dispatch/internal/door.ts"
import { Brood } from "../../scheduler/internal/Broods.ts"
import { isHosting } from "../../scheduler/internal/hosting.ts"
import { Few } from "../../scheduler/internal/Few.ts"
import { announce, type Waited, type WaitReport } from "../../scheduler/internal/Waited.ts"
import type { Reason } from "../DeadLetter.ts"
import type { Pid } from "../Pid.ts"
import { ProcessClosed, ProcessNotFound } from "../ProcessError.ts"
import { type Cancel, isKilled } from "../ProcessEvent.ts"
import { Beginning } from "./beginning.ts"
import type { Calls } from "./call.ts"
import type { Definition, Implementation } from "./definition.ts"
import { type Environment, nothing } from "./environment.ts"
import { hasFailed, interruption, reasonOf, withFailuresOf } from "./exit.ts"
import type { HostImpl } from "./host.ts"
import type { Policy } from "./inbox.ts"
import type { MessageImpl } from "./message.ts"
import type { Replacing } from "./replacing.ts"
import { CurrentProcess } from "./services.ts"
import { type Startup, startupOf } from "./startup.ts"
import { Recipient } from "./recipient.ts"
import type { Watch, Watcher } from "./watcher.ts"
import type { Witness } from "./witness.ts"
import { yielderOf } from "./yielder.ts"

/** What a process becomes. */
interface Successor {
  readonly implementation: Implementation
  readonly args: unknown
  /** What whoever had it become this may yield. */
  readonly allowance: Allowance | undefined
}

/** What makes a process more than that. */
export interface Role {
  /** It is to end when it has handled what waits. */
  onDrain?(): void
  /** Keeps a replacement of its state until it is between two things that it handles; false when it is. */
  keep?(replacing: Replacing<unknown, unknown>): boolean
}

// Interrupting a fiber runs its finalizers on the stack of who interrupts. Exits that travel along chains of links would
// overflow it, so that beyond this depth they take a step of the run queue. The test W25 runs chains of 5,000.
const MaxNestedStops = 16
let nestedStops = 0

// A scope that nothing was added to is data; the engine copies it some ten times faster than it is made key by key.
const emptyScope = Scope.makeUnsafe()
const makeScope = (): Scope.Closeable => ({ ...emptyScope })

export class Cell extends Recipient implements Waited {
  // The first two stand next to what a recipient has, since every message looks at them.
  definition: Definition
  /** Who sees all that its body does, if anybody does. */
  witness: Witness | undefined
  environment: Environment
  /** The context in which the main fiber starts; a fiber whose context is this one was given nothing of its own. */
  context: Context.Context<never>
  /** What a fiber of the process last handed on to what it spawned, and in which context. */
  handedOn: { readonly context: Context.Context<never>; readonly environment: Environment } | undefined = undefined
  scope: Scope.Closeable
  trapsExits = false
  links: Few<Cell> | undefined = undefined
  watchers: Few<Watcher> | undefined = undefined
  /** Those that wait for its answer. */
  calls: Calls | undefined = undefined
  /** The watches that this process keeps over others. */
  watches: Few<Watch> | undefined = undefined
  /** Those whom it has started, and who have yet to begin. */
  brood: Brood | undefined = undefined
  /** The processes that it supervises: they don't outlive it. */
  children: Few<Cell> | undefined = undefined
  /** What makes it more than a process: a server or a supervisor, to those who know it. */
  role: (object & Role) | undefined = undefined
  /** Where the state is that the process shows. */
  shown: Ref.Ref<unknown> | undefined = undefined
  /** Where what it yields passes; made for the first. */
  private doorway: Door | undefined = undefined
  /** Whether what is taken at present is the answer of a command, which the witness sees as such. */
  isAnswering = false
  /** While the process has yet to say that it has started. */
  startup: Startup | undefined
  /** How the process ended; `undefined` before. */
  exit: Exit.Exit<unknown, unknown> | undefined = undefined
  private fiber: Fiber.Fiber<unknown, unknown> | undefined = undefined
  // Why the process ends, once that is decided: the first reason wins.
  private reason: Exit.Exit<unknown, unknown> | undefined = undefined
  private successor: Successor | undefined = undefined
  // How its last body ended, while it is kept to begin again.
  private rested: Exit.Exit<unknown, unknown> | undefined = undefined
  // Whether this very process shall go: its keeper can't have it begin again.
  private dismissed = false
  constructor(
    host: HostImpl,
    id: number,
    implementation: Implementation,
    policy: Policy,
    environment: Environment,
    witness: Witness | undefined
  ) {
    super(host, id, policy)
    this.definition = implementation.definition
    this.environment = environment
    this.witness = witness
    this.scope = makeScope()
    this.context = this.makeContext()
    this.startup = startupOf(implementation.definition)
    announce(host.dispatcher, this)
  }

  waitReport(): WaitReport {
    const what = `process ${this.name} (${this.definition.name})`
    // A call tells by itself what it waits for.
    return { what, isKind: false, waiting: [["for the end of", this.watchers ?? []]] }
  }

  // ---------------------------------------------------------------- running

  start(implementation: Implementation, args: unknown, spawner?: Cell): void {
    this.witness?.onBegin(this, args)
    const beginning = new Beginning(implementation, args)
    const main = Effect.onExit(waitIn(beginning), (exit) => this.onBodyExit(exit))
    const fiber = Effect.runForkWith(this.context)(main)
    this.fiber = fiber
    fiber.addObserver((exit) => this.onFiberExit(exit))
    const queue = fiber.currentDispatcher
    // Those whom a process of another host has started wait among all others.
    if (spawner?.host === this.host && isHosting(queue)) queue.scheduleBirth(beginning, (spawner.brood ??= new Brood()))
    else queue.scheduleTask(() => beginning.begin(), 0)
  }

  /** Its body says that it has started. */
  ready(): void {
    if (this.startup?.onReady() === true) this.startup = undefined
  }

  private makeContext(): Context.Context<never> {
    const own = Context.add(Context.add(this.environment.base, Scope.Scope, this.scope), CurrentProcess, this)
    return this.witness === undefined ? own : Context.add(own, Random.Random, this.witness.random)
  }

  /** Ends the process for a reason of its own, which is reported if it is a failure. */
  end(exit: Exit.Exit<unknown, unknown>): void {
    if (this.reason === undefined && Exit.isFailure(exit)) this.report(exit.cause)
    this.stop(exit)
  }

  private onBodyExit(exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> {
    if (this.successor === undefined) {
      if (this.reason === undefined) {
        this.reason = exit
        if (Exit.isFailure(exit)) this.report(exit.cause)
      }
      this.leave()
    }
    this.witness?.onEnd(this.reason ?? exit)
    this.witness = undefined
    return this.scope.state._tag === "Empty" ? nothingToDo : Scope.close(this.scope, exit)
  }

  private onFiberExit(exit: Exit.Exit<unknown, unknown>): void {
    if (this.status === "ended") return
    const successor = this.successor
    if (successor !== undefined && this.reason === undefined && !hasFailed(exit)) {
      return this.succeed(successor)
    }
    if (this.reason !== undefined) return this.conclude(withFailuresOf(this.reason, exit))
    // The body could not be unwound for its successor.
    if (Exit.isFailure(exit)) this.report(exit.cause)
    this.conclude(exit)
  }

  private conclude(exit: Exit.Exit<unknown, unknown>): void {
    if (this.status === "restarting" && this.keeper?.keeps(this, exit) === true) this.rest(exit)
    else this.finish(exit)
  }

  // What the body set up goes with it; what others know of the process stays: its pid, names, groups, monitors, and the
  // messages that it has not taken.
  private rest(exit: Exit.Exit<unknown, unknown>): void {
    this.rested = exit
    this.fiber = undefined
    this.reason = undefined
    this.happenings = undefined
    this.shown = undefined
    this.doorway?.abandon()
    const { links, listeners, startup, watchers, watches } = this
    this.watches = undefined
    this.listeners = undefined
    this.startup = undefined
    for (const watch of watches ?? []) watch.callOff()
    for (const listener of listeners?.values() ?? []) this.inbox.restore(listener.drain())
    startup?.onEnd(exit)
    // Those who begin to watch in answer to it watch the body that comes next.
    for (const watcher of Array.from(watchers ?? [])) watcher.onRestart?.(this, exit)
    for (const call of this.calls?.all ?? []) call.onRestart(this, exit)
    if (this.keeper?.links !== "break") return
    this.links = undefined
    for (const partner of links ?? []) partner.onLinkDown(this, exit)
  }

  private succeed({ allowance, args, implementation }: Successor): void {
    this.successor = undefined
    this.doorway?.abandon()
    this.environment = this.environment.within(allowance).derive(implementation, this.host.place)
    this.restart(implementation, args)
  }

  /** Begins anew: with another definition, or with the same one after its body has ended. */
  restart(implementation: Implementation, args: unknown, witness?: Witness): void {
    this.witness = witness
    this.rested = undefined
    this.status = "running"
    this.opened = false
    this.trapsExits = false
    this.definition = implementation.definition
    // Who waits for the start of what the process was waits for that of what it becomes.
    const { startup } = this
    this.startup = startupOf(implementation.definition)
    startup?.passTo(this.startup)
    this.scope = makeScope()
    this.context = this.makeContext()
    this.start(implementation, args)
  }

  /** Whether another definition takes over when the body has been unwound. */
  get isUpgrading(): boolean {
    return this.successor !== undefined
  }

  /** Has another definition take over when the body has been unwound. */
  upgrade(successor: Successor): void {
    if (this.reason !== undefined) return
    this.successor = successor
    this.fiber?.interruptUnsafe()
  }

  // ---------------------------------------------------------------- ending

  /** Whether its body has ended, and it is kept to begin again. */
  get isResting(): boolean {
    return this.rested !== undefined && this.status !== "ended"
  }

  // From here on the process takes no messages, unless another body is to take them over.
  private leave(): void {
    // The body of a process that was killed may be unwound later.
    if (this.status === "ended") return
    this.status = this.keeper === undefined || this.dismissed ? "closing" : "restarting"
  }

  /** Has the process end for good when it ends: whoever asks for it wants this very process gone. */
  dismiss(): void {
    this.dismissed = true
    if (this.status === "restarting") this.status = "closing"
  }

  /** Has the process take no more messages; its body looks at the status, and ends when it has handled those that wait. */
  drain(): void {
    this.dismiss()
    if (this.status !== "running") return
    this.status = "draining"
    for (const inbox of this.queues) inbox.close(({ request }) => new ProcessClosed({ target: this.name, request }))
    this.witness?.onDrain()
    this.role?.onDrain?.()
  }

  /** Ends the process with `exit` when its finalizers have run. */
  stop(exit: Exit.Exit<unknown, unknown>): void {
    if (this.reason !== undefined || this.status === "ended") return
    this.reason = exit
    this.leave()
    const fiber = this.fiber
    if (fiber === undefined) return this.finish(exit)
    if (nestedStops >= MaxNestedStops) {
      return this.host.dispatcher.scheduleTask(() => fiber.interruptUnsafe(), 0)
    }
    nestedStops++
    fiber.interruptUnsafe()
    nestedStops--
  }

  /** Ends the process now; its finalizers run when they can. */
  kill(by: Pid | undefined): void {
    if (this.status === "ended") return
    this.dismiss()
    const killed = interruption(by, true)
    this.stop(killed)
    // It cuts short the orderly end of a process that was asked to end, and not the report of one that failed.
    if (this.reason !== undefined) this.finish(hasFailed(this.reason) || isKilled(this.reason) ? this.reason : killed)
  }

  /** Asks the process to end; interrupts it if it never opened its events, since it would not hear of it. */
  cancelOrStop(event: Cancel): void {
    if (this.opened) this.tell(event)
    else this.stop(interruption(event.from))
  }

  /** Ends a process whose body its keeper does not start again, as that body did. */
  abandon(why?: Reason): void {
    if (this.rested !== undefined) this.finish(this.rested, why)
  }

  private finish(exit: Exit.Exit<unknown, unknown>, why?: Reason): void {
    // Killing runs finalizers on this stack, and the fiber may end there.
    if (this.exit !== undefined) return
    this.status = "ended"
    this.exit = exit
    // Names and memberships are gone, and every message is accounted for, before anyone can see the exit.
    this.host.forget(this)
    this.keeper?.parent.children?.delete(this)
    if (this.children !== undefined) for (const child of this.children) child.kill(this.pid)
    this.closeQueues(exit, why)
    this.doorway?.close()
    const { calls, links, startup, watches } = this
    this.release()
    startup?.onEnd(exit)
    if (watches !== undefined) for (const watch of watches) watch.callOff()
    // One of them may call off another.
    if (this.watchers !== undefined) for (const watcher of this.watchers) watcher.onExit(this, exit)
    this.watchers = undefined
    if (calls !== undefined) for (const call of calls.all) call.onExit(this, exit)
    if (links !== undefined) for (const partner of links) partner.onLinkDown(this, exit)
    this.shown = undefined
    this.host.onEnded()
  }

  private closeQueues(exit: Exit.Exit<unknown, unknown>, why: Reason | undefined): void {
    if (this.messages === undefined && this.listeners === undefined) return
    const left: Array<MessageImpl> = []
    for (const inbox of this.queues) {
      inbox.close(({ request }) => new ProcessNotFound({ target: this.name, request }))
      for (const message of inbox.drain()) left.push(message)
    }
    if (left.length > 0) this.bury(left, why ?? reasonOf(exit))
  }

  // A pid may be kept long after its process; it shall keep the exit alive, and nothing else.
  private release(): void {
    this.fiber = undefined
    this.messages = undefined
    this.happenings = undefined
    this.listeners = undefined
    this.links = undefined
    this.calls = undefined
    this.watches = undefined
    this.successor = undefined
    this.children = undefined
    this.keeper = undefined
    this.role = undefined
    this.environment = nothing
    this.handedOn = undefined
    this.brood = undefined
    this.startup = undefined
    this.inspection = undefined
    this.doorway = undefined
    this.context = nothing.base
  }

  private onLinkDown(partner: Cell, exit: Exit.Exit<unknown, unknown>): void {
    this.links?.delete(partner)
    if (this.trapsExits) this.tell({ _tag: "LinkDown", from: partner.pid, exit })
    else if (Exit.isFailure(exit)) this.stop(exit)
  }

  private report(cause: Cause.Cause<unknown>): void {
    if (Cause.hasInterruptsOnly(cause) || !Runtime.getErrorReported(Cause.squash(cause))) return
    const report = Effect.logError(`process ${this.name} (${this.definition.name}) failed`, cause)
    const known = {
      ...(this.shown === undefined ? {} : { state: Ref.getUnsafe(this.shown) }),
      ...(this.lastTopic === undefined ? {} : { lastMessage: this.lastTopic })
    }
    Effect.runForkWith(this.environment.base)(Effect.annotateLogs(report, known))
  }

  /** Where what it yields passes. */
  get door(): Door {
    return (this.doorway ??= new Door(yielderOf(this)))
  }

  // ---------------------------------------------------------------- watching

  watch(watcher: Watcher): void {
    ;(this.watchers ??= new Few<Watcher>()).add(watcher)
  }

  unwatch(watcher: Watcher): void {
    this.watchers?.delete(watcher)
  }

  link(partner: Cell): void {
    ;(this.links ??= new Few<Cell>()).add(partner)
    ;(partner.links ??= new Few<Cell>()).add(this)
  }

  unlink(partner: Cell): void {
    this.links?.delete(partner)
    partner.links?.delete(this)
  }
}
