import { it } from "@effect/vitest"
import { Effect, Fiber, Option } from "effect"
import { Channel } from "troupe"
import { Explore, Linearizability } from "troupe/testing"

type Operation = { readonly send: number } | { readonly trySend: number } | "receive" | "tryReceive" | "close"

interface State {
  readonly items: ReadonlyArray<number>
  readonly closed: boolean
}

/** A channel as one would explain it: each operation at one instant; one that has to wait can't happen yet. */
const channel = (capacity: number): Linearizability.Model<State, Operation, unknown> => {
  const put = (state: State, value: number) => ({ ...state, items: [...state.items, value] })
  return {
    initial: { items: [], closed: false },
    step: (state, operation) => {
      const { closed, items } = state
      if (operation === "close") return closed ? ["closed", state] : [undefined, { ...state, closed: true }]
      if (operation === "receive" || operation === "tryReceive") {
        if (items.length > 0) return [items[0], { ...state, items: items.slice(1) }]
        if (closed) return ["closed", state]
        return operation === "receive" ? undefined : ["empty", state]
      }
      if (closed) return ["closed", state]
      const room = items.length < capacity
      if ("send" in operation) return room ? [undefined, put(state, operation.send)] : undefined
      return room ? [true, put(state, operation.trySend)] : [false, state]
    }
  }
}

const answer = <A>(effect: Effect.Effect<A, unknown>): Effect.Effect<A | "closed"> =>
  Effect.orElseSucceed(effect, () => "closed" as const)

const run = (target: Channel.Channel<number>, operation: Operation): Effect.Effect<unknown> => {
  if (operation === "close") return answer(Channel.close(target))
  if (operation === "receive") return answer(Channel.receive(target))
  if (operation === "tryReceive")
    return answer(
      Effect.map(
        Channel.tryReceive(target),
        Option.getOrElse(() => "empty")
      )
    )
  return "send" in operation
    ? answer(Channel.send(target, operation.send))
    : answer(Channel.trySend(target, operation.trySend))
}

/** What fibers do side by side; the channel is closed in the end, so that none waits for ever. */
const scripts: Record<string, ReadonlyArray<ReadonlyArray<Operation>>> = {
  "sends and receives": [
    [{ send: 1 }, { send: 2 }, "receive"],
    ["receive", { send: 3 }],
    ["receive", "receive"]
  ],
  tries: [
    [{ trySend: 1 }, "tryReceive", { trySend: 2 }],
    [{ trySend: 3 }, "tryReceive"],
    [{ send: 4 }, "receive"]
  ],
  "a close in the middle": [
    [{ send: 1 }, { send: 2 }, { send: 3 }],
    ["receive", "close", "tryReceive"],
    ["receive", "receive"]
  ]
}

const kinds = {
  "bounded(1)": { capacity: 1, make: Channel.bounded<number>(1) },
  "bounded(2)": { capacity: 2, make: Channel.bounded<number>(2) },
  unbounded: { capacity: Infinity, make: Channel.unbounded<number>() }
}

for (const [kind, { capacity, make }] of Object.entries(kinds)) {
  for (const [name, script] of Object.entries(scripts)) {
    it.live(`a channel, ${kind}, is linearizable: ${name}, in 2,000 schedules`, () =>
      Explore.check(
        Effect.gen(function* () {
          const target = yield* make
          const history = yield* Linearizability.make(channel(capacity))
          const record = (operation: Operation) => history.record(operation, run(target, operation))
          const fibers = yield* Effect.forEach(script, (operations) =>
            Effect.forkChild(Effect.forEach(operations, record))
          )
          yield* Effect.sleep(1)
          yield* record("close")
          yield* Effect.forEach(fibers, Fiber.join)
          yield* Linearizability.check(history)
        }),
        { schedules: 2000 }
      )
    )
  }
}
