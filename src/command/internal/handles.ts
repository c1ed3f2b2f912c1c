/**
 * What commands open on behalf of processes: each is known by a number, belongs to the process that opened it, and is
 * closed when that process ends.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { Yielder } from "../../dispatch/Yielded.ts"

interface Entry<A> {
  readonly owner: string
  readonly resource: A
  readonly scope: Scope.Closeable
}

export class Handles<A> {
  private readonly entries = new Map<number, Entry<A>>()
  private last = 0

  /** Opens what belongs to the process from now on; answers its number, which is never given twice. */
  open<E, R>(process: Yielder, acquire: Effect.Effect<A, E, R>): Effect.Effect<number, E, Exclude<R, Scope.Scope>> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Scope.fork(process.scope), (scope) =>
        restore(Scope.provide(acquire, scope)).pipe(
          Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause))),
          Effect.flatMap((resource) => {
            const id = ++this.last
            this.entries.set(id, { owner: process.id, resource, scope })
            return Effect.as(
              Scope.addFinalizer(
                scope,
                Effect.sync(() => this.entries.delete(id))
              ),
              id
            )
          })
        )
      )
    )
  }

  /** What the process has under the number; `undefined` when it is closed, or belongs to another process. */
  find(process: Yielder, id: number): A | undefined {
    const entry = this.entries.get(id)
    return entry?.owner === process.id ? entry.resource : undefined
  }

  /** Closes what the process has under the number, and waits until it is closed; answers whether there was anything. */
  close(process: Yielder, id: number): Effect.Effect<boolean> {
    return Effect.suspend(() => {
      const entry = this.entries.get(id)
      if (entry?.owner !== process.id) return Effect.succeed(false)
      return Effect.as(Scope.close(entry.scope, Exit.void), true)
    })
  }

  /** How many are open. */
  get size(): number {
    return this.entries.size
  }
}
