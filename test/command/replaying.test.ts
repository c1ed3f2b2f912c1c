/** D16 for the modules about life and work: what they did is in the recording of their commands, and in nothing else. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Logger, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Process, Recording, Replay, Server } from "troupe"
import { Clock, Contracts, Functions, Processes, Workflows } from "../../src/command/index.ts"
import { host } from "../support/processes.ts"

const Tell = Rpc.make("tell", { payload: { at: Schema.Date } })
const Double = Rpc.make("double", { payload: Schema.Int, success: Schema.Int })
const Body = Process.make("test:body", { protocol: [Tell], success: Schema.Json })
const Worker = Process.make("test:worker", { args: Schema.Date, protocol: [Tell], success: Schema.Date })
const Doubling = Contracts.make("test:doubling", [Double])
const Doubler = Server.make("test:doubler", { protocol: Doubling.protocol })
const Later = Functions.make("later", { input: Schema.Int, success: Schema.Int })

/** What really happened. */
const world: Array<string> = []

const WorkerLive = Worker.toLayer(
  Effect.fn(function* (day) {
    world.push("worker")
    const { payload, sender } = yield* Worker.receive()
    if (sender !== undefined) yield* Process.send(sender as never, "tell" as never, payload as never)
    return new Date(day.getTime() + payload.at.getTime())
  })
)
const DoublerLive = Doubler.toLayer(() =>
  Effect.succeed(Doubler.of({ handlers: { double: (n) => Effect.sync(() => (world.push("doubler"), n * 2)) } }))
)
const handlers = Layer.mergeAll(
  Processes.layer([Worker], WorkerLive),
  Contracts.layer([Contracts.bind(Doubling, Doubler.named("doubler"))]),
  Functions.layer([
    Functions.implement(Later, (n) =>
      Effect.gen(function* () {
        world.push("function")
        // What a function yields is part of its call.
        yield* Clock.sleep(n)
        yield* Clock.sleep(n)
        return n
      }).pipe(Effect.orDie)
    )
  ]),
  Workflows.layer([])
).pipe(Layer.provideMerge(Clock.layer), Layer.provide(Workflows.layerMemory))

type Handled = Layer.Success<typeof handlers>

/** Records the body where all is handled, and plays it again where nothing is. */
const twice = <E>(body: Effect.Effect<Schema.Json, E, Handled | Process.Provided<"test:body">>) =>
  Effect.gen(function* () {
    world.length = 0
    const recorder = yield* Recording.inMemory
    const exit = yield* Effect.gen(function* () {
      yield* Process.spawn(Doubler, undefined, { name: "doubler" })
      return yield* Process.await(yield* Process.spawn(Body, undefined, { record: recorder }))
    }).pipe(
      Effect.provide([
        Layer.merge(Body.toLayer(() => body).pipe(Layer.provide(handlers)), DoublerLive),
        host,
        Logger.layer([])
      ])
    )
    const happened = [...world]
    const recording = yield* recorder.recording
    const played = yield* Replay.run(Body, recording).pipe(
      Effect.provide(
        Body.toLayer(() => body).pipe(
          Layer.provide(
            Replay.unhandled(
              Processes.commands,
              Contracts.commands,
              Functions.commands,
              Workflows.commands,
              Clock.commands
            ) as unknown as Layer.Layer<Handled>
          )
        )
      )
    )
    assert.isTrue(Exit.isSuccess(exit), String(exit))
    assert.deepStrictEqual(played, { exit, matches: true } as never)
    assert.deepStrictEqual(world, happened)
    const others = recording.entries.flatMap(({ _tag }) =>
      ["Began", "Yielded", "Completed", "Ended"].includes(_tag) ? [] : [_tag]
    )
    return {
      exit,
      others,
      happened,
      tags: recording.entries.flatMap((entry) => (entry._tag === "Yielded" ? [entry.tag] : []))
    }
  })

describe("replaying", () => {
  it.live("D16 process: spawning, sending, receiving and the exits of others are played again", () =>
    Effect.gen(function* () {
      const { exit, happened, others, tags } = yield* twice(
        Effect.gen(function* () {
          const { pid } = yield* Processes.spawnMonitored(Worker, new Date(1000))
          yield* Processes.send(Worker, pid, "tell", { at: new Date(20) })
          const { payload, sender } = yield* Processes.receive(Body)
          const event = yield* Processes.nextEvent
          const gone = yield* Effect.flip(Processes.send(Worker, pid, "tell", { at: new Date(0) }))
          const self = yield* Processes.self
          const result = event._tag === "Exit" && Exit.isSuccess(event.exit) ? event.exit.value : null
          return [payload.at.getTime(), String(sender) === String(pid), result, gone._tag, String(self)]
        })
      )
      assert.deepStrictEqual(
        exit,
        Exit.succeed([20, true, new Date(1020).toISOString(), "ProcessNotFound", "{app:processes|0x00002}"])
      )
      assert.deepStrictEqual([happened, others, tags], [["worker"], [], [1, 2, 3, 4, 5, 6]])
    })
  )

  it.live("D16 function contract workflow: calls are played again, with all that was done for them", () =>
    Effect.gen(function* () {
      const { exit, happened, others, tags } = yield* twice(
        Effect.gen(function* () {
          const started = yield* Functions.start(Later, 3)
          const called = yield* Functions.call(Later, 2)
          const doubling = yield* Contracts.open(Doubling)
          const doubled = yield* Contracts.call(doubling, "double", 21)
          const noted = yield* Workflows.sideEffect("note", {
            success: Schema.Int,
            execute: Effect.gen(function* () {
              world.push("noted")
              yield* Clock.sleep(1)
              return yield* Functions.call(Later, 1)
            }).pipe(Effect.orDie)
          }).pipe(Workflows.run("execution"))
          return [called, yield* Functions.await(Later, started), doubled, noted]
        })
      )
      assert.deepStrictEqual(exit, Exit.succeed([2, 3, 42, 1]))
      assert.deepStrictEqual(happened, ["function", "function", "doubler", "noted", "function"])
      assert.deepStrictEqual([others, tags], [[], [1, 2, 3, 4, 5, 6]])
    })
  )
})
