/**
 * A supervisor at work: it does one thing at a time, what its children's ends ask for and what it is asked to do alike.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { step } from "../../channel/internal/step.ts"
import { waitIn } from "../../channel/internal/wait.ts"
import type { Cell } from "../../process/internal/cell.ts"
import { Allowed } from "../../dispatch/internal/allowed.ts"
import type { Environment } from "../../process/internal/environment.ts"
import { Topic } from "../../process/internal/topic.ts"
import type { Pid } from "../../process/Pid.ts"
import { ProcessClosed } from "../../process/ProcessError.ts"
import { type StartError, StartFailed } from "../../process/StartError.ts"
import { Few } from "../../scheduler/internal/Few.ts"
import { monotonicMillis } from "../../scheduler/internal/monotonic.ts"
import type { SupervisorEvent } from "../SupervisorEvent.ts"
import { ChildStartFailed, TooManyRestarts } from "../SupervisorError.ts"
import { Agenda } from "./Agenda.ts"
import { Budget } from "./Budget.ts"
import { Child, type Down, type Supervising } from "./Child.ts"
import { type ChildNotStarted, ChildStart } from "./ChildStart.ts"
import { type Asked, Question } from "./Question.ts"
import type { Settings } from "./settings.ts"
import type { ChildSpecImpl } from "./spec.ts"
import { awaitDown, stopTogether } from "./stopping.ts"

/** The supervisor has nothing left to do, and ends in order. */
export class Finished {
  readonly _tag = "Finished"
}

/** Why a supervisor ends by itself. */
export type Ending = Finished | TooManyRestarts

export class SupervisorImpl implements Supervising {
  readonly cell: Cell
  readonly name: string
  readonly settings: Settings
  readonly children = new Map<string, Child>()
  readonly happenings = new Topic<SupervisorEvent>()
  restarts = true
  private readonly environment: Environment
  private readonly scope: Scope.Scope
  private readonly budget: Budget
  private readonly agenda: Agenda<Ending>
  // Who asked for something and has no answer yet.
  private readonly asking = new Few<Pick<Question<unknown, unknown>, "refuse">>()
  private lastId = 0

  constructor(cell: Cell, settings: Settings, environment: Environment) {
    this.cell = cell
    this.name = cell.name
    this.settings = settings
    this.environment = environment
    this.scope = cell.scope
    this.budget = new Budget(settings.intensity, settings.periodMillis)
    this.agenda = new Agenda(cell, (event) => (event._tag === "Cancel" ? Effect.fail(new Finished()) : Effect.void))
  }

  get isDynamic(): boolean {
    return this.settings.strategy === "dynamic"
  }

  // ---------------------------------------------------------------- running

  /** Starts the children in order; when one can't be started, those before it are stopped, the last one first. */
  readonly startAll = (specs: ReadonlyArray<ChildSpecImpl>): Effect.Effect<void, ChildStartFailed> =>
    Effect.forEach(
      specs,
      (spec) =>
        Effect.catch(
          step((fiber) => this.add(spec.id, spec, this.environment, fiber)),
          (error) =>
            error._tag === "StartIgnored" || spec.options.startFailure === "retry" ? Effect.void : Effect.fail(error)
        ),
      { discard: true }
    )

  /** Does what comes up, in order, until it is asked to end, or ends by itself. */
  get run(): Effect.Effect<void, TooManyRestarts> {
    return Effect.catchTag(this.agenda.run, "Finished", () => Effect.void)
  }

  /** Refuses what is asked, and stops the children: the last one first, or side by side where there is no order. */
  get end(): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.restarts = false
      for (const question of this.asking) question.refuse(this.closed, this.cell.host.dispatcher)
      const children = [...this.children.values()].toReversed()
      return this.isDynamic
        ? this.halt(children)
        : Effect.forEach(children, (child) => this.halt([child]), { discard: true })
    })
  }

  /** Does something between two other things, and answers its outcome. */
  ask<A, E>(what: Asked<A, E>): Effect.Effect<A, E | ProcessClosed> {
    return step((): Effect.Effect<A, E | ProcessClosed> => {
      if (!this.restarts) return Exit.fail(this.closed)
      const question = new Question(what, () => this.asking.delete(question))
      this.asking.add(question)
      this.agenda.add((fiber) => question.do(fiber))
      return waitIn(question)
    })
  }

  private get closed(): ProcessClosed {
    return new ProcessClosed({ target: this.name })
  }

  onDown(child: Child, down: Down): void {
    this.agenda.add(() => (child.state === "down" ? this.downed(child, down) : Exit.void))
  }

  // ---------------------------------------------------------------- starting

  /** An id for a child that was given none of its own. */
  nextId(id: string): string {
    return `${id}#${++this.lastId}`
  }

  /**
   * Takes in a child and starts it, in one step; what it answers waits until the child is up. One that does not come up is
   * not taken in, unless it is to be tried again.
   */
  add(
    id: string,
    spec: ChildSpecImpl,
    environment: Environment,
    fiber: Fiber.Fiber<unknown, unknown>
  ): Effect.Effect<Pid, ChildNotStarted> {
    // Who asks for a child can't give it more than the supervisor may yield itself.
    const child = new Child(id, spec, this, environment.within(Context.get(this.environment.base, Allowed)))
    // First, so that one whose specification makes it throw leaves nothing.
    const begun = child.begin()
    this.children.set(id, child)
    return this.start(child, begun, fiber, (error) => this.onNotTakenIn(child, error))
  }

  private onNotTakenIn(child: Child, error: ChildNotStarted): void {
    if (error._tag === "StartIgnored" || this.retries(child, error)) return
    this.children.delete(child.id)
    child.letGo()
  }

  /** Has a child that did not come up start again, if it is to and was not stopped meanwhile. */
  private retries(child: Child, error: ChildStartFailed): boolean {
    if (child.spec.options.startFailure !== "retry" || child.state !== "stopped" || !this.restarts) return false
    child.state = "restarting"
    this.agenda.add(() => {
      const isWaiting = this.children.get(child.id) === child && child.state === "restarting"
      return isWaiting ? this.again(child, Exit.fail(error), this.restart(child)) : Exit.void
    })
    return true
  }

  /** Starts the child; one that has nothing to do stays known, unless it is temporary. */
  begin(child: Child): Effect.Effect<Pid, ChildNotStarted> {
    const begun = step((fiber) => this.start(child, child.begin(), fiber))
    return child.retinue.length === 0 ? begun : Effect.andThen(awaitRetinue(child), begun)
  }

  // In one step, as `add`.
  private start(
    child: Child,
    begun: ReturnType<Child["begin"]>,
    fiber: Fiber.Fiber<unknown, unknown>,
    onFailed: (error: ChildNotStarted) => void = () => {}
  ): Effect.Effect<Pid, ChildNotStarted> {
    const notStarted = (reason: StartError): ChildNotStarted => {
      const error = this.notStarted(child, reason)
      onFailed(error)
      return error
    }
    if (Exit.isFailure(begun)) return Exit.mapError(Exit.failCause(begun.cause), notStarted)
    const cell = begun.value
    const clock = fiber.getRef(Clock.Clock)
    const starting = new ChildStart(cell, (exit) =>
      Exit.mapError(Exit.isFailure(exit) ? Exit.failCause(exit.cause) : this.onUp(child, cell, clock), notStarted)
    )
    return starting.begin({ timeout: child.spec.options.startTimeout, killer: this.cell.pid }, fiber)
  }

  private onUp(child: Child, cell: Cell, clock: Clock.Clock): Exit.Exit<Pid, StartFailed> {
    // It may have been stopped while it came up.
    if (child.state !== "starting") {
      return Exit.fail(new StartFailed({ process: cell.definition.name, exit: cell.exit ?? Exit.void }))
    }
    this.tell({ _tag: "ChildStarted", id: child.id, pid: cell.pid })
    child.started(monotonicMillis(clock))
    return Exit.succeed(cell.pid)
  }

  private notStarted(child: Child, reason: StartError): ChildNotStarted {
    if (child.state === "starting") child.state = "stopped"
    if (reason._tag !== "StartIgnored") {
      const error = new ChildStartFailed({ supervisor: this.name, id: child.id, reason })
      this.tell({ _tag: "ChildStartFailed", id: child.id, error })
      return error
    }
    child.letGo()
    if (child.spec.restart === "temporary" || this.isDynamic) this.children.delete(child.id)
    return reason
  }

  // ---------------------------------------------------------------- restarting

  private downed(child: Child, { exit, pid, state }: Down): Effect.Effect<void, Ending> {
    this.tell({ _tag: "ChildExited", id: child.id, pid, exit, state })
    return child.isRestartedAfter(exit) ? this.again(child, exit, this.restart(child)) : this.retire(child)
  }

  /** Restarts the child, now or after its backoff, unless a budget is used up. */
  private again(
    child: Child,
    exit: Exit.Exit<unknown, unknown>,
    restart: Effect.Effect<void, Ending>
  ): Effect.Effect<void, Ending> {
    return Effect.withFiber((fiber) => {
      const now = monotonicMillis(fiber.getRef(Clock.Clock))
      child.state = "restarting"
      if (!child.hasBudget) {
        if (this.budget.spend(now)) return restart
        const { intensity, periodMillis } = this.settings
        child.letGo("Exhausted")
        return Effect.fail(new TooManyRestarts({ supervisor: this.name, id: child.id, intensity, periodMillis, exit }))
      }
      return Effect.flatMap(child.nextDelay(exit, now), (delay) => {
        if (delay === undefined) return this.giveUp(child, exit)
        this.tell({ _tag: "ChildRestarting", id: child.id, delay })
        return Duration.isZero(delay) ? restart : this.later(child, delay)
      })
    })
  }

  private later(child: Child, delay: Duration.Duration): Effect.Effect<void> {
    const due = Effect.sync(() => {
      child.timer = undefined
      this.agenda.add(() => this.restart(child))
    })
    return Effect.map(Effect.forkIn(Effect.andThen(Effect.sleep(delay), due), this.scope), (timer) => {
      child.timer = timer
    })
  }

  private giveUp(child: Child, exit: Exit.Exit<unknown, unknown>): Effect.Effect<void, Ending> {
    child.state = "stopped"
    child.letGo("Exhausted")
    this.tell({ _tag: "ChildGivenUp", id: child.id, exit })
    return this.retire(child)
  }

  /** Has the child, and those that share its fate, begin again. */
  private restart(child: Child): Effect.Effect<void, Ending> {
    return Effect.suspend(() => {
      if (child.state !== "restarting") return Effect.void
      const group = this.fatesOf(child)
      if (group.length === 1) return this.beginAll(group)
      const bystanders = group.filter((one) => one !== child && one.state !== "stopped")
      return Effect.andThen(
        Effect.forEach(bystanders.toReversed(), (one) => this.setAside(one), { discard: true }),
        Effect.suspend(() => this.beginAll(group.filter((one) => one.state === "restarting")))
      )
    })
  }

  private fatesOf(child: Child): ReadonlyArray<Child> {
    const { strategy } = this.settings
    if (strategy === "one_for_one" || strategy === "dynamic") return [child]
    const all = [...this.children.values()]
    return strategy === "one_for_all" ? all : all.slice(all.indexOf(child))
  }

  /** Stops a bystander, to be started again; a temporary one is not. */
  private setAside(child: Child): Effect.Effect<void> {
    if (child.spec.restart === "temporary") {
      this.children.delete(child.id)
      return this.halt([child])
    }
    child.bystander = true
    return Effect.map(this.stop([child]), () => {
      child.state = "restarting"
    })
  }

  private beginAll(group: ReadonlyArray<Child>): Effect.Effect<void, Ending> {
    const first = group[0]
    if (first === undefined) return Effect.void
    const rest = group.slice(1)
    const begun = Effect.exit(this.begin(first))
    if (!this.isDynamic) return Effect.flatMap(begun, (exit) => this.begunAgain(first, exit, rest))
    // No child waits for another one to come up.
    const aside = Effect.map(begun, (exit) => this.agenda.add(() => this.begunAgain(first, exit, rest)))
    return Effect.asVoid(Effect.forkIn(aside, this.scope))
  }

  private begunAgain(
    child: Child,
    exit: Exit.Exit<Pid, ChildNotStarted>,
    rest: ReadonlyArray<Child>
  ): Effect.Effect<void, Ending> {
    // It is up, has nothing to do, or was stopped in the meantime.
    if (!hasFailed(exit) || child.state === "stopping") return this.beginAll(rest)
    if (this.cell.host.refusal() !== undefined) return Effect.fail(new Finished())
    // Tried again in its turn, so that the supervisor can be reached in between.
    const retry = Effect.sync(() => this.agenda.add(() => this.restart(child)))
    return Effect.flatMap(this.again(child, exit, retry), () =>
      child.state === "stopped" ? this.beginAll(rest) : Effect.void
    )
  }

  /** What becomes of a child that is not restarted, and of a supervisor that depends on it. */
  private retire(child: Child): Effect.Effect<void, Finished> {
    child.state = "stopped"
    if (child.spec.restart === "temporary" || this.isDynamic) this.children.delete(child.id)
    if (child.spec.options.significant !== true) return Effect.void
    const left = [...this.children.values()].some(
      (one) => one.spec.options.significant === true && one.state !== "stopped"
    )
    const { autoShutdown } = this.settings
    const finished = autoShutdown === "any" || (autoShutdown === "all" && !left)
    return finished ? Effect.fail(new Finished()) : Effect.void
  }

  // ---------------------------------------------------------------- stopping

  /** Stops children for good. */
  halt(children: ReadonlyArray<Child>): Effect.Effect<void> {
    return Effect.suspend(() => {
      for (const { cell } of children) cell?.dismiss()
      return Effect.map(this.stop(children), () => {
        for (const child of children) {
          child.state = "stopped"
          child.letGo("Stopped")
        }
      })
    })
  }

  private stop(children: ReadonlyArray<Child>): Effect.Effect<void> {
    return Effect.suspend(() => {
      for (const child of children) {
        child.state = "stopping"
        child.timer?.interruptUnsafe()
        child.timer = undefined
      }
      return stopTogether(children, this.cell)
    })
  }

  private tell(event: SupervisorEvent): void {
    if (!this.happenings.isEmpty) this.happenings.publish(event)
  }
}

/** Waits for the processes that end along with a child which is restarted in place. */
const awaitRetinue = (child: Child): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { retinue } = child
    child.retinue = []
    return retinue.length === 0 ? Effect.void : awaitDown(retinue)
  })

// A specification may make it throw: what a check of a schema does is up to the user.
const hasFailed = (exit: Exit.Exit<Pid, ChildNotStarted>): boolean =>
  Exit.hasDies(exit) || Option.exists(Exit.findErrorOption(exit), ({ _tag }) => _tag === "ChildStartFailed")
