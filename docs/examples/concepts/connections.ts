import { Deferred, Effect, Fiber, Schedule, Schema, Stream } from "effect"
import { Rpc } from "effect/rpc"
import { Selectable } from "troupe"
import {
  Acceptor,
  Authentication,
  Connection,
  IpcClient,
  IpcServer,
  Memory,
  Protocol,
  type Transport
} from "troupe/net"

// #region protocol
class OutOfStock extends Schema.TaggedError<OutOfStock>()("OutOfStock", { item: Schema.String }) {}

const Shop = Protocol.make("app:shop", {
  // What the side that listens handles.
  server: [
    Rpc.make("order", { payload: { item: Schema.String, count: Schema.Int }, success: Schema.Int, error: OutOfStock }),
    Rpc.make("viewed", { payload: Schema.String }),
    Rpc.make("prices", { payload: Schema.String, success: Schema.Number, stream: true })
  ],
  // What the side that connects handles.
  client: [Rpc.make("confirm", { payload: Schema.String, success: Schema.Boolean })]
})

type Routes = (typeof Shop)["server"][number]
// #endregion protocol

// #region acceptor
const open = (transport: Transport.Transport, seen: Array<string>) =>
  Acceptor.make(transport, Shop, {
    authenticator: Authentication.open,
    handlers: {
      order: ({ count, item }, customer) =>
        Effect.gen(function* () {
          if (item !== "tea") return yield* new OutOfStock({ item })
          const confirmed = yield* Effect.orDie(customer.request("confirm", `${count} of ${item}`))
          return confirmed ? count : 0
        }),
      viewed: (item) => Effect.sync(() => void seen.push(item)),
      prices: () => Stream.fromIterable([3.2, 3.1, 3.4])
    }
  })
// #endregion acceptor

// #region connect
const connect = (transport: Transport.Transport) =>
  Connection.make(transport, Shop, { handlers: { confirm: (what) => Effect.succeed(what !== "100 of tea") } })
// #endregion connect

// #region request
const ordering = Effect.gen(function* () {
  const shop = yield* open(Memory.make(), [])
  const connection = yield* connect(shop.transport)
  const ordered = yield* connection.request("order", { item: "tea", count: 2 }, { timeout: "3 seconds" })
  const refused = yield* Effect.flip(connection.request("order", { item: "coffee", count: 1 }))
  return [ordered, refused._tag]
})
// #endregion request

// #region retry
/** Sent again when the link is lost, until the deadline; the order is made once. */
const orderOnce = (connection: Connection.Connection<Routes>) =>
  connection.request("order", { item: "tea", count: 2 }, { timeout: "1 minute", retry: "once-handled" })
// #endregion retry

const retrying = Effect.gen(function* () {
  const shop = yield* open(Memory.make(), [])
  return yield* orderOnce(yield* connect(shop.transport))
})

// #region tell
const viewing = Effect.gen(function* () {
  const seen: Array<string> = []
  const shop = yield* open(Memory.make(), seen)
  const connection = yield* connect(shop.transport)
  for (const item of ["tea", "coffee", "cups"]) yield* connection.tell("viewed", item)
  yield* connection.request("order", { item: "tea", count: 1 })
  return seen
})
// #endregion tell

// #region stream
const watching = Effect.gen(function* () {
  const shop = yield* open(Memory.make(), [])
  const connection = yield* connect(shop.transport)
  return yield* connection.stream("prices", "tea", { window: 4 }).pipe(Stream.take(2), Stream.runCollect)
})
// #endregion stream

// #region messages
const chatting = Effect.gen(function* () {
  const shop = yield* open(Memory.make(), [])
  const events = yield* shop.events
  const connection = yield* connect(shop.transport)
  yield* connection.send("hello")
  yield* connection.send(Uint8Array.of(1, 2, 3))
  const came = yield* Selectable.take(events)
  if (came._tag !== "Connected") return []
  return [yield* came.connection.receive, yield* came.connection.receive]
})
// #endregion messages

// #region states
const following = Effect.gen(function* () {
  const shop = yield* open(Memory.make(), [])
  const connection = yield* Connection.connect(shop.transport, Shop, {
    handlers: { confirm: () => Effect.succeed(true) },
    reconnect: Schedule.exponential("10 millis").pipe(Schedule.upTo({ times: 2 }))
  })
  const states = yield* Effect.forkChild(Stream.runCollect(connection.changes), { startImmediately: true })
  yield* shop.stop
  const { by } = yield* connection.closed
  const { reconnects } = yield* connection.stats
  const [first, ...others] = (yield* Fiber.join(states)).map(({ _tag }) => _tag)
  return { first, last: others.at(-1), by, reconnects }
})
// #endregion states

// #region lost
/** What to do about a request whose link is lost. */
const orderOrAsk = (connection: Connection.Connection<Routes>) =>
  connection.request("order", { item: "tea", count: 2 }).pipe(
    Effect.catchTags({
      Unavailable: ({ delivery }) => Effect.succeed(delivery === "not sent" ? "try again" : "ask what was ordered"),
      Timeout: () => Effect.succeed("ask what was ordered"),
      ConnectionClosed: () => Effect.succeed("make a new connection")
    })
  )
// #endregion lost

const losing = Effect.gen(function* () {
  const shop = yield* open(Memory.make(), [])
  const connection = yield* connect(shop.transport)
  const ordered = yield* orderOrAsk(connection)
  yield* connection.close
  return [ordered, yield* orderOrAsk(connection)]
})

// #region ipc
const News = Protocol.make("app:news", {
  server: [Rpc.make("follow", { payload: Schema.String, success: Schema.Int })],
  client: [Rpc.make("headline", { payload: Schema.String })]
})

const newsroom = Effect.gen(function* () {
  const server = yield* IpcServer.make(Memory.make(), News, {
    authenticator: Authentication.open,
    handlers: {
      follow: (topic, reader) =>
        Effect.andThen(
          reader.join(topic),
          Effect.map(reader.server.members(topic), (members) => members.length)
        )
    }
  })
  const read = yield* Deferred.make<string>()
  const reader = yield* IpcClient.make(server.transport, News, {
    handlers: { headline: (text) => Effect.asVoid(Deferred.succeed(read, text)) }
  })
  // Asked for now, and over each new link before anything else.
  const followers = yield* reader.subscribe("follow", "weather")
  yield* server.pushToGroup("weather", "headline", "Rain, later more rain")
  return [followers, yield* Deferred.await(read)]
})
// #endregion ipc

/** What the page shows. */
export const program = Effect.gen(function* () {
  return {
    ordering: yield* ordering,
    retrying: yield* retrying,
    viewing: yield* viewing,
    watching: yield* watching,
    chatting: yield* chatting,
    following: yield* following,
    losing: yield* losing,
    newsroom: yield* newsroom
  }
})
