import { Cause, Clock, Effect, Exit, Fiber, Layer, Ref, Schema, Stream } from "effect"
import { Rpc } from "effect/rpc"
import { Alias, Message, Process, ProcessHost, Request, Server, Stash, Sys } from "troupe"

// #region definition
class OutOfStock extends Schema.TaggedError<OutOfStock>()("OutOfStock", { item: Schema.String }) {}

const Deliver = Rpc.make("deliver", { payload: { item: Schema.String, count: Schema.Int } })
const Take = Rpc.make("take", { payload: Schema.String, success: Schema.Int, error: OutOfStock })

const Stock = Schema.Record(Schema.String, Schema.Int)

export const Store = Server.make("app:store", {
  args: Stock,
  protocol: [Deliver, Take],
  state: Stock
})
// #endregion definition

// #region behaviour
export const StoreLive = Store.toLayer(
  Effect.fn(function* (initial) {
    const stock = yield* Store.state(initial)
    return Store.of({
      handlers: {
        deliver: ({ count, item }) => Ref.update(stock, (items) => ({ ...items, [item]: (items[item] ?? 0) + count })),
        take: Effect.fn(function* (item) {
          const left = ((yield* Ref.get(stock))[item] ?? 0) - 1
          if (left < 0) return yield* new OutOfStock({ item })
          yield* Ref.update(stock, (items) => ({ ...items, [item]: left }))
          return left
        })
      }
    })
  })
)
// #endregion behaviour

// #region use
const used = Effect.gen(function* () {
  const store = yield* Process.start(Store, { tea: 1 }, { name: "store" }) // its init has succeeded
  yield* Process.send(store, "deliver", { item: "tea", count: 1 })
  const left = yield* Process.call(Store.named("store"), "take", "tea")
  const refused = yield* Process.call(store, "take", "cake").pipe(
    Effect.catchTag("OutOfStock", ({ item }) => Effect.succeed(`no ${item}`))
  )
  return { left, refused, state: yield* Sys.getState(Store, store) } // 1, "no cake", { tea: 1 }
})
// #endregion use

// #region later
export const Printer = Server.make("app:printer", {
  protocol: [Rpc.make("print", { payload: Schema.String, success: Schema.String })]
})

export const PrinterLive = Printer.toLayer(() =>
  Effect.succeed(
    Printer.of({
      handlers: {
        print: Effect.fn(function* (page, message) {
          yield* Process.fork(Effect.delay(Effect.orDie(Message.reply(message, `${page}, printed`)), "10 millis"))
          return Server.later
        })
      }
    })
  )
)
// #endregion later

const later = Effect.gen(function* () {
  const printer = yield* Process.start(Printer)
  return yield* Effect.all([Process.call(printer, "print", "1"), Process.call(printer, "print", "2")], {
    concurrency: "unbounded"
  })
})

// #region own
export const Session = Server.make("app:session", {
  args: Schema.String,
  protocol: [Rpc.make("touch", { success: Schema.String })]
})

export const SessionLive = Session.toLayer(
  Effect.fn(function* (user) {
    const name = yield* Ref.make("loading")
    yield* Server.continueWith(Ref.set(name, user.toUpperCase())) // before the first message
    yield* Server.after("1 hour", Process.exit(Exit.void)) // however many messages come
    return Session.of({
      handlers: { touch: () => Ref.get(name) },
      idle: { after: "20 millis", run: Process.exit(Exit.succeed("idle")) } // when no message came for so long
    })
  })
)
// #endregion own

const own = Effect.gen(function* () {
  const session = yield* Process.start(Session, "Ada")
  return [yield* Process.call(session, "touch"), yield* Effect.flatten(Process.await(session))]
})

// #region concurrency
const Transfer = Rpc.make("transfer", { payload: { account: Schema.String, amount: Schema.Int }, success: Schema.Int })

export const Bank = Server.make("app:bank", { protocol: [Transfer] })

export const BankLive = Bank.toLayer(
  Effect.fn(function* () {
    const balances = yield* Ref.make<Readonly<Record<string, number>>>({})
    return Bank.of({
      concurrency: { by: ({ payload }) => payload.account },
      handlers: {
        transfer: Effect.fn(function* ({ account, amount }) {
          const balance = (yield* Ref.get(balances))[account] ?? 0
          yield* Effect.sleep("10 millis") // nobody else handles this account meanwhile
          yield* Ref.update(balances, (all) => ({ ...all, [account]: balance + amount }))
          return balance + amount
        })
      }
    })
  })
)
// #endregion concurrency

const concurrent = Effect.gen(function* () {
  const bank = yield* Process.start(Bank)
  const amounts = [
    { account: "Ada", amount: 1 },
    { account: "Bob", amount: 5 },
    { account: "Ada", amount: 2 }
  ]
  return yield* Effect.forEach(amounts, (payload) => Process.call(bank, "transfer", payload), {
    concurrency: "unbounded"
  })
})

// #region events
const log: Array<string> = []

export const Desk = Server.make("app:desk", { protocol: [], otherTopics: "accepted" })

export const DeskLive = Desk.toLayer(() =>
  Effect.succeed(
    Desk.of({
      handlers: {},
      info: ({ payload, topic }) => Effect.sync(() => log.push(`${topic}: ${String(payload)}`)),
      events: (event) => {
        log.push(event._tag)
        return event._tag === "Cancel" ? Process.exit(Exit.void) : Effect.void
      }
    })
  )
)
// #endregion events

const told = Effect.gen(function* () {
  const desk = yield* Process.start(Desk)
  // The compiler knows nothing of other topics.
  yield* Process.send(desk as never, "letter" as never, "hello" as never)
  yield* Effect.sleep("10 millis")
  yield* Process.cancel(desk)
  yield* Process.await(desk)
  return log
})

// #region stream
export const Ticker = Server.make("app:ticker", {
  protocol: [Rpc.make("count", { payload: Schema.Int, success: Schema.Int, stream: true })]
})

export const TickerLive = Ticker.toLayer(() =>
  Effect.succeed(Ticker.of({ handlers: { count: (from) => Stream.iterate(from, (n) => n + 1) } }))
)

const streamed = Effect.gen(function* () {
  const ticker = yield* Process.start(Ticker)
  return yield* Process.stream(ticker, "count", 5).pipe(Stream.take(3), Stream.runCollect) // [5, 6, 7]
})
// #endregion stream

// #region stop
const stopped = Effect.gen(function* () {
  const bank = yield* Process.start(Bank)
  const transfer = Process.call(bank, "transfer", { account: "Ada", amount: 1 })
  const accepted = yield* Effect.forkChild(Effect.all([transfer, transfer], { concurrency: "unbounded" }), {
    startImmediately: true
  })
  yield* Effect.forkChild(Server.stop(bank), { startImmediately: true })
  const refused = yield* Effect.flip(transfer)
  return [yield* Fiber.join(accepted), refused._tag] // [[1, 2], "ProcessClosed"]
})
// #endregion stop

// #region request
const asked = Effect.scoped(
  Effect.gen(function* () {
    const requests = yield* Request.make<typeof Take>()
    for (const [label, tea] of Object.entries({ corner: 0, market: 9, harbour: 4 })) {
      const store = yield* Process.start(Store, { tea })
      yield* Request.send(requests, store, "take", "tea", { label })
    }
    const until = (yield* Clock.currentTimeMillis) + 1000 // one deadline for all
    const answers: Record<string, number | string> = {}
    while (requests.pending > 0) {
      const { exit, label } = yield* Request.receive(requests, { until })
      answers[label] = Exit.isSuccess(exit) ? exit.value : Cause.pretty(exit.cause).split(":")[0]!
    }
    return answers
  })
)
// #endregion request

// #region stash
export const Library = Server.make("app:library", {
  protocol: [Rpc.make("find", { payload: Schema.String, success: Schema.Boolean })]
})

export const LibraryLive = Library.toLayer(
  Effect.fn(function* () {
    const early = yield* Stash.make(Library, { capacity: 100 })
    let books: ReadonlyArray<string> | undefined
    yield* Server.after(
      "10 millis",
      Effect.suspend(() => {
        books = ["Emma"]
        return Stash.unstash(early)
      })
    )
    return Library.of({
      handlers: {
        find: (title, message) =>
          books === undefined
            ? Effect.as(Effect.orDie(Stash.stash(early, message)), Server.later)
            : Effect.succeed(books.includes(title))
      }
    })
  })
)
// #endregion stash

const stashed = Effect.flatMap(Process.start(Library), (library) => Process.call(library, "find", "Emma"))

// #region alias
const Offer = Rpc.make("offer", { payload: Schema.Int })
const Bid = Rpc.make("bid", { payload: { to: Alias.of(Offer) } })

export const Seller = Server.make("app:seller", { args: Schema.Int, protocol: [Bid] })

export const SellerLive = Seller.toLayer((price) =>
  Effect.succeed(Seller.of({ handlers: { bid: ({ to }) => Effect.ignore(Process.send(to, "offer", price)) } }))
)

export const Buyer = Process.make("app:buyer", { protocol: [Offer], success: Schema.Array(Schema.Int) })

export const BuyerLive = Buyer.toLayer(
  Effect.fn(function* () {
    const to = yield* Alias.once(Buyer) // takes one message, whoever sends it
    for (const price of [12, 9]) {
      const seller = yield* Process.start(Seller, price)
      yield* Process.send(seller, "bid", { to })
    }
    const { payload } = yield* Buyer.receive()
    yield* Effect.sleep("10 millis")
    return [payload, (yield* Buyer.inbox).length] // [12, 0]: the second offer was dropped
  })
)
// #endregion alias

const aliased = Effect.flatMap(Process.spawn(Buyer), (buyer) => Effect.flatten(Process.await(buyer)))

export const program = Effect.all({
  used,
  later,
  own,
  concurrent,
  told,
  streamed,
  stopped,
  asked,
  stashed,
  aliased
}).pipe(
  Effect.provide([
    Layer.mergeAll(StoreLive, PrinterLive, SessionLive, BankLive, DeskLive, TickerLive, LibraryLive),
    Layer.provideMerge(BuyerLive, SellerLive),
    ProcessHost.layer("app:processes")
  ])
)
