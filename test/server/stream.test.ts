import { assert, describe } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Schema, Stream } from "effect"
import { Rpc } from "effect/rpc"
import { Message, Process, type ProcessHost, Server } from "troupe"
import { both } from "../support/both.ts"
import { collect } from "../support/logs.ts"
import { host } from "../support/processes.ts"

const Numbers = Rpc.make("numbers", {
  payload: { upTo: Schema.Finite, ending: Schema.optionalKey(Schema.Literals(["fail", "die", "wait"])) },
  success: Schema.Finite,
  error: Schema.String,
  stream: true
})
const Source = Server.make("test:source", { protocol: [Numbers, Rpc.make("ping", { success: Schema.String })] })

interface Log {
  produced: number
  finalized: number
}

const source = (log: Log) =>
  Source.toLayer(() =>
    Effect.succeed(
      Source.of({
        handlers: {
          ping: () => Effect.succeed("pong"),
          numbers: ({ ending, upTo }) =>
            Stream.range(1, upTo, 1).pipe(
              Stream.rechunk(1),
              Stream.tap(() => Effect.sync(() => log.produced++)),
              Stream.concat(
                ending === "fail"
                  ? Stream.fail("no more")
                  : ending === "die"
                    ? Stream.die(new Error("broken"))
                    : ending === "wait"
                      ? Stream.never
                      : Stream.empty
              ),
              Stream.ensuring(Effect.sync(() => log.finalized++))
            )
        }
      })
    )
  )

const withSource = <A, E>(
  program: (log: Log) => Effect.Effect<A, E, Process.Implementation<"test:source"> | ProcessHost.ProcessHost>
) => {
  const log: Log = { produced: 0, finalized: 0 }
  return program(log).pipe(Effect.provide(source(log)), Effect.provide(Layer.provideMerge(host, collect([]))))
}

describe("Process.stream", () => {
  both("the caller gets what the handler streams, in order, to its end; each run is a call of its own", () =>
    withSource((log) =>
      Effect.gen(function* () {
        const pid = yield* Process.start(Source)
        const numbers = Process.stream(pid, "numbers", { upTo: 40 })
        const expected = Array.from({ length: 40 }, (_, i) => i + 1)
        assert.deepStrictEqual(yield* Stream.runCollect(numbers), expected)
        assert.deepStrictEqual(yield* Stream.runCollect(numbers), expected)
        assert.strictEqual(log.finalized, 2)
      })
    )
  )

  both("a typed error of the stream comes after its values", () =>
    withSource(() =>
      Effect.gen(function* () {
        const pid = yield* Process.start(Source)
        const taken: Array<number> = []
        const error = yield* Process.stream(pid, "numbers", { upTo: 3, ending: "fail" }).pipe(
          Stream.runForEach((n) => Effect.sync(() => void taken.push(n))),
          Effect.flip
        )
        assert.strictEqual(error, "no more")
        assert.deepStrictEqual(taken, [1, 2, 3])
        assert.strictEqual(yield* Process.call(pid, "ping"), "pong")
      })
    )
  )

  both("a producer is not far ahead of its consumer, and the server serves others meanwhile", () =>
    withSource((log) =>
      Effect.gen(function* () {
        const pid = yield* Process.start(Source)
        const consuming = yield* Process.stream(pid, "numbers", { upTo: 1000 }).pipe(
          Stream.runForEach(() => Effect.never),
          Effect.forkChild
        )
        yield* Effect.sleep("1 second")
        assert.isBelow(log.produced, 50)
        assert.strictEqual(yield* Process.call(pid, "ping"), "pong")
        yield* Fiber.interrupt(consuming)
        assert.strictEqual(log.finalized, 1)
        assert.strictEqual(yield* Process.call(pid, "ping"), "pong")
      })
    )
  )

  both("a consumer that takes no more ends the producer", () =>
    withSource((log) =>
      Effect.gen(function* () {
        const pid = yield* Process.start(Source)
        const taken = yield* Process.stream(pid, "numbers", { upTo: 1000 }).pipe(Stream.take(3), Stream.runCollect)
        assert.deepStrictEqual(taken, [1, 2, 3])
        assert.strictEqual(log.finalized, 1)
      })
    )
  )

  both("the end of the server ends the stream with CalleeExited, after what was produced", () =>
    withSource((log) =>
      Effect.gen(function* () {
        for (const end of [Process.terminate, Process.kill, Server.stop]) {
          const pid = yield* Process.start(Source)
          const taken: Array<number> = []
          const consuming = yield* Process.stream(pid, "numbers", { upTo: 3, ending: "wait" }).pipe(
            Stream.runForEach((n) => Effect.sync(() => void taken.push(n))),
            Effect.flip,
            Effect.forkChild
          )
          yield* Effect.sleep("1 milli")
          yield* end(pid)
          const error = yield* Fiber.join(consuming)
          assert.strictEqual(typeof error === "string" ? error : error._tag, "CalleeExited")
          assert.deepStrictEqual(taken, [1, 2, 3])
        }
        yield* Effect.sleep("1 milli")
        assert.strictEqual(log.finalized, 3)
      })
    )
  )

  both("a defect of the stream ends the server", () =>
    withSource(() =>
      Effect.gen(function* () {
        const pid = yield* Process.start(Source)
        const error = yield* Effect.flip(Stream.runDrain(Process.stream(pid, "numbers", { upTo: 3, ending: "die" })))
        assert.strictEqual(typeof error === "string" ? error : error._tag, "CalleeExited")
        const exit = yield* Process.await(pid)
        assert.isTrue(Exit.isFailure(exit))
        const again = yield* Effect.flip(Stream.runDrain(Process.stream(pid, "numbers", { upTo: 3 })))
        assert.strictEqual(typeof again === "string" ? again : again._tag, "ProcessNotFound")
      })
    )
  )

  both("a plain send of such a topic runs nothing; any process may answer with a stream", () =>
    withSource((log) =>
      Effect.gen(function* () {
        const pid = yield* Process.start(Source)
        yield* Process.send(pid, "numbers", { upTo: 3 })
        assert.strictEqual(yield* Process.call(pid, "ping"), "pong")
        assert.strictEqual(log.produced, 0)
        const Plain = Process.make("test:plain", { protocol: [Numbers] })
        const PlainLive = Plain.toLayer(
          Effect.fnUntraced(function* () {
            yield* Message.reply(yield* Plain.receive(), Stream.make(7))
            return yield* Effect.never
          })
        )
        const plain = yield* Effect.provide(Process.spawn(Plain), PlainLive)
        assert.deepStrictEqual(yield* Stream.runCollect(Process.stream(plain, "numbers", { upTo: 0 })), [7])
      })
    )
  )
})
