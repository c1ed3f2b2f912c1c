/**
 * Components: the parts of an application that start in the order of their dependencies, such as the handlers of its
 * commands and what they stand on, and stop in reverse.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { type BootError, ComponentCycle, ComponentNotFound, DuplicateComponent } from "./ComponentError.ts"

export type { BootError } from "./ComponentError.ts"

/**
 * The type-level and runtime key of `Component`.
 *
 * @category type ids
 */
export const TypeId = "~troupe/dispatch/Component"

/**
 * The type of {@link TypeId}.
 *
 * @category type ids
 */
export type TypeId = typeof TypeId

/**
 * A part of an application: its layer, under a name, and what has to be there before it starts.
 *
 * @category models
 */
export interface Component<out Name extends string, out Dependency extends string, in Provided, out E, out Required> {
  readonly [TypeId]: TypeId
  readonly name: Name
  /** The names of the components that it depends on. */
  readonly dependsOn: ReadonlyArray<Dependency>
  /** Starts it; it stops when the layer's scope closes. */
  readonly layer: Layer.Layer<Provided, E, Required>
}

/**
 * Any component.
 *
 * @category models
 */
export type Any = Component<string, string, never, unknown, unknown>

/**
 * How a component is described.
 *
 * @category models
 */
export interface Options<Name extends string, Dependency extends string, Provided, E, Required> {
  /** Of no other component of the application. */
  readonly name: Name
  /** The names of the components that have to be there before it starts: none when absent. */
  readonly dependsOn?: ReadonlyArray<Dependency> | undefined
  /** Starts it, with what those before it provide; it stops when the layer's scope closes. */
  readonly layer: Layer.Layer<Provided, E, Required>
}

type NameOf<C> = C extends Component<infer Name, infer _D, infer _P, infer _E, infer _R> ? Name : never
type DependencyOf<C> =
  C extends Component<infer _N, infer Dependency, infer _P, infer _E, infer _R> ? Dependency : never

// The component of a name; each of them where the compiler does not know the name.
type Named<C, Name extends string> = C extends Any
  ? string extends Name
    ? C
    : NameOf<C> extends Name
      ? C
      : never
  : never

// The names of all that must be there before those that are asked for, with them.
type Reached<C, Names extends string, Seen extends string = never> = [Exclude<Names, Seen>] extends [never]
  ? Seen
  : string extends Names
    ? string
    : Reached<C, DependencyOf<Named<C, Exclude<Names, Seen>>>, Seen | Names>

/**
 * What components provide.
 *
 * @category utility types
 */
export type Provided<C> = C extends Component<infer _N, infer _D, infer Provided, infer _E, infer _R> ? Provided : never

/**
 * The errors with which components may fail to start.
 *
 * @category utility types
 */
export type Failure<C> = C extends Component<infer _N, infer _D, infer _P, infer E, infer _R> ? E : never

/**
 * What components require that none of those they depend on, directly or not, provides.
 *
 * @category utility types
 */
export type Required<C, All = C> =
  C extends Component<infer _N, infer Dependency, infer _P, infer _E, infer R>
    ? Exclude<R, Provided<Named<All, Reached<All, Dependency>>>>
    : never

/**
 * Describes a component; nothing starts yet.
 *
 * **Example** (A module of commands, and what it stands on)
 *
 * ```ts import.meta.vitest
 * import { Context, Effect, Layer, Schema } from "effect"
 * import { Command, Component, Dispatcher } from "troupe"
 *
 * class Rates extends Context.Service<Rates, { readonly ofEuro: number }>()("app/Rates") {}
 *
 * const Exchange = Command.module("exchange", {
 *   dollars: Command.make(300, { payload: Schema.Number, success: Schema.Number })
 * })
 *
 * const rates = Component.make({ name: "rates", layer: Layer.succeed(Rates, { ofEuro: 1.25 }) })
 * const exchange = Component.make({
 *   name: "exchange",
 *   dependsOn: ["rates"],
 *   layer: Dispatcher.layer(Exchange, {
 *     dollars: (euros) => Effect.map(Rates, ({ ofEuro }) => euros * ofEuro)
 *   })
 * })
 *
 * const names = Effect.map(Dispatcher.list, (commands) => commands.map(({ command }) => command))
 * await Effect.runPromise(Effect.provide(names, Component.boot([exchange, rates]))) // => ["exchange.dollars"]
 * ```
 *
 * @category constructors
 */
export const make = <const Name extends string, Provided, E, R, const Dependency extends string = never>({
  dependsOn = [],
  layer,
  name
}: Options<Name, Dependency, Provided, E, R>): Component<Name, Dependency, Provided, E, R> => ({
  [TypeId]: TypeId,
  name,
  dependsOn: [...dependsOn],
  layer
})

/**
 * Starts components one after the other, each when those that it depends on are there, and stops them in reverse when the
 * layer's scope closes.
 *
 * **Details**
 *
 * Of those that could be next, the one that comes first in the list is. Each sees what those before it provide, over what
 * the layer is provided with. When one can't start, those that have started stop, in reverse, and the layer fails as it
 * did. What a component takes from another that it does not depend on, the layer requires: a forgotten dependency is a
 * compile error.
 *
 * **Errors**
 *
 * Those of the components, and, before anything starts,
 *
 * - `DuplicateComponent`: two components have the same name.
 * - `ComponentNotFound`: one depends on a component that is not in the list.
 * - `ComponentCycle`: components depend on each other in a circle.
 *
 * **Example** (Starting and stopping in order)
 *
 * ```ts import.meta.vitest
 * import { Effect, Layer } from "effect"
 * import { Component } from "troupe"
 *
 * const log: Array<string> = []
 * const noting = (name: string) =>
 *   Layer.effectDiscard(Effect.acquireRelease(
 *     Effect.sync(() => log.push(`${name} starts`)),
 *     () => Effect.sync(() => log.push(`${name} stops`))
 *   ))
 *
 * const app = Component.boot([
 *   Component.make({ name: "http", dependsOn: ["store"], layer: noting("http") }),
 *   Component.make({ name: "store", layer: noting("store") })
 * ])
 *
 * await Effect.runPromise(Effect.provide(Effect.void, app))
 * log // => ["store starts", "http starts", "http stops", "store stops"]
 * ```
 *
 * **Example** (A circle)
 *
 * ```ts import.meta.vitest
 * import { Effect, Layer } from "effect"
 * import { Component } from "troupe"
 *
 * const app = Component.boot([
 *   Component.make({ name: "hen", dependsOn: ["egg"], layer: Layer.empty }),
 *   Component.make({ name: "egg", dependsOn: ["hen"], layer: Layer.empty })
 * ])
 *
 * const error = await Effect.runPromise(Effect.flip(Effect.provide(Effect.void, app)))
 * error._tag === "ComponentCycle" && error.cycle // => ["hen", "egg", "hen"]
 * ```
 *
 * @category layers
 */
export const boot = <const Components extends ReadonlyArray<Any>>(
  components: Components
): Layer.Layer<Provided<Components[number]>, BootError | Failure<Components[number]>, Required<Components[number]>> =>
  Layer.fromBuildMemo((memoMap, scope) =>
    Effect.gen(function* () {
      const ordered = yield* inOrder(components)
      const outside = yield* Effect.context<never>()
      let provided = Context.empty()
      for (const { layer } of ordered) {
        const start = Layer.buildWithMemoMap(layer as Layer.Layer<never, unknown>, memoMap, scope)
        provided = Context.merge(provided, yield* Effect.provideContext(start, Context.merge(outside, provided)))
      }
      return provided
    })
  ) as never

/** The components in the order in which they start; or why there is none. */
const inOrder = (components: ReadonlyArray<Any>): Exit.Exit<ReadonlyArray<Any>, BootError> => {
  const known = new Map<string, Any>()
  for (const component of components) {
    if (known.has(component.name)) return Exit.fail(new DuplicateComponent({ component: component.name }))
    known.set(component.name, component)
  }
  for (const { dependsOn, name } of components) {
    const dependency = dependsOn.find((one) => !known.has(one))
    if (dependency !== undefined) {
      return Exit.fail(new ComponentNotFound({ component: name, dependency, known: [...known.keys()] }))
    }
  }
  const ordered: Array<Any> = []
  const waiting = new Map(known)
  while (waiting.size > 0) {
    const next = [...waiting.values()].find(({ dependsOn }) => !dependsOn.some((name) => waiting.has(name)))
    if (next === undefined) return Exit.fail(new ComponentCycle({ cycle: cycleIn(waiting) }))
    waiting.delete(next.name)
    ordered.push(next)
  }
  return Exit.succeed(ordered)
}

// Whoever waits, waits for another one that waits: following them leads into a circle.
const cycleIn = (waiting: ReadonlyMap<string, Any>): ReadonlyArray<string> => {
  const path: Array<string> = []
  let name = [...waiting.keys()][0] as string
  while (!path.includes(name)) {
    path.push(name)
    name = waiting.get(name)?.dependsOn.find((one) => waiting.has(one)) as string
  }
  return [...path.slice(path.indexOf(name)), name]
}
