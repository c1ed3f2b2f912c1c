import { assert, describe } from "@effect/vitest"
import { Clock, Effect, Exit, Fiber, Schema, type Scope } from "effect"
import { Rpc } from "effect/rpc"
import { Message, Process, type ProcessHost, Request, Select, Server } from "troupe"
import { both } from "../support/both.ts"
import { host } from "../support/processes.ts"

const Wait = Rpc.make("wait", { payload: Schema.Finite, success: Schema.Finite, error: Schema.String })
const Hang = Rpc.make("hang")
const Worker = Server.make("test:worker", { protocol: [Wait, Hang] })

/** Answers after as many milliseconds as it is told; below 0 it fails. */
const WorkerLive = Worker.toLayer(() =>
  Effect.succeed(
    Worker.of({
      concurrency: "unbounded",
      handlers: {
        wait: (millis) => (millis < 0 ? Effect.fail("no time machine") : Effect.as(Effect.sleep(millis), millis)),
        hang: () => Effect.succeed(Server.later)
      }
    })
  )
)

const inScope = <A, E>(
  program: Effect.Effect<A, E, Process.Implementation<"test:worker"> | ProcessHost.ProcessHost | Scope.Scope>
) => program.pipe(Effect.scoped, Effect.provide(WorkerLive), Effect.provide(host))

describe("Request", () => {
  both("P14 responses come in the order in which they are given, with their labels, and then there is no request", () =>
    inScope(
      Effect.gen(function* () {
        const pid = yield* Process.start(Worker)
        const requests = yield* Request.make<typeof Wait>()
        yield* Request.send(requests, pid, "wait", 400, { label: "a" })
        yield* Request.send(requests, pid, "wait", 1, { label: "b" })
        yield* Request.send(requests, pid, "wait", 200, { label: "c" })
        assert.strictEqual(requests.pending, 3)
        const labels: Array<string> = []
        const values: Array<number> = []
        while (requests.pending > 0) {
          const { exit, label } = yield* Request.receive(requests)
          labels.push(label)
          values.push(yield* exit)
        }
        assert.deepStrictEqual(labels, ["b", "c", "a"])
        assert.deepStrictEqual(values, [1, 200, 400])
        assert.strictEqual((yield* Effect.flip(Request.receive(requests)))._tag, "NoRequest")
      })
    )
  )

  both("P15 a deadline is reported at its instant; the requests stay valid, and are answered later", () =>
    inScope(
      Effect.gen(function* () {
        const pid = yield* Process.start(Worker)
        const requests = yield* Request.make<typeof Wait>()
        yield* Request.send(requests, pid, "wait", 100, { label: "quick" })
        yield* Request.send(requests, pid, "wait", 500, { label: "slow" })
        const begin = yield* Clock.currentTimeMillis
        const until = begin + 300
        assert.strictEqual((yield* Request.receive(requests, { until })).label, "quick")
        const refusal = yield* Effect.flip(Request.receive(requests, { until }))
        assert.strictEqual(refusal._tag, "ResponseTimeout")
        assert.strictEqual((yield* Clock.currentTimeMillis) - begin, 300)
        assert.strictEqual((yield* Effect.flip(Request.receive(requests, { until })))._tag, "ResponseTimeout")
        const short = yield* Effect.flip(Request.receive(requests, { timeout: 50, until: begin + 1000 }))
        assert.strictEqual(short._tag, "ResponseTimeout")
        assert.strictEqual((yield* Clock.currentTimeMillis) - begin, 350)
        const { exit, label } = yield* Request.receive(requests, { timeout: "1 second" })
        assert.deepStrictEqual([label, exit], ["slow", Exit.succeed(500)])
        assert.strictEqual((yield* Clock.currentTimeMillis) - begin, 500)
      })
    )
  )

  both("P16 a label that is in use is a typed error; it is free again after its response or its abandonment", () =>
    inScope(
      Effect.gen(function* () {
        const pid = yield* Process.start(Worker)
        const requests = yield* Request.make<typeof Wait | typeof Hang>()
        const send = Request.send(requests, pid, "wait", 1, { label: "a" })
        yield* send
        const error = yield* Effect.flip(send)
        assert.strictEqual(error._tag, "DuplicateLabel")
        assert.include(error.message, "a")
        yield* Effect.sleep(10)
        // It was answered, and not received yet.
        assert.strictEqual((yield* Effect.flip(send))._tag, "DuplicateLabel")
        yield* Request.receive(requests)
        yield* send
        yield* Request.abandon(requests, "a")
        yield* send
        assert.strictEqual(requests.pending, 1)
      })
    )
  )

  both("P16 each failure is a response with its label: of the topic, of a dead server, of one that ends", () =>
    inScope(
      Effect.gen(function* () {
        const dead = yield* Process.start(Worker)
        yield* Process.kill(dead)
        const dying = yield* Process.start(Worker)
        const requests = yield* Request.make<typeof Wait | typeof Hang, number>()
        yield* Request.send(requests, dead, "wait", 1, { label: 1 })
        yield* Request.send(requests, dying, "wait", -1, { label: 2 })
        yield* Request.send(requests, dying, "wait", "x" as never, { label: 3 })
        yield* Request.send(requests, dying, "hang", undefined, { label: 4 })
        yield* Effect.sleep(1)
        yield* Process.terminate(dying)
        const outcomes = new Map<number, unknown>()
        while (requests.pending > 0) {
          const { exit, label } = yield* Request.receive(requests)
          const error: unknown = yield* Effect.flip(exit as Exit.Exit<unknown, unknown>)
          outcomes.set(label, typeof error === "string" ? error : (error as { readonly _tag: string })._tag)
        }
        assert.deepStrictEqual(
          [1, 2, 3, 4].map((label) => outcomes.get(label)),
          ["ProcessNotFound", "no time machine", "InvalidMessage", "CalleeExited"]
        )
      })
    )
  )

  both("P16 a response of another collection is none of this one's", () =>
    inScope(
      Effect.gen(function* () {
        const pid = yield* Process.start(Worker)
        const ours = yield* Request.make<typeof Wait>()
        const others = yield* Request.make<typeof Wait>()
        yield* Request.send(others, pid, "wait", 1, { label: "a" })
        yield* Request.send(ours, pid, "wait", 100, { label: "a" })
        const { exit } = yield* Request.receive(ours)
        assert.deepStrictEqual(exit, Exit.succeed(100))
        assert.deepStrictEqual((yield* Request.receive(others)).exit, Exit.succeed(1))
      })
    )
  )

  both("P17 the response to an abandoned request does not appear, whether it came or comes", () =>
    inScope(
      Effect.gen(function* () {
        const pid = yield* Process.start(Worker)
        const requests = yield* Request.make<typeof Wait>()
        yield* Request.send(requests, pid, "wait", 1, { label: "came" })
        yield* Request.send(requests, pid, "wait", 100, { label: "comes" })
        yield* Request.send(requests, pid, "wait", 200, { label: "last" })
        yield* Effect.sleep(10)
        assert.isTrue(yield* Request.abandon(requests, "came"))
        assert.isTrue(yield* Request.abandon(requests, "comes"))
        assert.isFalse(yield* Request.abandon(requests, "comes"))
        assert.strictEqual((yield* Request.receive(requests)).label, "last")
        assert.strictEqual((yield* Effect.flip(Request.receive(requests)))._tag, "NoRequest")
        // Nobody watches the server any longer.
        assert.strictEqual((yield* Process.info(pid)).watchers, 0)
      })
    )
  )

  both("a collection abandons what is left when its scope closes", () =>
    inScope(
      Effect.gen(function* () {
        const pid = yield* Process.start(Worker)
        yield* Effect.scoped(
          Effect.gen(function* () {
            const requests = yield* Request.make<typeof Hang>()
            yield* Request.send(requests, pid, "hang", undefined, { label: "a" })
            assert.strictEqual((yield* Process.info(pid)).watchers, 1)
          })
        )
        assert.strictEqual((yield* Process.info(pid)).watchers, 0)
      })
    )
  )

  both("a collection is a source to select over, which waits when no request is left", () =>
    inScope(
      Effect.gen(function* () {
        const pid = yield* Process.start(Worker)
        const requests = yield* Request.make<typeof Wait>()
        const selecting = yield* Effect.forkChild(Select.any({ response: requests }))
        yield* Effect.sleep(1)
        assert.isUndefined(selecting.pollUnsafe())
        yield* Request.send(requests, pid, "wait", 1, { label: "a" })
        assert.strictEqual((yield* Fiber.join(selecting)).value.label, "a")
      })
    )
  )

  both("a reply is given once, and an interrupted receive has received nothing", () =>
    inScope(
      Effect.gen(function* () {
        const Asked = Process.make("test:asked", { protocol: [Hang] })
        const AskedLive = Asked.toLayer(() =>
          Effect.gen(function* () {
            const message = yield* Asked.receive()
            yield* Message.reply(message, undefined)
            return (yield* Effect.flip(Message.reply(message, undefined)))._tag
          })
        )
        const pid = yield* Effect.provide(Process.spawn(Asked), AskedLive)
        const requests = yield* Request.make<typeof Hang>()
        yield* Request.send(requests, pid, "hang", undefined, { label: "a" })
        const receiving = yield* Effect.forkChild(Request.receive(requests, { timeout: "1 second" }))
        yield* Effect.yieldNow
        yield* Fiber.interrupt(receiving)
        const exit = yield* Fiber.await(receiving)
        if (Exit.isFailure(exit)) assert.strictEqual((yield* Request.receive(requests)).label, "a")
        assert.strictEqual(requests.pending, 0)
        assert.deepStrictEqual(yield* Process.await(pid), Exit.succeed("AlreadyReplied"))
      })
    )
  )
})
