import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Option, Schema } from "effect"
import { Rpc } from "effect/rpc"
import type { Pid } from "troupe"
import { Group, Process, Selectable } from "troupe"
import { host, settle } from "../support/processes.ts"

const Say = Rpc.make("say", { payload: Schema.String })
const Member = Process.make("test:member", { protocol: [Say] })
const MemberLive = Member.toLayer(() => Effect.map(Member.receive(), (message) => message.payload))
const live = Layer.provideMerge(MemberLive, host)
const room = Group.make("room", [Say])
const size = Effect.map(Group.members(room), (members) => members.length)

describe("groups", () => {
  it.effect("R9 a process that joins n times is listed n times; leaving once takes one back; death takes all", () =>
    Effect.gen(function* () {
      const pid = yield* Process.spawn(Member)
      for (let i = 0; i < 3; i++) yield* Group.join(room, pid)
      assert.deepStrictEqual((yield* Group.members(room)).map(String), [pid, pid, pid].map(String))
      assert.isTrue(yield* Group.leave(room, pid))
      assert.strictEqual(yield* size, 2)
      assert.deepStrictEqual((yield* Process.info(pid)).groups, ["room"])
      yield* Process.kill(pid)
      assert.strictEqual(yield* size, 0)
      assert.isFalse(yield* Group.leave(room, pid))
      assert.strictEqual((yield* Effect.flip(Group.join(room, pid)))._tag, "ProcessNotFound")
    }).pipe(Effect.provide(live))
  )

  it.effect("R11 a watch yields the members there are, then exactly what joins and leaves", () =>
    Effect.gen(function* () {
      const before = yield* Process.spawn(Member)
      yield* Group.join(room, before)
      const events = yield* Group.monitor(room)
      const after = yield* Process.spawn(Member)
      yield* Group.join(room, after)
      yield* Group.leave(room, before)
      yield* Process.kill(after)
      const seen: Array<string> = []
      for (let i = 0; i < 4; i++) {
        const event = yield* Selectable.take(events)
        seen.push(`${event._tag} ${event.pid}`)
      }
      assert.deepStrictEqual(seen, [`Joined ${before}`, `Joined ${after}`, `Left ${before}`, `Left ${after}`])
      assert.isTrue(Option.isNone(yield* Selectable.poll(events)))
    }).pipe(Effect.scoped, Effect.provide(live))
  )

  it.effect("R13 1,000 joins at once: each is seen once", () =>
    Effect.gen(function* () {
      const events = yield* Group.monitor(room)
      const pids = yield* Effect.forEach(
        Array.from({ length: 1000 }),
        () => Effect.tap(Process.spawn(Member), (pid) => Group.join(room, pid)),
        { concurrency: "unbounded" }
      )
      const seen = new Set<string>()
      for (let i = 0; i < 1000; i++) seen.add(String((yield* Selectable.take(events)).pid))
      assert.strictEqual(seen.size, pids.length)
      assert.isTrue(Option.isNone(yield* Selectable.poll(events)))
    }).pipe(Effect.scoped, Effect.provide(live))
  )

  it.effect("a broadcast reaches every member once for each joining, and counts those it reached", () =>
    Effect.gen(function* () {
      const pids: Array<Pid.Pid<typeof Say>> = []
      for (let i = 0; i < 3; i++) {
        const pid = yield* Process.spawn(Member)
        yield* Group.join(room, pid)
        pids.push(pid)
      }
      assert.strictEqual(yield* Group.broadcast(room, "say", "hello"), 3)
      for (const pid of pids) assert.deepStrictEqual(yield* Process.await(pid), Exit.succeed("hello"))
      yield* settle
      assert.strictEqual(yield* Group.broadcast(room, "say", "anyone?"), 0)
    }).pipe(Effect.provide(live))
  )
})
