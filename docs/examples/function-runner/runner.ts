import * as NodeStdio from "@effect/platform-node/NodeStdio"
import { Effect, Layer, Option } from "effect"
import { Application, Process, Select, TerminalHost } from "troupe"
import { Balance, Invocation, Runtime } from "troupe/net"
import * as ProcessRuntime from "troupe/net/process-runtime"
import process from "node:process"
import { Numbers } from "./functions.ts"

type NumbersInvoker = Invocation.Invoker<(typeof Numbers)["rpcs"][number]>

// #region start
/** Starts the instances, each a process of its own, and what invokes functions on them. */
const start = Effect.fn(function* (count: number) {
  const runtime = yield* Runtime.replicas(
    ProcessRuntime.make({
      namespace: "numbers",
      program: new URL("instance.ts", import.meta.url),
      execArgv: process.execArgv
    }),
    count
  )
  return yield* Invocation.make(runtime, Numbers, {
    balance: Balance.leastOutstanding,
    health: { interval: "500 millis", timeout: "2 seconds" },
    idle: "1 second"
  })
})
// #endregion start

// #region invoke
/** Invokes the function, and prints what became of it. */
const primes = (numbers: NumbersInvoker, n: number) =>
  numbers.execute("primes", n, { timeout: "5 seconds", idempotent: true }).pipe(
    Effect.matchEffect({
      onSuccess: ({ instance, metadata, value }) =>
        TerminalHost.print(`${value} primes below ${n}, says ${instance.instance} (process ${metadata["pid"]})`),
      onFailure: (error) =>
        TerminalHost.print(error._tag === "TooLarge" ? `not above ${error.limit}, please` : error.message)
    })
  )
// #endregion invoke

const crash = (numbers: NumbersInvoker) =>
  Effect.catch(numbers.invoke("crash", undefined, { timeout: "5 seconds" }), (error) =>
    TerminalHost.print(error._tag === "Unavailable" ? `${error._tag}, ${error.delivery}` : error.message)
  )

// #region status
/** Prints how each instance is, and how it can be reached. */
const status = Effect.fn(function* (numbers: NumbersInvoker) {
  for (const { instance, invocations, state, transport = "nothing" } of yield* numbers.instances) {
    const ways = instance.strategy.transports.map(({ address, name }) => `${name} ${address}`).join(", then ")
    yield* TerminalHost.print(
      `${instance.id}: ${state._tag}, ${invocations.succeeded} answered, over ${transport} (${ways})`
    )
  }
})
// #endregion status

// #region body
const Runner = Process.make("app:runner")

const RunnerLive = Runner.toLayer(
  Effect.fn(function* () {
    const [count = "2"] = yield* TerminalHost.args
    const numbers = yield* start(Number(count))
    const events = yield* Runner.events
    const lines = yield* TerminalHost.lines
    yield* TerminalHost.print(`${count} instances. Type a number, "crash" or "status"; Ctrl+C to stop.`)

    while (true) {
      const next = yield* Select.priority({ event: events, line: lines })
      if (next._tag === "event") {
        if (next.value._tag === "Cancel") break
      } else {
        if (Option.isNone(next.value)) break
        const line = next.value.value.trim()
        if (line === "status") yield* status(numbers)
        else if (line === "crash") yield* Process.fork(crash(numbers))
        else if (/^\d+$/.test(line)) yield* Process.fork(primes(numbers, Number(line)))
        else yield* TerminalHost.print("a whole number, please")
      }
    }
    yield* TerminalHost.print("Goodbye!")
  })
)
// #endregion body

// #region app
const App = RunnerLive.pipe(Layer.provideMerge(TerminalHost.layer("app:terminal")), Layer.provide(NodeStdio.layer))

Application.runMain(App, { main: TerminalHost.main(Runner) })
// #endregion app
