import { assert, describe, it } from "@effect/vitest"
import { Cause, Duration, Effect, Exit, Fiber, Logger, Schema, Scope, Stream } from "effect"
import { Rpc } from "effect/rpc"
import { TestClock } from "effect/testing"
import { Acceptor, Authentication, Connection, Memory, Protocol } from "troupe/net"
import { meet, reach } from "../../src/net/internal/session/handshake.ts"
import { encode, Kind } from "../../src/net/internal/session/packet.ts"

const Echo = Protocol.make("test:echo", {
  server: [
    Rpc.make("echo", { payload: Schema.String, success: Schema.String }),
    Rpc.make("fail", { payload: Schema.Int, error: Schema.String }),
    Rpc.make("die"),
    Rpc.make("never"),
    Rpc.make("note", { payload: Schema.Int }),
    Rpc.make("bytes", { payload: Schema.Uint8Array, success: Schema.Uint8Array }),
    Rpc.make("count", { payload: Schema.Int, success: Schema.Int, stream: true }),
    Rpc.make("back", { success: Schema.String })
  ],
  client: [Rpc.make("name", { success: Schema.String })]
})

const start = Effect.gen(function* () {
  const notes: Array<number> = []
  const interrupted: Array<string> = []
  const acceptor = yield* Acceptor.make(Memory.make(), Echo, {
    authenticator: Authentication.open,
    handlers: {
      echo: (text) => Effect.succeed(text),
      fail: (n) => Effect.fail(`no ${n}`),
      die: () => Effect.die("boom"),
      never: () => Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted.push("never"))),
      note: (n) => Effect.sync(() => void notes.push(n)),
      bytes: (bytes) => Effect.succeed(bytes.toReversed()),
      count: (to) => Stream.range(1, to),
      back: (_, connection) => Effect.orDie(connection.request("name"))
    }
  })
  const connection = yield* Connection.connect(acceptor.transport, Echo, {
    handlers: { name: () => Effect.succeed("Ada") },
    reconnect: "never"
  })
  return { acceptor, connection, notes, interrupted }
})

describe("Connection", () => {
  it.effect("K1 request, K3 typed error, K4 a death", () =>
    Effect.gen(function* () {
      const { connection } = yield* start
      assert.strictEqual(yield* connection.request("echo", "hello"), "hello")
      assert.strictEqual(yield* Effect.flip(connection.request("fail", 3)), "no 3")
      const died = yield* Effect.flip(connection.request("die"))
      assert.strictEqual(died._tag, "HandlerFailed")
      assert.deepStrictEqual(Array.from(yield* connection.request("bytes", Uint8Array.of(1, 2, 255))), [255, 2, 1])
      assert.strictEqual(yield* connection.request("back"), "Ada")
      assert.deepStrictEqual(
        yield* Stream.runCollect(connection.stream("count", 100)),
        Array.from({ length: 100 }, (_, i) => i + 1)
      )
      assert.deepStrictEqual(
        yield* Stream.runCollect(Stream.take(connection.stream("count", 100000), 5)),
        [1, 2, 3, 4, 5]
      )
    })
  )

  it.effect("K13 interrupted", () =>
    Effect.gen(function* () {
      const { connection, interrupted, notes } = yield* start
      const fiber = yield* Effect.forkChild(connection.request("never"))
      yield* Effect.yieldNow
      yield* connection.request("echo", "")
      yield* Fiber.interrupt(fiber)
      yield* connection.request("echo", "")
      assert.deepStrictEqual(interrupted, ["never"])
      for (let i = 0; i < 1000; i++) yield* connection.tell("note", i)
      yield* connection.request("echo", "")
      assert.strictEqual(notes.length, 1000)
      const exit = yield* Effect.exit(connection.close)
      assert.isTrue(Exit.isSuccess(exit))
    })
  )
})

describe("a connection that can't be made", () => {
  it.effect("says so in whole sentences, whatever is in them", () =>
    Effect.gen(function* () {
      const nobody = yield* Connection.make(Memory.make(), Echo, { handlers: { name: () => Effect.succeed("Ada") } })
      const error = yield* Effect.flip(nobody.tell("note", 1))
      assert.match(error.message, /Nothing listens there\. [^.]+\. Nothing was sent: try again\.$/)
      assert.notInclude(error.message, "..")
    })
  )

  const credentials: Authentication.Credentials = { claim: () => Effect.die(new Error("the vault is gone")) }

  it.effect("since its credentials die: it is closed, and whoever waits for the first link sees of what", () =>
    Effect.gen(function* () {
      const { acceptor } = yield* start
      const handlers = { name: () => Effect.succeed("Ada") }
      const connection = yield* Connection.make(acceptor.transport, Echo, { handlers, credentials })
      const error = yield* Effect.flip(connection.request("echo", "hello"))
      assert.deepInclude(error, { _tag: "ConnectionClosed", detail: "what makes its links has died" })
      const exit = yield* Effect.exit(Connection.connect(acceptor.transport, Echo, { handlers, credentials }))
      assert.include(Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "", "the vault is gone")
    }).pipe(Effect.provide(Logger.layer([])))
  )

  it.effect(
    "I7 is tried again after 3 s, each time half as long again up to a minute, a fifth more or less, for ever",
    () =>
      Effect.gen(function* () {
        const connection = yield* Connection.make(Memory.make(), Echo, {
          handlers: { name: () => Effect.succeed("Ada") }
        })
        yield* Effect.forkChild(connection.request("echo", "hello", { timeout: "1 day" }))
        const off: Array<number> = []
        for (let attempt = 1; attempt <= 100; attempt++) {
          yield* Effect.repeat(Effect.yieldNow, { times: 50 })
          const state = yield* connection.state
          assert(state._tag === "Waiting")
          assert.strictEqual(state.attempt, attempt)
          off.push(Duration.toMillis(state.delay) / Math.min(60_000, 3000 * 1.5 ** (attempt - 1)))
          yield* TestClock.adjust(state.delay)
        }
        for (const factor of off) assert.isTrue(factor >= 0.799 && factor <= 1.201, String(factor))
        assert.isAbove(Math.max(...off) - Math.min(...off), 0.2)
      })
  )

  it.effect("once its server has left: a stream waits as long for the next link as for the first", () =>
    Effect.gen(function* () {
      const Counting = Protocol.make("test:counting", {
        server: [Rpc.make("hold"), Rpc.make("count", { payload: Schema.Int, success: Schema.Int, stream: true })]
      })
      const scope = yield* Scope.make()
      const acceptor = yield* Acceptor.make(Memory.make(), Counting, {
        authenticator: Authentication.open,
        handlers: { hold: () => Effect.sleep("1 second"), count: (to) => Stream.range(1, to) },
        stopTimeout: "1 minute"
      }).pipe(Scope.provide(scope))
      const connection = yield* Connection.connect(acceptor.transport, Counting)
      const held = yield* Effect.forkChild(connection.request("hold"))
      yield* Effect.repeat(Effect.yieldNow, { times: 50 })
      // It crosses with the leave.
      const counting = yield* Effect.forkChild(Effect.flip(Stream.runCollect(connection.stream("count", 3))), {
        startImmediately: true
      })
      const stopping = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(held)
      yield* Fiber.join(stopping)
      yield* TestClock.adjust("8 seconds")
      assert.isUndefined(counting.pollUnsafe())
      yield* TestClock.adjust("2 seconds")
      assert.deepInclude(yield* Fiber.join(counting), { _tag: "Unavailable", delivery: "not sent" })
    })
  )
})

describe("a side that does not keep to what both have agreed upon", () => {
  const Sink = Protocol.make("test:sink", { server: [Rpc.make("stuck", { payload: Schema.Int })] })
  const flood = Effect.fnUntraced(function* (frame: Uint8Array) {
    const acceptor = yield* Acceptor.make(Memory.make(), Sink, {
      authenticator: Authentication.open,
      handlers: { stuck: () => Effect.never }
    })
    const good = yield* Connection.connect(acceptor.transport, Sink)
    const caller = { protocol: Sink.name, instance: undefined, connection: "flood", credentials: undefined }
    const wire = yield* reach(acceptor.transport, caller)
    yield* meet(wire, caller)
    const sending = Effect.forever(wire.send(frame))
    const error = yield* Effect.flip(Effect.andThen(Effect.timeout(sending, "1 minute"), Effect.never))
    return { acceptor, error, good }
  })

  for (const [what, frame] of [
    ["tells", encode(Kind.Tell, 0, "1", "stuck")],
    ["messages that nobody receives", encode(Kind.Text, 0, "text")]
  ] as const) {
    it.live(`K38 I12 is cut off when it sends more ${what} than it may`, () =>
      Effect.gen(function* () {
        const { acceptor, error, good } = yield* flood(frame)
        assert.strictEqual(error._tag, "WireClosed")
        assert.isTrue(yield* good.isConnected)
        yield* Effect.repeat(acceptor.stats, { until: ({ connections }) => connections === 1 })
        const { messagesIn } = yield* acceptor.stats
        assert.isBelow(messagesIn, 1000)
      })
    )
  }
})
