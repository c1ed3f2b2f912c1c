/**
 * Clients of the soak, many in one process: each asks and tells without a pause worth the name, over sockets that are
 * destroyed at random. Says what became of it all when it is told to end.
 */
import { Cause, Effect, Exit, Fiber, Result, Schedule, Schema } from "effect"
import { subscribe } from "node:diagnostics_channel"
import type { Socket } from "node:net"
import { Connection, ConnectionError } from "troupe/net"
import * as Tcp from "troupe/net/tcp"
import { Prng } from "../../src/testing/internal/prng.ts"
import { lanes, type Report, Soak } from "./soaking.ts"

const [port, first, count, seed] = process.argv.slice(2).map(Number) as [number, number, number, number]
const chance = new Prng(seed)

const sockets = new Set<Socket>()
subscribe("net.client.socket", (message) => {
  const { socket } = message as { readonly socket: Socket }
  sockets.add(socket)
  socket.once("close", () => sockets.delete(socket))
})

const report = { asked: 0, answered: 0, wrong: 0, untyped: 0, told: 0, failed: {} as Record<string, number> }

const isTyped = Schema.is(ConnectionError.RequestError)

const failed = (error: unknown): void => {
  if (!isTyped(error)) {
    report.untyped++
    return
  }
  report.failed[error._tag] = (report.failed[error._tag] ?? 0) + 1
}

let end = Number.POSITIVE_INFINITY

const pause = Effect.suspend(() => Effect.sleep(chance.below(1000)))

/** One after the other, each with a number of its own: half of them are repeated over the next link, and handled once. */
const asking = (connection: Connection.Connection<Soak>, client: number, lane: number) =>
  Effect.gen(function* () {
    for (let n = 0; performance.now() < end; n++) {
      report.asked++
      const payload = { client, lane, n }
      const retry = lane % 2 === 0 ? ("once-handled" as const) : undefined
      const outcome = yield* Effect.exit(connection.request("ask", payload, { timeout: "5 seconds", retry }))
      if (Exit.isFailure(outcome)) {
        const error = Cause.findError(outcome.cause)
        failed(Result.isSuccess(error) ? error.success : outcome.cause)
      } else if (outcome.value === `${client} ${lane} ${n}`) report.answered++
      else report.wrong++
      if (n % 4 === 0) {
        const told = yield* Effect.exit(connection.tell("tell", payload))
        if (Exit.isSuccess(told)) report.told++
      }
      yield* pause
    }
  })

const client = (number: number) =>
  Effect.scoped(
    Effect.gen(function* () {
      const connection = yield* Connection.make(Tcp.make({ host: "127.0.0.1", port }), Soak, {
        reconnect: Schedule.jittered(Schedule.spaced("300 millis"))
      })
      yield* Effect.all(
        Array.from({ length: lanes }, (_, lane) => asking(connection, number, lane)),
        { concurrency: "unbounded", discard: true }
      )
    })
  )

/** Destroys one of the sockets of this process, which ones by chance: each client loses its link every 20 seconds or so. */
const destroying = Effect.forever(
  Effect.andThen(
    Effect.suspend(() => Effect.sleep(chance.below(40_000 / count) + 1)),
    Effect.sync(() => [...sockets][chance.below(sockets.size)]?.destroy())
  )
)

const program = Effect.gen(function* () {
  const chaos = yield* Effect.forkChild(destroying)
  yield* Effect.forEach(
    Array.from({ length: count }, (_, i) => first + i),
    client,
    { concurrency: "unbounded", discard: true }
  )
  yield* Fiber.interrupt(chaos)
})

process.once("message", () => (end = performance.now()))
process.once("disconnect", () => process.exit(1))
const exit = await Effect.runPromiseExit(program)
if (Exit.isFailure(exit)) console.error(Cause.pretty(exit.cause))
process.send!(report satisfies Report, () => process.exit(Exit.isSuccess(exit) ? 0 : 1))
