import { Deferred, Effect } from "effect"
import { Process } from "troupe"

const Probe = Process.make("test:other")

/**
 * Runs the body as a process of its own, and beside it what is done with the end of that process: an effect that kills it
 * and waits until all is closed that was opened on its behalf. The answer of that is the answer.
 */
export const withProcess = <A, E, R, B, E2, R2>(
  body: Effect.Effect<A, E, R>,
  use: (kill: Effect.Effect<void>) => Effect.Effect<B, E2, R2>
) =>
  Effect.gen(function* () {
    const closed = yield* Deferred.make<void>()
    // The scope of a process is closed from its end: this finalizer is the last one.
    const closing = Effect.addFinalizer(() => Deferred.succeed(closed, undefined))
    const program = Effect.gen(function* () {
      const pid = yield* Process.spawn(Probe)
      const context = yield* Effect.context<never>()
      const kill = Effect.andThen(Effect.ignore(Process.kill(pid)), Deferred.await(closed))
      return yield* use(Effect.provide(kill as Effect.Effect<void>, context))
    })
    return yield* Effect.provide(
      program,
      Probe.toLayer(() => Effect.andThen(closing, body))
    )
  })
