import { Cause, Effect, Fiber, Stream } from "effect"
import { Channel } from "troupe"

// #region send
const handedOver = Effect.gen(function* () {
  const channel = yield* Channel.rendezvous<string>()
  const sending = yield* Effect.forkChild(Channel.send(channel, "hello"))
  const received = yield* Channel.receive(channel)
  yield* Fiber.join(sending) // the send has succeeded
  return received // "hello"
})
// #endregion send

// #region try
const tried = Effect.gen(function* () {
  const channel = yield* Channel.bounded<number>(1)
  const first = yield* Channel.trySend(channel, 1)
  const second = yield* Channel.trySend(channel, 2)
  const taken = yield* Channel.tryReceive(channel)
  const none = yield* Channel.tryReceive(channel)
  return [first, second, taken._tag, none._tag] // [true, false, "Some", "None"]
})
// #endregion try

// #region waiters
const refused = Effect.gen(function* () {
  const orders = yield* Channel.rendezvous<string>({ waiters: 1 })
  yield* Effect.forkChild(Channel.send(orders, "first"), { startImmediately: true })
  const second = yield* Effect.flip(Channel.send(orders, "second"))
  return [second._tag, second.value, yield* Channel.receive(orders)] // ["TooManyWaiters", "second", "first"]
})
// #endregion waiters

// #region kinds
const kinds = Effect.gen(function* () {
  const channels = {
    dropping: yield* Channel.dropping<number>(2),
    sliding: yield* Channel.sliding<number>(2),
    conflated: yield* Channel.conflated<number>(),
    promise: yield* Channel.promise<number>()
  }
  const held: Record<string, ReadonlyArray<number>> = {}
  for (const [kind, channel] of Object.entries(channels)) {
    for (const n of [1, 2, 3]) yield* Channel.send(channel, n)
    held[kind] = yield* Effect.forEach(Array.from({ length: channel.length }), () => Channel.receive(channel))
  }
  // dropping: [1, 2], sliding: [2, 3], conflated: [3], promise: [1]
  return held
})
// #endregion kinds

// #region close
const closed = Effect.gen(function* () {
  const channel = yield* Channel.bounded<number>(2)
  yield* Channel.send(channel, 1)
  yield* Channel.close(channel, Cause.fail("the shop closes"))
  const refused = yield* Effect.flip(Channel.send(channel, 2))
  const left = yield* Channel.receive(channel)
  const { cause } = yield* Effect.flip(Channel.receive(channel))
  // [2, 1, "the shop closes"]
  return [refused.value, left, Cause.isCause(cause) ? Cause.squash(cause) : cause]
})
// #endregion close

// #region undelivered
const returned = Effect.gen(function* () {
  const lost: Array<number> = []
  const channel = yield* Channel.sliding<number>(2, {
    onUndelivered: (n) => Effect.sync(() => void lost.push(n))
  })
  for (const n of [1, 2, 3]) yield* Channel.send(channel, n) // drops 1
  const received = yield* Channel.receive(channel) // 2
  yield* Channel.cancel(channel) // gives up 3
  return { received, lost } // lost is [1, 3]
})
// #endregion undelivered

// #region permit
const reserved = Effect.scoped(
  Effect.gen(function* () {
    const channel = yield* Channel.bounded<string>(1)
    const permit = yield* Channel.reserve(channel)
    const taken = yield* Channel.trySend(channel, "other") // false
    const report = yield* Effect.as(Effect.sleep("1 millis"), "costly")
    yield* permit.send(report)
    return [taken, yield* Channel.receive(channel)] // [false, "costly"]
  })
)
// #endregion permit

// #region stream
const streamed = Effect.gen(function* () {
  const channel = yield* Channel.bounded<number>(2)
  yield* Effect.forkChild(Channel.fromStream(Stream.range(1, 5), channel))
  const squares = Stream.map(Channel.toStream(channel), (n) => n * n)
  return yield* Stream.runCollect(squares) // [1, 4, 9, 16, 25]
})
// #endregion stream

export const program = Effect.gen(function* () {
  return {
    handedOver: yield* handedOver,
    tried: yield* tried,
    kinds: yield* kinds,
    refused: yield* refused,
    closed: yield* closed,
    returned: yield* returned,
    reserved: yield* reserved,
    streamed: yield* streamed
  }
})
