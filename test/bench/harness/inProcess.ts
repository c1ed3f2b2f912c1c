/** Runs our arms where users run their code: in a process, on the run queue of its host. */
import { Effect, Layer, type Schema } from "effect"
import type { Rpc } from "effect/rpc"
import { Process, ProcessHost } from "troupe"

/** Runs an effect as the body of a process, on a host of its own, beside the processes of the layer; answers what it answers. */
export const asBodyOf = <Name extends string, Rpcs extends Rpc.Any, A, E, R>(
  process: Process.Process<Name, Rpcs, typeof Schema.Void, typeof Schema.Unknown, typeof Schema.Unknown>,
  body: Effect.Effect<A, E, R>,
  beside: Layer.Layer<Exclude<R, Process.Provided<Name>>>
): Effect.Effect<A> =>
  Effect.suspend(() => {
    const results: Array<A> = []
    const live = process.toLayer(() => Effect.map(body, (result) => void results.push(result)))
    return Process.spawn(process).pipe(
      Effect.flatMap(Process.await),
      Effect.flatten,
      Effect.map(() => results[0]!),
      Effect.provide(live.pipe(Layer.provide(beside), Layer.provideMerge(ProcessHost.layer("bench")))),
      Effect.orDie
    )
  })

const Body = Process.make("bench:body")

/** Runs an effect as the body of a process on a host of its own. */
export const inProcess = <A, E>(body: Effect.Effect<A, E, ProcessHost.ProcessHost>): Effect.Effect<A> =>
  asBodyOf(Body, body, Layer.empty)
