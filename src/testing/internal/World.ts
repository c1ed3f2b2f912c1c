/**
 * One run of a program: an Effect `Scheduler` under which nothing happens but by decision. A step runs one task of one
 * lane; which lane, and where a fiber yields, is up to the run's `Choices`, and every decision is kept.
 */
import * as Effect from "effect/Effect"
import * as Context from "effect/Context"
import * as Fiber from "effect/Fiber"
import type * as Scheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import { Announce, type Announced, type Waited } from "../../scheduler/internal/Waited.ts"
import { Lane } from "./Lane.ts"
import { isScope, Scopes } from "./Scopes.ts"
import type { Departure } from "./schedule.ts"
import type { Choices } from "./Strategy.ts"
import type { Trace } from "./Trace.ts"
import { Tracked } from "./Tracked.ts"
import { VirtualClock } from "./VirtualClock.ts"
import { Waits } from "./Waits.ts"
import { isWatchedBy, watched, type Watcher } from "./watch.ts"

/**
 * A departure by its fiber and how many operations that had evaluated, and whether it yielded or was picked: it means
 * the same still when other departures are left out, while the number of a choice point does not.
 */
export type Mark = number

const MaxOperations = 2 ** 30

export const mark = (fiber: Tracked | undefined, yields: boolean): Mark =>
  ((fiber?.number ?? 0) * MaxOperations + (fiber?.operations ?? 0)) * 2 + (yields ? 1 : 0)

export class World implements Scheduler.Scheduler, Watcher {
  readonly executionMode = "sync"
  readonly clock = new VirtualClock()
  readonly seed: number
  readonly trace: Trace | undefined
  /** The lanes that have tasks, in the order in which they came to have them. */
  readonly ready: Array<Lane> = []
  readonly fibers: Array<Tracked> = []
  readonly scopes: Scopes
  /** Who waits on what, where the steps are written down. */
  readonly waits: Waits | undefined
  readonly around: Watcher["around"]
  /** The fibers that have run in the present step: one may have started or resumed the next inside of its own. */
  readonly entered: Array<Tracked> = []
  readonly departures: Array<Departure> = []
  /** The same departures by what they were about, see `Mark`. */
  readonly marks: Array<Mark> = []
  steps = 0
  operations = 0
  /** Changes with every choice and with what there was to choose from. */
  fingerprint = 0
  /** A fiber that something outside of the run has resumed. */
  stray: Tracked | undefined
  private readonly choices: Choices
  private readonly known = new Map<Fiber.Fiber<unknown, unknown>, Tracked>()
  private readonly names = new Map<object, string>()
  private current: Tracked | undefined
  private preempted: Lane | undefined
  private points = 0
  private stepping = false

  constructor(choices: Choices, seed: number, trace: Trace | undefined, outside: Scope.Scope | undefined) {
    this.choices = choices
    this.seed = seed
    this.trace = trace
    this.scopes = new Scopes(outside)
    const waits = trace === undefined ? undefined : new Waits(this.names, (fiber) => this.known.get(fiber))
    waits?.know(this.clock, undefined)
    this.waits = waits
    this.around =
      waits &&
      ((operation, mayWait, fiber, evaluate) => {
        const tracked = this.known.get(fiber)
        if (tracked === undefined) return evaluate()
        const begun = waits.begin(tracked, operation, mayWait)
        const next = evaluate()
        waits.end(begun, Effect.isEffect(next))
        return next
      })
  }

  /** Runs the first step, from which all others come. */
  begin(start: () => void): void {
    this.within(start)
  }

  /** Runs until nothing can run, or `limit` steps were made; answers whether nothing can run. */
  drain(limit: number): boolean {
    while (this.ready.length > 0) {
      if (this.steps >= limit) return false
      const lane = this.take()
      const task = lane.shift()
      if (lane.length > 0) this.ready.push(lane)
      if (task !== undefined) this.within(task)
    }
    return true
  }

  /** Lets time pass up to the next sleeper; answers whether there was one. */
  advance(): boolean {
    const due = this.clock.advance()
    if (due.length === 0) return false
    this.trace?.time(this.clock.currentTimeMillisUnsafe())
    this.stepping = true
    for (const wake of due) wake()
    this.stepping = false
    return true
  }

  shouldYield(fiber: Fiber.Fiber<unknown, unknown>): boolean {
    const tracked = this.current !== undefined && this.current.fiber === fiber ? this.current : this.enter(fiber)
    if (!this.stepping) this.stray ??= tracked
    this.operations++
    tracked.operations++
    this.trace?.operation(tracked)
    this.watch(fiber, tracked)
    // Not at the first operation: effect's own schedulers never do that, and a fiber that was interrupted before it
    // began would begin all the same.
    if (fiber.currentOpCount <= 1) return false
    // To preempt it again before anybody else has moved is no choice either.
    const returned = fiber.currentOpCount === 2 && tracked.preemptedIn === this.steps - 1
    if (!returned && (this.fibers.length > 1 || this.ready.length > 0)) {
      const yields = this.choices.preempt(tracked, this)
      this.chosen(yields ? 1 : 0, tracked.number)
      if (yields) {
        this.marks.push(mark(tracked, true))
        // The fiber comes by twice on its way back to this operation; so the number of operations that it has evaluated
        // does not depend on how often it was preempted.
        tracked.operations -= 2
        tracked.preemptedIn = this.steps
        this.preempted = this.laneOf(tracked)
        this.trace?.preempted(tracked)
        return true
      }
    }
    return fiber.currentOpCount >= fiber.cache.maxOpsBeforeYield
  }

  makeDispatcher(): Scheduler.SchedulerDispatcher {
    const fiber = Fiber.getCurrent()
    const owner = fiber === undefined ? undefined : this.known.get(fiber)
    const lane = new Lane(owner)
    if (owner !== undefined) owner.lane ??= lane
    return new Dispatcher(this, lane)
  }

  schedule(lane: Lane, task: () => void, priority: number): void {
    if (!this.stepping && lane.owner !== undefined) this.stray ??= lane.owner
    if (lane.length === 0) this.ready.push(lane)
    lane.push(task, priority)
  }

  flush(lane: Lane): void {
    while (lane.length > 0) lane.shift()?.()
    const index = this.ready.indexOf(lane)
    if (index >= 0) this.ready.splice(index, 1)
  }

  /** The fibers that have begun and not ended. */
  get alive(): ReadonlyArray<Tracked> {
    return this.fibers.filter((fiber) => fiber.alive)
  }

  /** The program has given an object a name. */
  named(object: object, name: string): void {
    this.names.set(object, name)
    this.waits?.know(object, undefined)
    if (!Fiber.isFiber(object)) return
    const tracked = this.known.get(object)
    if (tracked !== undefined) tracked.given = name
  }

  nameOf(object: object): string | undefined {
    return this.names.get(object)
  }

  made(object: object, fiber: Fiber.Fiber<unknown, unknown>): void {
    this.waits?.know(object, this.known.get(fiber))
    if (isScope(object)) this.sawScope(object, this.known.get(fiber))
  }

  trackedOf(fiber: Fiber.Fiber<unknown, unknown>): Tracked | undefined {
    return this.known.get(fiber)
  }

  // A program may bring a tracer of its own, which is watched from the second operation on that has it; and a scope that
  // did not come of an operation.
  private watch(fiber: Fiber.Fiber<unknown, unknown>, tracked: Tracked): void {
    if (fiber.context === tracked.context) return
    const { tracer } = fiber.cache
    if (!isWatchedBy(tracer, this)) {
      fiber.setContext(Context.add(fiber.context, Tracer.Tracer, watched(tracer ?? Tracer.nativeTracer, this)))
    }
    tracked.context = fiber.context
    const scope = Context.getOrUndefined(fiber.context, Scope.Scope)
    if (scope !== undefined) this.sawScope(scope, tracked)
  }

  private sawScope(scope: Scope.Scope, tracked: Tracked | undefined): void {
    const place = this.trace === undefined || tracked === undefined ? "" : tracked.frames.join(" < ")
    this.scopes.see(scope, tracked, this.steps, place)
  }

  private laneOf(tracked: Tracked): Lane | undefined {
    const dispatcher = tracked.fiber.currentDispatcher
    // A scheduler around this one has dispatchers of its own.
    if (!(dispatcher instanceof Dispatcher)) return undefined
    // Another fiber may have been the first to ask for the dispatcher, and be taken for its owner.
    dispatcher.lane.owner = tracked
    tracked.lane = dispatcher.lane
    return dispatcher.lane
  }

  private within(task: () => void): void {
    this.steps++
    this.stepping = true
    this.current = undefined
    this.entered.length = 0
    this.waits?.reset()
    task()
    this.stepping = false
    this.trace?.stepped(this)
  }

  private take(): Lane {
    const { preempted, ready } = this
    this.preempted = undefined
    // To preempt a fiber and then go on with it is no choice.
    const idle = ready.length > 1 && preempted?.length === 1 && ready.at(-1) === preempted
    const count = idle ? ready.length - 1 : ready.length
    let index = 0
    if (count > 1) {
      index = this.choices.pick(this, count)
      if (index > 0) this.marks.push(mark((ready[index] as Lane).owner, false))
      this.chosen(index, count * 31 + (ready[index]?.owner?.number ?? 0))
    }
    const lane = ready[index] as Lane
    if (index === 0) ready.shift()
    else ready.splice(index, 1)
    return lane
  }

  private chosen(option: number, among: number): void {
    if (option !== 0) this.departures.push({ at: this.points, option })
    this.points++
    this.fingerprint = (Math.imul(this.fingerprint ^ among, 0x01000193) + option) | 0
  }

  private enter(fiber: Fiber.Fiber<unknown, unknown>): Tracked {
    let tracked = this.known.get(fiber)
    if (tracked === undefined) {
      tracked = new Tracked(this.fibers.length + 1, fiber)
      tracked.given = this.names.get(fiber)
      this.known.set(fiber, tracked)
      this.fibers.push(tracked)
      this.waits?.know(fiber, undefined)
      this.choices.appeared(tracked)
      this.trace?.appeared(tracked)
    }
    this.current = tracked
    if (!this.entered.includes(tracked)) this.entered.push(tracked)
    tracked.step = this.steps
    return tracked
  }
}

class Dispatcher implements Scheduler.SchedulerDispatcher, Announced {
  readonly lane: Lane
  private readonly world: World

  constructor(world: World, lane: Lane) {
    this.world = world
    this.lane = lane
  }

  scheduleTask(task: () => void, priority: number): void {
    this.world.schedule(this.lane, task, priority)
  }

  [Announce](waited: Waited): void {
    const fiber = this.world.waits && Fiber.getCurrent()
    this.world.waits?.know(waited, fiber && this.world.trackedOf(fiber))
  }

  flush(): void {
    this.world.flush(this.lane)
  }
}
