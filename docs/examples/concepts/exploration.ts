import { Effect, Fiber, Queue, Ref, Scope, Semaphore } from "effect"
import { Explore, Linearizability } from "troupe/testing"

// #region lost-update
export const lostUpdate = Effect.gen(function* () {
  const balance = yield* Ref.make(0)
  const deposit = Effect.fn("deposit")(function* (amount: number) {
    const before = yield* Ref.get(balance)
    yield* Ref.set(balance, before + amount)
  })

  yield* Effect.all([deposit(10), deposit(5)], { concurrency: "unbounded" })
  const after = yield* Ref.get(balance)
  if (after !== 15) return yield* Effect.fail(`the balance is ${after}`)
})
// #endregion lost-update

// #region check
const update = Explore.check(lostUpdate, { schedules: 1000, seed: 0 })
// #endregion check

// #region lost-message
export const lostMessage = Effect.gen(function* () {
  const jobs = yield* Queue.unbounded<string>()
  const handled = yield* Ref.make(0)
  const worker = Effect.fn("worker")(function* () {
    yield* Queue.take(jobs)
    // A worker that is interrupted here takes the job along.
    yield* Ref.update(handled, (n) => n + 1)
  })

  const fiber = yield* Effect.forkChild(worker())
  yield* Queue.offer(jobs, "invoice")
  yield* Fiber.interrupt(fiber)
  const waiting = yield* Queue.size(jobs)
  if ((yield* Ref.get(handled)) + waiting !== 1) return yield* Effect.fail("the job is lost")
})
// #endregion lost-message

// #region deadlock
export const lockOrder = Effect.gen(function* () {
  const left = yield* Semaphore.make(1).pipe(Explore.named("left"))
  const right = yield* Semaphore.make(1).pipe(Explore.named("right"))
  const transfer = Effect.fn("transfer")(function* (from: Semaphore.Semaphore, to: Semaphore.Semaphore) {
    const inner = Semaphore.withPermits(to, 1)(Effect.void).pipe(Effect.withSpan("second lock"))
    yield* Semaphore.withPermits(from, 1)(inner)
  })

  yield* Effect.all([transfer(left, right), transfer(right, left)], { concurrency: "unbounded" })
})
// #endregion deadlock

// #region leak
export const leftOpen = Effect.gen(function* () {
  const connection = Effect.acquireRelease(Effect.succeed("connection"), () => Effect.void)
  const connect = Effect.fn("connect")(function* () {
    const scope = yield* Scope.make()
    return yield* Scope.provide(connection, scope)
  })

  return yield* connect()
})
// #endregion leak

// #region linearizability
const tickets = Effect.gen(function* () {
  const last = yield* Ref.make(0)
  const draw = Effect.flatMap(Ref.get(last), (n) => Effect.as(Ref.set(last, n + 1), n + 1))

  const history = yield* Linearizability.make({
    initial: 0,
    step: (n: number, _: "draw") => [n + 1, n + 1]
  })
  const drawing = history.record("draw", draw)
  yield* Effect.all([drawing, drawing, drawing], { concurrency: "unbounded" })
  yield* Linearizability.check(history)
})
// #endregion linearizability

// #region replay
const replayed = Effect.gen(function* () {
  const found = yield* Effect.flip(update)
  if (found._tag === "InvalidReplay") return found.message
  const again = yield* Effect.flip(Explore.check(lostUpdate, { strategy: { replay: found.replay } }))
  return again.message
})
// #endregion replay

const message = <A, E extends { readonly message: string }>(checked: Effect.Effect<A, E>) =>
  Effect.map(Effect.flip(checked), (error) => error.message)

export const program = Effect.gen(function* () {
  return {
    update: yield* message(update),
    message: yield* message(Explore.check(lostMessage)),
    deadlock: yield* message(Explore.check(lockOrder)),
    leak: yield* message(Explore.check(leftOpen)),
    tickets: yield* message(Explore.check(tickets)),
    replayed: yield* replayed
  }
})
