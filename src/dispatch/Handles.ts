/**
 * Handles: what commands open on behalf of processes. A payload that can be recorded can't carry an open file; it carries a
 * number, and what is behind it belongs to the process that opened it, and is closed when that process ends.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { Yielder } from "./Yielded.ts"

/**
 * A table of what is open, of the handlers of a module.
 *
 * @category models
 */
export interface Handles<A> {
  /**
   * Opens what belongs to the process from now on; answers its number, which is never given twice. What `acquire` has opened is
   * closed when it fails, or is interrupted.
   */
  readonly open: <E, R>(
    process: Yielder,
    acquire: Effect.Effect<A, E, R>
  ) => Effect.Effect<number, E, Exclude<R, Scope.Scope>>
  /** What the process has under the number; `undefined` when it is closed, or belongs to another process. */
  readonly find: (process: Yielder, id: number) => A | undefined
  /** Closes what the process has under the number, and waits until it is closed; answers whether there was anything. */
  readonly close: (process: Yielder, id: number) => Effect.Effect<boolean>
  /** How many are open. */
  readonly size: number
}

interface Entry<A> {
  readonly owner: string
  readonly resource: A
  readonly scope: Scope.Closeable
}

class HandlesImpl<A> implements Handles<A> {
  private readonly entries = new Map<number, Entry<A>>()
  private last = 0

  open<E, R>(process: Yielder, acquire: Effect.Effect<A, E, R>): Effect.Effect<number, E, Exclude<R, Scope.Scope>> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Scope.fork(process.scope), (scope) =>
        restore(Scope.provide(acquire, scope)).pipe(
          Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause))),
          Effect.flatMap((resource) => {
            const id = ++this.last
            this.entries.set(id, { owner: process.id, resource, scope })
            const forget = Effect.sync(() => this.entries.delete(id))
            return Effect.as(Scope.addFinalizer(scope, forget), id)
          })
        )
      )
    )
  }

  find(process: Yielder, id: number): A | undefined {
    const entry = this.entries.get(id)
    return entry?.owner === process.id ? entry.resource : undefined
  }

  close(process: Yielder, id: number): Effect.Effect<boolean> {
    return Effect.suspend(() => {
      const entry = this.entries.get(id)
      if (entry?.owner !== process.id) return Effect.succeed(false)
      return Effect.as(Scope.close(entry.scope, Exit.void), true)
    })
  }

  get size(): number {
    return this.entries.size
  }
}

/**
 * Makes a table, for the handlers of a module that open something.
 *
 * **Example** (A counter that belongs to its process)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Layer, Schema } from "effect"
 * import { Command, Dispatcher, Handles, Process, ProcessHost } from "troupe"
 *
 * class NotOpen extends Schema.TaggedError<NotOpen>()("NotOpen", { counter: Schema.Int }) {}
 *
 * const Counters = Command.module("counters", {
 *   open: Command.make(300, { success: Schema.Int }),
 *   next: Command.make(301, { payload: Schema.Int, success: Schema.Int, error: NotOpen })
 * })
 *
 * const log: Array<string> = []
 * const CountersLive = Dispatcher.layer(Counters, Effect.sync(() => {
 *   const open = Handles.make<{ count: number }>()
 *   const counter = Effect.acquireRelease(
 *     Effect.sync(() => ({ count: 0 })),
 *     ({ count }) => Effect.sync(() => log.push(`closed at ${count}`))
 *   )
 *   return Counters.of({
 *     open: (_, { process }) => open.open(process, counter),
 *     next: (id, { process }) => {
 *       const found = open.find(process, id)
 *       return found === undefined ? Effect.fail(new NotOpen({ counter: id })) : Effect.sync(() => ++found.count)
 *     }
 *   })
 * }))
 *
 * const Body = Process.make("app:body")
 * const BodyLive = Body.toLayer(Effect.fn(function*() {
 *   const counter = yield* Process.yield(Counters.open)
 *   yield* Process.yield(Counters.next, counter)
 *   yield* Process.yield(Counters.next, counter)
 * })).pipe(Layer.provide(CountersLive))
 *
 * const program = Effect.flatMap(Process.spawn(Body), Process.await)
 * await Effect.runPromise(Effect.provide(program, [BodyLive, ProcessHost.layer("app:processes")]))
 * log // => ["closed at 2"]
 * ```
 *
 * @category constructors
 */
export const make = <A>(): Handles<A> => new HandlesImpl()
