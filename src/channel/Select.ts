/**
 * Waits for several sources at once and takes from exactly one of them: the others keep what they have.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import { step } from "./internal/step.ts"
import * as Selectable from "./Selectable.ts"

/**
 * The cases of a select: sources under the keys that tell them apart.
 *
 * @category models
 */
export type Cases = Readonly<Record<string, Selectable.Selectable<unknown, unknown>>>

/**
 * What a select yields: the key of the case that won, as `_tag`, and its value.
 *
 * @category utility types
 */
export type Selected<C extends Cases> = {
  readonly [K in keyof C & string]: { readonly _tag: K; readonly value: Selectable.Value<C[K]> }
}[keyof C & string]

const select = <C extends Cases>(
  cases: C,
  first: (count: number) => number
): Effect.Effect<Selected<C>, Selectable.Failure<C[keyof C]>> => {
  const keys = Object.keys(cases)
  const sources = keys.map((key) => cases[key] as Selectable.Selectable<unknown, Selectable.Failure<C[keyof C]>>)
  const count = sources.length
  const poll = () => {
    const start = first(count)
    for (let i = 0; i < count; i++) {
      const index = (start + i) % count
      const exit = (sources[index] as (typeof sources)[number]).pollUnsafe()
      if (exit !== undefined) {
        return Exit.map(exit, (value) => ({ _tag: keys[index], value }) as Selected<C>)
      }
    }
    return undefined
  }
  const selected: Effect.Effect<Selected<C>, Selectable.Failure<C[keyof C]>> = step(
    () => poll() ?? Effect.andThen(Selectable.parked(sources), selected)
  )
  return selected
}

/**
 * Takes from one ready source, whichever, and waits while none is: a source that is ready again and again wins its
 * fair share and starves nobody.
 *
 * **Details**
 *
 * The result is a union that `_tag` narrows to the value of the case. An interrupted select has taken nothing. One
 * waiter is parked in all sources, so that a select that waits forks no fiber. Fails with the error of a source that
 * has ended.
 *
 * **Example** (Serving messages and events)
 *
 * ```ts import.meta.vitest
 * import { Effect, Layer } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Process, ProcessHost, Select } from "troupe"
 *
 * const Stop = Rpc.make("stop")
 * const Waiter = Process.make("app:waiter", { protocol: [Stop] })
 * const WaiterLive = Waiter.toLayer(Effect.fn(function*() {
 *   const next = yield* Select.any({ message: yield* Waiter.inbox, event: yield* Waiter.events })
 *   return next._tag === "message" ? next.value.topic : next.value._tag
 * }))
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.spawn(Waiter)
 *   yield* Process.send(pid, "stop")
 *   return yield* Effect.flatten(Process.await(pid))
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [WaiterLive, ProcessHost.layer("app:processes")])) // => "stop"
 * ```
 *
 * @category selecting
 */
export const any = <const C extends Cases>(cases: C): Effect.Effect<Selected<C>, Selectable.Failure<C[keyof C]>> =>
  Effect.withFiber((fiber) => {
    const random = fiber.getRef(Random.Random)
    return select(cases, (count) => Math.abs(random.nextIntUnsafe()) % count)
  })

/**
 * Takes from the first source that is ready, in the order in which the cases are written, and waits while none is; keys
 * that read as whole numbers come first, as in every JavaScript object.
 *
 * **Details**
 *
 * As {@link any}, but not fair: a source that is always ready starves those written after it.
 *
 * **Example** (Events before messages)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Process, ProcessHost, Select } from "troupe"
 *
 * const Worker = Process.make("app:worker", { protocol: [Rpc.make("work")] })
 * const WorkerLive = Worker.toLayer(Effect.fn(function*() {
 *   const next = yield* Select.priority({ event: yield* Worker.events, message: yield* Worker.inbox })
 *   return next._tag
 * }))
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.spawn(Worker)
 *   yield* Process.send(pid, "work")
 *   yield* Process.cancel(pid)
 *   return yield* Process.await(pid)
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [WorkerLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed("event")
 * ```
 *
 * @category selecting
 */
export const priority = <const C extends Cases>(cases: C): Effect.Effect<Selected<C>, Selectable.Failure<C[keyof C]>> =>
  select(cases, () => 0)
