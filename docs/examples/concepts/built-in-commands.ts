import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { DateTime, Duration, Effect, Exit, Layer, Option, Result, Schema } from "effect"
import { FetchHttpClient, HttpServer, HttpServerRequest, HttpServerResponse } from "effect/http"
import { Process, ProcessHost, Select } from "troupe"
import { Clock, Event, EventBus, Exec, Http, Processes, Sql, Store, Workflows } from "troupe/command"
import * as Sqlite from "troupe/command/sqlite"
import { createServer } from "node:http"

// #region layers
const Commands = Layer.mergeAll(
  Clock.layer,
  Store.layerMemory(),
  Exec.layer(),
  Http.layer({ maxResponseBytes: 1024 * 1024 }).pipe(Layer.provide(FetchHttpClient.layer)),
  Sql.layer().pipe(Layer.provide(Sqlite.layer({ filename: ":memory:" }))),
  Event.layer.pipe(Layer.provide(EventBus.layer))
).pipe(Layer.provide(NodeServices.layer))
// #endregion layers

// #region clock
const Watch = Process.make("app:watch")

const WatchLive = Watch.toLayer(
  Effect.fn(function* () {
    const begun = yield* Clock.now
    const ticker = yield* Clock.ticker("5 millis")
    const limit = yield* Clock.timer("1 minute")
    for (let ticks = 1; ; ticks++) {
      const tick = yield* Process.yieldAsync(Clock.commands.tick, { ticker })
      const next = yield* Select.any({ tick, limit })
      if (next._tag === "limit") return "too late"
      if (ticks === 3) return Duration.isGreaterThan(DateTime.distance(begun, next.value), Duration.millis(10))
    }
  })
)
// #endregion clock

// #region process
const Worker = Process.make("app:worker", { args: Schema.Int, success: Schema.Int })
const WorkerLive = Worker.toLayer((n) => Effect.succeed(n * 2))

const Parent = Process.make("app:parent")

const ParentLive = Parent.toLayer(
  Effect.fn(function* () {
    const { monitor } = yield* Processes.spawnMonitored(Worker, 21)
    const event = yield* Processes.nextEvent
    // Answers 42.
    return event._tag === "Exit" && event.monitor === monitor ? yield* event.exit : event._tag
  })
).pipe(Layer.provide(Processes.layer([Worker], WorkerLive)))
// #endregion process

// #region http
const Crawler = Process.make("app:crawler", { args: Schema.String })

const CrawlerLive = Crawler.toLayer(
  Effect.fn(function* (url) {
    const one = yield* Process.yield(Http.commands.request, { url: `${url}/hello` }, { timeout: "5 seconds" })
    const many = yield* Http.requestBatch([{ url: `${url}/none` }, { url: "nowhere" }], { concurrency: 2 })
    const outcomes = many.map(
      Result.match({ onSuccess: ({ status }) => String(status), onFailure: ({ reason }) => reason._tag })
    )
    return [one.text, ...outcomes] // ["hello", "404", "InvalidUrl"]
  })
)
// #endregion http

// #region sql
const Bank = Process.make("app:bank")

const BankLive = Bank.toLayer(
  Effect.fn(function* () {
    yield* Sql.execute("CREATE TABLE accounts (owner TEXT, cents INTEGER)")
    yield* Sql.execute("INSERT INTO accounts VALUES (?, ?), (?, ?)", ["Ada", 100, "Bob", 0])
    const transfer = Effect.gen(function* () {
      yield* Sql.execute("UPDATE accounts SET cents = cents - 500 WHERE owner = ?", ["Ada"])
      const [ada] = yield* Sql.query("SELECT cents FROM accounts WHERE owner = ?", ["Ada"])
      if (Number(ada?.["cents"]) < 0) return yield* Effect.fail("not enough")
    })
    const refused = yield* Effect.flip(Sql.transaction(transfer))
    // It is rolled back: Ada has her 100 cents.
    return [refused, yield* Sql.query("SELECT cents FROM accounts WHERE owner = ?", ["Ada"])]
  })
)
// #endregion sql

// #region store
const Session = Schema.Struct({ user: Schema.String, since: Schema.DateTimeUtc })
const sessions = Store.schema(Session)

const Gate = Process.make("app:gate")

const GateLive = Gate.toLayer(
  Effect.fn(function* () {
    yield* sessions.set("s1", { user: "Ada", since: yield* Clock.now }, { timeToLive: "500 millis" })
    const before = yield* sessions.get("s1")
    yield* Clock.sleep("600 millis")
    // Answers [Option.some("Ada"), false].
    return [Option.map(before, ({ user }) => user), yield* sessions.has("s1")]
  })
)
// #endregion store

// #region exec
const Sorter = Process.make("app:sorter")

const SorterLive = Sorter.toLayer(
  Effect.fn(function* () {
    const { code, stdout } = yield* Exec.run("sort", ["-n"], { stdin: "10\n9\n" })
    const missing = yield* Effect.flip(Exec.run("no-such-program"))
    return [code, Exec.text(stdout), missing._tag === "ExecError" ? missing.reason._tag : missing._tag]
  })
)
// #endregion exec

// #region event
const Clerk = Process.make("app:clerk")

const ClerkLive = Clerk.toLayer(
  Effect.fn(function* () {
    const created = yield* Event.subscribe(["orders.*.created"], { capacity: 100 })
    yield* Event.send("orders.7.paid", { cents: 120 })
    yield* Event.send("orders.8.created", { article: "pen" })
    const { dropped, topic } = yield* Event.receive(created)
    return [topic, dropped] // ["orders.8.created", 0]
  })
)
// #endregion event

let charges = 0
const charge = Effect.sync(() => `receipt ${++charges}`)

// #region workflow
const Order = Process.make("app:order", { args: Schema.Struct({ id: Schema.String, isShort: Schema.Boolean }) })

const OrderLive = Order.toLayer(({ id, isShort }) =>
  Effect.gen(function* () {
    yield* Workflows.upsertAttributes({ customer: "Ada" })
    const receipt = yield* Workflows.sideEffect("charge", { success: Schema.String, execute: charge })
    if (isShort) return yield* Effect.interrupt
    return receipt // "receipt 1", though it runs for the second time
  }).pipe(Workflows.run(id))
).pipe(Layer.provide(Workflows.layer([])), Layer.provide(Workflows.layerMemory))
// #endregion workflow

const app = Effect.map(HttpServerRequest.HttpServerRequest, ({ url }) =>
  url === "/hello" ? HttpServerResponse.text("hello") : HttpServerResponse.text("none", { status: 404 })
)
const ServerLive = HttpServer.serve(app).pipe(
  Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))
)

export const program = Effect.gen(function* () {
  const url = HttpServer.formatAddress((yield* HttpServer.HttpServer).address)
  const exitOf = Effect.fnUntraced(function* (pid: Parameters<typeof Process.await>[0]) {
    return yield* Effect.flatten(Process.await(pid))
  })
  return {
    clock: yield* Effect.flatMap(Process.spawn(Watch), exitOf),
    process: yield* Effect.flatMap(Process.spawn(Parent), exitOf),
    http: yield* Effect.flatMap(Process.spawn(Crawler, url), exitOf),
    sql: yield* Effect.flatMap(Process.spawn(Bank), exitOf),
    store: yield* Effect.flatMap(Process.spawn(Gate), exitOf),
    exec: yield* Effect.flatMap(Process.spawn(Sorter), exitOf),
    workflow: [
      yield* Effect.flatMap(Process.spawn(Order, { id: "7", isShort: true }), Process.await).pipe(
        Effect.map(Exit.hasInterrupts)
      ),
      yield* Effect.flatMap(Process.spawn(Order, { id: "7", isShort: false }), exitOf)
    ],
    event: yield* Effect.flatMap(Process.spawn(Clerk), exitOf)
  }
}).pipe(
  Effect.provide([
    Layer.mergeAll(WatchLive, CrawlerLive, BankLive, GateLive, SorterLive, ClerkLive).pipe(Layer.provide(Commands)),
    ParentLive,
    OrderLive,
    ServerLive,
    ProcessHost.layer("app:processes")
  ])
)
