import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Queue, Ref } from "effect"
import { Explore, Linearizability } from "troupe/testing"
import { isLinearizable, minimalPrefix, type Recorded, type Sequential } from "../../src/testing/internal/history.ts"
import { Prng } from "../../src/testing/internal/prng.ts"

const counter: Linearizability.Model<number, "next", number> = { initial: 0, step: (n) => [n + 1, n + 1] }

type QueueOperation = { readonly offer: number } | "take"

const queue: Linearizability.Model<ReadonlyArray<number>, QueueOperation, number | undefined> = {
  initial: [],
  step: (items, operation) =>
    operation === "take" ? [items[0], items.slice(1)] : [undefined, [...items, operation.offer]]
}

const counting = (next: (ref: Ref.Ref<number>) => Effect.Effect<number>) =>
  Effect.gen(function* () {
    const ref = yield* Ref.make(0)
    const history = yield* Linearizability.make(counter)
    const operation = history.record("next", next(ref))
    yield* Effect.all([operation, operation, operation], { concurrency: "unbounded" })
    yield* Linearizability.check(history)
  })

describe("Linearizability under Explore", () => {
  it.live("a counter that reads and writes is not linearizable", () =>
    Effect.gen(function* () {
      const racy = counting((ref) => Effect.flatMap(Ref.get(ref), (n) => Effect.as(Ref.set(ref, n + 1), n + 1)))
      const error = yield* Effect.flip(Explore.check(racy))
      assert.include(error.message, "NotLinearizable")
      assert.match(error.message, /\[\d+, \d+\] next → (\d)\n(.*\n)*.*\[\d+, \d+\] next → \1/)
    })
  )

  it.live("a counter that updates at once is", () =>
    Explore.check(counting((ref) => Ref.updateAndGet(ref, (n) => n + 1)))
  )

  const queueing = (use: {
    readonly offer: (n: number) => Effect.Effect<unknown>
    readonly poll: Effect.Effect<number | undefined>
  }) =>
    Effect.gen(function* () {
      const history = yield* Linearizability.make(queue)
      const offer = (n: number) => history.record({ offer: n }, Effect.asVoid(use.offer(n)) as Effect.Effect<undefined>)
      const take = history.record("take", use.poll)
      yield* Effect.all([Effect.andThen(offer(1), take), Effect.andThen(offer(2), take), Effect.andThen(take, take)], {
        concurrency: "unbounded"
      })
      yield* Linearizability.check(history)
    })

  it.live("a queue whose take looks and removes in two steps is not", () =>
    Effect.gen(function* () {
      const racy = Effect.suspend(() => {
        const items: Array<number> = []
        return queueing({
          offer: (n) => Effect.sync(() => items.push(n)),
          poll: Effect.flatMap(
            Effect.sync(() => items[0]),
            (first) =>
              Effect.as(
                Effect.sync(() => items.shift()),
                first
              )
          )
        })
      })
      const error = yield* Effect.flip(Explore.check(racy))
      assert.include(error.message, "NotLinearizable")
    })
  )

  it.live("Effect's queue is", () =>
    Explore.check(
      Effect.gen(function* () {
        const made = yield* Queue.unbounded<number>()
        const poll = Effect.map(Queue.poll(made), (found) => (found._tag === "Some" ? found.value : undefined))
        yield* queueing({ offer: (n) => Queue.offer(made, n), poll })
      })
    )
  )

  it.live("an operation that was interrupted may have happened, or not", () =>
    Explore.check(
      Effect.gen(function* () {
        const ref = yield* Ref.make(0)
        const history = yield* Linearizability.make(counter)
        const next = history.record(
          "next",
          Ref.updateAndGet(ref, (n) => n + 1)
        )
        const fiber = yield* Effect.forkChild(Effect.andThen(next, Effect.yieldNow))
        yield* Effect.yieldNow
        yield* Fiber.interrupt(fiber)
        yield* next
        yield* Linearizability.check(history)
      }),
      { strategy: { random: { preemption: 0.5 } } }
    )
  )
})

/** Tries every order. */
const bruteForce = <S, O, A>(model: Sequential<S, O, A>, history: ReadonlyArray<Recorded<O, A>>): boolean => {
  const search = (state: S, left: ReadonlyArray<Recorded<O, A>>): boolean => {
    if (left.every(({ returned }) => returned === undefined)) return true
    const firstReturn = Math.min(...left.map(({ returned }) => returned?.at ?? Infinity))
    return left.some((next) => {
      if (next.calledAt > firstReturn) return false
      const stepped = model.step(state, next.operation)
      if (stepped === undefined) return false
      if (next.returned !== undefined && stepped[0] !== next.returned.output) return false
      return search(
        stepped[1],
        left.filter((other) => other !== next)
      )
    })
  }
  return search(model.initial, history)
}

/** Up to 6 operations at random times with random outputs. */
const randomHistory = <O, A>(prng: Prng, operation: () => O, output: (operation: O) => A): Array<Recorded<O, A>> => {
  const times = Array.from({ length: 12 }, (_, time) => time)
  const draw = () => times.splice(prng.below(times.length), 1)[0] as number
  return Array.from({ length: 1 + prng.below(6) }, () => {
    const [calledAt, at] = [draw(), draw()].toSorted((a, b) => a - b) as [number, number]
    const drawn = operation()
    return {
      operation: drawn,
      calledAt,
      returned: prng.below(6) === 0 ? undefined : { at, output: output(drawn) }
    }
  })
}

describe("the search", () => {
  it("answers what trying every order answers, for 5,000 random histories of a counter and of a queue", () => {
    const prng = new Prng(1)
    let holds = 0
    for (let i = 0; i < 5000; i++) {
      const counted = randomHistory(
        prng,
        () => "next" as const,
        () => 1 + prng.below(4)
      )
      const queued = randomHistory<QueueOperation, number | undefined>(
        prng,
        () => (prng.below(2) === 0 ? "take" : { offer: 1 + prng.below(2) }),
        (operation) => (operation === "take" && prng.below(4) > 0 ? 1 + prng.below(2) : undefined)
      )
      const expected = [bruteForce(counter, counted), bruteForce(queue, queued)]
      assert.deepStrictEqual([isLinearizable(counter, counted), isLinearizable(queue, queued)], expected)
      holds += expected.filter(Boolean).length
    }
    // Neither all nor none of them hold.
    assert.isAbove(holds, 1000)
    assert.isBelow(holds, 9000)
  })

  it("finds the shortest beginning that does not hold, which ends with a return", () => {
    const prng = new Prng(2)
    for (let i = 0; i < 2000; i++) {
      const history = randomHistory(
        prng,
        () => "next" as const,
        () => 1 + prng.below(4)
      )
      if (isLinearizable(counter, history)) continue
      const prefix = minimalPrefix(counter, history)
      assert.isFalse(bruteForce(counter, prefix))
      const last = Math.max(...prefix.map(({ returned }) => returned?.at ?? -1))
      const before = prefix
        .filter(({ calledAt }) => calledAt < last)
        .map((recorded) => (recorded.returned?.at === last ? { ...recorded, returned: undefined } : recorded))
      assert.isTrue(bruteForce(counter, before))
    }
  })

  it("does not search a state twice: 14 operations that all overlap", () => {
    const history = Array.from({ length: 14 }, (_, i) => ({
      operation: "next" as const,
      calledAt: i,
      returned: { at: 100 + i, output: i === 0 ? 100 : i }
    }))
    assert.isFalse(isLinearizable(counter, history))
  })

  it("an operation that cannot happen in a state waits for one in which it can", () => {
    const waiting: Sequential<ReadonlyArray<number>, QueueOperation, number | undefined> = {
      initial: [],
      step: (items, operation) =>
        operation === "take" && items.length === 0 ? undefined : queue.step(items, operation)
    }
    const take = { operation: "take" as const, calledAt: 0, returned: { at: 3, output: 1 } }
    const offer = (calledAt: number) => ({
      operation: { offer: 1 },
      calledAt,
      returned: { at: calledAt + 1, output: undefined }
    })
    assert.isTrue(isLinearizable(waiting, [take, offer(1)]))
    assert.isFalse(isLinearizable(waiting, [take, offer(4)]))
  })
})
