/** Calls of a server: what its loop adds to a call and its reply, one after the other and with many outstanding. */
import { Effect, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Process, Server } from "troupe"
import { benchOf, type Load, ours } from "./call-reply.ts"
import type { Bench } from "../harness/measure.ts"

const Adder = Server.make("bench:adder", {
  protocol: [Rpc.make("add", { payload: Schema.Int, success: Schema.Int }), Rpc.make("sum", { success: Schema.Int })]
})

const AdderLive = Adder.toLayer(() =>
  Effect.sync(() => {
    let sum = 0
    return Adder.of({
      handlers: {
        add: (n) =>
          Effect.sync(() => {
            sum += n
            return n + 1
          }),
        sum: () => Effect.sync(() => sum)
      }
    })
  })
)

const adder = Process.start(Adder).pipe(
  Effect.map((pid) => ({ call: (n: number) => Process.call(pid, "add", n), sum: Process.call(pid, "sum") })),
  Effect.provide(AdderLive)
)

const bench = (name: string, description: string, load: Load): Bench =>
  benchOf(name, description, load, ours("troupe", load, adder), [])

export const callServer: ReadonlyArray<Bench> = [
  bench("call-server", "a process that calls a server", { calls: 1_024_000, callers: 1 }),
  bench("call-server-64", "64 fibers of a process that call a server", { calls: 1_024_000, callers: 64 })
]
