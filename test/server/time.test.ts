import { assert, describe } from "@effect/vitest"
import { Clock, Effect, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Process, Server } from "troupe"
import { both } from "../support/both.ts"
import { host } from "../support/processes.ts"

/** Writes down what happens to it, and when: since it was started, in milliseconds. */
const Diary = Server.make("test:diary", {
  args: Schema.Struct({
    idle: Schema.optionalKey(Schema.Finite),
    alarm: Schema.optionalKey(Schema.Finite),
    /** How long a message takes. */
    takes: Schema.optionalKey(Schema.Finite)
  }),
  protocol: [Rpc.make("tick"), Rpc.make("call off"), Rpc.make("alarm", { payload: Schema.Finite })]
})

const diary = (log: Array<readonly [string, number]>) =>
  Diary.toLayer(
    Effect.fnUntraced(function* ({ alarm, idle, takes = 0 }) {
      const begin = yield* Clock.currentTimeMillis
      const write = (what: string) =>
        Effect.map(Clock.currentTimeMillis, (now) => void log.push([what, now - begin] as const))
      const callOff = alarm === undefined ? Effect.void : yield* Server.after(alarm, write("alarm"))
      return Diary.of({
        handlers: {
          tick: () => Effect.andThen(Effect.sleep(takes), write("tick")),
          "call off": () => Effect.andThen(Effect.sleep(takes), callOff),
          alarm: (delay) => Effect.asVoid(Server.after(delay, write("alarm")))
        },
        ...(idle === undefined ? {} : { idle: { after: idle, run: write("idle") } })
      })
    })
  )

describe("Server timeouts", () => {
  both("P13 any message re-arms the inactivity timeout, and it fires once per quiet stretch", () => {
    const log: Array<readonly [string, number]> = []
    return Effect.gen(function* () {
      const pid = yield* Process.start(Diary, { idle: 100 })
      for (let i = 0; i < 3; i++) {
        yield* Effect.sleep(60)
        yield* Process.send(pid, "tick")
      }
      yield* Effect.sleep(500)
      yield* Process.send(pid, "tick")
      yield* Effect.sleep(500)
      assert.deepStrictEqual(log, [
        ["tick", 60],
        ["tick", 120],
        ["tick", 180],
        ["idle", 280],
        ["tick", 680],
        ["idle", 780]
      ])
    }).pipe(Effect.provide(diary(log)), Effect.provide(host))
  })

  both("P13 an inactivity timeout of no time fires as soon as it is quiet, each time", () => {
    const log: Array<readonly [string, number]> = []
    return Effect.gen(function* () {
      const pid = yield* Process.start(Diary, { idle: 0 })
      yield* Effect.sleep(60)
      yield* Process.send(pid, "tick")
      yield* Effect.sleep(60)
      assert.deepStrictEqual(log, [
        ["idle", 0],
        ["tick", 60],
        ["idle", 60]
      ])
    }).pipe(Effect.provide(diary(log)), Effect.provide(host))
  })

  both("P13 the time in which a message is handled is not quiet", () => {
    const log: Array<readonly [string, number]> = []
    return Effect.gen(function* () {
      const pid = yield* Process.start(Diary, { idle: 100, takes: 250 })
      yield* Effect.sleep(50)
      yield* Process.send(pid, "tick")
      yield* Effect.sleep(1000)
      assert.deepStrictEqual(log, [
        ["tick", 300],
        ["idle", 400]
      ])
    }).pipe(Effect.provide(diary(log)), Effect.provide(host))
  })

  both("P13 the absolute timeout fires at its instant, however many messages come", () => {
    const log: Array<readonly [string, number]> = []
    return Effect.gen(function* () {
      const pid = yield* Process.start(Diary, { alarm: 100 })
      for (let i = 0; i < 4; i++) {
        yield* Effect.sleep(30)
        yield* Process.send(pid, "tick")
      }
      yield* Effect.sleep(30)
      assert.deepStrictEqual(
        log.filter(([what]) => what === "alarm"),
        [["alarm", 100]]
      )
      assert.strictEqual(log.length, 5)
    }).pipe(Effect.provide(diary(log)), Effect.provide(host))
  })

  both("P13 it runs in turn with the handlers, before what waits", () => {
    const log: Array<readonly [string, number]> = []
    return Effect.gen(function* () {
      const pid = yield* Process.start(Diary, { alarm: 50, takes: 100 })
      for (let i = 0; i < 3; i++) yield* Process.send(pid, "tick")
      yield* Effect.sleep(1000)
      assert.deepStrictEqual(log, [
        ["tick", 100],
        ["alarm", 100],
        ["tick", 200],
        ["tick", 300]
      ])
    }).pipe(Effect.provide(diary(log)), Effect.provide(host))
  })

  both("a timeout can be called off, and ends with the server", () => {
    const log: Array<readonly [string, number]> = []
    return Effect.gen(function* () {
      const calledOff = yield* Process.start(Diary, { alarm: 100 })
      yield* Process.send(calledOff, "call off")
      // It has become due by then, and waits for its turn.
      const late = yield* Process.start(Diary, { alarm: 50, takes: 100 })
      yield* Process.send(late, "call off")
      const ended = yield* Process.start(Diary, { alarm: 100, idle: 100 })
      yield* Process.send(ended, "alarm", 200)
      yield* Effect.sleep(1)
      yield* Server.stop(ended)
      yield* Effect.sleep(1000)
      assert.deepStrictEqual(log, [])
    }).pipe(Effect.provide(diary(log)), Effect.provide(host))
  })
})
