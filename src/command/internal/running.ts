/**
 * Work that was begun on behalf of a process and is waited for later: each piece has a number, and ends with the process,
 * or with whatever else it belongs to.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { step } from "../../channel/internal/step.ts"
import type { Yielder } from "../../dispatch/Yielded.ts"
import * as Handles from "../../dispatch/Handles.ts"

interface Work<A, E> {
  readonly fiber: Fiber.Fiber<A, E>
  /** Completed when the work is called off. */
  readonly calledOff: Deferred.Deferred<void>
  /** Whether its outcome was given to somebody. */
  isGiven: boolean
}

export class Running<A, E> {
  private readonly handles = Handles.make<Work<A, E>>()

  /** Begins work that belongs to the process and ends with the scope; answers its number. */
  start(process: Yielder, scope: Scope.Scope, work: Effect.Effect<A, E>): Effect.Effect<number> {
    return this.handles.open(
      { id: process.id, scope },
      Effect.gen(function* () {
        const calledOff = yield* Deferred.make<void>()
        // Who waits learns that it was called off before the work is interrupted.
        const fiber = yield* Effect.forkScoped(work, { startImmediately: true })
        yield* Effect.addFinalizer(() => Deferred.succeed(calledOff, undefined))
        return { fiber, calledOff, isGiven: false }
      })
    )
  }

  /**
   * Waits for work that the process has begun, and forgets it: its outcome is given once. An interrupted wait leaves it as
   * it is. Fails with `gone` when there is no such work, and with `calledOff` when it is called off meanwhile.
   */
  await<E1, E2>(
    process: Yielder,
    id: number,
    { calledOff, gone }: { readonly gone: E1; readonly calledOff: E2 }
  ): Effect.Effect<A, E | E1 | E2> {
    const work = this.handles.find(process, id)
    if (work === undefined || work.isGiven) return Effect.fail(gone)
    const ended = Effect.map(Fiber.await(work.fiber), (exit) => ({ exit }))
    const stopped = Effect.as(Deferred.await(work.calledOff), undefined)
    return Effect.flatMap(Effect.raceFirst(stopped, ended), (outcome): Effect.Effect<A, E | E1 | E2> => {
      if (outcome === undefined) return Effect.fail(calledOff)
      // In the step in which it is given it is forgotten; what it held is closed in a fiber of its own.
      return step(({ context }): Exit.Exit<A, E | E1> => {
        if (work.isGiven) return Exit.fail(gone)
        work.isGiven = true
        Effect.runForkWith(context)(this.handles.close(process, id))
        return outcome.exit
      })
    })
  }

  /** Calls work off, and waits until its finalizers have run; answers whether there was any. */
  cancel(process: Yielder, id: number): Effect.Effect<boolean> {
    return this.handles.close(process, id)
  }

  /** How many pieces of work are remembered. */
  get size(): number {
    return this.handles.size
  }
}
