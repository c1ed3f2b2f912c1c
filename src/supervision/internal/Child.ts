/**
 * A child as its supervisor keeps it: its process, whether it runs, and what it may still cost.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Ref from "effect/Ref"
import * as Schedule from "effect/Schedule"
import type { DeadLetter, Reason } from "../../process/DeadLetter.ts"
import { Few } from "../../scheduler/internal/Few.ts"
import type { Cell } from "../../process/internal/cell.ts"
import type { Implementation } from "../../process/internal/definition.ts"
import { nextOf } from "../../process/Recording.ts"
import type { Allowance } from "../../dispatch/internal/allowed.ts"
import type { Environment } from "../../process/internal/environment.ts"
import { isOrderly } from "../../process/internal/exit.ts"
import type { Keeper } from "../../process/internal/keeper.ts"
import type { Watcher } from "../../process/internal/watcher.ts"
import type { Pid } from "../../process/Pid.ts"
import { DefinitionNotFound, HostNotFound, type SpawnError } from "../../process/ProcessError.ts"
import { AlreadyStarted } from "../../process/StartError.ts"
import type { Ended } from "../ChildSpec.ts"
import { Budget } from "./Budget.ts"
import type { ChildSpecImpl } from "./spec.ts"

/** What a child tells its supervisor, in the step in which it happens. */
export interface Supervising {
  readonly cell: Cell
  /** Whether children that end are restarted. */
  readonly restarts: boolean
  onDown(child: Child, down: Down): void
}

/** The end of a child's process, and the state that it showed last. */
export interface Down {
  readonly pid: Pid
  readonly exit: Exit.Exit<unknown, unknown>
  readonly state: unknown
}

type Step = (now: number, input: Ended) => Effect.Effect<[unknown, Duration.Duration], unknown>

export class Child implements Keeper, Watcher {
  readonly id: string
  readonly spec: ChildSpecImpl
  /**
   * - `starting`: its process is to say that it has started.
   * - `down`: it ended by itself, and its supervisor has yet to act on it.
   * - `restarting`: it will be started again.
   * - `stopping`: its supervisor stops it.
   */
  state: "starting" | "running" | "down" | "restarting" | "stopping" | "stopped" = "stopped"
  /** Its process; one that is kept for a restart in place is there while the child is down. */
  cell: Cell | undefined = undefined
  /** Whether it is stopped to be started again, as a bystander of a restart. */
  bystander = false
  /** Waits for the time of its restart. */
  timer: Fiber.Fiber<void> | undefined = undefined
  /** The processes that end along with it, when it is restarted in place. */
  retinue: ReadonlyArray<Cell> = []
  private readonly supervisor: Supervising
  private readonly environment: Environment
  private readonly own: Budget | undefined
  private step: Step | undefined = undefined
  // Since when it has run; `undefined` while it does not.
  private startedAt: number | undefined = undefined
  private endedWhileStarting: Down | undefined = undefined

  constructor(id: string, spec: ChildSpecImpl, supervisor: Supervising, environment: Environment) {
    this.id = id
    this.spec = spec
    this.supervisor = supervisor
    this.environment = environment.within(spec.options.policy as Allowance | undefined)
    const { budget } = spec.options
    this.own = budget && new Budget(budget.restarts, Duration.toMillis(Duration.fromInputUnsafe(budget.within)))
  }

  // ---------------------------------------------------------------- as the keeper of its process

  get parent(): Cell {
    return this.supervisor.cell
  }

  get links(): "break" | "keep" {
    return this.spec.options.linked === "keep" ? "keep" : "break"
  }

  get stash(): number {
    return this.spec.options.stash ?? Infinity
  }

  get onUndelivered(): Keeper["onUndelivered"] {
    const { onUndelivered } = this.spec.options
    if (onUndelivered === undefined) return undefined
    return (reason: Reason, letters: ReadonlyArray<DeadLetter>) => {
      Effect.runForkWith(this.environment.base)(onUndelivered(reason, letters))
    }
  }

  keeps(cell: Cell, exit: Exit.Exit<unknown, unknown>): boolean {
    const kept =
      this.spec.options.inbox === "keep" && this.supervisor.restarts && (this.bystander || this.isRestartedAfter(exit))
    if (!kept) return false
    this.retinue = this.links === "keep" ? [] : [...(cell.links ?? [])].filter((partner) => !partner.trapsExits)
    this.wentDown(cell, exit)
    return true
  }

  // ---------------------------------------------------------------- starting and ending

  /** Has its process begin, in one step: a new one, or the one that was kept. */
  begin(): Exit.Exit<Cell, SpawnError | AlreadyStarted> {
    this.bystander = false
    this.endedWhileStarting = undefined
    const begun = this.begun()
    // Last, so that one whose specification makes it throw does not seem to start.
    this.state = "starting"
    return begun
  }

  private begun(): Exit.Exit<Cell, SpawnError | AlreadyStarted> {
    const implementation = this.implementation
    if (implementation === undefined) {
      return Exit.fail(new DefinitionNotFound({ process: this.spec.definition.name }))
    }
    const kept = this.cell
    if (kept === undefined) return this.spawn(implementation)
    kept.restart(implementation, this.spec.args, nextOf(this.spec.options.record))
    return Exit.succeed(kept)
  }

  private get implementation(): Implementation | undefined {
    const { definition, implementation } = this.spec
    return implementation ?? Context.getOrUndefined(this.environment.base, definition.key)
  }

  private spawn(implementation: Implementation): Exit.Exit<Cell, SpawnError | AlreadyStarted> {
    const { args, options } = this.spec
    const { host: here } = this.parent
    const { hosts, names } = here.node
    const host = options.host === undefined ? here : hosts.get(options.host)
    if (host === undefined) return Exit.fail(new HostNotFound({ host: String(options.host), known: [...hosts.keys()] }))
    const owner = options.name === undefined ? undefined : names.whereis(options.name)
    if (options.name !== undefined && owner !== undefined) {
      return Exit.fail(new AlreadyStarted({ name: options.name, pid: owner.pid }))
    }
    const spawned = host.spawnAs(implementation, args, this.environment, nextOf(options.record))
    if (Exit.isSuccess(spawned)) {
      const cell = spawned.value
      this.cell = cell
      cell.keeper = this
      ;(this.parent.children ??= new Few()).add(cell)
      cell.watch(this)
      if (options.name !== undefined) names.register(options.name, cell)
    }
    return spawned
  }

  /** Its process is up. */
  started(now: number): void {
    this.startedAt = now
    this.state = "running"
    if (this.endedWhileStarting !== undefined) this.isDown(this.endedWhileStarting)
  }

  onExit(cell: Cell, exit: Exit.Exit<unknown, unknown>): void {
    this.wentDown(cell, exit)
  }

  private wentDown(cell: Cell, exit: Exit.Exit<unknown, unknown>): void {
    if (this.cell !== cell) return
    if (cell.exit !== undefined) this.cell = undefined
    const down: Down = { pid: cell.pid, exit, state: cell.shown === undefined ? undefined : Ref.getUnsafe(cell.shown) }
    if (this.state === "running") this.isDown(down)
    else if (this.state === "starting") this.endedWhileStarting = down
  }

  private isDown(down: Down): void {
    this.state = "down"
    this.supervisor.onDown(this, down)
  }

  /** Lets go of a process that was kept, and is not started again: it ends as its last body did. */
  letGo(why?: Reason): void {
    const { cell } = this
    this.cell = undefined
    cell?.abandon(why)
  }

  // ---------------------------------------------------------------- restarting

  isRestartedAfter(exit: Exit.Exit<unknown, unknown>): boolean {
    const { restart } = this.spec
    return restart === "permanent" || (restart === "transient" && !isOrderly(exit))
  }

  /** Whether its restarts count against a budget of its own, and not against that of its supervisor. */
  get hasBudget(): boolean {
    return this.own !== undefined || this.spec.options.backoff !== undefined
  }

  /** How long to wait before the next restart; `undefined` when its own budget is used up. */
  nextDelay(exit: Exit.Exit<unknown, unknown>, now: number): Effect.Effect<Duration.Duration | undefined> {
    const { backoff, resetAfter } = this.spec.options
    if (this.own?.spend(now) === false) return Effect.succeed(undefined)
    if (backoff === undefined) return Effect.succeed(Duration.zero)
    const quiet = resetAfter === undefined ? Infinity : Duration.toMillis(Duration.fromInputUnsafe(resetAfter))
    if (this.startedAt !== undefined && now - this.startedAt >= quiet) this.step = undefined
    this.startedAt = undefined
    const step = this.step === undefined ? Schedule.toStep(backoff) : Effect.succeed<Step>(this.step)
    return Effect.flatMap(step, (step) => {
      this.step = step as Step
      return Effect.match(step(now, { id: this.id, exit }), {
        // The schedule is done.
        onFailure: () => undefined,
        onSuccess: ([, delay]) => delay
      })
    })
  }
}
