import { assert, describe } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { ChildSpec, DeadLetter, Message, Process, ProcessHost, Supervisor, Timer } from "troupe"
import { both } from "../support/both.ts"
import { actor, pidOf, stage, tell } from "../support/supervised.ts"

/** What was handed over as undelivered: the reason, and what the notes said. */
const undelivered = () => {
  const seen: Array<readonly [reason: string, notes: ReadonlyArray<unknown>]> = []
  const onUndelivered = (reason: DeadLetter.Reason, messages: ReadonlyArray<DeadLetter.DeadLetter>) =>
    Effect.sync(() => {
      seen.push([reason, messages.map(({ payload }) => payload)])
    })
  return { seen, onUndelivered }
}

const balanced = Effect.gen(function* () {
  const { deadLetters, queued, received, sent } = yield* ProcessHost.stats()
  assert.strictEqual(sent, received + queued + deadLetters)
})

/** Blocks on its first message until it is told how to go on; lists what it takes afterwards. */
const Worker = Process.make("test:worker", {
  args: Schema.Unknown,
  protocol: [Rpc.make("block"), Rpc.make("job", { payload: Schema.Int }), Rpc.make("ask", { success: Schema.Int })]
})

const worker = (taken: Array<number>, options: ChildSpec.Options) =>
  ChildSpec.make(Worker, taken, { id: "w", ...options })

const WorkerLive = Worker.toLayer(
  Effect.fnUntraced(function* (args) {
    const taken = args as Array<number>
    while (true) {
      const message = yield* Worker.receive()
      if (message.topic === "job") taken.push(message.payload)
      else if (message.topic === "ask") yield* Message.reply(message, taken.length)
      else return yield* Effect.andThen(Effect.sleep("10 millis"), Effect.fail("crashed"))
    }
  })
)

describe("a child that keeps its inbox", () => {
  both("S50 keeps its pid and what is queued when it crashes, in order, however often", () =>
    Effect.gen(function* () {
      const taken: Array<number> = []
      const spec = worker(taken, { inbox: "keep", budget: { restarts: 50, within: "1 hour" } })
      const tree = yield* Supervisor.start(Supervisor.make("test:tree", { children: [spec] }))
      const pid = (yield* Supervisor.find(tree, "w")).pid as never as WorkerPid
      const jobs: Array<number> = []
      for (let round = 0; round < 5; round++) {
        yield* Process.send(pid, "block")
        for (const job of [2 * round, 2 * round + 1]) {
          yield* Process.send(pid, "job", job)
          jobs.push(job)
        }
        yield* Effect.sleep("20 millis")
      }
      assert.deepStrictEqual(taken, jobs)
      assert.deepStrictEqual((yield* Supervisor.find(tree, "w")).pid, pid)
      yield* balanced
    }).pipe(Effect.provide([WorkerLive, stage]))
  )

  both("S51 takes messages while it is down; calls come back, and one that was queued before is answered", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const slowPartner = Effect.gen(function* () {
        yield* Process.spawnLinked(Slow)
        yield* Effect.yieldNow
      }).pipe(Effect.provide(SlowLive)) as Effect.Effect<void>
      const spec = actor("a", log, { inbox: "keep", init: slowPartner })
      const tree = yield* Supervisor.start(Supervisor.make("test:tree", { children: [spec], intensity: 3 }))
      const pid = yield* pidOf(tree, "a")
      yield* Effect.sleep(1)
      yield* Process.send(pid, "do", "stumble")
      const queued = yield* Effect.forkChild(Process.call(pid, "ping"), { startImmediately: true })
      yield* Effect.sleep("20 millis")
      // The linked process takes 100 ms to end, and the child begins again when it has.
      assert.strictEqual((yield* Process.info(pid)).status, "restarting")
      yield* Process.send(pid, "note", 1)
      assert.strictEqual((yield* Effect.flip(Process.call(pid, "ping")))._tag, "ProcessRestarting")
      assert.isFalse(log.filter((line) => line === "a begins").length > 1)
      yield* Effect.sleep("200 millis")
      assert.deepStrictEqual(
        log.filter((line) => line.includes("notes")),
        ["a notes 1"]
      )
      assert.strictEqual(yield* Fiber.join(queued), "a")
      assert.deepStrictEqual(yield* pidOf(tree, "a"), pid)
      yield* balanced
    }).pipe(Effect.provide(stage))
  )

  both("S49 has its linked processes stay with it, or stopped, as it is told", () =>
    Effect.gen(function* () {
      for (const linked of ["keep", "stop"] as const) {
        const partners: Array<string> = []
        const log: Array<string> = []
        const init = Effect.gen(function* () {
          const partner = yield* Process.spawnLinked(Slow)
          partners.push(String(partner))
        }).pipe(Effect.provide(SlowLive)) as Effect.Effect<void>
        const tree = yield* Supervisor.start(
          Supervisor.make("test:tree", { children: [actor("a", log, { inbox: "keep", init, linked })] })
        )
        yield* tell(tree, "a", "crash")
        yield* Effect.sleep("200 millis")
        const alive = new Set((yield* ProcessHost.list()).map(String))
        assert.deepStrictEqual(
          partners.map((partner) => alive.has(partner)),
          linked === "keep" ? [true, true] : [false, true]
        )
        yield* Supervisor.stop(tree)
      }
    }).pipe(Effect.provide(stage))
  )

  both("S56 begins again without the timers, listeners, monitors and events of its last body", () =>
    Effect.gen(function* () {
      const seen: Array<string> = []
      const Ticking = Process.make("test:ticking", { protocol: [Rpc.make("crash")], args: Schema.Unknown })
      const TickingLive = Ticking.toLayer(
        Effect.fnUntraced(function* () {
          const incarnation = seen.length
          seen.push("begins")
          const helper = yield* Process.spawnMonitored(Slow)
          yield* Process.fork(
            Effect.gen(function* () {
              yield* Effect.sleep("50 millis")
              seen.push(`tick of ${incarnation}`)
            })
          )
          yield* Timer.after("50 millis")
          const events = yield* Ticking.events
          if (incarnation === 0) {
            yield* Ticking.receive()
            yield* Process.kill(helper.pid)
            return yield* Effect.fail("crashed")
          }
          yield* Effect.sleep("100 millis")
          if (events.isReadyUnsafe()) seen.push("an old event")
          return yield* Effect.never
        }, Effect.provide(SlowLive))
      )
      yield* Effect.gen(function* () {
        const spec = ChildSpec.make(Ticking, null, { id: "t", inbox: "keep" })
        const tree = yield* Supervisor.start(Supervisor.make("test:tree", { children: [spec] }))
        const { pid } = yield* Supervisor.find(tree, "t")
        yield* Effect.sleep(1)
        yield* Process.send(pid as never as Pids<"crash">, "crash")
        yield* Effect.sleep("200 millis")
        assert.deepStrictEqual(seen, ["begins", "begins", "tick of 1"])
      }).pipe(Effect.provide(TickingLive))
    }).pipe(Effect.provide(stage))
  )
})

describe("what a child never took", () => {
  both("S52 is handed to its hook once, with the reason, when it is killed", () =>
    Effect.gen(function* () {
      const { onUndelivered, seen } = undelivered()
      const log: Array<string> = []
      const init = Effect.yieldNow
      for (const inbox of ["keep", undefined] as const) {
        const spec = actor("a", log, { init, onUndelivered, inbox })
        const tree = yield* Supervisor.start(Supervisor.make("test:tree", { children: [spec] }))
        const pid = yield* pidOf(tree, "a")
        for (const note of [1, 2, 3]) yield* Process.send(pid, "note", note)
        yield* Process.kill(pid)
        yield* Effect.sleep(1)
        const handed = seen.splice(0)
        const notes = log.splice(0).filter((line) => line.includes("notes")).length
        if (notes < 3) assert.deepStrictEqual(handed, [["Killed", [1, 2, 3].slice(notes)]])
        else assert.deepStrictEqual(handed, [])
        assert.strictEqual((yield* Supervisor.count(tree)).active, 1)
        yield* Supervisor.stop(tree)
        yield* balanced
      }
    }).pipe(Effect.provide(stage))
  )

  both(
    "S53 is not handed over at a restart in place, nor when there is nothing; calls come back to their callers",
    () =>
      Effect.gen(function* () {
        const { onUndelivered, seen } = undelivered()
        const letters = yield* DeadLetter.counts
        const taken: Array<number> = []
        const spec = worker(taken, { inbox: "keep", onUndelivered })
        const tree = yield* Supervisor.start(Supervisor.make("test:tree", { children: [spec] }))
        const pid = (yield* Supervisor.find(tree, "w")).pid as never as WorkerPid
        yield* Process.send(pid, "block")
        yield* Process.send(pid, "job", 1)
        yield* Effect.sleep("20 millis")
        assert.deepStrictEqual([taken, seen], [[1], []])
        yield* Process.send(pid, "block")
        yield* Effect.sleep(1)
        const asking = yield* Effect.forkChild(Effect.flip(Process.call(pid, "ask")), { startImmediately: true })
        yield* Effect.sleep(1)
        yield* Process.kill(pid)
        const error = yield* Fiber.join(asking)
        assert.strictEqual(error._tag, "CalleeExited")
        assert.deepStrictEqual(seen, [])
        assert.strictEqual((yield* DeadLetter.counts).Killed - letters.Killed, 1)
        yield* balanced
      }).pipe(Effect.provide([WorkerLive, stage]))
  )

  both("tells why: a crash, an orderly stop, and a budget that is used up", () =>
    Effect.gen(function* () {
      const { onUndelivered, seen } = undelivered()
      const run = Effect.fnUntraced(function* (
        options: ChildSpec.Options,
        end: (tree: Tree) => Effect.Effect<unknown, unknown, ProcessHost.ProcessHost>
      ) {
        const spec = worker([], { onUndelivered, ...options })
        const tree = yield* Supervisor.start(Supervisor.make("test:tree", { children: [spec] }))
        const pid = (yield* Supervisor.find(tree, "w")).pid as never as WorkerPid
        yield* Process.send(pid, "block")
        yield* Process.send(pid, "job", 1)
        yield* Effect.sleep(1)
        yield* end(tree)
        yield* Effect.sleep("20 millis")
        yield* Supervisor.stop(tree)
      })
      yield* run({ restart: "temporary" }, () => Effect.void)
      yield* run({}, (tree) => Supervisor.terminateChild(tree, "w"))
      yield* run({ inbox: "keep", budget: { restarts: 0, within: "1 second" } }, () => Effect.void)
      assert.deepStrictEqual(seen, [
        ["Failed", [1]],
        ["Stopped", [1]],
        ["Exhausted", [1]]
      ])
      const exits: Array<Exit.Exit<unknown, unknown>> = []
      yield* run({ inbox: "keep" }, (tree) =>
        Effect.gen(function* () {
          const { pid } = yield* Supervisor.find(tree, "w")
          for (let crash = 0; crash < 2; crash++) yield* Process.send(pid as never as WorkerPid, "block")
          yield* Effect.forkDetach(Effect.map(Process.await(pid as never as WorkerPid), (exit) => exits.push(exit)))
          yield* Effect.sleep("50 millis")
        })
      )
      // Its supervisor gave up over it: it ended as its last body did.
      assert.isTrue(exits.every((exit) => Exit.isFailure(exit) && !Cause.hasInterrupts(exit.cause)))
      assert.strictEqual(exits.length, 1)
      yield* balanced
    }).pipe(Effect.provide([WorkerLive, stage]))
  )
})

type Tree = Parameters<typeof Supervisor.list>[0]
type Pids<Topic extends string> = Parameters<typeof Process.send<Rpc.Rpc<Topic>, Topic>>[0]
type WorkerPid = Effect.Success<ReturnType<typeof spawnWorker>>
const spawnWorker = () => Process.spawn(Worker, [])

/** Takes 100 ms to end. */
const Slow = Process.make("test:slow-partner")
const SlowLive = Slow.toLayer(() => Effect.ensuring(Effect.never, Effect.sleep("100 millis")))
