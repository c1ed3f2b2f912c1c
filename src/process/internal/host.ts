/**
 * A host at work: the table of its processes, their run queue, and how it starts and stops them.
 */
import type { Clock } from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Duration from "effect/Duration"
import * as Fiber from "effect/Fiber"
import type { Scheduler, SchedulerDispatcher } from "effect/Scheduler"
import { type Allowance, narrowed } from "../../dispatch/internal/allowed.ts"
import type { DeadLetter, Reason } from "../DeadLetter.ts"
import type { Pid } from "../Pid.ts"
import {
  DefinitionNotFound,
  HostStopped,
  InvalidOption,
  MessageDropped,
  ProcessRestarting,
  type SpawnError
} from "../ProcessError.ts"
import type { Calls } from "./call.ts"
import { Cell } from "./cell.ts"
import { type Deadlines, deadlinesOf } from "./deadlines.ts"
import { argumentsRefusalOf, type Definition, type Implementation } from "./definition.ts"
import { type Environment, inherited, type Place } from "./environment.ts"
import { type Policy, policyOf } from "./inbox.ts"
import type { MessageImpl } from "./message.ts"
import type { NodeImpl } from "./node.ts"
import { cellOf, type Host } from "./services.ts"
import type { Witness } from "./witness.ts"

/** What happens to payloads on their way. */
export type Payloads = "checked" | "frozen" | "trusted"

export interface HostSettings {
  readonly name: string
  readonly inbox: Policy
  readonly payloads: Payloads
  readonly stopTimeout: Duration.Duration
}

/** Under which conditions a process is spawned. */
export interface Conditions {
  /** What it may yield, where that is less than its spawner may. */
  readonly allowance?: Allowance | undefined
  readonly witness?: Witness | undefined
}

const unconditional: Conditions = {}

// Ahead of all that waits in a run queue.
const BeforeOthers = -1

export class HostImpl implements Host {
  readonly name: string
  readonly node: NodeImpl
  readonly settings: HostSettings
  readonly dispatcher: SchedulerDispatcher
  readonly processes = new Map<number, Cell>()
  readonly counters = { spawned: 0, sent: 0, received: 0, deadLetters: 0 }
  readonly place: Place
  private status: "running" | "stopping" = "running"
  private lastId = 0
  private onEmpty: (() => void) | undefined = undefined
  private deadlines: Deadlines | undefined = undefined
  private untimed: Array<Calls> = []
  private stopping: Fiber.Fiber<void> | undefined = undefined

  constructor(node: NodeImpl, scheduler: Scheduler, settings: HostSettings) {
    this.node = node
    this.name = settings.name
    this.settings = settings
    this.dispatcher = scheduler.makeDispatcher()
    this.place = { host: this, scheduler }
  }

  get cells(): ReadonlyArray<Cell> {
    return [...this.processes.values()]
  }

  /** Why the host takes neither processes nor messages; `undefined` while it does. `request`: what was sent. */
  refusal(request?: MessageImpl): HostStopped | undefined {
    return this.status === "running" ? undefined : new HostStopped({ host: this.name, request: request?.request })
  }

  /**
   * Starts a process, in one step. Its body runs in a later one, so that what is set up in this one (a monitor, a link, a
   * name) is there whatever the body does.
   */
  spawn(
    definition: Definition,
    args: unknown,
    fiber: Fiber.Fiber<unknown, unknown>,
    { allowance, witness }: Conditions = unconditional
  ): Exit.Exit<Cell, SpawnError> {
    const refusal = this.refusal()
    if (refusal !== undefined) return Exit.fail(refusal)
    const spawner = cellOf(fiber)
    // A context copies itself once it was read often, and a process has one of its own: what it shares is read where it is
    // shared.
    const context = spawner?.context === fiber.context ? spawner.environment.base : fiber.context
    const implementation = Context.getOrUndefined(context, definition.key)
    return implementation === undefined
      ? Exit.fail(new DefinitionNotFound({ process: definition.name }))
      : this.start(implementation, args, inherited(contextOf(fiber, allowance), spawner), witness, spawner)
  }

  /** As {@link spawn}, for a process that sees what the environment has. */
  spawnAs(
    implementation: Implementation,
    args: unknown,
    environment: Environment,
    witness?: Witness
  ): Exit.Exit<Cell, SpawnError> {
    const refusal = this.refusal()
    return refusal === undefined
      ? this.start(implementation, args, environment, witness, undefined)
      : Exit.fail(refusal)
  }

  private start(
    implementation: Implementation,
    args: unknown,
    environment: Environment,
    witness: Witness | undefined,
    spawner: Cell | undefined
  ): Exit.Exit<Cell, SpawnError> {
    const { definition } = implementation
    const wrong = argumentsRefusalOf(definition, args)
    if (wrong !== undefined) return Exit.fail(wrong)
    const policy = policyOf(`the process ${definition.name}`, definition.inbox, this.settings.inbox)
    if (policy instanceof InvalidOption) return Exit.fail(policy)
    const id = ++this.lastId
    const cell = new Cell(this, id, implementation, policy, environment.derive(implementation, this.place), witness)
    this.processes.set(id, cell)
    this.counters.spawned++
    cell.start(implementation, args, spawner)
    return Exit.succeed(cell)
  }

  /** Has the next process get the number: a process that is replayed has the pid that it had. */
  numberFrom(id: number): void {
    this.lastId = id - 1
  }

  /**
   * Has the time of new calls begin to be counted, right behind the present task. Most calls are answered by then, and cost
   * neither a look at the clock nor a place among the deadlines; no deadline comes before its time.
   */
  startTimeSoon(calls: Calls): void {
    if (this.untimed.push(calls) === 1) this.dispatcher.scheduleTask(this.startTime, BeforeOthers)
  }

  private readonly startTime = (): void => {
    const { untimed } = this
    this.untimed = []
    for (const calls of untimed) calls.startTime(this)
  }

  /** The deadlines of calls from here, by the caller's clock, which is nearly always the same. */
  deadlinesBy(clock: Clock): Deadlines {
    if (this.deadlines?.clock !== clock) this.deadlines = deadlinesOf(clock, this.place.scheduler)
    return this.deadlines
  }

  forget(cell: Cell): void {
    this.processes.delete(cell.pid.id)
    if (!cell.isListed) return
    this.node.names.forget(cell)
    this.node.groups.forget(cell)
  }

  onEnded(): void {
    if (this.processes.size === 0) this.onEmpty?.()
  }

  /** Accounts for messages that were accepted and never taken. Those of calls come back to their callers. */
  bury(
    to: Pid,
    messages: ReadonlyArray<MessageImpl>,
    reason: Reason,
    hook?: (reason: Reason, letters: ReadonlyArray<DeadLetter>) => void
  ): void {
    this.counters.deadLetters += messages.length
    this.node.deadLetterCounts[reason] += messages.length
    const handed: Array<DeadLetter> = []
    for (const message of messages) {
      const { call, payload, sender, topic } = message
      const letter: DeadLetter = { to, sender, topic, payload, reason }
      if (hook === undefined || call !== undefined) this.node.deadLetters.publish(letter)
      else handed.push(letter)
      // Whoever calls a process that ends learns it from the exit.
      if (reason === "Overflow")
        call?.conclude(Exit.fail(new MessageDropped({ target: String(to), request: message.request })))
      if (reason === "Restarting")
        call?.conclude(Exit.fail(new ProcessRestarting({ target: String(to), request: message.request })))
    }
    if (handed.length > 0) hook?.(reason, handed)
  }

  /** Refuses what is new, asks every process to end, and ends those that are still there at the deadline. */
  readonly stop: Effect.Effect<void> = Effect.withFiber((fiber) => {
    // In a fiber of its own: one of the processes that it ends may have asked, and is interrupted.
    this.stopping ??= Effect.runForkWith(fiber.context)(this.stopNow)
    return Fiber.join(this.stopping)
  })

  private readonly stopNow: Effect.Effect<void> = Effect.suspend(() => {
    this.status = "stopping"
    const reason = `the host ${this.name} stops`
    // A supervisor stops its children itself, in its order.
    for (const cell of this.cells) {
      if (cell.keeper === undefined) cell.cancelOrStop({ _tag: "Cancel", from: undefined, reason })
    }
    return this.whenEmpty.pipe(
      Effect.timeoutOrElse({
        duration: this.settings.stopTimeout,
        orElse: () =>
          Effect.sync(() => {
            for (const cell of this.cells) cell.kill(undefined)
          })
      }),
      Effect.asVoid
    )
  })

  private readonly whenEmpty: Effect.Effect<void> = Effect.callback((resume) => {
    if (this.processes.size === 0) return resume(Effect.void)
    this.onEmpty = () => resume(Effect.void)
  })
}

const contextOf = (fiber: Fiber.Fiber<unknown, unknown>, allowance: Allowance | undefined): Context.Context<never> =>
  allowance === undefined ? fiber.context : narrowed(fiber.context, allowance)
