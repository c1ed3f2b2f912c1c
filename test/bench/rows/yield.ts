/** Yielding a command: what the door, the tag and the look-up cost, and many yields at once. */
import { Deferred, Effect, Exit, Layer, Schema } from "effect"
import { Command, Dispatcher, Process, ProcessHost } from "troupe"
import { type Arm, type Bench, heapUsed, type Run, seconds } from "../harness/measure.ts"

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

const subject = inProcess(
  "troupe",
  Effect.gen(function* () {
    const tally = { sum: 0 }
    const measured = {
      [kinds[0]]: yield* rate((n) => Process.yield(Indexed.answer, { n }), tally),
      [kinds[1]]: yield* rate((n) => Process.yield(Mapped.answer, { n }), tally),
      [kinds[2]]: yield* rate((n) => Process.yield(Indexed.work, { n }), tally)
    }
    return { measured, proof: tally }
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
    return { measured, proof: tally }
  })
)

const direct = inProcess(
  "a direct call",
  Effect.gen(function* () {
    const tally = { sum: 0 }
    const measured = {
      [kinds[0]]: yield* rate((n) => Effect.succeed(n), tally),
      [kinds[1]]: yield* rate((n) => Effect.succeed(n), tally),
      [kinds[2]]: yield* rate((n) => Effect.sync(() => n), tally)
    }
    return { measured, proof: tally }
  })
)

const sumOf = (n: number): number => (n * (n - 1)) / 2

const yields: Bench = {
  name: "yield",
  description: `yield and completion, ${count.toLocaleString("en")} of each kind`,
  metrics: kinds.map((name) => ({ name, unit: "yields/s", better: "higher" })),
  rounds: 5,
  work: { sum: kinds.length * sumOf(count) },
  subject,
  peers: [deferred, direct]
}

/** Opens all, completes all, and counts what came out. */
const manyOf = <E, R>(
  open: Effect.Effect<unknown, E, R>,
  complete: Effect.Effect<{ readonly completed: number }, E, R>
): Effect.Effect<Run, E, R> =>
  Effect.gen(function* () {
    const before = yield* heapUsed
    const opening = yield* seconds(open)
    const memory = (yield* heapUsed) - before
    let proof = { completed: 0 }
    const completing = yield* seconds(Effect.map(complete, (done) => void (proof = done)))
    return { measured: { speed: outstanding / (opening + completing), memory: memory / outstanding }, proof }
  })

const many = inProcess(
  "troupe",
  Effect.suspend(() => {
    held.length = 0
    const answers: Array<Process.Yield<number, unknown>> = []
    return manyOf(
      Effect.gen(function* () {
        for (let n = 0; n < outstanding; n++) answers.push(yield* Process.yieldAsync(Mapped.later, { n }))
      }),
      Effect.gen(function* () {
        let completed = 0
        for (const complete of held) complete(1)
        for (const answer of answers) completed += (yield* answer.await) > 0 ? 1 : 0
        return { completed }
      })
    )
  })
)

// What a program does by hand: a fiber for each, which waits for its answer and can be interrupted.
const manyDeferred = inProcess(
  "a Deferred and a fiber",
  Effect.suspend(() => {
    const answers: Array<Deferred.Deferred<number>> = []
    let completed = 0
    return manyOf(
      Effect.gen(function* () {
        for (let n = 0; n < outstanding; n++) {
          const answer = yield* Deferred.make<number>()
          answers.push(answer)
          yield* Process.fork(Effect.map(Deferred.await(answer), () => void completed++))
        }
        yield* Effect.yieldNow
      }),
      Effect.gen(function* () {
        for (const answer of answers) yield* Deferred.succeed(answer, 1)
        return { completed }
      })
    )
  })
)

const outstandingYields: Bench = {
  name: "yield-many",
  description: `${outstanding.toLocaleString("en")} yields outstanding, completed from elsewhere`,
  metrics: [
    { name: "speed", unit: "yields/s", better: "higher" },
    { name: "memory", unit: "bytes", better: "lower" }
  ],
  rounds: 5,
  work: { completed: outstanding },
  subject: many,
  peers: [manyDeferred]
}

export const yielding: ReadonlyArray<Bench> = [yields, outstandingYields]
