/** Calls of a process that answers each at once: what asking costs, one after the other and with many outstanding. */
import { Deferred, Effect, Fiber, Queue, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Message, Process, type ProcessHost } from "troupe"
import { erlang } from "../harness/erlang.ts"
import { type Absent, type Arm, type Bench, type Run, seconds } from "../harness/measure.ts"
import { inProcess } from "../harness/inProcess.ts"
import { nact } from "../peers/nact.ts"

/** What is called: it answers each number with the next one, and knows the sum of all that it was called with. */
export interface Callee<R> {
  readonly call: (n: number) => Effect.Effect<number, unknown, R>
  readonly sum: Effect.Effect<number, unknown, R>
}

/** How often it is called, and by how many at a time. */
export interface Load {
  readonly calls: number
  readonly callers: number
}

// Each caller calls with 0, 1, 2 … and counts the answers that are the right ones.
const callInTurn = <R>({ call }: Callee<R>, times: number): Effect.Effect<number, unknown, R> =>
  Effect.gen(function* () {
    let answered = 0
    for (let n = 0; n < times; n++) {
      if ((yield* call(n)) === n + 1) answered++
    }
    return answered
  })

const callAll = <R>(callee: Callee<R>, { callers, calls }: Load): Effect.Effect<number, unknown, R> =>
  Effect.gen(function* () {
    if (callers === 1) return yield* callInTurn(callee, calls)
    const fibers: Array<Fiber.Fiber<number, unknown>> = []
    for (let i = 0; i < callers; i++) fibers.push(yield* Effect.forkChild(callInTurn(callee, calls / callers)))
    let answered = 0
    for (const fiber of fibers) answered += yield* Fiber.join(fiber)
    return answered
  })

const measure = <R>(callee: Callee<R>, load: Load): Effect.Effect<Run, unknown, R> =>
  Effect.gen(function* () {
    let answered = 0
    const took = yield* seconds(Effect.map(callAll(callee, load), (count) => (answered = count)))
    return { measured: { calls: load.calls / took }, proof: { answered, sum: yield* callee.sum } }
  })

/** An arm of ours: the callee is made, and called, in a process. */
export const ours = (
  name: string,
  load: Load,
  callee: Effect.Effect<Callee<ProcessHost.ProcessHost>, unknown, ProcessHost.ProcessHost>
): Arm => ({ name, run: inProcess(Effect.flatMap(callee, (made) => measure(made, load))) })

const Add = Rpc.make("add", { payload: Schema.Int, success: Schema.Int })
const Sum = Rpc.make("sum", { success: Schema.Int })
const Adder = Process.make("bench:adder", { protocol: [Add, Sum] })

const AdderLive = Adder.toLayer(
  Effect.fnUntraced(function* () {
    let sum = 0
    while (true) {
      const message = yield* Adder.receive()
      if (message.topic === "sum") {
        yield* Message.reply(message, sum)
      } else {
        sum += message.payload
        yield* Message.reply(message, message.payload + 1)
      }
    }
  })
)

/** The callee as a process that receives and replies. */
export const adder = (options: Process.CallOptions | undefined) =>
  Process.spawn(Adder).pipe(
    Effect.map((pid) => ({
      call: (n: number) => Process.call(pid, "add", n, options),
      sum: Process.call(pid, "sum")
    })),
    Effect.provide(AdderLive)
  )

type Request = { readonly n: number; readonly reply: Deferred.Deferred<number> } | "sum"

const raw = (load: Load): Effect.Effect<Run> =>
  Effect.gen(function* () {
    const requests = yield* Queue.unbounded<Request>()
    const sums = yield* Queue.unbounded<number>()
    yield* Effect.forkScoped(
      Effect.gen(function* () {
        let sum = 0
        while (true) {
          const request = yield* Queue.take(requests)
          if (request === "sum") {
            yield* Queue.offer(sums, sum)
          } else {
            sum += request.n
            yield* Deferred.succeed(request.reply, request.n + 1)
          }
        }
      })
    )
    const call = Effect.fnUntraced(function* (n: number) {
      const reply = yield* Deferred.make<number>()
      yield* Queue.offer(requests, { n, reply })
      return yield* Deferred.await(reply)
    })
    return yield* measure({ call, sum: Effect.andThen(Queue.offer(requests, "sum"), Queue.take(sums)) }, load)
  }).pipe(Effect.scoped, Effect.orDie)

/** What others take for the same: a gen_server of Erlang, and a queue and deferreds of effect by hand. */
export const peersOf = (load: Load): ReadonlyArray<Arm | Absent> => [
  { name: "raw Effect", run: raw(load) },
  erlang("Erlang", "calls", [load.calls, load.callers]),
  nact(load)
]

/** A bench of ours against the peers. */
export const benchOf = (name: string, description: string, load: Load, subject: Arm, peers: Bench["peers"]): Bench => {
  const each = load.calls / load.callers
  return {
    name,
    description: `${description}, ${load.calls.toLocaleString("en")} calls`,
    metrics: [{ name: "calls", unit: "calls/s", better: "higher" }],
    rounds: 7,
    work: { answered: load.calls, sum: (load.callers * (each * (each - 1))) / 2 },
    subject,
    peers: [...peers, ...peersOf(load)]
  }
}

export const inTurn: Load = { calls: 1_024_000, callers: 1 }
export const outstanding: Load = { calls: 1_024_000, callers: 64 }

const processCall = (name: string, description: string, load: Load): Bench =>
  benchOf(name, description, load, ours("troupe", load, adder(undefined)), [
    ours("troupe, no deadline", load, adder({ timeout: "Infinity" }))
  ])

export const callReply: ReadonlyArray<Bench> = [
  processCall("call", "a process that calls another one, which receives and replies", inTurn),
  processCall("call-64", "64 fibers of a process that call another one, which receives and replies", outstanding)
]
