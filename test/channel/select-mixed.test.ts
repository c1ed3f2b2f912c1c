import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Queue, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Process, type ProcessHost, Select, Selectable, Timer } from "troupe"
import { Acceptor, Authentication, Connection, Memory, Protocol, type Transport } from "troupe/net"
import * as Unix from "troupe/net/unix"
import { both } from "../support/both.ts"
import { directory } from "../support/files.ts"
import { host } from "../support/processes.ts"

const Poke = Rpc.make("poke", { payload: Schema.Finite })
const Mixed = Process.make("test:mixed", { protocol: [Poke] })

const Frames = Protocol.make("test:frames", {})

/** A process that selects until each of seven sources has won, and what makes one of them after the other ready. */
const mixed = Effect.fnUntraced(function* (transport: Transport.Transport) {
  const [deferred, ended] = [yield* Deferred.make<string>(), yield* Deferred.make<string>()]
  const queue = yield* Queue.unbounded<number>()
  const acceptor = yield* Acceptor.make(transport, Frames, { authenticator: Authentication.open, handlers: {} })
  const accepted = yield* acceptor.events
  const connection = yield* Connection.connect(acceptor.transport, Frames)
  const event = yield* Selectable.take(accepted)
  const sendFrame = event._tag === "Connected" ? event.connection.send("a frame") : Effect.die("it was not let in")
  const MixedLive = Mixed.toLayer(() =>
    Effect.gen(function* () {
      const open: Record<string, Selectable.Selectable<unknown, unknown> | Select.Case<unknown>> = {
        message: yield* Mixed.inbox,
        event: yield* Mixed.events,
        timer: yield* Timer.after("1 second"),
        fiber: Select.fiber(yield* Process.fork(Deferred.await(ended))),
        deferred: Select.deferred(deferred),
        queue: Select.queue(queue),
        frame: connection.messages
      }
      const seen: Array<string> = []
      while (Object.keys(open).length > 0) {
        const { _tag } = yield* Select.any(open)
        seen.push(_tag)
        delete open[_tag]
      }
      return seen
    })
  )
  const pid = yield* Effect.provide(Process.spawn(Mixed), MixedLive)
  yield* Effect.sleep(1)
  const becomesReady = {
    message: Process.send(pid, "poke", 1),
    queue: Queue.offer(queue, 1),
    frame: sendFrame,
    timer: Effect.sleep("999 millis"),
    event: Process.cancel(pid),
    fiber: Deferred.succeed(ended, "done"),
    deferred: Deferred.succeed(deferred, "done")
  }
  return { becomesReady, seen: Process.await(pid) }
})

describe("a select over inbox, events, timer, fiber, deferred, queue and connection", () => {
  both("L32 sees each when it is ready", () =>
    Effect.gen(function* () {
      const { becomesReady, seen } = yield* mixed(Memory.make())
      yield* Effect.forEach(
        Object.values<Effect.Effect<unknown, unknown, ProcessHost.ProcessHost>>(becomesReady),
        (one) => Effect.andThen(one, Effect.sleep(1))
      )
      assert.deepStrictEqual(yield* seen, Exit.succeed(Object.keys(becomesReady)))
    }).pipe(Effect.provide(host))
  )

  both("L32 sees each once when all are ready at once, and loses none", () =>
    Effect.gen(function* () {
      const { becomesReady, seen } = yield* mixed(Memory.make())
      yield* Effect.all(Object.values<Effect.Effect<unknown, unknown, ProcessHost.ProcessHost>>(becomesReady), {
        concurrency: "unbounded"
      })
      const sorted = Effect.map(
        seen,
        Exit.map((tags) => (tags as ReadonlyArray<string>).toSorted())
      )
      assert.deepStrictEqual(yield* sorted, Exit.succeed(Object.keys(becomesReady).toSorted()))
    }).pipe(Effect.provide(host))
  )

  it.live("L32 sees a frame of a real socket among the others", () =>
    Effect.gen(function* () {
      const { becomesReady, seen } = yield* mixed(Unix.make({ path: `${yield* directory}/frames.sock` }))
      yield* Effect.all(Object.values<Effect.Effect<unknown, unknown, ProcessHost.ProcessHost>>(becomesReady), {
        concurrency: "unbounded"
      })
      const sorted = Effect.map(
        seen,
        Exit.map((tags) => (tags as ReadonlyArray<string>).toSorted())
      )
      assert.deepStrictEqual(yield* sorted, Exit.succeed(Object.keys(becomesReady).toSorted()))
    }).pipe(Effect.provide(host))
  )
})
