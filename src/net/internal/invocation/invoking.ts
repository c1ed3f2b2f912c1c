/**
 * Makes invokers.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Rpc } from "effect/rpc"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Balance from "../../Balance.ts"
import type { Functions, Invoker, InvokeOptions, Options, Source } from "../../Invocation.ts"
import { routesOf } from "../session/codec.ts"
import { surroundings } from "../session/connecting.ts"
import { InvokerImpl } from "./InvokerImpl.ts"
import { protocolOf } from "./routes.ts"

const patiently: Schedule.Schedule<unknown, unknown> = Schedule.min([
  Schedule.exponential("1 second", 2),
  Schedule.spaced("30 seconds")
])

const variance = { _Functions: (_: Rpc.Any) => {} }

/** One that invokes until the scope closes. */
export const invoking = <E>(
  source: Source<E>,
  functions: Functions<Rpc.Any>,
  options: Options
): Effect.Effect<Invoker<Rpc.Any>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { balance, health, heartbeat, idle, limits, stopTimeout } = options
    const impl = new InvokerImpl({
      name: functions.name,
      routes: routesOf(functions.rpcs),
      choose: (balance ?? Balance.roundRobin)(),
      queue: limits?.queue ?? 1024,
      stopTimeout: stopTimeout ?? "10 seconds",
      member: {
        protocol: protocolOf(functions),
        surroundings: yield* surroundings,
        heartbeat,
        underway: limits?.underway ?? 256,
        interval: health?.interval ?? "10 seconds",
        timeout: health?.timeout ?? "3 seconds",
        failures: health?.failures ?? 3,
        backoff: health?.backoff ?? patiently,
        idle: Duration.toMillis(Duration.fromInputUnsafe(idle ?? "5 minutes"))
      }
    })
    const scope = yield* Scope.make()
    const close = yield* Effect.cached(Effect.andThen(impl.close, Scope.close(scope, Exit.void)))
    yield* Effect.addFinalizer(() => close)
    const following = Stream.runForEach(source.instances, (instances) => Effect.sync(() => impl.update(instances)))
    yield* Effect.forkIn(
      Effect.matchCauseEffect(following, {
        onSuccess: () => Effect.sync(() => impl.onSilence("")),
        onFailure: (cause) =>
          Effect.andThen(
            Effect.sync(() => impl.onSilence("it is not known any more which there are")),
            Effect.logWarning(`It is not known any more which instances of ${functions.name} there are`, cause)
          )
      }),
      scope
    )
    const execute = (name: string, input?: unknown, asked?: InvokeOptions) => impl.execute(name, input, asked)
    return {
      "~troupe/net/Invocation": variance,
      // What is answered the schemas of the function have checked, which the compiler knows.
      execute: execute as Invoker<Rpc.Any>["execute"],
      invoke: ((name: string, input?: unknown, asked?: InvokeOptions) =>
        Effect.map(execute(name, input, asked), ({ value }) => value)) as Invoker<Rpc.Any>["invoke"],
      instances: impl.instances,
      changes: impl.changes,
      waiting: impl.waiting,
      close
    }
  })
