/**
 * A service at work: while it is started, a fiber that waits for what it depends on, has a supervisor run its process, and
 * follows what that tells; the one place where the state of a service changes.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Semaphore from "effect/Semaphore"
import * as Select from "../../channel/Select.ts"
import type { Selectable } from "../../channel/Selectable.ts"
import { isOrderly } from "../../process/internal/exit.ts"
import { targetOf } from "../../process/internal/pid.ts"
import type { Cell } from "../../process/internal/cell.ts"
import type { ProcessHost } from "../../process/internal/services.ts"
import type { Pid } from "../../process/Pid.ts"
import * as Process from "../../process/Process.ts"
import { isKilled } from "../../process/ProcessEvent.ts"
import { DependencyFailed, ServiceClosed, ServiceStartFailed } from "../ServiceError.ts"
import type { State, Status } from "../ServiceStatus.ts"
import * as Supervisor from "../Supervisor.ts"
import { ChildStartFailed } from "../SupervisorError.ts"
import type { SupervisorEvent } from "../SupervisorEvent.ts"
import type { ServiceSpec } from "./serviceSpec.ts"
import type { ServiceTable } from "./ServiceTable.ts"

/** How a service ends by itself, or since it was stopped. */
interface Outcome {
  readonly state: "stopped" | "exited" | "failed"
  readonly exit: Exit.Exit<unknown, unknown> | undefined
}

export class ServiceImpl {
  readonly spec: ServiceSpec
  status: Status
  /** Whether the application, which was started with it, ends when it fails for good. */
  isEssential = false
  private readonly table: ServiceTable
  private readonly environment: Context.Context<ProcessHost>
  // Starts and stops are done one after the other.
  private readonly lock = Semaphore.makeUnsafe(1)
  private running: Fiber.Fiber<Outcome> | undefined = undefined
  private closed = false
  private startedAt = 0

  constructor(spec: ServiceSpec, table: ServiceTable, environment: Context.Context<ProcessHost>) {
    this.spec = spec
    this.table = table
    this.environment = environment
    this.status = { id: spec.id, state: "stopped", pid: undefined, attempts: 0, retryIn: undefined, exit: undefined }
  }

  get id(): string {
    return this.spec.id
  }

  get dependencies(): ReadonlyArray<ServiceImpl> {
    return this.spec.dependsOn.flatMap((id) => this.table.services.get(id) ?? [])
  }

  /** Whether what depends on it may start. */
  get isUp(): boolean {
    return this.status.state === "running" || this.status.state === "exited"
  }

  get isDown(): boolean {
    return this.running === undefined
  }

  // ---------------------------------------------------------------- starting and stopping

  /** Starts the service unless it is started; how that goes its status tells. */
  get begin(): Effect.Effect<void, ServiceClosed> {
    const begin = Effect.suspend((): Effect.Effect<void, ServiceClosed> => {
      if (this.closed) return Effect.fail(new ServiceClosed({ service: this.id }))
      if (this.running !== undefined) {
        return this.status.state === "stopping" ? Effect.andThen(Fiber.await(this.running), begin) : Effect.void
      }
      this.change({ state: "starting", attempts: 0, exit: undefined })
      // A fiber of its own, that sees what the layer of the service saw, whoever asked for the start.
      // It yields first, so that it can't end before it is known to run.
      this.running = Effect.runForkWith(this.environment)(Effect.andThen(Effect.yieldNow, this.work))
      this.running.addObserver((exit) => this.conclude(exit))
      return Effect.void
    })
    return this.lock.withPermit(begin)
  }

  /** Stops the service and waits until it has ended; one that has ended by itself is left as it is. */
  get halt(): Effect.Effect<void> {
    return this.lock.withPermit(
      Effect.suspend(() => {
        const { running } = this
        if (running === undefined) return Effect.void
        this.change({ state: "stopping", retryIn: undefined })
        running.interruptUnsafe()
        return Effect.asVoid(Fiber.await(running))
      })
    )
  }

  /** Refuses every start from now on. */
  close(): void {
    this.closed = true
  }

  private conclude(exit: Exit.Exit<Outcome>): void {
    this.running = undefined
    const { state, exit: how } = Exit.isSuccess(exit)
      ? exit.value
      : { state: "stopped" as const, exit: this.status.exit }
    this.change({ state, exit: how, pid: undefined, retryIn: undefined })
    if (state !== "failed") return
    for (const dependent of this.table.dependentsOf(this)) dependent.onDependencyFailed(this.id, how ?? Exit.void)
  }

  private onDependencyFailed(service: string, exit: Exit.Exit<unknown, unknown>): void {
    const { pid } = this.status
    const cell = pid && (targetOf(pid) as Cell | undefined)
    cell?.tell({ _tag: "DependencyFailed", service, exit })
  }

  // ---------------------------------------------------------------- working

  private get work(): Effect.Effect<Outcome, never, ProcessHost> {
    return Effect.gen({ self: this }, function* () {
      const failed = yield* this.dependenciesUp
      if (failed !== undefined) return failed
      const { child, options, supervisor } = this.spec
      const pid = yield* Effect.acquireRelease(Supervisor.start(supervisor, { host: options.host }), (supervisor) =>
        this.takeDown(supervisor)
      )
      const events = yield* Supervisor.events(pid)
      const ended = yield* Effect.forkScoped(Process.await(pid))
      const started = yield* Effect.exit(Supervisor.startChild(pid, child))
      const error = Option.getOrUndefined(Exit.findErrorOption(started))
      if (error?._tag === "StartIgnored") return hasExited
      // An optional service is tried again; and whatever else became of the supervisor, its events tell.
      const isFinal = error?._tag === "ChildStartFailed" && this.spec.isRequired
      return isFinal ? this.notStarted(error) : yield* this.follow(events, ended)
    }).pipe(
      Effect.scoped,
      Effect.catch((error) => Effect.succeed(this.notStarted(error))),
      Effect.tap((outcome) => this.report(outcome))
    )
  }

  // The failure of an essential service is the error of the application.
  private report({ exit, state }: Outcome): Effect.Effect<void> {
    if (state !== "failed" || this.isEssential) return Effect.void
    const cause = exit !== undefined && Exit.isFailure(exit) ? exit.cause : Cause.empty
    return Effect.logWarning(`the service "${this.id}" has failed, and is not started again by itself`, cause)
  }

  /** Waits until what it depends on is up; answers an outcome when that has failed. */
  private get dependenciesUp(): Effect.Effect<Outcome | undefined> {
    return Effect.suspend(() => {
      const { dependencies } = this
      const failed = () => dependencies.find(({ status }) => status.state === "failed")
      return Effect.map(
        this.table.until(() => failed() !== undefined || dependencies.every((one) => one.isUp)),
        () => {
          const dependency = failed()?.id
          if (dependency === undefined) return undefined
          return { state: "failed", exit: Exit.fail(new DependencyFailed({ service: this.id, dependency })) }
        }
      )
    })
  }

  private notStarted(error: unknown): Outcome {
    const reason: unknown = error instanceof ChildStartFailed ? error.reason : error
    return { state: "failed", exit: Exit.fail(new ServiceStartFailed({ service: this.id, reason })) }
  }

  /** Does as its supervisor tells, until that has ended. */
  private follow(
    events: Selectable<SupervisorEvent>,
    ended: Fiber.Fiber<Exit.Exit<unknown, unknown>>
  ): Effect.Effect<Outcome> {
    return Effect.gen({ self: this }, function* () {
      let outcome: Outcome | undefined
      while (true) {
        const next = yield* Select.priority({ event: events, ended: Select.fiber(ended) })
        if (next._tag === "ended")
          return outcome ?? withoutSupervisor(Exit.isSuccess(next.value) ? next.value.value : next.value)
        outcome = this.onEvent(next.value, yield* Clock.currentTimeMillis) ?? outcome
      }
    })
  }

  private onEvent(event: SupervisorEvent, now: number): Outcome | undefined {
    // What is told while it stops has been overtaken.
    if (this.status.state === "stopping") return undefined
    switch (event._tag) {
      case "ChildStarted":
        this.startedAt = now
        this.change({ state: "running", pid: event.pid, retryIn: undefined })
        return undefined
      case "ChildStartFailed":
        this.startedAt = now
        this.status = { ...this.status, exit: this.notStarted(event.error).exit }
        return undefined
      case "ChildExited":
        if (isOrderly(event.exit)) return { state: "exited", exit: event.exit }
        this.status = { ...this.status, state: "starting", pid: undefined, exit: event.exit }
        return undefined
      case "ChildRestarting": {
        const wasStable = now - this.startedAt >= Duration.toMillis(Duration.fromInputUnsafe(this.spec.stableThreshold))
        this.change({ state: "starting", attempts: wasStable ? 1 : this.status.attempts + 1, retryIn: event.delay })
        return undefined
      }
      case "ChildGivenUp":
        return { state: "failed", exit: this.status.exit }
    }
  }

  private takeDown(supervisor: Pid): Effect.Effect<void, never, ProcessHost> {
    return Effect.gen({ self: this }, function* () {
      const child = yield* Effect.option(Supervisor.find(supervisor, this.id))
      yield* Supervisor.stop(supervisor)
      const pid = Option.getOrUndefined(child)?.pid
      if (pid === undefined) return
      const exit = yield* Process.await(pid)
      this.status = { ...this.status, exit }
      if (isKilled(exit)) yield* Effect.logWarning(`the service "${this.id}" did not end in time and was killed`)
    })
  }

  private change(change: Partial<Status> & { readonly state: State }): void {
    this.status = { ...this.status, ...change }
    this.table.changes.publish(this.status)
  }
}

// It had nothing to do.
const hasExited: Outcome = { state: "exited", exit: Exit.void }

// A supervisor that ends without its child having done so was stopped with its host, or killed.
const withoutSupervisor = (exit: Exit.Exit<unknown, unknown>): Outcome => ({
  state: isOrderly(exit) ? "stopped" : "failed",
  exit
})
