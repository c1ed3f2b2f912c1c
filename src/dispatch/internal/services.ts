/**
 * The service by which yields find their handlers.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { Registry } from "./registry.ts"

/**
 * The dispatcher of an application: which handlers there are, and what was counted.
 *
 * @category services
 */
export class Dispatcher extends Context.Service<Dispatcher, object>()("troupe/dispatch/Dispatcher") {}

/**
 * The registry of an application. Its layer is one value, so that all handlers that are built together share it. Those that
 * are built where there is one already, in a process that provides them to a part of itself, stand before it.
 */
export const registryLayer: Layer.Layer<Dispatcher> = Layer.effect(
  Dispatcher,
  Effect.map(
    Effect.serviceOption(Dispatcher),
    (outer) => new Registry(Option.getOrUndefined(outer) as Registry | undefined)
  )
)
