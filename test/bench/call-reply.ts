/** A client that calls a server for an answer: what a call and its reply cost, one after the other and many at once. */
import { Deferred, Effect, Layer, Queue, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { type Pid, Process, ProcessHost, Server } from "troupe"
import { erlang } from "./erlang.ts"
import { type Absent, type Arm, type Bench, type Run, seconds } from "./harness.ts"

const Next = Rpc.make("next", { payload: Schema.Int, success: Schema.Int })
const Adder = Server.make("bench:adder", { protocol: [Next] })
const AdderLive = Adder.toLayer(() => Effect.succeed(Adder.of({ handlers: { next: (n) => Effect.succeed(n + 1) } })))

/** Asks for the answer to one call. */
type Call<R> = (n: number) => Effect.Effect<number, unknown, R>

interface Answers {
  count: number
  sum: number
}

const one = <R>(call: Call<R>, from: number, to: number, answers: Answers): Effect.Effect<void, unknown, R> =>
  Effect.gen(function* () {
    for (let i = from; i < to; i++) {
      const answer = yield* call(i)
      answers.sum += answer
      answers.count++
    }
  })

/** So many clients call, each one call after the other. */
const clients = <R>(call: Call<R>, calls: number, outstanding: number, answers: Answers) => {
  const each = calls / outstanding
  return outstanding === 1
    ? one(call, 0, calls, answers)
    : Effect.forEach(
        Array.from({ length: outstanding }, (_, client) => client),
        (client) => one(call, client * each, (client + 1) * each, answers),
        { concurrency: "unbounded", discard: true }
      )
}

const timed = <R>(call: Call<R>, calls: number, outstanding: number): Effect.Effect<Run, never, R> =>
  Effect.gen(function* () {
    const answers: Answers = { count: 0, sum: 0 }
    const took = yield* seconds(clients(call, calls, outstanding, answers))
    return { measured: { calls: calls / took }, proof: { answered: answers.count, sum: answers.sum } }
  }).pipe(Effect.orDie)

const Client = Process.make("bench:client", { args: Schema.declare((u): u is Pid.Pid<typeof Next> => u !== null) })

const troupe = (calls: number, outstanding: number) =>
  Effect.suspend(() => {
    const results: Array<Run> = []
    const ClientLive = Client.toLayer(
      Effect.fnUntraced(function* (adder) {
        results.push(yield* timed((n) => Process.call(adder, "next", n), calls, outstanding))
      })
    )
    return Effect.gen(function* () {
      const client = yield* Process.spawn(Client, yield* Process.start(Adder))
      yield* Effect.flatten(Process.await(client))
      return results[0]!
    }).pipe(
      Effect.provide(Layer.merge(AdderLive, ClientLive).pipe(Layer.provideMerge(ProcessHost.layer("bench")))),
      Effect.orDie
    )
  })

const raw = (calls: number, outstanding: number) =>
  Effect.gen(function* () {
    const inbox = yield* Queue.unbounded<{ readonly n: number; readonly reply: Deferred.Deferred<number> }>()
    const adder = Effect.gen(function* () {
      while (true) {
        const { n, reply } = yield* Queue.take(inbox)
        yield* Deferred.succeed(reply, n + 1)
      }
    })
    yield* Effect.forkScoped(adder)
    const call = (n: number) =>
      Effect.gen(function* () {
        const reply = yield* Deferred.make<number>()
        yield* Queue.offer(inbox, { n, reply })
        return yield* Deferred.await(reply)
      })
    return yield* timed(call, calls, outstanding)
  }).pipe(Effect.scoped)

const bench = (name: string, how: string, calls: number, outstanding: number): Bench => {
  const subject: Arm = { name: "troupe", run: troupe(calls, outstanding) }
  const peers: ReadonlyArray<Arm | Absent> = [
    { name: "raw Effect", run: raw(calls, outstanding) },
    erlang("Erlang gen_server", "call_reply", calls, outstanding),
    { name: "nact", absent: "it is no dependency of this project" }
  ]
  return {
    name,
    description: `calls of a server that are answered, ${how}: ${calls.toLocaleString("en")}`,
    metrics: [{ name: "calls", unit: "calls/s", better: "higher" }],
    rounds: 7,
    work: { answered: calls, sum: (calls * (calls + 1)) / 2 },
    subject,
    peers
  }
}

const calls = 192_000

export const callReply: ReadonlyArray<Bench> = [
  bench("call-reply", "one after the other", calls, 1),
  bench("call-reply-64", "64 outstanding", calls, 64)
]
