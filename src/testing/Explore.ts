/**
 * Runs an Effect program under many orders of its steps and finds the one under which it goes wrong: any program of
 * Effect, and the same order every time for the same seed.
 */
import * as Config from "effect/Config"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import { ExplorationFailed, InvalidReplay } from "./ExploreError.ts"
import { write } from "./internal/artifact.ts"
import { type Exhaustive, exhaustive } from "./internal/exhaustive.ts"
import { pct } from "./internal/pct.ts"
import { parse } from "./internal/schedule.ts"
import { explore, type Finding } from "./internal/session.ts"
import { replay, type Strategy as Decider } from "./internal/Strategy.ts"
import { World } from "./internal/World.ts"
import { randomWalk, uniformWalk } from "./internal/walks.ts"

export { ExplorationFailed, InvalidReplay, Verdict } from "./ExploreError.ts"

/**
 * How the next step is chosen.
 *
 * **Details**
 *
 * - `random`: any fiber that can run, with the same chance; a fiber yields before an operation with the chance
 *   `preemption` (0.2). Good at everything, best at nothing.
 * - `pct`: ranks, which change a few times a run (`depth` minus one). For bugs that need few orderings in a long run.
 * - `uniform`: whoever has more work left moves more often, so that all interleavings are about as likely. For fibers
 *   of different lengths.
 * - `exhaustive`: every interleaving with at most so many preemptions, depth first, those with fewer first. For small
 *   programs: it ends when all were run.
 * - `replay`: the one schedule that a failed exploration has shown.
 *
 * @category models
 */
export type Strategy =
  | "random"
  | { readonly random: { readonly preemption: number } }
  | { readonly pct: number }
  | "uniform"
  | { readonly exhaustive: { readonly preemptions: number } }
  | { readonly replay: string }

/**
 * The options of {@link check}.
 *
 * @category models
 */
export interface Options {
  /** How many schedules are run at most: 1,000. */
  readonly schedules?: number | undefined
  /** The seed of the random strategies, 0: an exploration finds the same today and tomorrow. */
  readonly seed?: number | undefined
  /** How the next step is chosen: `random`. */
  readonly strategy?: Strategy | undefined
  /** After how many steps a run that goes on is a livelock: 10,000. */
  readonly maxSteps?: number | undefined
  /** Whether fibers that outlive the program, and scopes that it leaves open, are a fault (`fail`, the default) or not. */
  readonly leaks?: "fail" | "ignore" | undefined
  /** Whether a failing schedule is made plainer before it is shown: `true`. */
  readonly shrink?: "always" | "never" | undefined
  /** Under which name a failure is written to a file; without a name, none is. */
  readonly name?: string | undefined
  /** The folder of that file: the environment's `TROUPE_EXPLORE_DIR`, or else `.explore`. */
  readonly directory?: string | undefined
}

/**
 * What an exploration that found nothing has done.
 *
 * @category models
 */
export interface Report {
  /** How many schedules were run. */
  readonly schedules: number
  /** How many steps they had together. */
  readonly steps: number
  /** Whether these were all there are, within the bound of an exhaustive strategy. */
  readonly complete: boolean
}

const deciderOf = (strategy: Strategy, seed: number): Effect.Effect<Decider | Exhaustive, InvalidReplay> => {
  if (strategy === "random") return Effect.succeed(randomWalk(seed, 0.2))
  if (strategy === "uniform") return Effect.succeed(uniformWalk(seed))
  if ("random" in strategy) return Effect.succeed(randomWalk(seed, strategy.random.preemption))
  if ("pct" in strategy) return Effect.succeed(pct(seed, strategy.pct))
  if ("exhaustive" in strategy) return Effect.succeed(exhaustive(seed, strategy.exhaustive.preemptions))
  const schedule = parse(strategy.replay)
  return schedule === undefined
    ? Effect.fail(new InvalidReplay({ input: strategy.replay }))
    : Effect.succeed(replay(schedule))
}

const directoryOf = (options: Options): Effect.Effect<string> =>
  options.directory === undefined
    ? Effect.orElseSucceed(Config.String("TROUPE_EXPLORE_DIR"), () => ".explore")
    : Effect.succeed(options.directory)

const failed = Effect.fnUntraced(function* ({ replay, schedules, trace, verdict }: Finding, options: Options) {
  const { cause, detail, tag } = verdict
  const fields = { verdict: tag, detail, seed: options.seed ?? 0, schedules, replay, trace, cause }
  const { message } = new ExplorationFailed({ ...fields, file: undefined })
  const { name } = options
  const file =
    name === undefined ? undefined : yield* write(yield* directoryOf(options), name, `${name}\n\n${message}\n`)
  return yield* new ExplorationFailed({ ...fields, file })
})

/**
 * Runs the program under one schedule after the other, each from its beginning, and fails with the first under which it
 * goes wrong, made as plain as could be.
 *
 * **Details**
 *
 * Fibers may yield before any operation but their first, and whoever can run may run next; the steps that one fiber has
 * scheduled keep their order. Time is virtual: it starts at 0 and goes on, to the next sleeper, only when nothing can
 * run. Effect's `Random` is seeded. What the program logs goes into the trace.
 *
 * A run fails if the program fails or dies, waits for ever, does not end, leaves fibers or open scopes behind, or goes
 * another way when its schedule is repeated; see {@link Verdict}. The fibers that a run leaves behind stay suspended.
 *
 * A scope counts as left open if it was made in the run, is nobody's child, and has finalizers that have not run. One
 * that was made by `Scope.makeUnsafe` is seen if a fiber has it as its `Scope` service before anything is added to it.
 *
 * **Gotchas**
 *
 * The program runs thousands of times: what it changes has to be made in it, not outside. Services that it needs are
 * shared by all runs, so provide those with state inside of it. A fiber that loops over effects that are done already
 * (`while (true) yield* Effect.void`) never reaches the scheduler and hangs the exploration, as it hangs any program.
 *
 * **Example** (Finding a lost update)
 *
 * ```ts import.meta.vitest
 * import { Effect, Ref } from "effect"
 * import { Explore } from "troupe/testing"
 *
 * const program = Effect.gen(function*() {
 *   const ref = yield* Ref.make(0)
 *   const increment = Effect.flatMap(Ref.get(ref), (n) => Ref.set(ref, n + 1))
 *   yield* Effect.all([increment, increment], { concurrency: "unbounded" })
 *   const sum = yield* Ref.get(ref)
 *   if (sum !== 2) return yield* Effect.fail(`lost an update: ${sum}`)
 * })
 *
 * const found = await Effect.runPromise(Effect.flip(Explore.check(program)))
 * found._tag // => "ExplorationFailed"
 * ```
 *
 * @category exploring
 */
export const check = <A, E, R>(
  program: Effect.Effect<A, E, R>,
  options: Options = {}
): Effect.Effect<Report, ExplorationFailed | InvalidReplay, R> =>
  Effect.gen(function* () {
    const context: Context.Context<never> = yield* Effect.context()
    const decider = yield* deciderOf(options.strategy ?? "random", options.seed ?? 0)
    const subject = {
      program: program as Effect.Effect<unknown, unknown>,
      context,
      maxSteps: options.maxSteps ?? 10_000,
      leaks: options.leaks ?? "fail"
    }
    const { finding, schedules, steps } = yield* explore(subject, decider, {
      schedules: options.schedules ?? 1000,
      shrink: options.shrink !== "never"
    })
    if (finding !== undefined) return yield* failed(finding, options)
    return { schedules, steps, complete: "complete" in decider && decider.complete() }
  })

const name = <A extends object, E, R>(make: Effect.Effect<A, E, R>, name: string): Effect.Effect<A, E, R> =>
  Effect.tap(make, (object) =>
    Effect.withFiber((fiber) => {
      const { scheduler } = fiber.cache
      if (scheduler instanceof World) scheduler.named(object, name)
      return Effect.void
    })
  )

/**
 * Gives what the effect makes a name, by which verdicts and traces call it; outside of an exploration it does nothing.
 *
 * **Details**
 *
 * A name is worth giving to what fibers wait on (a deferred, a queue, a semaphore, a latch, a channel, an inbox), to a
 * fiber, and to a scope. Of those without a name a verdict tells the kind and a number in the order of their making, as
 * in `Queue 2`, if they came of an effect like `Queue.make`; what was made by a `makeUnsafe` is known if it is named.
 *
 * **Example** (What a consumer waits on)
 *
 * ```ts import.meta.vitest
 * import { Effect, Queue } from "effect"
 * import { Explore } from "troupe/testing"
 *
 * const program = Effect.gen(function*() {
 *   const orders = yield* Queue.unbounded<string>().pipe(Explore.named("orders"))
 *   yield* Queue.take(orders)
 * })
 *
 * const found = await Effect.runPromise(Effect.flip(Explore.check(program)))
 * found.message.includes('#1 main waits to take from Queue "orders"') // => true
 * ```
 *
 * @category exploring
 */
export const named: {
  (name: string): <A extends object, E, R>(make: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  <A extends object, E, R>(make: Effect.Effect<A, E, R>, name: string): Effect.Effect<A, E, R>
} = dual(2, name)
