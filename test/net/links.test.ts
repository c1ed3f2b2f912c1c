/**
 * What connections do when their links come, go and fail: over the simulated network, under many schedules.
 */
import { assert } from "@effect/vitest"
import { Clock, Duration, Effect, Exit, Fiber, Random, Ref, Schedule, Schema, type Scope, Stream } from "effect"
import { Rpc } from "effect/rpc"
import { Acceptor, Authentication, Connection, Memory, Protocol } from "troupe/net"
import { Network } from "troupe/testing"
import { it } from "troupe/testing/vitest"

const Store = Protocol.make("test:store", {
  server: [
    Rpc.make("add", { payload: Schema.Int, success: Schema.Int, error: Schema.String }),
    Rpc.make("slow", { payload: Schema.Int, success: Schema.Int }),
    Rpc.make("note", { payload: Schema.Int }),
    Rpc.make("ticks", { success: Schema.Int, stream: true })
  ],
  client: [Rpc.make("pushed", { payload: Schema.Int })]
})

/** Says what is not so, as a failure of the schedule. */
const check = (holds: boolean, otherwise: string) => (holds ? Effect.void : Effect.fail(otherwise))

/** What an error is, with what it says. */
const told = (error: unknown) =>
  typeof error === "object" && error !== null && "_tag" in error
    ? { _tag: error._tag, delivery: "delivery" in error ? error.delivery : undefined, message: String(error) }
    : { _tag: String(error), delivery: undefined, message: String(error) }

const heartbeat: Connection.Heartbeat = { interval: "1 second", misses: 3 }

/** A server that has added up what it was told, and counts what its handlers did. */
const serve = (network: Network.Network) =>
  Effect.gen(function* () {
    const handled: Array<number> = []
    const notes: Array<number> = []
    const interrupted = yield* Ref.make(0)
    const acceptor = yield* Acceptor.make(network.transport("client", "server"), Store, {
      authenticator: Authentication.open,
      heartbeat,
      handlers: {
        add: (n) =>
          n < 0
            ? Effect.fail("negative")
            : Effect.sync(() => {
                handled.push(n)
                return handled.length
              }),
        slow: (ms) =>
          Effect.as(Effect.sleep(ms), ms).pipe(Effect.onInterrupt(() => Ref.update(interrupted, (n) => n + 1))),
        note: (n) => Effect.sync(() => void notes.push(n)),
        ticks: () => Stream.range(1, 1_000_000)
      }
    })
    return { acceptor, handled, notes, interrupted }
  })

const quickly = Schedule.spaced("100 millis")

const dial = (network: Network.Network, reconnect: Connection.Options["reconnect"] = quickly) =>
  Connection.make(network.transport("client", "server"), Store, {
    heartbeat,
    reconnect,
    handlers: { pushed: () => Effect.void }
  })

const explored = <E>(
  name: string,
  program: (network: Network.Network) => Effect.Effect<unknown, E, Scope.Scope>,
  options: Network.Options = {},
  schedules: number = 200
) =>
  it.explore(name, Effect.flatMap(Network.make({ latency: { min: 0, max: 3 }, ...options }), program), {
    schedules,
    maxSteps: 200_000
  })

explored("K5 K6 K13 a request that takes too long ends at its deadline, and its handler is interrupted", (network) =>
  Effect.gen(function* () {
    const { interrupted } = yield* serve(network)
    const connection = yield* dial(network)
    yield* connection.request("add", 1)
    const before = yield* Clock.currentTimeMillis
    const error = told(yield* Effect.flip(connection.request("slow", 5000, { timeout: "100 millis" })))
    yield* check(error._tag === "Timeout", `it failed with ${error.message}`)
    yield* check((yield* Clock.currentTimeMillis) - before === 100, "it failed at another time")
    yield* Effect.sleep("10 millis")
    yield* check((yield* Ref.get(interrupted)) === 1, "its handler goes on")
    // Nearly in time: the answer comes when nobody waits for it.
    yield* Effect.ignore(connection.request("slow", 100, { timeout: "100 millis" }))
    yield* check((yield* connection.request("add", 2)) === 2, "the next one got another answer")
    const { requests } = yield* connection.stats
    yield* check(requests.pending === 0, "something is pending")
  })
)

explored("K7 a deadline of 0 or less is no deadline, and nothing is sent", (network) =>
  Effect.gen(function* () {
    yield* serve(network)
    const connection = yield* dial(network)
    for (const timeout of [0, -1, Number.NaN]) {
      const error = told(yield* Effect.flip(connection.request("add", 1, { timeout })))
      yield* check(error._tag === "InvalidArgument", `it failed with ${error.message}`)
    }
    yield* check((yield* connection.stats).requests.sent === 0, "it was sent")
  })
)

explored("K8 a request waits for its link until its deadline, and no longer", (network) =>
  Effect.gen(function* () {
    const connection = yield* dial(network, Schedule.spaced("10 seconds"))
    const before = yield* Clock.currentTimeMillis
    const error = told(yield* Effect.flip(connection.request("add", 1, { timeout: "2 seconds" })))
    yield* check(error._tag === "Unavailable" && error.delivery === "not sent", `it failed with ${error.message}`)
    yield* check((yield* Clock.currentTimeMillis) - before === 2000, "it failed at another time")
    const waiting = yield* Effect.forkChild(connection.request("add", 1, { timeout: "1 minute" }))
    const { handled } = yield* serve(network)
    yield* Fiber.join(waiting)
    yield* check(handled.length === 1, `it was handled ${handled.length} times`)
  })
)

explored("K9 I5 a link that is lost ends what is pending, at once and typed", (network) =>
  Effect.gen(function* () {
    const { interrupted } = yield* serve(network)
    const connection = yield* dial(network)
    yield* connection.request("add", 1)
    const pending = yield* Effect.forEach(Array.from({ length: 5 }), () =>
      Effect.forkChild(Effect.exit(connection.request("slow", 60_000, { timeout: "1 minute" })))
    )
    const ticking = yield* Effect.forkChild(
      Effect.exit(Stream.runForEach(connection.stream("ticks"), () => Effect.sleep("1 second")))
    )
    yield* Effect.sleep("5 seconds")
    yield* network.sever("client", "server")
    const before = yield* Clock.currentTimeMillis
    for (const exit of yield* Fiber.joinAll(pending)) {
      const error = told(yield* Effect.flip(exit))
      yield* check(error._tag === "Unavailable" && error.delivery === "uncertain", `it ended with ${error.message}`)
    }
    yield* check((yield* Clock.currentTimeMillis) === before, "they ended later")
    const ended = yield* Effect.flip(yield* Fiber.join(ticking))
    yield* check(ended._tag === "Unavailable", `the stream ended with ${ended._tag}`)
    yield* check((yield* connection.request("add", 2)) === 2, "it was not connected again")
    yield* check((yield* Ref.get(interrupted)) === 5, "handlers go on")
    yield* check((yield* connection.stats).reconnects === 1, "it was connected more than once")
  })
)

explored(
  "K16 K17 I16 a request that is retried is handled once, whatever happens to the links",
  (network) =>
    Effect.gen(function* () {
      const { acceptor, handled } = yield* serve(network)
      const connection = yield* dial(network)
      const asking = yield* Effect.forEach(
        Array.from({ length: 10 }, (_, n) => n),
        (n) =>
          Effect.forkChild(
            Effect.exit(
              Effect.andThen(
                Effect.sleep(n * 7),
                connection.request("add", n, { timeout: "5 minutes", retry: "once-handled" })
              )
            )
          )
      )
      const exits = yield* Fiber.joinAll(asking)
      yield* check(exits.every(Exit.isSuccess), "one was not answered")
      const answers = new Set(exits.map((exit) => (Exit.isSuccess(exit) ? exit.value : -1)))
      yield* check(answers.size === 10 && handled.length === 10, `handled: ${handled.join(", ")}`)
      const { dropped } = yield* acceptor.stats
      yield* check(dropped.unknown === 0, "something was not understood")
    }),
  { breaks: 0.05 },
  300
)

explored("K19 an error of the caller's own making is not retried", (network) =>
  Effect.gen(function* () {
    const { acceptor } = yield* serve(network)
    const connection = yield* dial(network)
    const error = told(yield* Effect.flip(connection.request("add", -1, { retry: "once-handled" })))
    yield* check(error._tag === "negative", error.message)
    const { handled } = yield* acceptor.stats
    yield* check(handled.failed === 1 && handled.succeeded === 0, "it was handled more than once")
  })
)

explored("K32 I2 I3 a peer that is silent is noticed by both sides, once, within the heartbeats", (network) =>
  Effect.gen(function* () {
    const { acceptor } = yield* serve(network)
    const events = yield* acceptor.events
    const connection = yield* dial(network, "never")
    yield* connection.request("add", 1)
    yield* Effect.sleep("10 seconds")
    yield* check(yield* connection.isConnected, "the heartbeats did not keep it")
    const before = yield* Clock.currentTimeMillis
    yield* network.partition(["client"], ["server"])
    const closed = yield* connection.closed
    const after = (yield* Clock.currentTimeMillis) - before
    yield* check(closed.by === "loss" && after > 2000 && after <= 4000, `closed by ${closed.by} after ${after} ms`)
    yield* Effect.sleep("10 seconds")
    const { connections } = yield* acceptor.stats
    yield* check(connections === 0, "the other side has not noticed")
    const seen: Array<string> = []
    for (let event = events.pollUnsafe(); event !== undefined; event = events.pollUnsafe()) {
      if (Exit.isSuccess(event)) seen.push(event.value._tag)
    }
    yield* check(seen.join() === "Connected,Disconnected", seen.join())
  })
)

explored("I3 K32 one answer in time is enough, though others are missed", (network) =>
  Effect.gen(function* () {
    yield* serve(network)
    const connection = yield* dial(network, "never")
    yield* connection.request("add", 1)
    for (let i = 0; i < 5; i++) {
      yield* network.partition(["client"], ["server"])
      yield* Effect.sleep("1900 millis")
      yield* network.heal
      yield* Effect.sleep("1100 millis")
    }
    yield* check(yield* connection.isConnected, "it was given up too soon")
  })
)

explored("K33 K44 after many reconnects one heartbeat runs, and each is counted", (network) =>
  Effect.gen(function* () {
    yield* serve(network)
    const connection = yield* dial(network)
    for (let i = 0; i < 5; i++) {
      yield* connection.request("add", i)
      yield* network.sever("client", "server")
      yield* Effect.sleep("1 second")
    }
    yield* connection.request("add", 5)
    const before = yield* connection.stats
    yield* Effect.sleep("10 seconds")
    const after = yield* connection.stats
    // A ping and a pong are a byte each: ten of each side.
    const heard = after.bytesIn - before.bytesIn
    yield* check(after.reconnects === 5, `${after.reconnects} reconnects`)
    yield* check(heard >= 18 && heard <= 22, `${heard} bytes came in within 10 s`)
  })
)

explored("K34 a connection that was closed stays closed", (network) =>
  Effect.gen(function* () {
    const { acceptor } = yield* serve(network)
    const connection = yield* dial(network)
    yield* connection.request("add", 1)
    yield* connection.close
    const error = told(yield* Effect.flip(connection.request("add", 2)))
    yield* check(error._tag === "ConnectionClosed", error.message)
    yield* Effect.sleep("1 minute")
    const { accepted, connections } = yield* acceptor.stats
    yield* check(accepted === 1 && connections === 0, `${accepted} were accepted, ${connections} are there`)
  })
)

explored("K35 the end of an old link changes nothing for the new one", (network) =>
  Effect.gen(function* () {
    const { acceptor } = yield* serve(network)
    const events = yield* acceptor.events
    const connection = yield* dial(network)
    yield* connection.request("add", 1)
    // The client gives its link up first, and comes back while the server still has the old one.
    yield* network.clog("client", "server")
    yield* Effect.sleep("3 seconds")
    yield* network.unclog("client", "server")
    yield* Effect.sleep("20 seconds")
    yield* check((yield* connection.request("add", 2)) === 2, "it does not work")
    const { connections } = yield* acceptor.stats
    yield* check(connections === 1, `${connections} connections`)
    const [one] = yield* acceptor.connections
    yield* check(one !== undefined && (yield* one.isConnected), "the new one is not connected")
    let open = 0
    for (let event = events.pollUnsafe(); event !== undefined; event = events.pollUnsafe()) {
      if (Exit.isSuccess(event)) open += event.value._tag === "Connected" ? 1 : -1
    }
    yield* check(open === 1, `${open} were told of`)
  })
)

explored("K36 many who use a connection first make one link", (network) =>
  Effect.gen(function* () {
    const { acceptor, notes } = yield* serve(network)
    const connection = yield* dial(network)
    yield* Effect.forEach(
      Array.from({ length: 10 }, (_, n) => n),
      (n) => (n % 2 === 0 ? connection.tell("note", n) : Effect.asVoid(connection.request("add", n))),
      { concurrency: "unbounded", discard: true }
    )
    yield* connection.request("add", 1)
    yield* check((yield* acceptor.stats).accepted === 1, "it made several")
    yield* check(notes.length === 5, `${notes.length} notes`)
  })
)

explored("K48 who stops answers what was admitted, and lets nobody else in", (network) =>
  Effect.gen(function* () {
    const { acceptor } = yield* serve(network)
    const connection = yield* dial(network, "never")
    const other = yield* dial(network, "never")
    yield* connection.request("add", 1)
    const slow = yield* Effect.forkChild(Effect.exit(connection.request("slow", 2000)))
    const endless = yield* Effect.forkChild(Effect.exit(connection.request("slow", 60_000, { timeout: "2 minutes" })))
    yield* Effect.sleep("1 second")
    const before = yield* Clock.currentTimeMillis
    const stopping = yield* Effect.forkChild(acceptor.stop)
    yield* Effect.sleep("10 millis")
    const refused = told(yield* Effect.flip(other.request("add", 2, { timeout: "5 seconds" })))
    yield* check(refused._tag === "ConnectionClosed", `the other was told ${refused._tag}`)
    yield* check(Exit.isSuccess(yield* Fiber.join(slow)), "what was admitted was not answered")
    yield* Fiber.join(stopping)
    const after = (yield* Clock.currentTimeMillis) - before
    yield* check(after >= 10_000 && after < 13_000, `it took ${after} ms`)
    yield* check(Exit.isFailure(yield* Fiber.join(endless)), "what took too long was answered")
  })
)

explored("I7 reconnects follow their schedule, which begins anew with each link", (network) =>
  Effect.gen(function* () {
    const connection = yield* dial(network, Schedule.exponential("1 second"))
    const delays: Array<number> = []
    yield* Effect.forkScoped(
      Stream.runForEach(connection.changes, (state) =>
        Effect.sync(() => {
          if (state._tag === "Waiting") delays.push(Duration.toMillis(state.delay))
        })
      )
    )
    yield* Effect.forkChild(Effect.ignore(connection.request("add", 1, { timeout: "30 seconds" })))
    yield* Effect.sleep("8 seconds")
    yield* serve(network)
    yield* connection.request("add", 1, { timeout: "1 minute" })
    yield* network.sever("client", "server")
    yield* Effect.sleep("500 millis")
    yield* check(delays.join() === "1000,2000,4000,8000,1000", delays.join())
  })
)

explored("I7 a schedule that ends closes the connection, with what went wrong", (network) =>
  Effect.gen(function* () {
    const connection = yield* dial(network, Schedule.recurs(2))
    const error = told(yield* Effect.flip(connection.request("add", 1, { timeout: "1 minute" })))
    yield* check(error._tag === "ConnectionClosed" && error.message.includes("Nothing listens there"), error.message)
    yield* check((yield* connection.state)._tag === "Closed", "it goes on")
  })
)

explored(
  "I16 through partitions, crashes and lost links every request ends once, and tells keep their order",
  (network) =>
    Effect.gen(function* () {
      const { handled, notes } = yield* serve(network)
      const connection = yield* dial(network)
      const started = yield* Ref.make(0)
      const ended = yield* Ref.make(0)
      const worker = Effect.gen(function* () {
        for (let i = 0; i < 8; i++) {
          yield* Ref.update(started, (n) => n + 1)
          yield* Effect.exit(connection.request("add", i, { timeout: "20 seconds", retry: "once-handled" }))
          yield* Ref.update(ended, (n) => n + 1)
          yield* Effect.sleep(yield* Random.nextIntBetween(0, 500))
        }
      })
      const workers = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(worker))
      const telling = yield* Effect.forkChild(
        Effect.forEach(
          Array.from({ length: 30 }, (_, n) => n),
          (n) => Effect.andThen(Effect.ignore(connection.tell("note", n)), Effect.sleep(50))
        )
      )
      for (let i = 0; i < 4; i++) {
        yield* network.swizzle("2 seconds")
        yield* network.sever("client", "server")
        yield* Effect.sleep(300)
      }
      yield* Fiber.joinAll(workers)
      yield* Fiber.join(telling)
      yield* check((yield* Ref.get(started)) === (yield* Ref.get(ended)), "one did not end")
      yield* check((yield* connection.stats).requests.pending === 0, "something is pending")
      yield* check(handled.length <= 24, `${handled.length} were handled of 24`)
      yield* check(
        notes.every((n, at) => at === 0 || n > notes[at - 1]!),
        `out of order: ${notes.join()}`
      )
      yield* connection.request("add", 99, { timeout: "1 minute", retry: "once-handled" })
    }),
  {},
  300
)

explored("I13 a stream that is consumed no further is not produced any further", (network) =>
  Effect.gen(function* () {
    const { acceptor } = yield* serve(network)
    const connection = yield* dial(network)
    const values = yield* Stream.runCollect(Stream.take(connection.stream("ticks"), 20))
    yield* check(values.length === 20, `${values.length} values`)
    yield* Effect.sleep("1 second")
    const { handled } = yield* acceptor.stats
    yield* check(handled.running === 0, "it is produced still")
  })
)

it.live("I4 a program that stood still asks whether the other side is there before it sends anything", () =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    let stoodStill = 0
    const jumping: Clock.Clock = {
      ...clock,
      sleep: (duration) => clock.sleep(duration),
      currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe() + stoodStill,
      monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe()
    }
    const transport = Memory.make()
    yield* Acceptor.make(transport, Store, {
      authenticator: Authentication.open,
      handlers: {
        add: (n) => Effect.succeed(n),
        slow: (n) => Effect.succeed(n),
        note: () => Effect.void,
        ticks: () => Stream.empty
      }
    })
    const connection = yield* Effect.provideService(
      Connection.make(transport, Store, { handlers: { pushed: () => Effect.void } }),
      Clock.Clock,
      jumping
    )
    yield* connection.request("add", 1)
    const plain = yield* connection.stats
    yield* connection.request("add", 1)
    const before = yield* connection.stats
    stoodStill = 60 * 60 * 1000
    yield* connection.request("add", 1)
    const after = yield* connection.stats
    // A ping more than the request alone.
    assert.strictEqual(after.bytesOut - before.bytesOut, before.bytesOut - plain.bytesOut + 1)
  })
)
