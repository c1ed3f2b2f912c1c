/**
 * Keeps a number of instances running: each has a place, in which one runs after the other.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import type * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import { exponential } from "../../../supervision/Backoff.ts"
import type { Ended, Instance } from "../../Instance.ts"
import { GivenUp, type RuntimeError, type StartFailed } from "../../RuntimeError.ts"
import { Delays } from "./Delays.ts"
import { Members } from "./Members.ts"

type Start = (instance: string) => Effect.Effect<Instance, StartFailed, Scope.Scope>

/** When one is started again, by what has become of the last. */
export type Restart = Schedule.Schedule<unknown, Ended | StartFailed>

interface Running {
  readonly instance: Instance
  readonly since: number
  /** Ends it, and with it what it had. */
  readonly scope: Scope.Closeable
}

// One that has run for so long counts as one that works.
const Stable = Duration.toMillis("1 minute")

const usual: Restart = exponential({ min: "100 millis", max: "30 seconds", jitter: 0.2 })

/** Answers the instances as they come and go, once all are there. */
export const keeping = (
  start: Start,
  count: number,
  restart: Restart = usual
): Effect.Effect<Stream.Stream<ReadonlyArray<Instance>, RuntimeError>, StartFailed, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Scope.fork(yield* Effect.scope, "parallel")
    const keeper = new Keeper(start, count, restart, scope)
    const places = Array.from({ length: count }, (_, place) => place)
    const first = yield* Effect.forEach(places, keeper.begin, { concurrency: "unbounded" }).pipe(
      Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
    )
    yield* Effect.addFinalizer(() => Effect.sync(() => keeper.end()))
    // Interrupted before the instances are stopped, and so never taken for ones that are to be started again.
    yield* Effect.forEach(first, (running, place) => Effect.forkScoped(keeper.keep(place, running)), { discard: true })
    return keeper.members.stream
  })

class Keeper {
  readonly members = new Members([])
  private readonly start: Start
  private readonly restart: Restart
  private readonly scope: Scope.Scope
  // By their places, so that one that comes back stands where it stood.
  private readonly running = new Map<number, Instance>()
  // How many places are not given up.
  private kept: number

  constructor(start: Start, count: number, restart: Restart, scope: Scope.Scope) {
    this.kept = count
    this.start = start
    this.restart = restart
    this.scope = scope
  }

  readonly begin = (place: number): Effect.Effect<Running, StartFailed> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen({ self: this }, function* () {
        const scope = yield* Scope.fork(this.scope)
        const instance = yield* restore(Scope.provide(this.start(`${place + 1}`), scope)).pipe(
          Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
        )
        this.show(place, instance)
        return { instance, since: yield* Clock.currentTimeMillis, scope }
      })
    )

  /** Has one run after the other until the schedule ends. */
  readonly keep = (place: number, first: Running): Effect.Effect<void> =>
    Effect.gen({ self: this }, function* () {
      let running = first
      const delays = new Delays(this.restart)
      while (true) {
        const { instance, scope, since } = running
        const ended = yield* instance.ended
        this.show(place, undefined)
        yield* Effect.logWarning(`${String(instance.id)} has ended: ${ended.detail}`)
        yield* Scope.close(scope, Exit.void)
        if ((yield* Clock.currentTimeMillis) - since >= Stable) delays.anew()
        const next = yield* this.next(place, delays, ended)
        if (Result.isFailure(next)) return this.giveUp(instance, next.failure)
        running = next.success
      }
    }).pipe(
      // Not of a start, as that of a finalizer: that place is not kept any more, and whoever looks is to know.
      Effect.catchDefect((defect) => {
        const detail = `to keep it died: ${String(defect)}`
        this.show(place, undefined)
        return Effect.map(Effect.logError(`${String(first.instance.id)} is given up`, defect), () =>
          this.giveUp(first.instance, detail)
        )
      })
    )

  /** Starts one, as often as the schedule says; fails with the last reason why there is none. */
  private next(
    place: number,
    delays: Delays<Ended | StartFailed>,
    ended: Ended
  ): Effect.Effect<Result.Result<Running, string>> {
    return Effect.gen({ self: this }, function* () {
      let why: Ended | StartFailed = ended
      while (true) {
        const delay = yield* delays.next(why)
        if (delay === undefined) return Result.fail("_tag" in why ? why.message : why.detail)
        yield* Effect.sleep(delay)
        const outcome = yield* this.again(place)
        if (Result.isSuccess(outcome)) return Result.succeed(outcome.success)
        why = outcome.failure
      }
    })
  }

  private again(place: number): Effect.Effect<Result.Result<Running, Ended | StartFailed>> {
    return this.begin(place).pipe(
      Effect.tapError(({ message }) => Effect.logWarning(message)),
      // A starter that dies has not started it either.
      Effect.catchDefect((defect) => {
        const died: Ended = { how: "exited", detail: `to start it again died: ${String(defect)}` }
        return Effect.andThen(
          Effect.logError(`Instance ${place + 1} was not started: its starter died`, defect),
          Effect.fail(died)
        )
      }),
      Effect.result
    )
  }

  private giveUp({ id }: Instance, detail: string): void {
    if (--this.kept === 0) this.members.over(new GivenUp({ instance: String(id), detail }))
  }

  end(): void {
    this.members.set([])
    this.members.over()
  }

  private show(place: number, instance: Instance | undefined): void {
    if (instance === undefined) this.running.delete(place)
    else this.running.set(place, instance)
    const places = [...this.running.keys()].toSorted((one, other) => one - other)
    this.members.set(places.map((place) => this.running.get(place)!))
  }
}
