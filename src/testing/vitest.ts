/**
 * `it.explore` for vitest: a test that runs its program under many schedules.
 */
import { it as effectIt } from "@effect/vitest"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { check, type Options } from "./Explore.ts"

/**
 * The options of `it.explore`: those of `Explore.check`, and the test's timeout in milliseconds.
 *
 * @category models
 */
export interface TestOptions extends Options {
  readonly timeout?: number | undefined
}

const overridden = Effect.fnUntraced(function* (options: TestOptions) {
  const schedules = yield* Config.option(Config.Int("TROUPE_EXPLORE_SCHEDULES"))
  const replay = yield* Config.option(Config.String("TROUPE_EXPLORE_REPLAY"))
  return {
    ...options,
    ...(Option.isSome(schedules) ? { schedules: schedules.value } : {}),
    ...(Option.isSome(replay) ? { strategy: { replay: replay.value } } : {})
  }
})

/**
 * Defines a test that explores a program, each run of it in a scope of its own.
 *
 * **Details**
 *
 * A failure is also written to `.explore/<name of the test>.txt`, for CI to keep. The environment can override:
 * `TROUPE_EXPLORE_SCHEDULES` the number of schedules, for a long run at night; `TROUPE_EXPLORE_REPLAY` the strategy, to
 * see one schedule again (with vitest's `-t` for the one test that it belongs to); `TROUPE_EXPLORE_DIR` the folder.
 *
 * @category testing
 */
export const explore = <A, E>(
  name: string,
  program: Effect.Effect<A, E, Scope.Scope> | (() => Effect.Effect<A, E, Scope.Scope>),
  options: TestOptions = {}
): void => {
  const whole = Effect.scoped(Effect.suspend(() => (Effect.isEffect(program) ? program : program())))
  effectIt.live(
    name,
    () => Effect.flatMap(overridden({ name, ...options }), (overrides) => check(whole, overrides)),
    options.timeout
  )
}

/**
 * The `it` of `@effect/vitest` with `it.explore`.
 *
 * **Example** (A test of an interleaving)
 *
 * ```ts no-run
 * import { Effect, Ref } from "effect"
 * import { it } from "troupe/testing/vitest"
 *
 * it.explore("counts every increment", Effect.gen(function*() {
 *   const ref = yield* Ref.make(0)
 *   const increment = Ref.update(ref, (n) => n + 1)
 *   yield* Effect.all([increment, increment], { concurrency: "unbounded" })
 *   if ((yield* Ref.get(ref)) !== 2) return yield* Effect.fail("lost an update")
 * }))
 * ```
 *
 * @category testing
 */
export const it: typeof effectIt & { readonly explore: typeof explore } = new Proxy(effectIt, {
  get: (target, property, receiver): unknown =>
    property === "explore" ? explore : Reflect.get(target, property, receiver)
}) as typeof effectIt & { readonly explore: typeof explore }
