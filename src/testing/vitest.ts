/**
 * `it.explore`, `it.replay` and `it.conforms` for vitest: a test that runs its program under many schedules, one that plays
 * a recording again, and those that every transport has to pass.
 */
import { it as effectIt } from "@effect/vitest"
import * as Config from "effect/Config"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { Rpc } from "effect/rpc"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Process from "../process/Definition.ts"
import type { Recording } from "../process/Recording.ts"
import { type Replayed, run } from "../process/Replay.ts"
import { cases as connectionCases } from "./conformance/Connection.ts"
import { applies, cases, type Subject } from "./conformance/Transport.ts"
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
 * What `it.replay` plays.
 *
 * @category models
 */
export interface ReplayOptions<
  Name extends string,
  Rpcs extends Rpc.Any,
  Args extends Schema.Top,
  Success extends Schema.Top,
  State extends Schema.Top,
  E,
  R,
  E2
> {
  readonly process: Process.Definition<Name, Rpcs, Args, Success, State>
  /** The recording, such as `Recording.read(path)`. */
  readonly recording: Effect.Effect<Recording, E, R>
  /** The implementation of the process, with its modules `Replay.unhandled`; and what reading the recording needs. */
  readonly layer: Layer.Layer<R | Process.Implementation<Name>, E2>
  /** How long the body may do nothing while the recording has something for it to do: 1 second when absent. */
  readonly patience?: Duration.Input | undefined
  /** What must hold of how it ended: that its body did not fail, when absent. */
  readonly check?: ((replayed: Replayed<Success["Type"]>) => Effect.Effect<unknown, unknown>) | undefined
}

/**
 * Defines a test that replays a recording: a regression test, made of a failure that was recorded.
 *
 * **Details**
 *
 * It fails as long as the body fails as it did, with the failure itself; and when the body diverges from the recording
 * before its end. Once the body is mended it passes, and holds that the failure does not come back.
 *
 * @category testing
 */
export const replay = <
  Name extends string,
  Rpcs extends Rpc.Any,
  Args extends Schema.Top,
  Success extends Schema.Top,
  State extends Schema.Top,
  E,
  R,
  E2
>(
  name: string,
  options: ReplayOptions<Name, Rpcs, Args, Success, State, E, R, E2>
): void => {
  const { check = hasNotFailed, layer, patience, process, recording } = options
  const played = Effect.flatMap(recording, (recording) => run(process, recording, { patience }))
  effectIt.live(name, () => Effect.flatMap(Effect.provide(played, layer), check))
}

const hasNotFailed = ({ exit }: Replayed<unknown>): Effect.Effect<unknown, unknown> => exit ?? Effect.void

/**
 * Defines a test for each guarantee that a transport has to keep, and that connections keep over it, in a scope of its own;
 * those that the subject can't be asked for are left out.
 *
 * @category testing
 */
export const conforms = (name: string, subject: Subject): void => {
  for (const one of [...cases, ...connectionCases]) {
    if (!applies(one, subject)) continue
    effectIt.live(`${one.id === undefined ? "" : `${one.id} `}${name}: ${one.name}`, () => one.run(subject))
  }
}

/**
 * The `it` of `@effect/vitest` with `it.explore`, `it.replay` and `it.conforms`.
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
 * **Example** (A test made of a recorded failure)
 *
 * ```ts no-run
 * import { NodeFileSystem } from "@effect/platform-node"
 * import { Effect, Layer, Schema } from "effect"
 * import { Command, Process, Recording, Replay } from "troupe"
 * import { it } from "troupe/testing/vitest"
 *
 * const Shop = Command.module("shop", { price: Command.make(300, { payload: Schema.String, success: Schema.Int }) })
 * const Order = Process.make("app:order", { args: Schema.String, success: Schema.Int })
 * const OrderLive = Order.toLayer((article) => Process.yield(Shop.price, article))
 *
 * it.replay("an order of last monday", {
 *   process: Order,
 *   recording: Recording.read("test/recordings/order.ndjson"),
 *   layer: Layer.merge(OrderLive.pipe(Layer.provide(Replay.unhandled(Shop))), NodeFileSystem.layer)
 * })
 * ```
 *
 * **Example** (The tests that every transport has to pass)
 *
 * ```ts no-run
 * import { Effect } from "effect"
 * import { Network } from "troupe/testing"
 * import { it } from "troupe/testing/vitest"
 *
 * it.conforms("simulated network", {
 *   make: Effect.map(Network.make(), (network) => network.transport("near", "far"))
 * })
 * ```
 *
 * @category testing
 */
export const it: It = new Proxy(effectIt, {
  get: (target, property, receiver): unknown => {
    if (property === "explore") return explore
    if (property === "conforms") return conforms
    return property === "replay" ? replay : Reflect.get(target, property, receiver)
  }
}) as It

type It = typeof effectIt & {
  readonly explore: typeof explore
  readonly replay: typeof replay
  readonly conforms: typeof conforms
}
