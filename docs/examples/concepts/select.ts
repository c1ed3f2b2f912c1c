import { Deferred, Effect, Exit, Fiber, Queue } from "effect"
import { Channel, Select, Timer } from "troupe"

// #region narrow
const narrowed = Effect.gen(function* () {
  const numbers = yield* Channel.bounded<number>(1)
  const words = yield* Channel.bounded<string>(1)
  yield* Channel.send(words, "seven")
  const next = yield* Select.any({ number: numbers, word: words })
  switch (next._tag) {
    case "number":
      return next.value.toFixed(2)
    case "word":
      return next.value.toUpperCase() // "SEVEN"
  }
})
// #endregion narrow

// #region priority
const prioritised = Effect.gen(function* () {
  const urgent = yield* Channel.unbounded<number>()
  const normal = yield* Channel.unbounded<number>()
  for (const n of [1, 2]) {
    yield* Channel.send(normal, n)
    yield* Channel.send(urgent, n * 10)
  }
  const order: Array<number> = []
  while (order.length < 4) {
    const next = yield* Select.priority({ urgent, normal })
    order.push(next.value)
  }
  return order // [10, 20, 1, 2]
})
// #endregion priority

// #region send
const sent = Effect.gen(function* () {
  const input = yield* Channel.bounded<string>(1)
  const output = yield* Channel.rendezvous<string>()
  const printing = yield* Effect.forkChild(Channel.receive(output))
  // Offers to the one and accepts from the other, whichever comes first.
  const next = yield* Select.any({ printed: Select.send(output, "page 1"), input })
  return [next._tag, yield* Fiber.join(printing)] // ["printed", "page 1"]
})
// #endregion send

// #region effect
const fromEffect = Effect.gen(function* () {
  const stop = yield* Deferred.make<string>()
  const queue = yield* Queue.unbounded<number>()
  const worker = yield* Effect.forkChild(Effect.never)
  yield* Queue.offer(queue, 1)
  const cases = {
    stop: Select.deferred(stop),
    job: Select.queue(queue),
    worker: Select.fiber(worker)
  }
  const job = yield* Select.any(cases)
  yield* Fiber.interrupt(worker)
  const ended = yield* Select.any(cases)
  // ["job", "worker", true]
  return [job._tag, ended._tag, ended._tag === "worker" && Exit.hasInterrupts(ended.value)]
})
// #endregion effect

// #region otherwise
const notReady = Effect.gen(function* () {
  const channel = yield* Channel.rendezvous<number>()
  const next = yield* Select.any({ received: channel, sent: Select.send(channel, 1), idle: Select.otherwise })
  return next._tag // "idle"
})
// #endregion otherwise

// #region handle
const handled = Effect.gen(function* () {
  const numbers = yield* Channel.bounded<number>(1)
  const words = yield* Channel.rendezvous<string>()
  yield* Channel.send(numbers, 21)
  const next = yield* Select.any({
    double: Select.handle(numbers, (n) => Effect.succeed(n * 2)),
    length: Select.handle(words, (word) => Effect.succeed(word.length))
  })
  return next.value // 42
})
// #endregion handle

// #region closed
const ended = Effect.gen(function* () {
  const jobs = yield* Channel.unbounded<number>()
  const stop = yield* Channel.rendezvous<string>()
  for (const job of [1, 2]) yield* Channel.send(jobs, job)
  yield* Channel.close(jobs)
  const work = Effect.gen(function* () {
    let sum = 0
    while (true) {
      const next = yield* Select.any({ job: jobs, stop }).pipe(
        Effect.catchTag("ChannelClosed", () => Effect.succeed({ _tag: "end" as const }))
      )
      if (next._tag !== "job") return sum
      sum += next.value
    }
  })
  return yield* work // 3
})
// #endregion closed

// #region timeout
const limited = Effect.scoped(
  Effect.gen(function* () {
    const answers = yield* Channel.rendezvous<string>()
    const timeout = yield* Timer.after("10 millis")
    const next = yield* Select.priority({ answer: answers, timeout })
    return next._tag === "answer" ? next.value : "no answer"
  })
)
// #endregion timeout

export const program = Effect.gen(function* () {
  return {
    narrowed: yield* narrowed,
    prioritised: yield* prioritised,
    sent: yield* sent,
    fromEffect: yield* fromEffect,
    notReady: yield* notReady,
    handled: yield* handled,
    ended: yield* ended,
    limited: yield* limited
  }
})
