/** Runs our arms where users run their code: in a process, on the run queue of its host. */
import { Effect, Layer } from "effect"
import { Process, ProcessHost } from "troupe"

const Body = Process.make("bench:body")

/** Runs an effect as the body of a process on a host of its own. */
export const inProcess = <A, E>(body: Effect.Effect<A, E, ProcessHost.ProcessHost>): Effect.Effect<A> =>
  Effect.suspend(() => {
    const results: Array<A> = []
    const BodyLive = Body.toLayer(() => Effect.orDie(Effect.map(body, (result) => void results.push(result))))
    return Process.spawn(Body).pipe(
      Effect.flatMap(Process.await),
      Effect.flatten,
      Effect.map(() => results[0]!),
      Effect.provide(Layer.provideMerge(BodyLive, ProcessHost.layer("bench"))),
      Effect.orDie
    )
  })
