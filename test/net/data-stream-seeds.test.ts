/**
 * Data streams over the simulated network, under a thousand seeds of each kind of trouble: every chunk is handled once, and in
 * order.
 */
import { assert } from "@effect/vitest"
import { Clock, Effect, Exit, Fiber, Random, Schedule, Scope } from "effect"
import type { DataStream } from "troupe/net"
import { Explore, Network } from "troupe/testing"
import { it } from "troupe/testing/vitest"
import { bytes, dial, numberOf, sendNumbers, serve, type ToServer, upTo } from "./streams.ts"

const Seeds = 1000

/** Says what is not so, as a failure of the schedule. */
const check = (holds: boolean, otherwise: string) => (holds ? Effect.void : Effect.fail(otherwise))

const datagrams: Network.Options = { datagrams: { loss: 0.05, duplication: 0.1, reordering: 0.1 } }

const heartbeat = { interval: "2 seconds", misses: 3 } as const

/** Until this side knows which run of the other it asks: one that may have been started anew is not waited for. */
const acquaint = (connection: ToServer, streams: DataStream.DataStreams): Effect.Effect<void, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const before = yield* connection.stats
    yield* streams.register(connection, "known", () => Effect.void)
    yield* Effect.retry(connection.request("echo", "hello"), {
      while: ({ _tag }) => _tag === "Unavailable" || _tag === "Timeout"
    })
    const isSettled = Effect.map(
      Effect.all([streams.stats, connection.stats]),
      ([{ receiving }, { requests }]) => receiving === 0 || requests.succeeded >= before.requests.succeeded + 2
    )
    yield* Effect.repeat(Effect.andThen(Effect.sleep("5 millis"), isSettled), { until: (is) => is })
    if ((yield* streams.stats).receiving === 0) yield* acquaint(connection, streams)
  })

/** Has numbers sent, from the server or to it, as chance has it, while something happens; answers what happened when. */
const streamed = Effect.fnUntraced(function* (
  network: Network.Network,
  count: number,
  trouble: Effect.Effect<unknown> = Effect.void
) {
  const scope = yield* Effect.scope
  const log: Array<string> = []
  const got: Array<number> = []
  const window = 2
  let hasStarted = false
  const take = (chunk: Parameters<typeof numberOf>[0]) =>
    Effect.map(Clock.currentTimeMillis, (now) => {
      got.push(numberOf(chunk))
      log.push(`${numberOf(chunk)} at ${now}`)
    })
  const server = yield* serve(network.transport("client", "server"), {
    heartbeat,
    start: ({ streamId }, client, streams) => {
      // It may come twice, where frames travel for themselves.
      if (hasStarted) return Effect.void
      hasStarted = true
      return (
        streamId === "down"
          ? Effect.asVoid(Effect.forkIn(sendNumbers(streams, client, streamId, upTo(count), { window }), scope))
          : Effect.asVoid(streams.register(client, streamId, take, { window }))
      ).pipe(Effect.provideService(Scope.Scope, scope), Effect.orDie)
    }
  })
  const { connection, streams } = yield* dial(network.transport("client", "server"), {
    heartbeat,
    reconnect: Schedule.spaced("100 millis")
  })
  yield* acquaint(connection, streams)
  const streamId = (yield* Random.nextBoolean) ? "down" : "up"
  const receiver = streamId === "down" ? yield* streams.register(connection, streamId, take, { window }) : undefined
  // It may be lost, and is asked again; the second one changes nothing.
  yield* Effect.retry(
    connection.request("start", { streamId, count, after: 0 }, { timeout: "5 seconds", retry: "once-handled" }),
    { while: ({ _tag }) => _tag === "Timeout" || _tag === "Unavailable" }
  )
  const streaming = yield* Effect.forkChild(
    Effect.exit(
      Effect.gen(function* () {
        if (receiver !== undefined) return yield* receiver.ended
        yield* sendNumbers(streams, connection, streamId, upTo(count), { window })
      })
    )
  )
  yield* trouble
  const ended = yield* Fiber.join(streaming)
  yield* check(Exit.isSuccess(ended), `${streamId} ended with ${String(ended)} at ${got.join()}`)
  // Whoever sent it may not have heard of that yet.
  const left = Effect.map(
    Effect.all([streams.stats, server.streams.stats]),
    ([here, there]) => here.sending + here.receiving + there.sending + there.receiving <= 1
  )
  yield* Effect.repeat(Effect.andThen(Effect.sleep("100 millis"), left), { until: (isLast) => isLast, times: 300 })
  yield* check(yield* left, "streams are left")
  yield* check(got.join() === upTo(count).join(), `${streamId}: ${got.join()}`)
  return log.join("; ")
})

const explored = (
  name: string,
  options: Network.Options,
  program: (network: Network.Network) => Effect.Effect<unknown, unknown, Scope.Scope>
) =>
  it.explore(name, Effect.flatMap(Network.make({ latency: { min: 0, max: 3 }, ...options }), program), {
    schedules: Seeds,
    maxSteps: 200_000,
    timeout: 120_000
  })

explored("I8 a network that loses, doubles and reorders frames: each chunk once, in order", datagrams, (network) =>
  streamed(network, 4)
)

explored("I16 through partitions, in one direction and swizzled, each chunk once, in order", {}, (network) =>
  streamed(
    network,
    4,
    Effect.gen(function* () {
      const cuts = [
        network.partition(["client"], ["server"]),
        network.clog("client", "server"),
        network.clog("server", "client")
      ]
      yield* cuts[yield* Random.nextIntBetween(0, cuts.length)] ?? Effect.void
      yield* Effect.sleep(yield* Random.nextIntBetween(0, 9000))
      yield* network.heal
      yield* network.swizzle("500 millis")
      yield* network.sever("client", "server")
    })
  )
)

// Of a network that loses links, and of one that loses frames.
const troubles: ReadonlyArray<readonly [string, Network.Options]> = [
  ["I10 I17 over one link after the other", { breaks: 0.02 }],
  ["I8 I17 with frames that are lost, doubled and reordered", datagrams]
]

for (const [name, trouble] of troubles) {
  it.live(
    `${name}: each chunk once, in order; and two runs of a seed are the same`,
    () =>
      Effect.gen(function* () {
        const logs: Array<string> = []
        const program = Effect.gen(function* () {
          const network = yield* Network.make({ latency: { min: 0, max: 3 }, ...trouble })
          const breaking = Effect.andThen(
            Effect.flatMap(Random.nextIntBetween(0, 12), (millis) => Effect.sleep(millis)),
            network.sever("client", "server")
          )
          logs.push(yield* streamed(network, 3, breaking))
        })
        const run = Explore.check(Effect.scoped(program), { schedules: Seeds, seed: 7, maxSteps: 200_000 })
        yield* run
        const first = logs.splice(0)
        yield* run
        assert.isAtLeast(first.length, Seeds)
        assert.deepStrictEqual(logs, first)
        assert.isAbove(new Set(first).size, Seeds / 2)
      }),
    120_000
  )
}

/**
 * Streams numbers between two programs that begin again after a crash; each handles a number and keeps it in one step, as a
 * program does that commits what it has handled.
 */
const crashing = (network: Network.Network, count: number) => {
  const got: Array<number> = []
  const window = 4
  const sendRest = (streams: DataStream.DataStreams, to: DataStream.Side, after: number) =>
    Effect.scoped(
      Effect.gen(function* () {
        const sender = yield* streams.open(to, "s", { after, window })
        for (let n = after + 1; n <= count; n++) {
          yield* sender.send(bytes(n))
          yield* Effect.sleep(yield* Random.nextIntBetween(0, 5))
        }
        yield* sender.end
      })
    )
  const take = (chunk: Parameters<typeof numberOf>[0]) => Effect.sync(() => got.push(numberOf(chunk)))
  // What a program before had not handled when it crashed, or lost its other side, is not handled beside what is sent again.
  const receive = (before: DataStream.Receiver | undefined, streams: DataStream.DataStreams, from: DataStream.Side) =>
    Effect.andThen(
      before?.cancel ?? Effect.void,
      Effect.suspend(() => streams.register(from, "s", take, { after: got.length, window }))
    )
  const server = (isDown: boolean): Effect.Effect<unknown, unknown> =>
    Effect.gen(function* () {
      const scope = yield* Effect.scope
      let receiver: DataStream.Receiver | undefined
      yield* serve(network.transport("client", "server"), {
        heartbeat,
        start: ({ after }, client, streams) =>
          isDown
            ? Effect.asVoid(Effect.forkIn(Effect.ignore(sendRest(streams, client, after)), scope))
            : Effect.gen(function* () {
                receiver = yield* receive(receiver, streams, client)
              }).pipe(Effect.provideService(Scope.Scope, scope), Effect.orDie)
      })
      return yield* Effect.never
    }).pipe(Effect.scoped)
  const client = (isDown: boolean): Effect.Effect<unknown, unknown> =>
    Effect.gen(function* () {
      const { connection, streams } = yield* dial(network.transport("client", "server"), {
        heartbeat,
        reconnect: Schedule.spaced("100 millis")
      })
      const ask = (after: number) =>
        connection.request("start", { streamId: "s", count, after }, { timeout: "5 seconds" })
      const down: Effect.Effect<void, unknown, Scope.Scope> = Effect.gen(function* () {
        const receiver = yield* receive(undefined, streams, connection)
        yield* ask(got.length)
        yield* receiver.ended
      })
      const up: Effect.Effect<void, unknown> = Effect.andThen(
        ask(0),
        Effect.suspend(() => sendRest(streams, connection, got.length))
      )
      // Whatever has become of it: what is missing is asked for, or sent, again.
      yield* Effect.retry(Effect.scoped(isDown ? down : up), Schedule.spaced("50 millis"))
    }).pipe(Effect.scoped)
  return { got, server, client }
}

explored(
  "I5 I10 I16 a side that crashes with chunks underway, and begins again: each chunk once, in order",
  {},
  (network) =>
    Effect.gen(function* () {
      const count = 12
      const isDown = yield* Random.nextBoolean
      const crashes = (yield* Random.nextBoolean) ? "server" : "client"
      const programs = crashing(network, count)
      const start = {
        server: Effect.forkChild(programs.server(isDown)),
        client: Effect.forkChild(programs.client(isDown))
      } as const
      const server = yield* start.server
      yield* Effect.sleep("1 millis")
      const client = yield* start.client
      yield* Effect.sleep(yield* Random.nextIntBetween(0, 60))
      yield* network.crash(crashes)
      yield* Fiber.interrupt(crashes === "server" ? server : client)
      yield* Effect.sleep(yield* Random.nextIntBetween(0, 2000))
      const again = yield* start[crashes]
      yield* Fiber.join(crashes === "client" ? again : client)
      const { got } = programs
      yield* check(got.join() === upTo(count).join(), `${isDown ? "down" : "up"}, ${crashes} crashed: ${got.join()}`)
    })
)
