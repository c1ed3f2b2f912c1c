/**
 * The dispatcher of an application: it finds the handler of each command that a process yields.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { type AnyModule, type Handlers, type NameOf, type Requirements, TypeId as ModuleTypeId } from "./Command.ts"
import type { RegistrationError } from "./DispatchError.ts"
import type { Registry } from "./internal/registry.ts"
import { Dispatcher, registryLayer } from "./internal/services.ts"

export { Dispatcher } from "./internal/services.ts"
export { later } from "./Yielded.ts"
export type { RegistrationError } from "./DispatchError.ts"

/**
 * That the commands of the module `Name` are handled where they are yielded.
 *
 * @category services
 */
export interface Handles<in out Name extends string> {
  readonly _: unique symbol
  readonly handles: Name
}

/**
 * Handles the commands of a module, in every process of the application that can be reached by the layer.
 *
 * **Details**
 *
 * - `module`: the module; every one of its commands has a handler.
 * - `handlers`: by the names of the commands, or an effect that makes them, with services and resources of the layer.
 *
 * A handler gets the payload, and what is known of the yield: its tag, and the process with its scope, which closes what
 * the handler opens on its behalf. What it requires, the layer requires. It runs in the fiber that yields, with the
 * services that the layer was built with, and with the log annotations and the span of that fiber; so an interruption of
 * the process reaches it, and its finalizers run. It answers with the result, or with `later` when it will `complete` the
 * yield from elsewhere. A typed failure is that of the yield; so is a defect, and nobody else is hurt.
 *
 * All layers that are built together share one registry. Handlers that a process provides to a part of itself stand before
 * those of the application, after the freeze too. When the layer's scope closes, its commands are unknown.
 *
 * **Errors**
 *
 * - `CommandConflict`: another command has the same id; both modules are named.
 * - `ModuleConflict`: another module has the same name.
 * - `InvalidCommandId`: a command has an id that its module can't have.
 * - `RegistryFrozen`: the application has started.
 *
 * **Example** (A module of one's own)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Layer, Schema } from "effect"
 * import { Command, Dispatcher, Process, ProcessHost } from "troupe"
 *
 * const Ledger = Command.module("ledger", {
 *   post: Command.make(300, { payload: { cents: Schema.Int }, success: Schema.Int })
 * })
 * const LedgerLive = Dispatcher.layer(Ledger, Effect.sync(() => {
 *   let balance = 0
 *   return Ledger.of({ post: ({ cents }) => Effect.sync(() => balance += cents) })
 * }))
 *
 * const Shop = Process.make("app:shop")
 * const ShopLive = Shop.toLayer(Effect.fn(function*() {
 *   yield* Process.yield(Ledger.post, { cents: 300 })
 *   return yield* Process.yield(Ledger.post, { cents: 200 })
 * })).pipe(Layer.provide(LedgerLive))
 *
 * const program = Effect.flatMap(Process.spawn(Shop), Process.await)
 * await Effect.runPromise(Effect.provide(program, [ShopLive, ProcessHost.layer("app:processes")])) // => Exit.succeed(500)
 * ```
 *
 * @category layers
 */
export const layer: {
  <M extends AnyModule, H extends Handlers<M>, E, R>(
    module: M,
    handlers: Effect.Effect<H, E, R>
  ): Layer.Layer<
    Handles<NameOf<M>> | Dispatcher,
    E | RegistrationError,
    Exclude<R, Scope.Scope> | Exclude<Requirements<H>, Scope.Scope>
  >
  <M extends AnyModule, H extends Handlers<M>>(
    module: M,
    handlers: H
  ): Layer.Layer<Handles<NameOf<M>> | Dispatcher, RegistrationError, Exclude<Requirements<H>, Scope.Scope>>
} = (module: AnyModule, handlers: object) => {
  const { commands, name } = module[ModuleTypeId]
  const registered = Effect.gen(function* () {
    const made = (Effect.isEffect(handlers) ? yield* handlers : handlers) as Readonly<Record<string, never>>
    const services = yield* Effect.context<never>()
    const registry = (yield* Dispatcher) as Registry
    const handlings = commands.map((command) => ({
      command,
      run: made[command._tag.slice(name.length + 1)] as never,
      services
    }))
    const registration = registry.register(name, handlings)
    if (typeof registration !== "function") return yield* registration
    yield* Effect.addFinalizer(() => Effect.sync(registration))
    return undefined
  })
  return Layer.effectDiscard(registered).pipe(Layer.provideMerge(registryLayer)) as never
}

/**
 * Freezes the registry: from now on registering handlers fails with `RegistryFrozen`, and look-ups go on. An `Application`
 * does it when it has started.
 *
 * **Example** (Freezing by hand)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Command, Dispatcher } from "troupe"
 *
 * const Early = Command.module("early", { run: Command.make(300) })
 * const Late = Command.module("late", { run: Command.make(301) })
 *
 * const program = Effect.gen(function*() {
 *   yield* Dispatcher.freeze
 *   const refusal = yield* Effect.flip(Effect.provide(Effect.void, Dispatcher.layer(Late, { run: () => Effect.void })))
 *   return refusal._tag
 * })
 *
 * const EarlyLive = Dispatcher.layer(Early, { run: () => Effect.void })
 * await Effect.runPromise(Effect.provide(program, EarlyLive)) // => "RegistryFrozen"
 * ```
 *
 * @category freezing
 */
export const freeze: Effect.Effect<void, never, Dispatcher> = Effect.map(Dispatcher, (registry) =>
  (registry as Registry).freeze()
)

/**
 * What a dispatcher has counted since its application started.
 *
 * @category models
 */
export interface Statistics {
  /** Commands that processes yielded. */
  readonly yields: number
  /** Yields that ended with an answer or an error; among them those that were refused or took too long. */
  readonly completions: number
  /** Yields that ended since nobody waited for them any more. */
  readonly interruptions: number
  /** Yields that were not completed in their time. */
  readonly timeouts: number
  /** Yields of commands that nothing handles. */
  readonly unknownCommands: number
  /** Yields that a policy refused. */
  readonly denied: number
  /** Completions that were dropped. */
  readonly dropped: {
    /** For a tag that the process never gave. */
    readonly unknown: number
    /**
     * For a yield that was not pending any more: completed before, given up, or of a process that has ended; and for a run
     * of a handler that was over, or had not begun.
     */
    readonly late: number
  }
}

/**
 * What the dispatcher has counted: yields = completions + interruptions + what is pending.
 *
 * **Example** (Counting yields)
 *
 * ```ts import.meta.vitest
 * import { Effect, Layer } from "effect"
 * import { Command, Dispatcher, Process, ProcessHost } from "troupe"
 *
 * const Lamp = Command.module("lamp", { toggle: Command.make(300) })
 * const LampLive = Dispatcher.layer(Lamp, { toggle: () => Effect.void })
 *
 * const Child = Process.make("app:child")
 * const ChildLive = Child.toLayer(() => Effect.repeat(Process.yield(Lamp.toggle), { times: 2 })).pipe(
 *   Layer.provideMerge(LampLive)
 * )
 *
 * const program = Effect.gen(function*() {
 *   yield* Process.await(yield* Process.spawn(Child))
 *   const { completions, yields } = yield* Dispatcher.statistics
 *   return [yields, completions]
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [ChildLive, ProcessHost.layer("app:processes")])) // => [3, 3]
 * ```
 *
 * @category reading
 */
export const statistics: Effect.Effect<Statistics, never, Dispatcher> = Effect.map(Dispatcher, (registry) => {
  const { counts } = registry as Registry
  return {
    yields: counts.yields,
    completions: counts.completions,
    interruptions: counts.interruptions,
    timeouts: counts.timeouts,
    unknownCommands: counts.unknownCommands,
    denied: counts.denied,
    dropped: { unknown: counts.droppedUnknown, late: counts.droppedLate }
  }
})

/**
 * A command that is handled.
 *
 * @category models
 */
export interface Registered {
  readonly id: number
  readonly command: string
  readonly module: string
}

/**
 * The commands that are handled, by their ids.
 *
 * **Example** (What is handled)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Command, Dispatcher } from "troupe"
 *
 * const Lamp = Command.module("lamp", { on: Command.make(300), off: Command.make(301) })
 * const LampLive = Dispatcher.layer(Lamp, { on: () => Effect.void, off: () => Effect.void })
 *
 * const program = Effect.map(Dispatcher.list, (commands) => commands.map(({ command, id }) => `${id} ${command}`))
 * await Effect.runPromise(Effect.provide(program, LampLive)) // => ["300 lamp.on", "301 lamp.off"]
 * ```
 *
 * @category reading
 */
export const list: Effect.Effect<ReadonlyArray<Registered>, never, Dispatcher> = Effect.map(Dispatcher, (registry) =>
  (registry as Registry).all
    .map(({ command: { _tag, id, module } }) => ({ id, command: _tag, module }))
    .toSorted((a, b) => a.id - b.id)
)
