/** What clients have subscribed to, over one link after the other. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Latch, Scope } from "effect"
import { TestClock } from "effect/testing"
import { Selectable } from "troupe"
import { Memory } from "troupe/net"
import { Kind } from "../../src/net/internal/session/packet.ts"
import { collect, type Logged } from "../support/logs.ts"
import { enter, type RoomClient, serve, socket, soon, tapped } from "./rooms.ts"
import { lose, until } from "./sockets.ts"

/** A server that can be stopped and started again at the same place, and what was entered there. */
const restartable = Effect.gen(function* () {
  const tap = tapped(yield* socket)
  const entered: Array<string> = []
  let scope = yield* Scope.make()
  const start = (onEnter: (room: string) => Effect.Effect<void, string> = () => Effect.void) =>
    Effect.gen(function* () {
      scope = yield* Scope.make()
      const note = (room: string) => Effect.sync(() => void entered.push(room))
      return yield* Scope.provide(
        serve(tap.transport, {
          onEnter: (room) =>
            Effect.andThen(
              note(room),
              Effect.suspend(() => onEnter(room))
            )
        }),
        scope
      )
    })
  const stop = Effect.suspend(() => Scope.close(scope, Exit.void))
  yield* Effect.addFinalizer(() => stop)
  return { ...tap, entered, start, stop }
})

const disconnected = (client: RoomClient) =>
  Effect.repeat(Effect.andThen(Effect.sleep("5 millis"), client.isConnected), { until: (is) => !is })

describe("a subscription", () => {
  it.live("is asked for again over each new link, in order, and pushes come again", () =>
    Effect.gen(function* () {
      const host = yield* restartable
      let server = yield* host.start()
      const { client, heard } = yield* enter(host.transport)
      assert.strictEqual(yield* client.subscribe("enter", "blue"), 1)
      yield* client.subscribe("enter", "red")
      for (let links = 2; links <= 4; links++) {
        yield* lose(host.latest())
        yield* until(() => host.entered.length === links * 2)
        yield* client.request("echo", "")
        assert.strictEqual(yield* server.pushToGroup("red", "said", links), 1)
        yield* until(() => heard.length === links - 1)
      }
      yield* host.stop
      server = yield* host.start()
      yield* until(() => host.entered.length === 10)
      assert.deepStrictEqual(host.entered, Array.from({ length: 5 }, () => ["blue", "red"]).flat())
      assert.deepStrictEqual(yield* client.request("rooms"), ["blue", "red"])
      assert.deepStrictEqual(heard, [2, 3, 4])
    })
  )

  it.live("is answered before anything else is sent over the new link", () =>
    Effect.gen(function* () {
      const host = yield* restartable
      yield* host.start()
      const { client } = yield* enter(host.transport)
      yield* client.subscribe("enter", "blue")
      yield* client.subscribe("enter", "red")
      yield* host.stop
      yield* disconnected(client)
      // These wait for the link.
      const rooms = yield* Effect.forkChild(client.request("rooms"), { startImmediately: true })
      const count = host.sent.length
      const entering = yield* Latch.make()
      const entered = yield* Latch.make()
      yield* host.start((room) => (room === "red" ? Effect.void : Effect.andThen(entering.open, entered.await)))
      yield* entering.await
      const late = yield* Effect.forkChild(client.request("rooms"), { startImmediately: true })
      const told = yield* Effect.forkChild(client.tell("echo", "told"), { startImmediately: true })
      assert.strictEqual((yield* client.state)._tag, "Connecting")
      assert.isFalse(yield* client.isConnected)
      yield* until(() => host.sent.slice(count).filter((kind) => kind === Kind.Success).length === 1)
      // Two requests have gone out, and one is answered: that is all.
      const requests = () => host.sent.slice(count).filter((kind) => kind === Kind.Request || kind === Kind.Tell).length
      assert.strictEqual(requests(), 2)
      yield* entered.open
      assert.deepStrictEqual([...(yield* Fiber.join(rooms))].toSorted(), ["blue", "red"])
      assert.deepStrictEqual([...(yield* Fiber.join(late))].toSorted(), ["blue", "red"])
      yield* Fiber.join(told)
      assert.strictEqual(requests(), 5)
    })
  )

  it.live("that is made while there is no link waits for one, and is asked for over it once", () =>
    Effect.gen(function* () {
      const host = yield* restartable
      yield* host.start()
      const { client } = yield* enter(host.transport)
      yield* host.stop
      yield* disconnected(client)
      const entering = yield* Effect.forkChild(client.subscribe("enter", "blue"), { startImmediately: true })
      yield* host.start()
      assert.strictEqual(yield* Fiber.join(entering), 1)
      yield* client.request("echo", "")
      assert.deepStrictEqual(host.entered, ["blue"])
    })
  )

  it.live("whose link is lost before the first answer is asked for over the next one", () =>
    Effect.gen(function* () {
      const host = yield* restartable
      const first = yield* Latch.make()
      yield* host.start(() => (host.entered.length > 1 ? Effect.void : Effect.andThen(first.open, Effect.never)))
      const { client } = yield* enter(host.transport)
      const entering = yield* Effect.forkChild(client.subscribe("enter", "blue"), { startImmediately: true })
      yield* first.await
      yield* lose(host.latest())
      assert.strictEqual(yield* Fiber.join(entering), 1)
      assert.deepStrictEqual(host.entered, ["blue", "blue"])
      assert.deepStrictEqual(yield* client.request("rooms"), ["blue"])
    })
  )

  it.live("is not asked for any more when its scope is closed, or it was interrupted, or refused", () =>
    Effect.gen(function* () {
      const host = yield* restartable
      const begun = yield* Latch.make()
      yield* host.start((room) => {
        if (room === "refused") return Effect.fail("no")
        return room === "slow" ? Effect.andThen(begun.open, Effect.never) : Effect.void
      })
      const { client } = yield* enter(host.transport)
      yield* Effect.scoped(client.subscribe("enter", "closed"))
      const slow = yield* Effect.forkChild(client.subscribe("enter", "slow"), { startImmediately: true })
      yield* begun.await
      yield* Fiber.interrupt(slow)
      assert.strictEqual(yield* Effect.flip(client.subscribe("enter", "refused")), "no")
      yield* client.subscribe("enter", "kept")
      yield* lose(host.latest())
      yield* until(() => host.entered.length > 4)
      yield* client.request("echo", "")
      assert.deepStrictEqual(host.entered, ["closed", "slow", "refused", "kept", "kept"])
    })
  )

  it.live("that is not granted again ends: the events and the log say so, and the others stay", () => {
    const logs: Array<Logged> = []
    return Effect.gen(function* () {
      const host = yield* restartable
      yield* host.start()
      const { client } = yield* enter(host.transport)
      const events = yield* client.events
      assert.strictEqual((yield* Selectable.take(events))._tag, "Connected")
      yield* client.subscribe("enter", "blue")
      yield* client.subscribe("enter", "red")
      yield* host.stop
      yield* host.start((room) => (room === "blue" ? Effect.fail("blue is closed") : Effect.void))
      assert.strictEqual((yield* Selectable.take(events))._tag, "Disconnected")
      assert.deepStrictEqual(yield* Selectable.take(events), {
        _tag: "Unsubscribed",
        route: "enter",
        error: "blue is closed"
      })
      assert.strictEqual((yield* Selectable.take(events))._tag, "Connected")
      assert.deepStrictEqual(yield* client.request("rooms"), ["red"])
      yield* lose(host.latest())
      yield* until(() => host.entered.length > 4)
      yield* client.request("echo", "")
      assert.deepStrictEqual(host.entered, ["blue", "red", "blue", "red", "red"])
      const warnings = logs.filter(({ level }) => level === "Warn")
      assert.strictEqual(warnings.length, 1)
      assert.include(warnings[0]!.message, '"enter"')
    }).pipe(Effect.provide(collect(logs)))
  })

  it.effect("fails at its deadline: with what happened to the link, or since there was no answer", () =>
    Effect.gen(function* () {
      const server = yield* serve(Memory.make(), { onEnter: () => Effect.never })
      const { client } = yield* enter(server.transport, { reconnect: soon })
      const waiting = yield* Effect.forkChild(
        Effect.flip(client.subscribe("enter", "blue", { timeout: "3 seconds" })),
        { startImmediately: true }
      )
      yield* TestClock.adjust("2999 millis")
      assert.isUndefined(waiting.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(errorTag(yield* Fiber.join(waiting)), "Timeout")

      const events = yield* client.events
      yield* server.stop
      yield* Effect.repeat(Selectable.take(events), { until: ({ _tag }) => _tag === "Disconnected" })
      const unlinked = yield* Effect.forkChild(
        Effect.flip(client.subscribe("enter", "blue", { timeout: "3 seconds" })),
        { startImmediately: true }
      )
      yield* TestClock.adjust("3 seconds")
      const error = yield* Fiber.join(unlinked)
      assert(typeof error !== "string" && error._tag === "Unavailable")
      assert.strictEqual(error.delivery, "not sent")
    })
  )

  it.effect("K7 with a timeout of no time at all, or that is none, is refused", () =>
    Effect.gen(function* () {
      const server = yield* serve(Memory.make())
      const { client } = yield* enter(server.transport)
      for (const timeout of [0, "soon" as "1 second"]) {
        const error = yield* Effect.flip(client.subscribe("enter", "blue", { timeout }))
        assert.strictEqual(errorTag(error), "InvalidArgument")
      }
      assert.deepStrictEqual(yield* client.request("rooms"), [])
    })
  )

  it.effect("ends with its client", () =>
    Effect.gen(function* () {
      const server = yield* serve(Memory.make(), { onEnter: () => Effect.never })
      const { client } = yield* enter(server.transport)
      const waiting = yield* Effect.forkChild(Effect.flip(client.subscribe("enter", "blue")), {
        startImmediately: true
      })
      yield* client.close
      assert.strictEqual(errorTag(yield* Fiber.join(waiting)), "ConnectionClosed")
      assert.strictEqual(errorTag(yield* Effect.flip(client.subscribe("enter", "blue"))), "ConnectionClosed")
    })
  )
})

const errorTag = (error: string | { readonly _tag: string }): string => (typeof error === "string" ? error : error._tag)
