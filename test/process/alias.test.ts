import { assert, describe } from "@effect/vitest"
import { Effect, Exit, Fiber, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Alias, Process, ProcessHost, Selectable } from "troupe"
import { both } from "../support/both.ts"
import { host } from "../support/processes.ts"

const News = Rpc.make("news", { payload: Schema.Int })
const Client = Process.make("test:client", { protocol: [News] })
const Publisher = Process.make("test:publisher", { args: Alias.of(News), protocol: [Rpc.make("end")] })

const PublisherLive = Publisher.toLayer(
  Effect.fnUntraced(function* (to) {
    yield* Process.send(to, "news", 1)
    yield* Publisher.receive()
  })
)

const client = <A, E, R>(
  body: Effect.Effect<A, E, R>
): Effect.Effect<A, unknown, Exclude<R, Process.Provided<"test:client"> | Process.Implementation<"test:publisher">>> =>
  Effect.gen(function* () {
    const pid = yield* Process.spawn(Client)
    return (yield* Effect.flatten(Process.await(pid))) as A
  }).pipe(Effect.provide(Client.toLayer(() => body)), Effect.provide(PublisherLive), Effect.provide(host)) as never

const received = Effect.gen(function* () {
  const inbox = yield* Client.inbox
  const payloads: Array<number> = []
  while (inbox.length > 0) payloads.push((yield* Client.receive()).payload)
  return payloads
})

describe("Alias", () => {
  both("P35 after an alias is revoked, what is sent to it is dropped in silence", () =>
    client(
      Effect.gen(function* () {
        const alias = yield* Alias.make(Client)
        yield* Process.send(alias, "news", 1)
        yield* Process.send(alias, "news", 2)
        assert.isTrue(alias.active)
        yield* Alias.revoke(alias)
        yield* Alias.revoke(alias)
        assert.isFalse(alias.active)
        yield* Process.send(alias, "news", 3)
        assert.deepStrictEqual(yield* received, [1, 2])
        const { deadLetters, sent } = yield* ProcessHost.stats()
        assert.deepStrictEqual([sent, deadLetters], [2, 0])
      })
    )
  )

  both("P35 an alias for one message takes exactly one, whoever is first", () =>
    client(
      Effect.gen(function* () {
        const alias = yield* Alias.once(Client)
        // What does not fit was not accepted.
        const refusal = yield* Effect.flip(Process.send(alias, "news", "x" as never))
        assert.strictEqual(refusal._tag, "InvalidMessage")
        yield* Effect.forEach([1, 2, 3], (n) => Process.send(alias, "news", n), { concurrency: "unbounded" })
        assert.strictEqual((yield* received).length, 1)
        assert.isFalse(alias.active)
      })
    )
  )

  both("P35 an alias with a monitor dies with its down, in the same step", () =>
    client(
      Effect.gen(function* () {
        const target = yield* Alias.make(Client)
        const monitor = yield* Process.spawnMonitored(Publisher, target)
        const alias = yield* Alias.make(Client, { monitor })
        yield* Process.send(alias, "news", 2)
        yield* Client.receive((message) => message.payload === 1)
        yield* Process.send(monitor.pid, "end")
        const event = yield* Selectable.take(yield* Client.events)
        assert.strictEqual(event._tag, "Exit")
        assert.isFalse(alias.active)
        yield* Process.send(alias, "news", 3)
        assert.deepStrictEqual(yield* received, [2])
        // It was down before.
        const late = yield* Alias.make(Client, { monitor: yield* Process.monitor(monitor.pid) })
        assert.isFalse(late.active)
      })
    )
  )

  both("P35 an alias with a monitor is active until its down is there", () =>
    client(
      Effect.gen(function* () {
        const monitor = yield* Process.spawnMonitored(Publisher, yield* Alias.make(Client))
        const alias = yield* Alias.make(Client, { monitor })
        const events = yield* Client.events
        const ending = yield* Effect.forkChild(Process.terminate(monitor.pid))
        // In one step: as long as there is no down, it takes messages; and no longer.
        while (!events.isReadyUnsafe()) {
          yield* Effect.sync(() => assert.strictEqual(alias.active, !events.isReadyUnsafe()))
          yield* Effect.yieldNow
        }
        assert.isFalse(alias.active)
        yield* Fiber.join(ending)
      })
    )
  )

  both("P35 a demonitor ends it as well, and so does its scope", () =>
    client(
      Effect.gen(function* () {
        const monitor = yield* Process.spawnMonitored(Publisher, yield* Alias.make(Client))
        const alias = yield* Alias.make(Client, { monitor })
        yield* Process.demonitor(monitor)
        assert.isFalse(alias.active)
        const scoped: Alias.Alias<typeof News> = yield* Effect.scoped(Alias.make(Client))
        assert.isFalse(scoped.active)
        yield* Process.kill(monitor.pid)
      })
    )
  )

  both("what is sent to the alias of a process that is gone is dropped in silence", () =>
    Effect.gen(function* () {
      const aliases: Array<Alias.Alias<typeof News>> = []
      const pid = yield* Effect.provide(
        Process.spawn(Client),
        Client.toLayer(() =>
          Effect.andThen(
            Effect.map(Alias.make(Client), (alias) => aliases.push(alias)),
            Effect.never
          )
        )
      )
      yield* Effect.sleep("1 milli")
      assert.isTrue(aliases[0]!.active)
      yield* Process.kill(pid)
      assert.deepStrictEqual(yield* Effect.exit(Process.send(aliases[0]!, "news", 1)), Exit.void)
      assert.isFalse(aliases[0]!.active)
    }).pipe(Effect.provide(host))
  )
})
