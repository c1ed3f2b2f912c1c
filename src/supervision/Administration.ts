/**
 * What can be asked of a running supervisor: each request is done between two of its other doings.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { Selectable } from "../channel/Selectable.ts"
import { cellAt } from "../process/internal/delivery.ts"
import { inherited } from "../process/internal/environment.ts"
import { cellOf, type ProcessHost, withHost } from "../process/internal/services.ts"
import type { Pid } from "../process/Pid.ts"
import { type ProcessClosed, ProcessNotFound } from "../process/ProcessError.ts"
import type { StartIgnored } from "../process/StartError.ts"
import type { ChildSpec, Restart } from "./ChildSpec.ts"
import type { Child } from "./internal/Child.ts"
import type { ChildNotStarted } from "./internal/ChildStart.ts"
import type { Asked } from "./internal/Question.ts"
import { isChildSpec } from "./internal/spec.ts"
import { SupervisorImpl } from "./internal/SupervisorImpl.ts"
import { invalidChild } from "./internal/validate.ts"
import {
  ChildAlreadyPresent,
  ChildAlreadyStarted,
  ChildNotFound,
  ChildRunning,
  type ChildStartFailed,
  MaxChildren,
  NotAChildSpec,
  NotASupervisor,
  type SpecError
} from "./SupervisorError.ts"
import type { SupervisorEvent } from "./SupervisorEvent.ts"

/**
 * Why a supervisor can't be asked: there is no such process, it is ending, or it is no supervisor.
 *
 * @category errors
 */
export type AskError = ProcessNotFound | ProcessClosed | NotASupervisor

const withSupervisor = <A, E, R>(
  pid: Pid,
  f: (supervisor: SupervisorImpl, fiber: Fiber.Fiber<unknown, unknown>) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | AskError, R | ProcessHost> =>
  withHost((host, fiber): Effect.Effect<A, E | AskError, R> => {
    const cell = cellAt(host, pid)
    if (cell === undefined || cell.status === "ended") return Exit.fail(new ProcessNotFound({ target: String(pid) }))
    const { role } = cell
    return role instanceof SupervisorImpl ? f(role, fiber) : Exit.fail(new NotASupervisor({ target: String(pid) }))
  })

const childOf = (supervisor: SupervisorImpl, id: string): Exit.Exit<Child, ChildNotFound> => {
  const child = supervisor.children.get(id)
  return child === undefined ? Exit.fail(new ChildNotFound({ supervisor: supervisor.name, id })) : Exit.succeed(child)
}

/**
 * Starts another child, behind those that there are, and answers its pid once it is up.
 *
 * **Details**
 *
 * The child sees what the caller sees, and is restarted with the same arguments. With the strategy `dynamic` a child that
 * is given no id gets one of its own, and children come up side by side; otherwise the supervisor waits for it. An
 * interrupted request may be carried out all the same.
 *
 * **Errors**
 *
 * - A `SpecError`; nothing was started.
 * - `ChildAlreadyStarted`, with its pid, or `ChildAlreadyPresent`: the id is taken.
 * - `MaxChildren`: a dynamic supervisor has as many as it may.
 * - `ChildStartFailed`: it did not come up, and is not kept, unless its `startFailure` is `retry`. `StartIgnored`: it has nothing to do; it is kept, unless it is
 *   temporary or its supervisor dynamic.
 * - `ProcessNotFound`, `ProcessClosed`, `NotASupervisor`.
 *
 * **Example** (A session for each user)
 *
 * ```ts import.meta.vitest
 * import { Effect, Schema } from "effect"
 * import { ChildSpec, Process, ProcessHost, Supervisor } from "troupe"
 *
 * const Session = Process.make("app:session", { args: Schema.String })
 * const SessionLive = Session.toLayer(() => Effect.never)
 * const Sessions = Supervisor.make("app:sessions", { strategy: "dynamic", maxChildren: 2 })
 *
 * const program = Effect.gen(function*() {
 *   const sessions = yield* Supervisor.start(Sessions)
 *   const open = (user: string) => Supervisor.startChild(sessions, ChildSpec.make(Session, user, { restart: "transient" }))
 *   yield* open("Ada")
 *   yield* open("Bob")
 *   const refusal = yield* Effect.flip(open("Eve"))
 *   return refusal._tag
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [SessionLive, ProcessHost.layer("app:processes")]))
 * // => "MaxChildren"
 * ```
 *
 * @category administration
 */
export const startChild = <R>(
  supervisor: Pid,
  spec: ChildSpec<R>
): Effect.Effect<
  Pid,
  AskError | SpecError | ChildAlreadyStarted | ChildAlreadyPresent | MaxChildren | ChildStartFailed | StartIgnored,
  R | ProcessHost
> =>
  withSupervisor(supervisor, (supervisor, fiber): Effect.Effect<Pid, StartChildError> => {
    const { isDynamic, name, settings } = supervisor
    if (!isChildSpec(spec)) {
      return Exit.fail(
        new NotAChildSpec({ supervisor: name, position: supervisor.children.size, received: typeof spec })
      )
    }
    const wrong = invalidChild(name, settings, spec)
    if (wrong !== undefined) return Exit.fail(wrong)
    const environment = inherited(fiber.context, cellOf(fiber))
    const adding: Asked<Effect.Effect<Pid, ChildNotStarted>, Refusal> = (fiber) => {
      const id = isDynamic && spec.options.id === undefined ? supervisor.nextId(spec.id) : spec.id
      const refusal = refusalOf(supervisor, id)
      return refusal === undefined ? Exit.succeed(supervisor.add(id, spec, environment, fiber)) : Exit.fail(refusal)
    }
    // No child of a dynamic supervisor waits for another one to come up.
    return isDynamic ? Effect.flatten(supervisor.ask(adding)) : supervisor.ask((fiber) => Effect.flatten(adding(fiber)))
  })

/**
 * Why a child was not started.
 *
 * @category errors
 */
export type StartChildError = AskError | SpecError | Refusal | ChildStartFailed | StartIgnored

type Refusal = ChildAlreadyStarted | ChildAlreadyPresent | MaxChildren

const refusalOf = ({ children, name, settings }: SupervisorImpl, id: string): Refusal | undefined => {
  const taken = children.get(id)
  if (taken !== undefined) {
    const pid = taken.cell?.pid
    return pid === undefined
      ? new ChildAlreadyPresent({ supervisor: name, id })
      : new ChildAlreadyStarted({ supervisor: name, id, pid })
  }
  const { maxChildren } = settings
  return children.size < maxChildren ? undefined : new MaxChildren({ supervisor: name, maxChildren })
}

/**
 * Stops a child and waits until it has ended; it is not restarted, and stays known unless it is temporary or its
 * supervisor is dynamic.
 *
 * **Details**
 *
 * A child that does not run is left as it is. Fails with `ChildNotFound` for an unknown id.
 *
 * **Example** (Stopping and starting again)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { ChildSpec, Process, ProcessHost, Supervisor } from "troupe"
 *
 * const Web = Process.make("app:web")
 * const WebLive = Web.toLayer(() => Effect.never)
 * const Tree = Supervisor.make("app:tree", { children: [ChildSpec.make(Web, undefined, { id: "web" })] })
 *
 * const program = Effect.gen(function*() {
 *   const tree = yield* Supervisor.start(Tree)
 *   yield* Supervisor.terminateChild(tree, "web")
 *   const stopped = yield* Supervisor.count(tree)
 *   yield* Supervisor.restartChild(tree, "web")
 *   return [stopped.active, (yield* Supervisor.count(tree)).active]
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [WebLive, ProcessHost.layer("app:processes")])) // => [0, 1]
 * ```
 *
 * @category administration
 */
export const terminateChild = (
  supervisor: Pid,
  id: string
): Effect.Effect<void, AskError | ChildNotFound, ProcessHost> =>
  withSupervisor(supervisor, (supervisor) =>
    supervisor.ask(() =>
      Effect.flatMap(childOf(supervisor, id), (child) =>
        Effect.map(supervisor.halt([child]), () => {
          if (child.spec.restart === "temporary" || supervisor.isDynamic) supervisor.children.delete(id)
        })
      )
    )
  )

/**
 * Starts a child again that was terminated, ended, or had nothing to do, and answers its new pid.
 *
 * **Details**
 *
 * Fails with `ChildRunning` while it runs or is about to be restarted, `ChildNotFound` for an unknown id, `ChildStartFailed`
 * when it does not come up (it stays known), and `StartIgnored` when it has nothing to do.
 *
 * **Example** (A child that runs)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { ChildSpec, Process, ProcessHost, Supervisor } from "troupe"
 *
 * const Web = Process.make("app:web")
 * const WebLive = Web.toLayer(() => Effect.never)
 * const Tree = Supervisor.make("app:tree", { children: [ChildSpec.make(Web, undefined, { id: "web" })] })
 *
 * const program = Effect.gen(function*() {
 *   const tree = yield* Supervisor.start(Tree)
 *   const refusal = yield* Effect.flip(Supervisor.restartChild(tree, "web"))
 *   return refusal._tag
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [WebLive, ProcessHost.layer("app:processes")])) // => "ChildRunning"
 * ```
 *
 * @category administration
 */
export const restartChild = (
  supervisor: Pid,
  id: string
): Effect.Effect<Pid, AskError | ChildNotFound | ChildRunning | ChildStartFailed | StartIgnored, ProcessHost> =>
  withSupervisor(supervisor, (supervisor) =>
    supervisor.ask(() => Effect.flatMap(idle(supervisor, id), (child) => supervisor.begin(child)))
  )

/**
 * Forgets a child that does not run.
 *
 * **Details**
 *
 * Fails with `ChildRunning` while it runs or is about to be restarted, and with `ChildNotFound` for an unknown id.
 *
 * **Example** (Forgetting a child)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { ChildSpec, Process, ProcessHost, Supervisor } from "troupe"
 *
 * const Web = Process.make("app:web")
 * const WebLive = Web.toLayer(() => Effect.never)
 * const Tree = Supervisor.make("app:tree", { children: [ChildSpec.make(Web, undefined, { id: "web" })] })
 *
 * const program = Effect.gen(function*() {
 *   const tree = yield* Supervisor.start(Tree)
 *   yield* Supervisor.terminateChild(tree, "web")
 *   yield* Supervisor.deleteChild(tree, "web")
 *   return yield* Supervisor.list(tree)
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [WebLive, ProcessHost.layer("app:processes")])) // => []
 * ```
 *
 * @category administration
 */
export const deleteChild = (
  supervisor: Pid,
  id: string
): Effect.Effect<void, AskError | ChildNotFound | ChildRunning, ProcessHost> =>
  withSupervisor(supervisor, (supervisor) =>
    supervisor.ask(() =>
      Effect.map(idle(supervisor, id), () => {
        supervisor.children.delete(id)
      })
    )
  )

const idle = (supervisor: SupervisorImpl, id: string): Effect.Effect<Child, ChildNotFound | ChildRunning> =>
  Effect.flatMap(childOf(supervisor, id), (child) => {
    const state = stateOf(child)
    return state === "stopped"
      ? Effect.succeed(child)
      : Effect.fail(new ChildRunning({ supervisor: supervisor.name, id, state }))
  })

const stateOf = (child: Child): ChildInfo["state"] => {
  if (child.state === "stopped") return "stopped"
  return child.state === "running" ? "running" : "restarting"
}

/**
 * What a supervisor knows of a child.
 *
 * @category models
 */
export interface ChildInfo {
  readonly id: string
  /** Its process; `undefined` while it has none. */
  readonly pid: Pid | undefined
  readonly state: "running" | "restarting" | "stopped"
  readonly kind: "worker" | "supervisor"
  readonly restart: Restart
  /** The name of its definition. */
  readonly process: string
}

const infoOf = (child: Child): ChildInfo => ({
  id: child.id,
  pid: child.cell?.pid,
  state: stateOf(child),
  kind: child.spec.kind,
  restart: child.spec.restart,
  process: child.spec.definition.name
})

/**
 * The children of a supervisor, in the order in which they are started.
 *
 * **Example** (Who is there)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { ChildSpec, Process, ProcessHost, Supervisor } from "troupe"
 *
 * const Web = Process.make("app:web")
 * const WebLive = Web.toLayer(() => Effect.never)
 * const Tree = Supervisor.make("app:tree", { children: [ChildSpec.make(Web, undefined, { restart: "transient" })] })
 *
 * const program = Effect.flatMap(Supervisor.start(Tree), Supervisor.list)
 * const [web] = await Effect.runPromise(Effect.provide(program, [WebLive, ProcessHost.layer("app:processes")]))
 * const { id, restart, state } = web!
 * const seen = [id, restart, state] // => ["app:web", "transient", "running"]
 * ```
 *
 * @category administration
 */
export const list = (supervisor: Pid): Effect.Effect<ReadonlyArray<ChildInfo>, AskError, ProcessHost> =>
  withSupervisor(supervisor, (supervisor) => Effect.sync(() => Array.from(supervisor.children.values(), infoOf)))

/**
 * What a supervisor knows of one child; fails with `ChildNotFound` for an unknown id.
 *
 * **Example** (The pid of a child)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { ChildSpec, Process, ProcessHost, Supervisor } from "troupe"
 *
 * const Web = Process.make("app:web")
 * const WebLive = Web.toLayer(() => Effect.never)
 * const Tree = Supervisor.make("app:tree", { children: [ChildSpec.make(Web, undefined, { id: "web" })] })
 *
 * const program = Effect.gen(function*() {
 *   const tree = yield* Supervisor.start(Tree)
 *   return String((yield* Supervisor.find(tree, "web")).pid)
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [WebLive, ProcessHost.layer("app:processes")]))
 * // => "{app:processes|0x00002}"
 * ```
 *
 * @category administration
 */
export const find = (supervisor: Pid, id: string): Effect.Effect<ChildInfo, AskError | ChildNotFound, ProcessHost> =>
  withSupervisor(supervisor, (supervisor) => Effect.map(childOf(supervisor, id), infoOf))

/**
 * How many children a supervisor has.
 *
 * @category models
 */
export interface Counts {
  /** Children that are known. */
  readonly specs: number
  /** Children that run. */
  readonly active: number
  readonly supervisors: number
  readonly workers: number
}

/**
 * How many children a supervisor has, and how many of them run.
 *
 * **Example** (Counting)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { ChildSpec, Process, ProcessHost, Supervisor } from "troupe"
 *
 * const Web = Process.make("app:web")
 * const WebLive = Web.toLayer(() => Effect.never)
 * const Tree = Supervisor.make("app:tree", { children: [ChildSpec.make(Web)] })
 *
 * const program = Effect.flatMap(Supervisor.start(Tree), Supervisor.count)
 * await Effect.runPromise(Effect.provide(program, [WebLive, ProcessHost.layer("app:processes")]))
 * // => { specs: 1, active: 1, supervisors: 0, workers: 1 }
 * ```
 *
 * @category administration
 */
export const count = (supervisor: Pid): Effect.Effect<Counts, AskError, ProcessHost> =>
  Effect.map(list(supervisor), (children) => {
    const supervisors = children.filter(({ kind }) => kind === "supervisor").length
    const active = children.filter(({ state }) => state === "running").length
    return { specs: children.length, active, supervisors, workers: children.length - supervisors }
  })

/**
 * Subscribes to what happens to the children of a supervisor: every event that comes while the scope is open is yielded,
 * in order.
 *
 * **Example** (A crash and a restart)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { ChildSpec, Process, ProcessHost, Selectable, Supervisor } from "troupe"
 *
 * const Web = Process.make("app:web")
 * const WebLive = Web.toLayer(() => Effect.never)
 * const Tree = Supervisor.make("app:tree", { children: [ChildSpec.make(Web, undefined, { id: "web" })] })
 *
 * const program = Effect.gen(function*() {
 *   const tree = yield* Supervisor.start(Tree)
 *   const events = yield* Supervisor.events(tree)
 *   const { pid } = yield* Supervisor.find(tree, "web")
 *   if (pid !== undefined) yield* Process.kill(pid)
 *   return [(yield* Selectable.take(events))._tag, (yield* Selectable.take(events))._tag]
 * })
 *
 * await Effect.runPromise(Effect.provide(Effect.scoped(program), [WebLive, ProcessHost.layer("app:processes")]))
 * // => ["ChildExited", "ChildStarted"]
 * ```
 *
 * @category administration
 */
export const events = (
  supervisor: Pid
): Effect.Effect<Selectable<SupervisorEvent>, AskError, ProcessHost | Scope.Scope> =>
  withSupervisor(supervisor, (supervisor) => supervisor.happenings.subscribe())
