/**
 * Short cuts for tests about processes.
 */
import { Effect, type Layer, type Scope } from "effect"
import { Rpc } from "effect/rpc"
import { TestClock } from "effect/testing"
import { Process, ProcessHost } from "troupe"

export const host: Layer.Layer<ProcessHost.ProcessHost, unknown> = ProcessHost.layer("app:processes")

/** Lets everything run that can, without virtual time passing. */
export const settle: Effect.Effect<void> = Effect.repeat(Effect.yieldNow, { times: 100 })

/**
 * Takes the clock in hand. Until a test has done so, a sleep on the test clock starts its warning, and in a finalizer of
 * an interrupted fiber that warning ends the sleep.
 */
export const ownClock: Effect.Effect<void> = TestClock.adjust(0)

const Probe = Process.make("test:probe", { protocol: [Rpc.make("nudge")] })

/** Runs the effect as the body of a process of its own and answers what it returns. */
export const inProcess = <A, E, R>(
  body: Effect.Effect<A, E, R>
): Effect.Effect<
  A,
  E,
  ProcessHost.ProcessHost | Exclude<R, Process.CurrentProcess | ProcessHost.ProcessHost | Scope.Scope>
> =>
  Effect.gen(function* () {
    const pid = yield* Process.spawn(Probe)
    return yield* Effect.flatten(Process.await(pid))
  }).pipe(Effect.provide(Probe.toLayer(() => body))) as never
