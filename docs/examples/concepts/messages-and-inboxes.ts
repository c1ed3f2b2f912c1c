import { Effect, Layer, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { DeadLetter, Message, Process, ProcessHost, Select, Selectable } from "troupe"

// #region protocol
export class OutOfStock extends Schema.TaggedError<OutOfStock>()("OutOfStock", {
  item: Schema.String
}) {}

export const Store = Process.make("app:store", {
  protocol: [
    Rpc.make("deliver", {
      payload: { item: Schema.String, count: Schema.Int }
    }),
    Rpc.make("take", {
      payload: { item: Schema.String },
      success: Schema.Int,
      error: OutOfStock
    })
  ]
})
// #endregion protocol

// #region body
export const StoreLive = Store.toLayer(
  Effect.fn(function* () {
    const stock = new Map<string, number>()
    while (true) {
      const message = yield* Store.receive()
      switch (message.topic) {
        case "deliver": {
          const { count, item } = message.payload
          stock.set(item, (stock.get(item) ?? 0) + count)
          break
        }
        case "take": {
          const { item } = message.payload
          const left = (stock.get(item) ?? 0) - 1
          if (left < 0) {
            yield* Message.replyFail(message, new OutOfStock({ item }))
          } else {
            stock.set(item, left)
            yield* Message.reply(message, left)
          }
        }
      }
    }
  })
)
// #endregion body

// #region call
const called = Effect.gen(function* () {
  const store = yield* Process.spawn(Store)
  yield* Process.send(store, "deliver", { item: "tea", count: 1 })
  const tea = { item: "tea" }
  const left = yield* Process.call(store, "take", tea, { timeout: "1 second" })
  const refused = yield* Process.call(store, "take", tea).pipe(
    Effect.catchTag("OutOfStock", ({ item }) => Effect.succeed(`no ${item}`))
  )
  return [left, refused] // [0, "no tea"]
})
// #endregion call

// #region selective
const Page = Rpc.make("page", { payload: Schema.Int })
const Title = Rpc.make("title", { payload: Schema.String })

export const Reader = Process.make("app:reader", {
  protocol: [Page, Title]
})

export const ReaderLive = Reader.toLayer(
  Effect.fn(function* () {
    // Pages that came before the title stay in the inbox.
    const title = yield* Reader.receive("title")
    const third = yield* Reader.receive(({ payload }) => payload === 3)
    const first = yield* Reader.receive()
    const none = yield* Effect.timeoutOption(Reader.receive("title"), "10 millis")
    // ["Moby-Dick", 3, 1, "None"]
    return [title.payload, third.payload, first.payload, none._tag]
  })
)
// #endregion selective

const selective = Effect.gen(function* () {
  const reader = yield* Process.spawn(Reader)
  yield* Effect.forEach([1, 2, 3], (page) => Process.send(reader, "page", page))
  yield* Process.send(reader, "title", "Moby-Dick")
  return yield* Effect.flatten(Process.await(reader))
})

// #region listen
const Track = Rpc.make("track", { payload: Schema.String })
const Volume = Rpc.make("volume", { payload: Schema.Int })

export const Player = Process.make("app:player", {
  protocol: [Track, Volume]
})

export const PlayerLive = Player.toLayer(
  Effect.fn(function* () {
    // The listener lasts until the scope closes, here that of the process.
    const volumes = yield* Player.listen("volume")
    const tracks = yield* Player.inbox
    const played: Array<string> = []
    while (played.length < 3) {
      const next = yield* Select.priority({
        volume: volumes,
        track: tracks
      })
      played.push(`${next._tag} ${next.value.payload}`)
    }
    return played // ["volume 7", "track one", "track two"]
  })
)
// #endregion listen

const listened = Effect.gen(function* () {
  const player = yield* Process.spawn(Player)
  yield* Process.send(player, "track", "one")
  yield* Process.send(player, "track", "two")
  yield* Process.send(player, "volume", 7)
  return yield* Effect.flatten(Process.await(player))
})

// #region select
export const Server = Process.make("app:server", {
  protocol: [Rpc.make("ping", { success: Schema.Literal("pong") })]
})

export const ServerLive = Server.toLayer(
  Effect.fn(function* () {
    const inbox = yield* Server.inbox
    const events = yield* Server.events
    let served = 0
    while (true) {
      const next = yield* Select.any({ message: inbox, event: events })
      if (next._tag === "message") {
        yield* Message.reply(next.value, "pong")
        served++
      } else if (next.value._tag === "Cancel") {
        return served
      }
    }
  })
)
// #endregion select

const selected = Effect.gen(function* () {
  const server = yield* Process.spawn(Server)
  yield* Process.call(server, "ping")
  yield* Process.call(server, "ping")
  yield* Process.cancel(server)
  return yield* Effect.flatten(Process.await(server))
})

// #region inbox
export const Sensor = Process.make("app:sensor", {
  protocol: [Rpc.make("reading", { payload: Schema.Int })],
  inbox: { capacity: 2, overflow: "drop-oldest", highWater: 2 }
})

export const SensorLive = Sensor.toLayer(
  Effect.fn(function* () {
    const events = yield* Sensor.events
    const high = yield* Selectable.take(events)
    const readings = [yield* Sensor.receive(), yield* Sensor.receive()]
    return [high._tag, ...readings.map((reading) => reading.payload)]
  })
)
// #endregion inbox

// #region dead-letters
const dropped = Effect.scoped(
  Effect.gen(function* () {
    const deadLetters = yield* DeadLetter.subscribe
    const sensor = yield* Process.spawn(Sensor)
    for (const value of [1, 2, 3]) {
      yield* Process.send(sensor, "reading", value)
    }
    const { payload, reason } = yield* Selectable.take(deadLetters)
    return {
      lost: [payload, reason], // [1, "Overflow"]
      kept: yield* Effect.flatten(Process.await(sensor)) // 2 and 3
    }
  })
)
// #endregion dead-letters

// #region stats
const accounted = Effect.gen(function* () {
  const stats = yield* ProcessHost.stats()
  // Always true.
  return stats.sent === stats.received + stats.queued + stats.deadLetters
})
// #endregion stats

// #region errors
const delivered = Effect.gen(function* () {
  const store = yield* Process.spawn(Store)
  yield* Process.kill(store)
  const delivery = { item: "tea", count: 1 }
  return yield* Process.send(store, "deliver", delivery).pipe(
    Effect.as("delivered"),
    Effect.catchTags({
      ProcessNotFound: () => Effect.succeed("gone"),
      ProcessClosed: () => Effect.succeed("ending")
    })
  )
})
// #endregion errors

export const program = Effect.gen(function* () {
  return {
    called: yield* called,
    selective: yield* selective,
    listened: yield* listened,
    selected: yield* selected,
    dropped: yield* dropped,
    delivered: yield* delivered,
    accounted: yield* accounted
  }
}).pipe(
  Effect.provide([
    Layer.mergeAll(StoreLive, ReaderLive, PlayerLive, ServerLive, SensorLive),
    ProcessHost.layer("app:processes")
  ])
)
