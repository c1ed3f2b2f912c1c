/** Calls of a server: what its loop and its handlers cost beside a process that receives and replies by hand. */
import { Effect, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Process, Server } from "troupe"
import { adder, benchOf, inTurn, type Load, ours, outstanding } from "./call-reply.ts"
import type { Bench } from "./harness.ts"

const Add = Rpc.make("add", { payload: Schema.Int, success: Schema.Int })
const Sum = Rpc.make("sum", { success: Schema.Int })

const Adder = Server.make("bench:adding-server", { protocol: [Add, Sum] })

const AdderLive = Adder.toLayer(() =>
  Effect.sync(() => {
    let sum = 0
    return Adder.of({
      handlers: {
        add: (n) => {
          sum += n
          return Effect.succeed(n + 1)
        },
        sum: () => Effect.succeed(sum)
      }
    })
  })
)

const server = Process.start(Adder).pipe(
  Effect.map((pid) => ({ call: (n: number) => Process.call(pid, "add", n), sum: Process.call(pid, "sum") })),
  Effect.provide(AdderLive)
)

const serverCallOf = (name: string, description: string, load: Load): Bench =>
  benchOf(name, description, load, ours("troupe", load, server), [ours("troupe, a process", load, adder(undefined))])

export const serverCall: ReadonlyArray<Bench> = [
  serverCallOf("server-call", "a process that calls a server", inTurn),
  serverCallOf("server-call-64", "64 fibers of a process that call a server", outstanding)
]
