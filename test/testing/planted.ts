/**
 * Programs with a bug that only some interleavings show. The explorer has to find each of them.
 */
import { Deferred, Effect, Fiber, Queue, Ref, Semaphore } from "effect"

/** Two fibers read, and both write what they read plus one. */
export const lostUpdate = Effect.gen(function* () {
  const ref = yield* Ref.make(0)
  const increment = Effect.fn("increment")(function* () {
    const n = yield* Ref.get(ref)
    yield* Ref.set(ref, n + 1)
  })
  yield* Effect.all([increment(), increment()], { concurrency: "unbounded" })
  const sum = yield* Ref.get(ref)
  if (sum !== 2) return yield* Effect.fail(`lost an update: ${sum} instead of 2`)
})

/** The same, as it should be. */
export const keptUpdate = Effect.gen(function* () {
  const ref = yield* Ref.make(0)
  const increment = Ref.update(ref, (n) => n + 1)
  yield* Effect.all([increment, increment], { concurrency: "unbounded" })
  const sum = yield* Ref.get(ref)
  if (sum !== 2) return yield* Effect.fail(`lost an update: ${sum} instead of 2`)
})

/** Two transfers lock two accounts, each its own first. */
export const lockOrder = Effect.gen(function* () {
  const [left, right] = [yield* Semaphore.make(1), yield* Semaphore.make(1)]
  const transfer = Effect.fn("transfer")(function* (from: Semaphore.Semaphore, to: Semaphore.Semaphore) {
    const second = Semaphore.withPermits(to, 1)(Effect.void).pipe(Effect.withSpan("second lock"))
    yield* Semaphore.withPermits(from, 1)(second)
  })
  yield* Effect.all([transfer(left, right), transfer(right, left)], { concurrency: "unbounded" })
})

/** A queue of numbers with parked takers, to make mistakes with. */
class Box {
  readonly items: Array<number> = []
  readonly waiters: Array<() => void> = []
}

const received = (box: Box, take: Effect.Effect<number>, offer: (n: number) => Effect.Effect<void>) =>
  Effect.gen(function* () {
    const seen: Array<number> = []
    const taker = yield* Effect.forkChild(
      Effect.flatMap(take, (n) => Effect.sync(() => seen.push(n))).pipe(Effect.withSpan("taker"))
    )
    yield* Effect.yieldNow
    yield* offer(1)
    yield* Fiber.interrupt(taker)
    // An interrupted take has taken nothing: the value is with the taker, or still there.
    const all = [...seen, ...box.items]
    if (all.length !== 1) return yield* Effect.fail(`${all.length} values instead of 1`)
  })

/** A select over one box that hands the value over in `resume`: an interrupted one loses it. */
export const handedOver = Effect.suspend(() => {
  const box = new Box()
  const takers: Array<(n: number) => void> = []
  const take = Effect.callback<number>((resume) => {
    const value = box.items.shift()
    if (value !== undefined) return resume(Effect.succeed(value))
    const taker = (n: number) => resume(Effect.succeed(n))
    takers.push(taker)
    return Effect.sync(() => {
      const index = takers.indexOf(taker)
      if (index >= 0) takers.splice(index, 1)
    })
  })
  const offer = (n: number) =>
    Effect.sync(() => {
      const taker = takers.shift()
      if (taker === undefined) box.items.push(n)
      else taker(n)
    })
  return received(box, take, offer)
})

const parked = (box: Box, recheck: boolean) =>
  Effect.callback<void>((resume) => {
    if (recheck && box.items.length > 0) return resume(Effect.void)
    const wake = () => resume(Effect.void)
    box.waiters.push(wake)
    return Effect.sync(() => {
      const index = box.waiters.indexOf(wake)
      if (index >= 0) box.waiters.splice(index, 1)
    })
  })

const selecting = (box: Box, recheck: boolean): Effect.Effect<number> =>
  Effect.suspend(() => {
    const value = box.items.shift()
    if (value !== undefined) return Effect.succeed(value)
    return Effect.andThen(parked(box, recheck), selecting(box, recheck))
  })

/** A select that polls, and parks in a later step without looking again: what came in between wakes nobody. */
export const select = (recheck: boolean) =>
  Effect.suspend(() => {
    const box = new Box()
    const offer = Effect.sync(() => {
      box.items.push(1)
      box.waiters.shift()?.()
    })
    return Effect.all([selecting(box, recheck).pipe(Effect.withSpan("select")), offer], { concurrency: "unbounded" })
  })

/** A wake-up that goes to one waiter for each value: if that one is cancelled before it looks, the next sleeps on. */
export const cancelledWaiter = Effect.gen(function* () {
  const box = new Box()
  const dispatcher = yield* Effect.withFiber((fiber) => Effect.succeed(fiber.currentDispatcher))
  const offer = Effect.sync(() => {
    box.items.push(1)
    const wake = box.waiters.shift()
    if (wake !== undefined) dispatcher.scheduleTask(wake, 0)
  })
  const first = yield* Effect.forkChild(selecting(box, true).pipe(Effect.withSpan("cancelled")))
  const second = yield* Effect.forkChild(selecting(box, true).pipe(Effect.withSpan("second")))
  yield* Effect.yieldNow
  const offering = yield* Effect.forkChild(offer)
  yield* Effect.forkChild(Fiber.interrupt(first))
  yield* Fiber.await(offering)
  if ((yield* Fiber.await(first))._tag === "Failure") yield* Fiber.join(second)
  else yield* Fiber.interrupt(second)
})

/** Effect's own queue, where a taker does something more before it has said what it took. */
export const lostMessage = Effect.gen(function* () {
  const queue = yield* Queue.unbounded<string>()
  const log: Array<string> = []
  const worker = Effect.fn("worker")(function* () {
    const message = yield* Queue.take(queue)
    yield* Effect.yieldNow
    log.push(message)
  })
  const fiber = yield* Effect.forkChild(worker())
  yield* Queue.offer(queue, "hello")
  yield* Effect.yieldNow
  yield* Fiber.interrupt(fiber)
  const left = yield* Queue.size(queue)
  if (log.length + left !== 1) return yield* Effect.fail("lost a message")
})

/** Waits for something that never comes. */
export const stuck = Effect.fn("forgotten")(function* () {
  const never = yield* Deferred.make<void>()
  yield* Deferred.await(never)
})()
