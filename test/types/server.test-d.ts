import { describe, expectTypeOf, it } from "@effect/vitest"
import { Context, Effect, Exit, type Layer, Schema, Stream } from "effect"
import { Rpc } from "effect/rpc"
import {
  Alias,
  type Message,
  type Pid,
  Process,
  type ProcessError,
  type ProcessHost,
  Request,
  type RequestError,
  Server,
  Stash
} from "troupe"

class Rates extends Context.Service<Rates, { readonly of: (currency: string) => number }>()("app/Rates") {}
class Audit extends Context.Service<Audit, { readonly note: Effect.Effect<void> }>()("app/Audit") {}

const Convert = Rpc.make("convert", { payload: Schema.String, success: Schema.Finite, error: Schema.Boolean })
const Reset = Rpc.make("reset")
const Watch = Rpc.make("watch", { payload: Schema.Int, success: Schema.Finite, error: Schema.String, stream: true })

const Exchange = Server.make("app:exchange", {
  args: Schema.Struct({ base: Schema.String }),
  protocol: [Convert, Reset, Watch],
  state: Schema.Finite
})

declare const exchange: Pid.Pid<typeof Convert | typeof Reset | typeof Watch>

const convert = () => Effect.succeed(1)
const reset = () => Effect.void
const watch = () => Stream.make(1)

describe("Server types", () => {
  it("a handler is typed by its Rpc, and the layer requires what init and handlers do", () => {
    const ExchangeLive = Exchange.toLayer(
      Effect.fnUntraced(function* ({ base }) {
        expectTypeOf(base).toEqualTypeOf<string>()
        const total = yield* Exchange.state(0)
        yield* Server.continueWith(Effect.void)
        yield* Effect.addFinalizer(() => Effect.void)
        yield* Audit
        return Exchange.of({
          handlers: {
            convert: Effect.fnUntraced(function* (currency, message) {
              expectTypeOf(currency).toEqualTypeOf<string>()
              expectTypeOf(message).toEqualTypeOf<Message.Of<typeof Convert>>()
              if (currency === "") return yield* Effect.fail(false)
              if (currency === "?") return Server.later
              return (yield* Rates).of(currency)
            }),
            reset: () => Effect.as(Effect.asVoid(Effect.succeed(total)), undefined),
            watch: (n) => {
              expectTypeOf(n).toEqualTypeOf<number>()
              return Stream.fail("closed")
            }
          },
          events: (event) => (event._tag === "Cancel" ? Process.exit(Exit.void) : Effect.void)
        })
      })
    )
    expectTypeOf(ExchangeLive).toEqualTypeOf<
      Layer.Layer<Process.Implementation<"app:exchange">, never, Rates | Audit>
    >()
  })

  it("each part of a behaviour adds what it requires", () => {
    const behaviour = Exchange.of({
      handlers: { convert, reset, watch: () => Stream.fromEffect(Effect.map(Rates, ({ of }) => of("EUR"))) },
      idle: { after: "1 second", run: Effect.flatMap(Audit, ({ note }) => note) },
      concurrency: { by: (message) => (message.topic === "convert" ? message.payload : undefined) }
    })
    expectTypeOf(behaviour).toEqualTypeOf<
      Server.Behaviour<typeof Convert | typeof Reset | typeof Watch, Rates | Audit>
    >()
  })

  it("a handler that is missing, of no topic, or of another type does not compile", () => {
    // @ts-expect-error a handler is missing
    Exchange.of({ handlers: { convert, reset } })
    // @ts-expect-error there is no such topic
    Exchange.of({ handlers: { convert, reset, watch, other: reset } })
    // @ts-expect-error a wrong success
    Exchange.of({ handlers: { convert: () => Effect.succeed("1"), reset, watch } })
    // @ts-expect-error a wrong error
    Exchange.of({ handlers: { convert: () => Effect.fail("no"), reset, watch } })
    // @ts-expect-error a stream is asked for
    Exchange.of({ handlers: { convert, reset, watch: () => Effect.succeed(1) } })
    // @ts-expect-error streams of another type
    Exchange.of({ handlers: { convert, reset, watch: () => Stream.make("1") } })
    // @ts-expect-error init answers with a behaviour
    Exchange.toLayer(() => Effect.void)
  })

  it("a server is a process definition", () => {
    expectTypeOf(Process.start(Exchange, { base: "EUR" })).toExtend<
      Effect.Effect<
        Pid.Pid<typeof Convert | typeof Reset | typeof Watch>,
        unknown,
        Process.Implementation<"app:exchange"> | ProcessHost.ProcessHost
      >
    >()
    expectTypeOf(Process.call(exchange, "convert", "EUR")).toEqualTypeOf<
      Effect.Effect<number, ProcessError.CallError | boolean, ProcessHost.ProcessHost>
    >()
    // @ts-expect-error reserved
    Server.make("app:bad", { protocol: [Rpc.make("@cancel")] })
  })

  it("a stream has the topic's values and errors, and those of a call", () => {
    expectTypeOf(Process.stream(exchange, "watch", 1)).toEqualTypeOf<
      Stream.Stream<number, ProcessError.CallError | string, ProcessHost.ProcessHost>
    >()
    // @ts-expect-error it is not answered with a stream
    Process.stream(exchange, "reset")
    // @ts-expect-error a wrong payload
    Process.stream(exchange, "watch", "1")
  })

  it("continuations and timeouts belong to servers", () => {
    expectTypeOf(Server.after("1 second", Rates)).toEqualTypeOf<
      Effect.Effect<Effect.Effect<void>, never, Rates | Server.CurrentServer>
    >()
    const Plain = Process.make("app:plain")
    expectTypeOf(Plain.toLayer(() => Server.continueWith(Effect.void))).toEqualTypeOf<
      Layer.Layer<Process.Implementation<"app:plain">, never, Server.CurrentServer>
    >()
  })
})

describe("Request types", () => {
  it("a response is typed by its topic", () => {
    const program = Effect.gen(function* () {
      const requests = yield* Request.make<typeof Convert | typeof Reset, number>()
      yield* Request.send(requests, exchange, "convert", "EUR", { label: 1 })
      yield* Request.send(requests, exchange, "reset", undefined, { label: 2 })
      // @ts-expect-error a wrong payload
      yield* Request.send(requests, exchange, "convert", 1, { label: 3 })
      // @ts-expect-error a wrong label
      yield* Request.send(requests, exchange, "convert", "EUR", { label: "3" })
      // @ts-expect-error no such topic
      yield* Request.send(requests, exchange, "watch", 1, { label: 3 })
      const response = yield* Request.receive(requests, { timeout: "1 second" })
      expectTypeOf(response.label).toEqualTypeOf<number>()
      if (response.topic === "convert") {
        expectTypeOf(response.exit).toEqualTypeOf<Exit.Exit<number, boolean | Request.RequestFailure>>()
      }
    })
    expectTypeOf<Effect.Error<typeof program>>().toEqualTypeOf<
      RequestError.DuplicateLabel | RequestError.NoRequest | RequestError.ResponseTimeout
    >()
  })
})

describe("Alias and Stash types", () => {
  it("an alias takes the messages of its process, and belongs to it", () => {
    const Client = Process.make("app:client", { protocol: [Reset, Convert] })
    Client.toLayer(
      Effect.fnUntraced(function* () {
        const alias = yield* Alias.once(Client)
        yield* Process.send(alias, "reset")
        expectTypeOf(alias).toExtend<Alias.Alias<typeof Reset>>()
        // @ts-expect-error no such topic
        yield* Process.send(alias, "watch", 1)
        // @ts-expect-error an alias can't be called
        yield* Process.call(alias, "convert", "EUR")
        const stash = yield* Stash.make(Client, { capacity: 1 })
        yield* Stash.stash(stash, yield* Client.receive())
        yield* Stash.stash(stash, yield* Client.receive("reset"))
      })
    )
    const Other = Process.make("app:other")
    expectTypeOf(Other.toLayer(() => Alias.make(Client))).toEqualTypeOf<
      Layer.Layer<Process.Implementation<"app:other">, never, Process.Running<"app:client">>
    >()
  })
})
