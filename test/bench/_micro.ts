import { Effect, Exit, Layer, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Process, ProcessHost, Pid } from "troupe"
import { step } from "../../src/channel/internal/step.ts"
const n = 500_000
const noop = step(() => Exit.void)
const Tick = Rpc.make("tick", { payload: Schema.Int })
const P = Process.make("p", { protocol: [Tick] })
const Sink = Process.make("sink", { protocol: [Tick] })
const time = (name: string, count: number, effect: Effect.Effect<unknown, any, any>) =>
  Effect.gen(function* () {
    if (process.argv[2] && !name.includes(process.argv[2])) return
    let best = Infinity
    for (let i = 0; i < 12; i++) {
      const t = performance.now()
      yield* effect
      best = Math.min(best, performance.now() - t)
    }
    console.log(name.padEnd(30), ((best * 1e6) / count).toFixed(1), "ns")
  })
const SinkLive = Sink.toLayer(() => Effect.never)
const PLive = P.toLayer(
  () =>
    Effect.gen(function* () {
      const self = yield* P.self
      const sink = yield* Process.spawn(Sink)
      yield* time(
        "shared step",
        n,
        Effect.gen(function* () {
          for (let i = 0; i < n; i++) yield* noop
        })
      )
      yield* time(
        "new step",
        n,
        Effect.gen(function* () {
          for (let i = 0; i < n; i++) yield* step(() => Exit.void)
        })
      )
      yield* time(
        "sync",
        n,
        Effect.gen(function* () {
          for (let i = 0; i < n; i++) yield* Effect.sync(() => i)
        })
      )
      yield* time(
        "send to sink",
        n,
        Effect.gen(function* () {
          for (let i = 0; i < n; i++) yield* Process.send(sink, "tick", i)
        })
      )
      yield* time(
        "send to self + receive",
        n / 2,
        Effect.gen(function* () {
          for (let i = 0; i < n / 2; i++) {
            yield* Process.send(self, "tick", i)
            yield* P.receive()
          }
        })
      )
      yield* time(
        "yieldNow",
        n / 4,
        Effect.gen(function* () {
          for (let i = 0; i < n / 4; i++) yield* Effect.yieldNow
        })
      )
    }) as Effect.Effect<unknown, never, any>
)
const main = Process.spawn(P).pipe(
  Effect.flatMap(Process.await),
  Effect.provide(
    Layer.mergeAll(PLive as any, SinkLive as any).pipe(
      Layer.provideMerge(ProcessHost.layer("x", { payloads: (process.argv[3] ?? "checked") as never }))
    )
  )
)
const ended = await Effect.runPromise(main as any)
if ((ended as any)._tag === "Failure") console.log(ended)
