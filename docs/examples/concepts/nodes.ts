import { Cause, Effect, Exit, Layer, Redacted, Schedule, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Message, Pid, Process, ProcessHost, Selectable } from "troupe"
import { Authentication, Node, type Transport } from "troupe/net"
import * as Unix from "troupe/net/unix"

// #region shared
/** What both programs have: the definition, with the schemas by which its messages cross. */
const Quote = Rpc.make("quote", { payload: { symbol: Schema.String, price: Schema.Finite, at: Schema.Date } })
const Exchange = Process.make("app:exchange", {
  protocol: [
    Rpc.make("price", { payload: Schema.String, success: Schema.Finite, error: Schema.String }),
    Rpc.make("follow", { payload: { symbol: Schema.String, by: Pid.of(Quote) } })
  ]
})
// #endregion shared

// #region server
const prices = new Map([["ACME", 12.5]])
const ExchangeLive = Exchange.toLayer(
  Effect.fn(function* () {
    while (true) {
      const message = yield* Exchange.receive()
      if (message.topic === "price") {
        const price = prices.get(message.payload)
        if (price === undefined) yield* Message.replyFail(message, `there is no ${message.payload}`)
        else yield* Message.reply(message, price)
      } else {
        // The pid came in the payload, from wherever it is.
        const { by, symbol } = message.payload
        yield* Process.send(by, "quote", { symbol, price: prices.get(symbol) ?? 0, at: new Date(0) })
      }
    }
  })
)

/** The node that has the exchange, and listens for others. */
const serverNode = (transport: Transport.Transport) =>
  Layer.mergeAll(
    ExchangeLive,
    ProcessHost.layer("app:processes"),
    Node.layer({
      name: "exchange",
      listen: transport,
      authenticator: Authentication.sharedSecret(() => Effect.succeed(Redacted.make("known to both programs")))
    })
  )

const serve = Effect.andThen(Process.spawn(Exchange, undefined, { name: "exchange" }), Effect.never)
// #endregion server

// #region client
/** A name of another node is enough for a first contact. */
const exchange = Exchange.named("exchange", { node: "exchange" })

const ask = Effect.gen(function* () {
  const price = yield* Process.call(exchange, "price", "ACME")
  const error = yield* Effect.flip(Process.call(exchange, "price", "NONE"))
  return [price, error]
})
// #endregion client

// #region pid
/** Sends its own pid across, and gets its message from there. */
const Follower = Process.make("app:follower", { protocol: [Quote] })
const FollowerLive = Follower.toLayer(
  Effect.fn(function* () {
    yield* Process.send(exchange, "follow", { symbol: "ACME", by: yield* Follower.self })
    const { payload, sender } = yield* Follower.receive()
    return [payload.price, payload.at.getTime(), sender?.node]
  })
)
// #endregion pid

// #region watch
/** Watches the exchange, whose node goes away. */
const Watcher = Process.make("app:watcher", { protocol: [Quote] })
const WatcherLive = (stop: Effect.Effect<void>) =>
  Watcher.toLayer(
    Effect.fn(function* () {
      yield* Process.send(exchange, "follow", { symbol: "ACME", by: yield* Watcher.self })
      const { sender } = yield* Watcher.receive()
      if (sender !== undefined) yield* Process.monitor(sender)
      yield* stop
      const event = yield* Selectable.take(yield* Watcher.events)
      const lost = event._tag === "Exit" && Exit.isFailure(event.exit) ? Cause.squash(event.exit.cause) : undefined
      const error = yield* Effect.flip(Process.call(exchange, "price", "ACME"))
      return [(lost as { readonly _tag?: string } | undefined)?._tag, typeof error === "string" ? error : error._tag]
    })
  )
// #endregion watch

/** Both nodes in one program, which nothing but the socket joins. */
export const program = Effect.fnUntraced(function* (path: string) {
  const transport = Unix.make({ path })
  const server = yield* Effect.forkChild(
    Effect.provide(serve, serverNode(transport), { local: true }).pipe(Effect.ignore)
  )

  // #region connect
  const clientNode = Layer.merge(ProcessHost.layer("app:processes"), Node.layer({ name: "trader" }))

  const credentials = Authentication.secret({ account: "trader", secret: Redacted.make("known to both programs") })
  const connect = Node.connect(transport, { credentials, reconnect: "never" })
  // #endregion connect

  const stop = Effect.sync(() => server.interruptUnsafe())
  const runAll = Effect.gen(function* () {
    // The other program may take its time to start.
    yield* Effect.retry(connect, Schedule.spaced("50 millis"))
    const asked = yield* ask
    const followed = yield* Effect.flatten(Effect.flatMap(Process.spawn(Follower), Process.await))
    const watched = yield* Effect.flatten(Effect.flatMap(Process.spawn(Watcher), Process.await))
    return { asked, followed, watched }
  })
  return yield* Effect.scoped(runAll).pipe(
    Effect.provide(Layer.mergeAll(FollowerLive, WatcherLive(stop)).pipe(Layer.provideMerge(clientNode)), {
      local: true
    })
  )
})
