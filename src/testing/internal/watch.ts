/**
 * A tracer through which a run sees each operation that its fibers evaluate, and the objects that come of them. To the
 * program it is the tracer that it would have without.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Tracer from "effect/Tracer"
import { step } from "../../channel/internal/step.ts"

// The name of an operation's argument; that of its evaluation is part of the type of a tracer. The tests of what fibers
// wait on and of scopes that are left hold it.
const args = "~effect/Effect/args"
const evaluate = "~effect/Effect/evaluate"

interface Primitive<X> extends Tracer.EffectPrimitive<X> {
  readonly [args]?: unknown
}

// Operations of one kind have one method of evaluation.
const methodOf = (effect: Effect.Effect<unknown>) => (effect as unknown as Primitive<unknown>)[evaluate]
const sync = methodOf(Effect.sync(() => {}))
const success = methodOf(Effect.void)
const callback = methodOf(Effect.never)
// One that has looked and found nothing waits in the same operation.
const look = methodOf(step(() => Exit.void))

type AnyFiber = Fiber.Fiber<unknown, unknown>

/** Who wants to see. */
export interface Watcher {
  /** An operation has come to an object. */
  made(object: object, fiber: AnyFiber): void
  /** An operation is to be evaluated by `evaluate`; `waits` tells whether the fiber may wait in it. */
  around?: (<X>(operation: object, waits: boolean, fiber: AnyFiber, evaluate: () => X) => X) | undefined
}

const Inner = "~troupe/testing/Inner"

interface Watched extends Tracer.Tracer {
  readonly [Inner]: { readonly tracer: Tracer.Tracer; readonly by: Watcher }
}

const isWatched = (tracer: Tracer.Tracer): tracer is Watched => Inner in tracer

/** Whether the operations of fibers that have the tracer are seen by the watcher. */
export const isWatchedBy = (tracer: Tracer.Tracer | undefined, watcher: Watcher): boolean =>
  tracer !== undefined && (tracer as Partial<Watched>)[Inner]?.by === watcher

// A `Sync` is evaluated as the success that it comes to, which is all that its own evaluation does.
const run = <X>(primitive: Primitive<X>, fiber: AnyFiber, watcher: Watcher): X => {
  const method = primitive[evaluate]
  if (method === sync) {
    const thunk = primitive[args] as () => unknown
    const value = thunk()
    if (typeof value === "object" && value !== null) watcher.made(value, fiber)
    return (Exit.succeed(value) as unknown as Primitive<X>)[evaluate](fiber)
  }
  if (method === success) {
    const value = primitive[args]
    if (typeof value === "object" && value !== null) watcher.made(value, fiber)
  }
  return method.call(primitive, fiber)
}

const mayWait = (primitive: Primitive<unknown>): boolean =>
  primitive[evaluate] === callback || primitive[evaluate] === look

/** The tracer as it is, with the watcher at its operations. */
export const watched = (tracer: Tracer.Tracer, by: Watcher): Tracer.Tracer => {
  if (isWatched(tracer)) return tracer[Inner].by === by ? tracer : watched(tracer[Inner].tracer, by)
  const { around } = by
  const seen =
    around === undefined
      ? <X>(primitive: Primitive<X>, fiber: AnyFiber): X => run(primitive, fiber, by)
      : <X>(primitive: Primitive<X>, fiber: AnyFiber): X =>
          around(primitive, mayWait(primitive), fiber, () => run(primitive, fiber, by))
  const { context } = tracer
  const made: Watched = Object.assign(Object.create(tracer) as Tracer.Tracer, {
    span: (options: Parameters<Tracer.Tracer["span"]>[0]) => tracer.span(options),
    context:
      context === undefined
        ? seen
        : <X>(primitive: Tracer.EffectPrimitive<X>, fiber: AnyFiber): X =>
            context.call(tracer, { [evaluate]: () => seen(primitive, fiber) }, fiber) as X,
    [Inner]: { tracer, by }
  })
  return made
}
