/**
 * Data streams when their links come, go and fail: over the simulated network, under many schedules.
 */
import { Clock, Effect, Exit, Fiber, Latch, Random, Schedule, Scope } from "effect"

import { Network } from "troupe/testing"
import { it } from "troupe/testing/vitest"
import { bytes, dial, numberOf, raw, sendNumbers, serve, type ServeOptions, upTo } from "./streams.ts"

/** Says what is not so, as a failure of the schedule. */
const check = (holds: boolean, otherwise: string) => (holds ? Effect.void : Effect.fail(otherwise))

const heartbeat = { interval: "2 seconds", misses: 3 } as const
const quickly = Schedule.spaced("100 millis")

const explored = <E>(
  name: string,
  program: (network: Network.Network) => Effect.Effect<unknown, E, Scope.Scope>,
  options: Network.Options = {},
  schedules: number = 100
) =>
  it.explore(name, Effect.flatMap(Network.make({ latency: { min: 0, max: 3 }, ...options }), program), {
    schedules,
    maxSteps: 200_000
  })

const served = (network: Network.Network, options: ServeOptions = {}) =>
  serve(network.transport("client", "server"), { heartbeat, ...options })

const dialled = (network: Network.Network) =>
  dial(network.transport("client", "server"), { heartbeat, reconnect: quickly })

const whole = (numbers: ReadonlyArray<number>, count: number, what: string) =>
  check(numbers.join() === upTo(count).join(), `${what}: ${numbers.join()}`)

explored(
  "I5 I16 a server that crashes with chunks underway: the receiver is told how far it has come, and asks for the rest",
  (network) =>
    Effect.gen(function* () {
      const up = Effect.gen(function* () {
        const scope = yield* Effect.scope
        yield* served(network, {
          start: ({ after, count, streamId }, client, streams) =>
            Effect.asVoid(
              Effect.forkIn(
                Effect.gen(function* () {
                  const sender = yield* streams.open(client, streamId, { after, window: 4 })
                  for (let n = after + 1; n <= count; n++) {
                    yield* Effect.sleep("5 millis")
                    yield* sender.send(bytes(n))
                  }
                  yield* sender.end
                }).pipe(Effect.scoped, Effect.ignore),
                scope
              )
            )
        })
        return yield* Effect.never
      })
      const first = yield* Effect.forkChild(Effect.exit(Effect.scoped(up)))
      yield* Effect.sleep("1 millis")
      const client = yield* dialled(network)
      const got: Array<number> = []
      const receiving = (after: number): Effect.Effect<void, unknown, Scope.Scope> =>
        Effect.gen(function* () {
          const receiver = yield* client.streams.register(
            client.connection,
            "s",
            (chunk) => Effect.sync(() => got.push(numberOf(chunk))),
            { after, window: 4 }
          )
          const asked = { streamId: "s", count: 30, after }
          const started = yield* Effect.exit(client.connection.request("start", asked, { timeout: "1 minute" }))
          // Of a request that may have been handled nothing is known: another one is made.
          if (Exit.isFailure(started)) {
            yield* receiver.cancel
            return yield* receiving(got.length)
          }
          const error = yield* Effect.matchEffect(receiver.ended, {
            onFailure: (error) => Effect.succeed(error),
            onSuccess: () => Effect.undefined
          })
          if (error === undefined) return
          yield* check(
            error._tag === "StreamLost" && error.sequence === got.length,
            `it ended with ${error.message} at ${got.join()}`
          )
          yield* receiving(got.length)
        })
      const whileCrashing = yield* Effect.forkChild(receiving(0))
      yield* Effect.sleep(yield* Random.nextIntBetween(0, 200))
      yield* network.crash("server")
      yield* Fiber.interrupt(first)
      yield* Effect.sleep(yield* Random.nextIntBetween(0, 2000))
      yield* Effect.forkChild(Effect.exit(Effect.scoped(up)))
      yield* Fiber.join(whileCrashing)
      yield* whole(got, 30, "after the crash")
    }),
  {},
  150
)

explored("K30 a lost link is told to the sender as uncertain, and when it goes on", (network) =>
  Effect.gen(function* () {
    const server = yield* served(network, { patience: "10 seconds" })
    const client = yield* dialled(network)
    yield* client.connection.request("echo", "hello")
    const [toClient] = yield* server.acceptor.connections
    yield* client.streams.register(client.connection, "s", () => Effect.void)
    const sender = yield* server.streams.open(toClient!, "s")
    yield* sender.send(bytes(1))
    yield* Effect.sleep("1 second")
    yield* check((yield* sender.stats).acknowledged === 1, "the first was not acknowledged")
    yield* network.partition(["client"], ["server"])
    yield* sender.send(bytes(2))
    yield* sender.send(bytes(3))
    yield* Effect.sleep("9 seconds")
    const state = yield* sender.state
    yield* check(
      state._tag === "Uncertain" && state.acknowledged === 1 && state.sent === 3,
      `it is ${JSON.stringify(state)}`
    )
    yield* network.heal
    yield* Effect.sleep("5 seconds")
    yield* check((yield* sender.state)._tag === "Open", "it does not go on")
    yield* check((yield* sender.stats).acknowledged === 3, "the others were not acknowledged")
    // A client that does not come back.
    yield* network.partition(["client"], ["server"])
    const before = yield* Clock.currentTimeMillis
    yield* sender.send(bytes(4))
    const error = yield* Effect.flip(sender.ended)
    const after = (yield* Clock.currentTimeMillis) - before
    yield* check(
      error._tag === "StreamLost" && error.delivery === "uncertain" && error.sequence === 3,
      `it ended with ${error.message}`
    )
    yield* check(after > 10_000 && after < 20_000, `it was given up after ${after} ms`)
    yield* check((yield* server.streams.stats).sending === 0, "it is kept")
  })
)

explored("K25 a latency-first stream never waits for a link, and goes on over the next one", (network) =>
  Effect.gen(function* () {
    const server = yield* served(network)
    const client = yield* dialled(network)
    yield* client.connection.request("echo", "hello")
    const [toClient] = yield* server.acceptor.connections
    const got: Array<number> = []
    const receiver = yield* client.streams.register(client.connection, "s", (chunk) =>
      Effect.sync(() => got.push(numberOf(chunk)))
    )
    const sender = yield* server.streams.open(toClient!, "s", { mode: "latency-first", window: 8 })
    yield* network.sever("client", "server")
    yield* Effect.sleep("1 millis")
    const before = yield* Clock.currentTimeMillis
    for (const n of upTo(20)) yield* sender.send(bytes(n))
    yield* check((yield* Clock.currentTimeMillis) === before, "a send has waited")
    yield* Effect.sleep("10 seconds")
    yield* check((yield* sender.stats).dropped >= 12, "none was dropped")
    yield* sender.send(bytes(21))
    yield* sender.end
    yield* receiver.ended
    yield* check(got.at(-1) === 21 && got.every((n, at) => at === 0 || n > got[at - 1]!), `it got ${got.join()}`)
    const { dropped, sequence } = yield* sender.stats
    yield* check(got.length + dropped <= sequence, `${got.length} came, and ${dropped} of ${sequence} were dropped`)
  })
)

explored(
  "K28 registered again at any time: each chunk is handled once and in order",
  (network) =>
    Effect.gen(function* () {
      const server = yield* served(network)
      const client = yield* dialled(network)
      yield* client.connection.request("echo", "hello")
      const [toClient] = yield* server.acceptor.connections
      const got: Array<number> = []
      const by: Array<number> = []
      const register = (which: number) =>
        client.streams.register(
          client.connection,
          "s",
          (chunk) =>
            Effect.andThen(
              Effect.sleep(1),
              Effect.sync(() => (got.push(numberOf(chunk)), by.push(which)))
            ),
          { window: 4 }
        )
      const first = yield* register(1)
      yield* Effect.forkChild(sendNumbers(server.streams, toClient!, "s", upTo(30)))
      yield* Effect.sleep(yield* Random.nextIntBetween(0, 30))
      const second = yield* register(2)
      yield* Effect.sleep(yield* Random.nextIntBetween(0, 10))
      const third = yield* register(3)
      // Whoever registers behind the end waits for another stream of that name.
      yield* Effect.raceAll([first.ended, second.ended, third.ended])
      yield* whole(got, 30, "of three receivers")
      yield* check(
        by.every((which, at) => at === 0 || which >= by[at - 1]!),
        `handled by ${by.join()}`
      )
    }),
  {},
  150
)

explored("K41 a stream of one account is not gone on with by another that has its connection's id", (network) =>
  Effect.gen(function* () {
    const server = yield* served(network)
    const client = yield* dialled(network)
    yield* client.connection.request("echo", "hello")
    const [toClient] = yield* server.acceptor.connections
    const got: Array<number> = []
    yield* server.streams.register(toClient!, "s", (chunk) => Effect.sync(() => got.push(numberOf(chunk))))
    const stranger = { ...toClient!, identity: Effect.succeed({ account: "a stranger", scopes: [] }) }
    const error = yield* Effect.flip(
      server.streams.handlers["@stream.chunks"](raw("s", [1]), stranger as typeof toClient & {})
    )
    yield* check(error.reason === "NotProducer", `it was told ${error.reason}`)
    yield* Effect.sleep("1 second")
    yield* check(got.length === 0, "it was taken")
  })
)

explored("I12 a consumer that is slow has its producer wait, and nothing grows", (network) =>
  Effect.gen(function* () {
    const server = yield* served(network)
    const client = yield* dialled(network)
    yield* client.connection.request("echo", "hello")
    const [toClient] = yield* server.acceptor.connections
    const got: Array<number> = []
    const receiver = yield* client.streams.register(
      client.connection,
      "s",
      (chunk) =>
        Effect.andThen(
          Effect.sleep("3 seconds"),
          Effect.sync(() => got.push(numberOf(chunk)))
        ),
      { window: 3 }
    )
    const sender = yield* server.streams.open(toClient!, "s", { window: 2 })
    let sent = 0
    const most: Array<number> = []
    const sending = Effect.forEach(upTo(10), (n) =>
      Effect.andThen(
        sender.send(bytes(n)),
        Effect.sync(() => most.push(++sent - got.length))
      )
    )
    yield* Effect.forkChild(Effect.andThen(sending, Effect.ignore(sender.end)))
    yield* receiver.ended
    yield* whole(got, 10, "of a slow consumer")
    // One that is handled, and the windows of both sides.
    yield* check(Math.max(...most) <= 6, `${Math.max(...most)} were underway`)
  })
)

explored(
  "I14 a stream that is closed while there is no link is over on both sides when there is one again",
  (network) =>
    Effect.gen(function* () {
      const server = yield* served(network)
      const client = yield* dialled(network)
      yield* client.connection.request("echo", "hello")
      const [toClient] = yield* server.acceptor.connections
      const latch = yield* Latch.make()
      const cancelled = yield* client.streams.register(client.connection, "cancelled", () => Effect.void)
      const left = yield* client.streams.register(client.connection, "left", () => Latch.open(latch))
      const sender = yield* server.streams.open(toClient!, "cancelled")
      const scope = yield* Scope.make()
      const leaving = yield* Scope.provide(server.streams.open(toClient!, "left"), scope)
      yield* leaving.send(bytes(1))
      yield* Latch.await(latch)
      yield* network.partition(["client"], ["server"])
      yield* Effect.forkChild(cancelled.cancel)
      yield* Effect.forkChild(Scope.close(scope, Exit.void))
      yield* sender.send(bytes(1))
      yield* Effect.sleep("5 seconds")
      yield* network.heal
      const closed = yield* Effect.flip(sender.ended)
      yield* check(closed._tag === "StreamClosed" && closed.by === "the other side", closed.message)
      const lost = yield* Effect.flip(left.ended)
      yield* check(lost._tag === "StreamLost" || lost._tag === "StreamFailed", lost.message)
      const [here, there] = [yield* client.streams.stats, yield* server.streams.stats]
      yield* check(here.receiving + there.sending === 0, "something is left")
    })
)
