import { Effect, Fiber, Layer, Queue, Redacted, Schedule, Schema, type Scope, Stream } from "effect"
import { Rpc } from "effect/rpc"
import * as Sqlite from "troupe/command/sqlite"
import {
  ActorType,
  Address,
  Announcement,
  Authentication,
  type Connection,
  Contract,
  Directory,
  DirectoryServer,
  DirectoryStore,
  Discovery,
  InstanceId,
  Memory,
  Offer,
  Protocol,
  type Transport
} from "troupe/net"

// #region protocol
const Echo = Protocol.make("acme:echo", {
  server: [Rpc.make("echo", { payload: Schema.String, success: Schema.String })]
})
type EchoRoute = (typeof Echo)["server"][number]
// #endregion protocol

// #region server
/** Listens, and is in the directory as long as its scope is open. */
const serve = Effect.fnUntraced(function* (type: string, instance: string, transport: Transport.Transport) {
  return yield* Offer.exported(yield* ActorType.parse(type), Echo, {
    instanceId: yield* InstanceId.make({ runtime: "process", namespace: "echo", instance }),
    transports: [transport],
    authenticator: Authentication.open,
    handlers: { echo: (text) => Effect.succeed(`${instance}: ${text}`) }
  })
})
// #endregion server

// #region client
/** Asks the best server that takes the connection. `dialers`: the transports that this program connects by. */
const ask = Effect.fnUntraced(function* (text: string, dialers: ReadonlyArray<Address.Dialer>) {
  const range = yield* ActorType.parseRange("acme/Echo@^1.0.0")
  const connection = yield* Directory.connect(range, Echo, { dialers })
  return yield* connection.request("echo", text)
}, Effect.scoped)
// #endregion client

// #region stay
/** For how long a server may be away. */
const patience = Schedule.exponential("100 millis").pipe(Schedule.upTo({ times: 6 }))

/** Goes from a server that is gone for good to the next one, for ever. */
const stay = Effect.fnUntraced(
  function* (
    dialers: ReadonlyArray<Address.Dialer>,
    use: (echo: Connection.Connection<EchoRoute>) => Effect.Effect<void>
  ) {
    const range = yield* ActorType.parseRange("acme/Echo@^1.0.0")
    const connection = yield* Directory.connect(range, Echo, { dialers, reconnect: patience })
    yield* use(connection)
    return yield* connection.closed
  },
  Effect.scoped,
  Effect.retry(Schedule.spaced("1 second")),
  (connecting) => Effect.forever(connecting)
)
// #endregion stay

const found = Effect.gen(function* () {
  const transport = Memory.make()
  yield* serve("acme/Echo@1.2.0", "1", transport)
  return yield* ask("hello", [Address.dialer(transport)])
}).pipe(Effect.scoped, Effect.provide(Layer.fresh(Directory.layerMemory)))

const staying = Effect.gen(function* () {
  const transport = Memory.make()
  const used = yield* Queue.unbounded<string>()
  // Each ends when it was used.
  const serving = Effect.fnUntraced(function* (instance: string) {
    yield* serve("acme/Echo@1.2.0", instance, transport)
    return yield* Queue.take(used)
  }, Effect.scoped)
  const using = stay([Address.dialer(transport)], (echo) =>
    Effect.flatMap(Effect.orDie(echo.request("echo", "hello")), (answer) => Effect.asVoid(Queue.offer(used, answer)))
  )
  return yield* Effect.raceFirst(Effect.all([serving("1"), serving("2")]), using)
})

// #region contract
/** What the routes of the best server are, for who has none of its code. */
const routes = Effect.gen(function* () {
  const directory = yield* Directory.Directory
  const [best] = yield* directory.discover(yield* ActorType.parseRange("acme/Echo@^1.0.0"))
  const contract = yield* directory.contract(best)
  return contract.server.map((route) => route.name)
})
// #endregion contract

const describing = Effect.andThen(serve("acme/Echo@1.2.0", "1", Memory.make()), routes)

// #region announce
/** Announces a server of its own making with its contract. */
const announce = Effect.fnUntraced(function* (
  instanceId: InstanceId.InstanceId,
  addresses: ReadonlyArray<Address.Address>
) {
  const directory = yield* Directory.Directory
  const type = yield* ActorType.parse("acme/Echo@1.2.0")
  const contract = yield* Contract.make({ type, protocol: Echo })
  const announcement = yield* Announcement.make({
    type,
    instanceId,
    addresses,
    contract: yield* Contract.fingerprint(contract)
  })
  return yield* directory.announce(announcement, { contract })
})
// #endregion announce

const announcing = Effect.gen(function* () {
  yield* announce(yield* InstanceId.parse("process/echo/7"), [Address.of(Memory.make())])
  return yield* routes
})

// #region report
const reporting = Effect.gen(function* () {
  const directory = yield* Directory.Directory
  const range = yield* ActorType.parseRange("acme/Echo@^1.0.0")
  const one = yield* serve("acme/Echo@1.2.0", "1", Memory.make())
  yield* serve("acme/Echo@1.1.0", "2", Memory.make())
  const [before] = yield* directory.discover(range)
  const changes = yield* directory.changes(range).pipe(
    Stream.filter(({ _tag }) => _tag === "Changed"),
    Stream.take(1),
    Stream.runDrain,
    Effect.forkChild({ startImmediately: true })
  )
  yield* one.announced.report({ health: "degraded" })
  yield* Fiber.join(changes)
  const [after] = yield* directory.discover(range)
  return [before, after].map(({ instanceId }) => instanceId.instance)
})
// #endregion report

// #region errors
/** What to do when nobody can be asked. */
const explain = Effect.fnUntraced(function* (range: string) {
  const directory = yield* Directory.Directory
  return yield* directory.discover(yield* ActorType.parseRange(range)).pipe(
    Effect.map(([best]) => String(best)),
    Effect.catchTags({
      UnknownType: () => Effect.succeed("nobody has announced it"),
      NoCandidate: ({ rejected }) => Effect.succeed(rejected.map(({ reason, type }) => `${type}: ${reason}`).join()),
      // It may still be there: a try tells.
      DirectoryUnavailable: ({ lastKnown }) => Effect.succeed(`${lastKnown?.candidates.length ?? 0} were known`)
    })
  )
})
// #endregion errors

const explaining = Effect.gen(function* () {
  yield* serve("acme/Echo@1.2.0", "1", Memory.make())
  return [yield* explain("acme/Echo@^2.0.0"), yield* explain("acme/Chat")]
})

// #region changes
const watching = Effect.gen(function* () {
  const directory = yield* Directory.Directory
  const range = yield* ActorType.parseRange("acme/Echo")
  const changes = yield* directory.changes(range).pipe(
    Stream.map(({ _tag, announcement }) => `${_tag} ${announcement.instanceId.instance}`),
    Stream.take(2),
    Stream.runCollect,
    Effect.forkChild({ startImmediately: true })
  )
  const started = yield* Effect.scoped(
    Effect.andThen(serve("acme/Echo@1.2.0", "1", Memory.make()), Effect.sleep("10 millis"))
  ).pipe(Effect.forkChild)
  yield* Fiber.join(started)
  return yield* Fiber.join(changes)
})
// #endregion changes

// #region directory
const secret = Redacted.make("6b0d5e8f9c1a4b7d8e2f3a5c6d7e8f90")

/** The directory's program: `address` is a unix socket or a port that all others know. */
const directoryServer = (address: Transport.Transport, filename: string) =>
  DirectoryServer.layer(address, { authenticator: Authentication.sharedSecret(secret) }).pipe(
    Layer.provide(DirectoryStore.layerSql()),
    Layer.provide(Sqlite.layer({ filename }))
  )

/** What the others have in their programs. */
const directoryClient = (address: Transport.Transport, account: string) =>
  Directory.layer(address, { credentials: Authentication.secret({ account, secret }) })
// #endregion directory

const remotely = Effect.gen(function* () {
  const address = Memory.make()
  const transport = Memory.make()
  const server = Effect.andThen(serve("acme/Echo@1.2.0", "1", transport), Effect.never).pipe(
    Effect.scoped,
    Effect.provide(Layer.fresh(directoryClient(address, "echo")))
  )
  const client = Effect.eventually(ask("from afar", [Address.dialer(transport)])).pipe(
    Effect.provide(Layer.fresh(directoryClient(address, "guest")))
  )
  return yield* Effect.provide(Effect.raceFirst(server, client), directoryServer(address, ":memory:"))
})

// #region local
const Starter = Protocol.make("acme:starter", {
  server: [Rpc.make("start", { payload: Schema.String, success: Schema.String })]
})

const locally = Effect.gen(function* () {
  const directory = yield* Directory.Directory
  const starter = yield* Offer.local(yield* ActorType.parse("acme/Starter@1.0.0"), Starter, {
    handlers: { start: (what) => Effect.succeed(`${what} has started`) }
  })
  const connection = yield* starter.connect()
  const started = yield* connection.request("start", "my-stream")
  const nobody = yield* Effect.flip(directory.discover(yield* ActorType.parseRange("acme/Starter")))
  return [started, nobody._tag]
})
// #endregion local

// #region rank
/** The order of `discover`, for who keeps announcements of its own. */
const inOrder = Effect.gen(function* () {
  const range = yield* ActorType.parseRange("acme/Echo@^1.0.0")
  const servers = yield* Effect.all([
    serve("acme/Echo@1.0.0", "old", Memory.make()),
    serve("acme/Echo@1.2.0", "new", Memory.make()),
    serve("acme/Echo@2.0.0", "other", Memory.make())
  ])
  const { candidates, rejected } = Discovery.select(
    range,
    servers.map(({ announcement }) => announcement)
  )
  return [candidates, rejected].map((some) => some.map(({ instanceId }) => instanceId.instance))
})
// #endregion rank

/** Each with a directory of its own. */
const alone = <A, E>(example: Effect.Effect<A, E, Directory.Directory | Scope.Scope>) =>
  Effect.provide(Effect.scoped(example), Layer.fresh(Directory.layerMemory))

/** What the page shows. */
export const program = Effect.gen(function* () {
  return {
    found: yield* found,
    staying: yield* alone(staying),
    describing: yield* alone(describing),
    announcing: yield* alone(announcing),
    reporting: yield* alone(reporting),
    explaining: yield* alone(explaining),
    watching: yield* alone(watching),
    remotely: yield* remotely,
    locally: yield* alone(locally),
    inOrder: yield* alone(inOrder)
  }
})
