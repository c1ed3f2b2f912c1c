/** What a host's run queue does for processes, in orders that are drawn. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, References, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { type Message, Pid, Process, ProcessHost, Select } from "troupe"
import { inDrawnOrders } from "../support/hosting.ts"

const hosted = <A, E>(program: Effect.Effect<A, E, ProcessHost.ProcessHost>): Effect.Effect<A, unknown> =>
  program.pipe(
    Effect.provide(Layer.fresh(ProcessHost.layer("app:processes"))),
    Effect.provideService(References.MinimumLogLevel, "None")
  )

const Item = Rpc.make("item", { payload: Schema.Tuple([Schema.Int, Schema.Int]) })
const Taker = Process.make("test:taker", { protocol: [Item], args: Schema.Literals(["one", "all", "select"]) })
const Sender = Process.make("test:sender", { args: Schema.Struct({ to: Pid.of(Item), number: Schema.Int }) })

const balanced = Effect.gen(function* () {
  const { deadLetters, queued, received, sent } = yield* ProcessHost.stats()
  assert.strictEqual(sent, received + queued + deadLetters)
})

const each = 4

const SenderLive = Sender.toLayer(
  Effect.fnUntraced(function* ({ number, to }) {
    for (let i = 0; i < each; i++) yield* Process.send(to, "item", [number, i])
  })
)

// Takes what two senders send, and answers it.
const TakerLive = Taker.toLayer(
  Effect.fnUntraced(function* (how) {
    const inbox = yield* Taker.inbox
    const events = yield* Taker.events
    const taken: Array<readonly [number, number]> = []
    const keep = ({ payload }: Message.Message<typeof Item>): void => void taken.push(payload)
    while (taken.length < 2 * each) {
      if (how === "one") keep(yield* Taker.receive())
      if (how === "all") for (const message of yield* Taker.receiveAll()) keep(message)
      if (how === "select") {
        const next = yield* Select.any({ message: inbox, event: events })
        if (next._tag === "message") keep(next.value)
      }
    }
    return taken
  })
)

describe("messages on a host", () => {
  for (const how of ["one", "all", "select"] as const) {
    it.live(`come once, and in the order of each sender, taken by ${how}, in 1,000 orders`, () =>
      inDrawnOrders(
        1000,
        hosted(
          Effect.gen(function* () {
            const to = yield* Process.spawn(Taker, how)
            for (const number of [0, 1]) yield* Process.spawn(Sender, { to, number })
            const exit = yield* Process.await(to)
            const taken = (Exit.isSuccess(exit) ? exit.value : []) as ReadonlyArray<readonly [number, number]>
            for (const number of [0, 1]) {
              assert.deepStrictEqual(
                taken.filter(([sender]) => sender === number).map(([, i]) => i),
                [0, 1, 2, 3]
              )
            }
            yield* balanced
          }).pipe(Effect.provide([TakerLive, SenderLive]))
        )
      )
    )

    it.live(`are accounted for when who takes ${how} is killed, in 1,000 orders`, () =>
      inDrawnOrders(
        1000,
        hosted(
          Effect.gen(function* () {
            const to = yield* Process.spawn(Taker, how)
            const senders = [yield* Process.spawn(Sender, { to, number: 0 })]
            const outside = yield* Effect.forkChild(Effect.exit(Process.send(to, "item", [1, 0])))
            yield* Effect.yieldNow
            yield* Process.kill(to)
            yield* Fiber.join(outside)
            yield* Effect.forEach(senders, Process.await)
            yield* balanced
          }).pipe(Effect.provide([TakerLive, SenderLive]))
        )
      )
    )
  }
})
