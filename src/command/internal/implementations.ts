/**
 * Handlers that spawn processes whose bodies yield the very commands that are handled.
 */
import * as Layer from "effect/Layer"
import { registryLayer } from "../../dispatch/internal/services.ts"

/**
 * Gives handlers the implementations of what they spawn. Those are built with the registry alone: what handles a command
 * is looked up when it is yielded.
 */
export const withImplementations = (
  handlers: Layer.Layer<never, unknown, unknown>,
  implementations: Layer.Layer<unknown, unknown, unknown> | undefined
): Layer.Layer<unknown> =>
  (implementations === undefined
    ? handlers
    : handlers.pipe(Layer.provideMerge(Layer.provide(implementations, registryLayer)))) as Layer.Layer<unknown>
