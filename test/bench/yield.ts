/** Yielding a command: what the door, the tag and the look-up cost, and many yields at once. */
import { Deferred, Effect, Exit, Layer, Schema } from "effect"
import { Command, Dispatcher, Process, ProcessHost } from "troupe"
import { type Arm, type Bench, heapUsed, type Run, seconds } from "./harness.ts"

const count = 200_000
const outstanding = 10_000

// One module with ids that are looked up by index, and one whose ids are looked up in a map.
const fields = { payload: { n: Schema.Int }, success: Schema.Int }
const Indexed = Command.module("store", { answer: Command.make(120, fields), work: Command.make(121, fields) })
const Mapped = Command.module("bench", { answer: Command.make(1000, fields), later: Command.make(1001, fields) })

const held: Array<(n: number) => void> = []

const handlers = Layer.mergeAll(
  Dispatcher.layer(Indexed, {
    answer: ({ n }) => Effect.succeed(n),
    work: ({ n }) => Effect.sync(() => n)
  }),
  Dispatcher.layer(Mapped, {
    answer: ({ n }) => Effect.succeed(n),
    later: ({ n }, yielded) => {
      held.push((more) => yielded.completeUnsafe(Exit.succeed(n + more)))
      return Effect.succeed(Dispatcher.later())
    }
  })
)

const Body = Process.make("bench:yields")

/** Runs in a process, on the run queue of a host, as users' code does. */
const inProcess = (
  name: string,
  body: Effect.Effect<Run, unknown, Layer.Success<typeof handlers> | Process.CurrentProcess>
): Arm => ({
  name,
  run: Effect.suspend(() => {
    const runs: Array<Run> = []
    const BodyLive = Body.toLayer(() => Effect.map(body, (run) => void runs.push(run)))
    return Process.spawn(Body).pipe(
      Effect.flatMap(Process.await),
      Effect.flatten,
      Effect.map(() => runs[0]!),
      Effect.provide(
        BodyLive.pipe(Layer.provide(handlers), Layer.provideMerge(ProcessHost.layer("bench", { payloads: "trusted" })))
      ),
      Effect.orDie
    )
  })
})

const rate = <E, R>(one: (n: number) => Effect.Effect<number, E, R>, tally: { sum: number }) =>
  Effect.map(
    seconds(
      Effect.gen(function* () {
        for (let n = 0; n < count; n++) tally.sum += yield* one(n)
      })
    ),
    (took) => count / took
  )

const kinds = ["an answer at hand", "an answer at hand, id in the map", "a handler with a step of its own"] as const

const run = (measured: Record<string, number>, sum: number, completed: number): Run => ({
  measured,
  proof: { sum, completed }
})

const sumOf = (n: number): number => (n * (n - 1)) / 2

const subject = inProcess(
  "troupe",
  Effect.gen(function* () {
    const tally = { sum: 0 }
    const measured: Record<string, number> = {
      [kinds[0]]: yield* rate((n) => Process.yield(Indexed.answer, { n }), tally),
      [kinds[1]]: yield* rate((n) => Process.yield(Mapped.answer, { n }), tally),
      [kinds[2]]: yield* rate((n) => Process.yield(Indexed.work, { n }), tally)
    }
    held.length = 0
    const before = yield* heapUsed
    let completed = 0
    const yields: Array<Process.Yield<number, unknown>> = []
    const opening = yield* seconds(
      Effect.gen(function* () {
        for (let n = 0; n < outstanding; n++) yields.push(yield* Process.yieldAsync(Mapped.later, { n }))
      })
    )
    const memory = (yield* heapUsed) - before
    const completing = yield* seconds(
      Effect.gen(function* () {
        for (const complete of held) complete(1)
        for (const one of yields) completed += (yield* one.await) > 0 ? 1 : 0
      })
    )
    measured["10,000 at once"] = outstanding / (opening + completing)
    measured["one of 10,000"] = memory / outstanding
    return run(measured, tally.sum, completed)
  })
)

const deferred = inProcess(
  "a bare Deferred",
  Effect.gen(function* () {
    const tally = { sum: 0 }
    const roundTrip = (n: number) =>
      Effect.gen(function* () {
        const answer = yield* Deferred.make<number>()
        yield* Deferred.succeed(answer, n)
        return yield* Deferred.await(answer)
      })
    const measured: Record<string, number> = {}
    for (const kind of kinds) measured[kind] = yield* rate(roundTrip, tally)
    const before = yield* heapUsed
    const answers: Array<Deferred.Deferred<number>> = []
    let completed = 0
    const opening = yield* seconds(
      Effect.gen(function* () {
        for (let n = 0; n < outstanding; n++) {
          const answer = yield* Deferred.make<number>()
          answers.push(answer)
          yield* Process.fork(Effect.map(Deferred.await(answer), () => void completed++))
        }
        yield* Effect.yieldNow
      })
    )
    const memory = (yield* heapUsed) - before
    const completing = yield* seconds(
      Effect.gen(function* () {
        for (const answer of answers) yield* Deferred.succeed(answer, 1)
      })
    )
    measured["10,000 at once"] = outstanding / (opening + completing)
    measured["one of 10,000"] = memory / outstanding
    return run(measured, tally.sum, completed)
  })
)

const direct = inProcess(
  "a direct call",
  Effect.gen(function* () {
    const tally = { sum: 0 }
    const measured: Record<string, number> = {
      [kinds[0]]: yield* rate((n) => Effect.succeed(n), tally),
      [kinds[1]]: yield* rate((n) => Effect.succeed(n), tally),
      [kinds[2]]: yield* rate((n) => Effect.sync(() => n), tally)
    }
    return run({ ...measured, "10,000 at once": Number.NaN, "one of 10,000": Number.NaN }, tally.sum, outstanding)
  })
)

export const yields: Bench = {
  name: "yield",
  description: `yield and completion, ${count.toLocaleString("en")} of each kind, and ${outstanding.toLocaleString("en")} outstanding`,
  metrics: [
    ...kinds.map((name) => ({ name, unit: "yields/s", better: "higher" as const })),
    { name: "10,000 at once", unit: "yields/s", better: "higher" },
    { name: "one of 10,000", unit: "bytes", better: "lower" }
  ],
  rounds: 5,
  work: { sum: 3 * sumOf(count), completed: outstanding },
  subject,
  peers: [deferred, direct]
}
