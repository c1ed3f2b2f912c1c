import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { AsyncLocalStorage } from "node:async_hooks"
import { DeadLetter, Pid, Process, type ProcessHost } from "troupe"
import { host } from "../support/processes.ts"

const Ball = Rpc.make("ball", { payload: Schema.Int })
const Player = Process.make("test:player", { protocol: [Ball], args: Schema.UndefinedOr(Pid.of(Ball)) })

// Sends the ball back until it is 0; the first one serves.
const PlayerLive = Player.toLayer(
  Effect.fnUntraced(function* (partner) {
    if (partner !== undefined) yield* Process.send(partner, "ball", 1_000_000_000)
    while (true) {
      const { payload, sender } = yield* Player.receive()
      if (payload === 0 || sender === undefined) return
      yield* Process.send(sender as Pid.Pid<typeof Ball>, "ball", payload - 1)
    }
  })
)

describe("a process that waits for a message", () => {
  it.live("goes on right behind the send of one that has nothing else to do", () =>
    Effect.gen(function* () {
      const order: Array<string> = []
      const Waiter = Process.make("test:waiter", { protocol: [Ball] })
      const WaiterLive = Waiter.toLayer(
        Effect.fnUntraced(function* () {
          while (true) order.push(`took ${(yield* Waiter.receive()).payload}`)
        })
      )
      const Sender = Process.make("test:sender")
      const SenderLive = Sender.toLayer(
        Effect.fnUntraced(function* () {
          const waiter = yield* Process.spawn(Waiter)
          yield* Effect.yieldNow
          yield* Process.send(waiter, "ball", 1)
          order.push("sent 1")
          yield* Effect.sync(() => order.push("goes on"))
          yield* Process.send(waiter, "ball", 2)
          yield* Effect.sync(() => order.push("sent 2"))
          yield* Process.send(waiter, "ball", 3)
          yield* Effect.sync(() => order.push("sent 3"))
        })
      )
      yield* Effect.flatten(Effect.flatMap(Process.spawn(Sender), Process.await)).pipe(
        Effect.provide(SenderLive.pipe(Layer.provide(WaiterLive)))
      )
      yield* Effect.yieldNow
      // The second and third are taken together: who sends them has more to do than to wait.
      assert.deepStrictEqual(order, ["sent 1", "took 1", "goes on", "sent 2", "sent 3", "took 2", "took 3"])
    }).pipe(Effect.provide(host))
  )

  it.live("overflows no stack and loses nothing, however many wake each other in a ring", () =>
    Effect.gen(function* () {
      const Member = Process.make("test:member", { protocol: [Ball], args: Pid.of(Ball), success: Schema.Int })
      const MemberLive = Member.toLayer(
        Effect.fnUntraced(function* (next) {
          while (true) {
            const { payload } = yield* Member.receive()
            if (payload === 0) return 0
            yield* Process.send(next, "ball", payload - 1)
          }
        })
      )
      const Ring = Process.make("test:ring", { protocol: [Ball], success: Schema.Int })
      const RingLive = Ring.toLayer(
        Effect.fnUntraced(function* () {
          let next: Pid.Pid<typeof Ball> = yield* Ring.self
          for (let i = 0; i < 5000; i++) next = yield* Process.spawn(Member, next)
          yield* Process.send(next, "ball", 20_000)
          let rounds = 0
          while (true) {
            const { payload } = yield* Ring.receive()
            rounds++
            if (payload < 5001) return rounds
            yield* Process.send(next, "ball", payload - 1)
          }
        })
      )
      const rounds = yield* Effect.flatten(Effect.flatMap(Process.spawn(Ring), Process.await)).pipe(
        Effect.provide(RingLive.pipe(Layer.provide(MemberLive)))
      )
      assert.strictEqual(rounds, 3)
    }).pipe(Effect.provide(host))
  )

  it.live("keeps neither others nor timers waiting, however fast it is answered", () =>
    Effect.gen(function* () {
      const first = yield* Process.spawn(Player, undefined)
      const second = yield* Process.spawn(Player, first)
      let turns = 0
      const third = yield* Effect.forkDetach(
        Effect.forever(
          Effect.andThen(
            Effect.sync(() => turns++),
            Effect.yieldNow
          )
        )
      )
      yield* Effect.sleep("100 millis")
      yield* Fiber.interrupt(third)
      assert.isAbove(turns, 20)
      yield* Process.kill(first)
      yield* Process.kill(second)
    }).pipe(Effect.provide(Layer.provideMerge(PlayerLive, host)))
  )

  it.live("has its own asynchronous context, whoever wakes it", () =>
    Effect.gen(function* () {
      const storage = new AsyncLocalStorage<string>()
      const seen: Array<string | undefined> = []
      const Waiter = Process.make("test:waiter", { protocol: [Ball] })
      const WaiterLive = Waiter.toLayer(
        Effect.fnUntraced(function* () {
          while (seen.length < 2) {
            yield* Waiter.receive()
            seen.push(storage.getStore())
          }
        })
      )
      const Sender = Process.make("test:sender", { args: Pid.of(Ball), success: Schema.Unknown })
      const SenderLive = Sender.toLayer(
        Effect.fnUntraced(function* (to) {
          yield* Process.send(to, "ball", 1)
          yield* Effect.yieldNow
          yield* Process.send(to, "ball", 2)
          return storage.getStore()
        })
      )
      const context = yield* Effect.context<ProcessHost.ProcessHost>()
      const spawnIn = <A>(store: string, spawn: Effect.Effect<A, unknown, ProcessHost.ProcessHost>) =>
        storage.run(store, () => Effect.runSyncWith(context)(spawn))
      const waiter = spawnIn("waiter", Effect.provide(Process.spawn(Waiter), WaiterLive))
      yield* Effect.yieldNow
      const sender = spawnIn("sender", Effect.provide(Process.spawn(Sender, waiter), SenderLive))
      assert.deepStrictEqual(yield* Process.await(sender), Exit.succeed("sender"))
      yield* Process.await(waiter)
      assert.deepStrictEqual(seen, ["waiter", "waiter"])
    }).pipe(Effect.provide(host))
  )
})

it.live("a process may end with any number of messages that it has not taken", () =>
  Effect.gen(function* () {
    const Idle = Process.make("test:idle", { protocol: [Ball] })
    const idle = yield* Effect.provide(
      Process.spawn(Idle),
      Idle.toLayer(() => Effect.never)
    )
    const count = 300_000
    for (let i = 0; i < count; i++) yield* Process.send(idle, "ball", i)
    yield* Process.kill(idle)
    assert.strictEqual((yield* DeadLetter.counts).Killed, count)
  }).pipe(Effect.provide(host))
)
