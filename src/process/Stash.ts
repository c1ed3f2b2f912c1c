/**
 * Messages that a process puts aside, to handle them when it can: they keep their place in the order of arrival, and none
 * is lost when the process ends or is restarted.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Rpc } from "effect/rpc"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { step } from "../channel/internal/step.ts"
import type { Definition, Running } from "./Definition.ts"
import type { MessageImpl } from "./internal/message.ts"
import { type CurrentProcess, withCell } from "./internal/services.ts"
import { StashImpl } from "./internal/stash.ts"
import type * as Message from "./Message.ts"
import { InvalidOption } from "./ProcessError.ts"
import { StashFull } from "./StashError.ts"

/**
 * The type-level and runtime key of `Stash`.
 *
 * @category type ids
 */
export const TypeId = "~troupe/process/Stash"

/**
 * The type of {@link TypeId}.
 *
 * @category type ids
 */
export type TypeId = typeof TypeId

/**
 * Messages of the topics `Rpcs` that their process has put aside.
 *
 * @category models
 */
export interface Stash<in out Rpcs extends Rpc.Any> {
  readonly [TypeId]: { readonly _Rpcs: (_: Rpcs) => Rpcs }
  /** How many messages are aside. */
  readonly size: number
  /** How many can be. */
  readonly capacity: number
}

/**
 * Makes a stash for the running process; it ends with the scope.
 *
 * **Details**
 *
 * - `definition`: that of the process.
 * - `options.capacity`: how many messages it holds; without limit when absent.
 *
 * A message that is aside counts as one that waits: it is a dead letter when the process ends, and the next body finds it
 * in the inbox when the process is restarted in place or upgraded. So does the inbox when the scope closes. Fails with
 * `InvalidOption` when the capacity is not a whole number from 1 on.
 *
 * **Example** (Orders before the shop is open)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Process, ProcessHost, Stash } from "troupe"
 *
 * const Shop = Process.make("app:shop", {
 *   protocol: [Rpc.make("order", { payload: Schema.String }), Rpc.make("open")]
 * })
 * const ShopLive = Shop.toLayer(Effect.fn(function*() {
 *   const early = yield* Stash.make(Shop, { capacity: 100 })
 *   for (let next = yield* Shop.receive(); next.topic !== "open"; next = yield* Shop.receive()) {
 *     yield* Stash.stash(early, next)
 *   }
 *   yield* Stash.unstash(early)
 *   return [(yield* Shop.receive("order")).payload, (yield* Shop.receive("order")).payload]
 * }))
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.spawn(Shop)
 *   yield* Process.send(pid, "order", "tea")
 *   yield* Process.send(pid, "order", "cake")
 *   yield* Process.send(pid, "open")
 *   return yield* Process.await(pid)
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [ShopLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed(["tea", "cake"])
 * ```
 *
 * @category constructors
 */
export const make = <
  Name extends string,
  Rpcs extends Rpc.Any,
  Args extends Schema.Top,
  Success extends Schema.Top,
  State extends Schema.Top
>(
  definition: Definition<Name, Rpcs, Args, Success, State>,
  options?: { readonly capacity?: number | undefined }
): Effect.Effect<Stash<Rpcs>, InvalidOption, Running<Name> | Scope.Scope> => {
  const { capacity = Infinity } = options ?? {}
  if (capacity !== Infinity && !(Number.isInteger(capacity) && capacity >= 1)) {
    const subject = `a stash of ${definition.name}`
    return Effect.fail(
      new InvalidOption({
        subject,
        option: "capacity",
        value: String(capacity),
        expected: "a whole number from 1 on"
      })
    )
  }
  const opened = withCell((cell) =>
    Effect.acquireRelease(
      step(() => Exit.succeed(new StashImpl(cell, capacity))),
      (stash) => Effect.sync(() => stash.close())
    )
  )
  // That the process runs is known to the compiler as `Running`, and at run time as `CurrentProcess`.
  return opened as unknown as Effect.Effect<Stash<Rpcs>, never, Running<Name> | Scope.Scope>
}

/**
 * Puts aside a message that the process took.
 *
 * **Details**
 *
 * A call that is put aside is answered when its message is taken again; its caller waits as long as its time limit says.
 * Fails with `StashFull` when there is no room: the message is still the process's own.
 *
 * **Example** (A handler that puts its message aside)
 *
 * ```ts import.meta.vitest
 * import { Effect, Fiber, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Process, ProcessHost, Server, Stash } from "troupe"
 *
 * const Cache = Server.make("app:cache", { protocol: [Rpc.make("get", { success: Schema.Int }), Rpc.make("filled")] })
 * const CacheLive = Cache.toLayer(Effect.fn(function*() {
 *   const early = yield* Stash.make(Cache)
 *   let value: number | undefined
 *   return Cache.of({
 *     handlers: {
 *       get: (_, message) =>
 *         value === undefined
 *           ? Effect.as(Effect.orDie(Stash.stash(early, message)), Server.later)
 *           : Effect.succeed(value),
 *       filled: () => Effect.andThen(Effect.sync(() => (value = 42)), Effect.asVoid(Stash.unstash(early)))
 *     }
 *   })
 * }))
 *
 * const program = Effect.gen(function*() {
 *   const cache = yield* Process.start(Cache)
 *   const value = yield* Effect.forkChild(Process.call(cache, "get"))
 *   yield* Effect.yieldNow
 *   yield* Process.send(cache, "filled")
 *   return yield* Fiber.join(value)
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [CacheLive, ProcessHost.layer("app:processes")])) // => 42
 * ```
 *
 * @category stashing
 */
export const stash = <Rpcs extends Rpc.Any>(
  self: Stash<Rpcs>,
  message: Message.Message<NoInfer<Rpcs>>
): Effect.Effect<void, StashFull, CurrentProcess> =>
  step(() => {
    const stash = implementation(self)
    const { capacity, process } = stash
    return stash.add(message as unknown as MessageImpl)
      ? Exit.void
      : Exit.fail(new StashFull({ process, topic: String(message.topic), capacity }))
  })

/**
 * Hands all that are aside back to the inbox, each to its place in the order of arrival, in one step; answers how many.
 *
 * **Details**
 *
 * So they are taken before what came later. What is put aside after that, even of them, stays aside until the next time.
 * When the process fails over one of them, the others wait in the inbox as any message does.
 *
 * @category stashing
 */
export const unstash = <Rpcs extends Rpc.Any>(self: Stash<Rpcs>): Effect.Effect<number, never, CurrentProcess> =>
  step(() => Exit.succeed(implementation(self).unstash()))

/**
 * Takes out all that are aside, and those that were handed back and not taken since; answers them, in the order of
 * arrival.
 *
 * **Details**
 *
 * They are the process's own from then on: reply to the calls among them, lest their callers wait in vain.
 *
 * @category stashing
 */
export const clear = <Rpcs extends Rpc.Any>(
  self: Stash<Rpcs>
): Effect.Effect<ReadonlyArray<Message.Message<Rpcs>>, never, CurrentProcess> =>
  step(() =>
    Exit.succeed(implementation(self).clear() as ReadonlyArray<unknown> as ReadonlyArray<Message.Message<Rpcs>>)
  )

const implementation = <Rpcs extends Rpc.Any>(self: Stash<Rpcs>): StashImpl => self as unknown as StashImpl
