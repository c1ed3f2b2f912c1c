import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Logger, Schema, Stream } from "effect"
import { Rpc } from "effect/rpc"
import { TestClock } from "effect/testing"
import { Process, Registry, Server } from "troupe"
import { Contracts } from "../../src/command/index.ts"
import { host, inProcess, ownClock, settle } from "../support/processes.ts"
import { crossing } from "./crossing.ts"

class SoldOut extends Schema.TaggedError<SoldOut>()("SoldOut", { what: Schema.String, until: Schema.Date }) {}

const Price = Rpc.make("price", {
  payload: { what: Schema.String, at: Schema.Date },
  success: Schema.Struct({ cents: Schema.Int, valid: Schema.Date }),
  error: SoldOut
})
const Later = Rpc.make("later", { success: Schema.String })
const Crash = Rpc.make("crash", { success: Schema.String })
const Wrong = Rpc.make("wrong", { success: Schema.Int })
const Feed = Rpc.make("feed", { success: Schema.Int, stream: true })
const Pricing = Contracts.make("test:pricing", [Price, Later, Crash, Wrong, Feed])

const log: Array<string> = []
const Shop = Server.make("test:shop", { protocol: Pricing.protocol })
const ShopLive = Shop.toLayer(() =>
  Effect.succeed(
    Shop.of({
      concurrency: "unbounded",
      handlers: {
        price: ({ at, what }) =>
          what === "tea"
            ? Effect.succeed({ cents: 300, valid: new Date(at.getTime() + 1) })
            : Effect.fail(new SoldOut({ what, until: at })),
        later: () =>
          Effect.as(
            Effect.sync(() => log.push("asked")),
            "never"
          ).pipe(Effect.andThen(Effect.never)),
        crash: () => Effect.die("bang"),
        wrong: () => Effect.succeed("no" as never),
        feed: () => Stream.make(1)
      }
    })
  )
)
// One call at a time fits in, and it answers none.
const Full = Process.make("test:full", {
  protocol: Pricing.protocol,
  inbox: { capacity: 1, overflow: "reject" }
})
const FullLive = Full.toLayer(() => Effect.never)

const Unbound = Contracts.make("test:unbound", [Later])
const Busy = Contracts.make("test:busy", Pricing.protocol)
const Narrow = Contracts.make("test:narrow", [Rpc.make("unheard", { success: Schema.String })])

const contracts = Contracts.layer([
  Contracts.bind(Pricing, Shop.named("shop")),
  Contracts.bind(Busy, Full.named("full")),
  // Whether the service keeps the contract is not known of a mere name.
  Contracts.bind(Narrow, Shop.named("shop") as never)
])
const live = Layer.mergeAll(contracts, crossing, ShopLive, FullLive).pipe(
  Layer.provideMerge(Layer.merge(host, Logger.layer([])))
)

const shop = Process.spawn(Shop, undefined, { name: "shop" })
// A server that is asked to end waits for its handlers.
const killingTheShop = Effect.ensuring(Effect.ignore(Effect.flatMap(Registry.lookup("shop"), Process.kill)))

describe("contract", () => {
  it.effect("D18 contract: payload, answer and typed error cross the schemas of the topic", () =>
    inProcess(
      Effect.gen(function* () {
        yield* shop
        const pricing = yield* Contracts.open(Pricing)
        const at = new Date(1000)
        const tea = yield* Contracts.call(pricing, "price", { what: "tea", at })
        assert.deepStrictEqual(tea, { cents: 300, valid: new Date(1001) })
        const error = yield* Effect.flip(Contracts.call(pricing, "price", { what: "coffee", at }))
        assert.instanceOf(error, SoldOut)
        assert.deepInclude(error, { what: "coffee", until: at })
        const call = yield* Contracts.start(pricing, "price", { what: "tea", at })
        assert.deepStrictEqual(yield* Contracts.await(call), tea)
        assert.strictEqual((yield* Effect.flip(Contracts.await(call)))._tag, "ContractCallNotFound")
        const raw = yield* Process.yield(Contracts.commands.call, {
          handle: pricing.handle,
          topic: "price",
          payload: { what: "tea", at: at.toISOString() }
        })
        assert.deepStrictEqual(raw, { cents: 300, valid: new Date(1001).toISOString() })
      })
    ).pipe(killingTheShop, Effect.provide(live))
  )

  it.effect("D18 contract: not bound, not there, and what does not fit are typed errors", () =>
    inProcess(
      Effect.gen(function* () {
        const unbound = yield* Effect.flip(Contracts.open(Unbound))
        assert.strictEqual(unbound._tag, "ContractNotBound")
        assert.include(unbound.message, "test:pricing, test:busy")
        assert.deepInclude(yield* Effect.flip(Contracts.open(Pricing)), {
          _tag: "ServiceDown",
          reason: "NotFound",
          service: "shop"
        })
        yield* shop
        const pricing = yield* Contracts.open(Pricing)
        const base = { handle: pricing.handle, payload: null }
        const { call } = Contracts.commands
        const topic = yield* Effect.flip(Process.yield(call, { ...base, topic: "cost" }))
        assert.strictEqual(topic._tag, "InvalidContractCall")
        assert.include(topic.message, '"price", "later"')
        const payload = yield* Effect.flip(Process.yield(call, { ...base, topic: "price" }))
        assert.strictEqual(payload._tag, "InvalidContractCall")
        const stream = yield* Effect.flip(Process.yield(call, { ...base, topic: "feed" }))
        assert.include(stream.message, "Process.stream")
        assert.strictEqual((yield* Effect.flip(Contracts.call(pricing, "wrong")))._tag, "InvalidAnswer")
        const narrow = yield* Contracts.open(Narrow)
        const unheard = yield* Effect.flip(Contracts.call(narrow, "unheard"))
        assert.strictEqual(unheard._tag, "InvalidContractCall")
        assert.include(unheard.message, "test:shop")
      })
    ).pipe(killingTheShop, Effect.provide(live))
  )

  it.effect("D18 contract: a service that crashes is down for the call, and its successor keeps the contract", () =>
    inProcess(
      Effect.gen(function* () {
        yield* shop
        const pricing = yield* Contracts.open(Pricing)
        const pending = yield* Contracts.start(pricing, "later")
        const crash = yield* Effect.flip(Contracts.call(pricing, "crash"))
        assert.deepInclude(crash, { _tag: "ServiceDown", reason: "Exited" })
        assert.include(crash.message, "bang")
        assert.deepInclude(yield* Effect.flip(Contracts.await(pending)), { _tag: "ServiceDown", reason: "Exited" })
        assert.deepInclude(yield* Effect.flip(Contracts.call(pricing, "later")), {
          _tag: "ServiceDown",
          reason: "NotFound"
        })
        yield* shop
        const tea = yield* Contracts.call(pricing, "price", { what: "tea", at: new Date(0) })
        assert.strictEqual(tea.cents, 300)
      })
    ).pipe(killingTheShop, Effect.provide(live))
  )

  it.effect("D18 contract: a deadline, and an inbox that is full", () =>
    Effect.gen(function* () {
      yield* ownClock
      yield* shop
      yield* Process.spawn(Full, undefined, { name: "full" })
      const Caller = Process.make("test:caller")
      const CallerLive = Caller.toLayer(() =>
        Effect.gen(function* () {
          const pricing = yield* Contracts.open(Pricing)
          const late = yield* Effect.flip(Contracts.call(pricing, "later", undefined, { timeout: "2 seconds" }))
          const busy = yield* Contracts.open(Busy)
          const first = yield* Contracts.start(busy, "later")
          const second = yield* Effect.flip(Contracts.call(busy, "later"))
          const third = yield* Effect.flip(Contracts.await(first))
          return [late, second, third].map(
            (error) => `${error._tag}${"milliseconds" in error ? error.milliseconds : ""}`
          )
        })
      )
      const pid = yield* Effect.provide(Process.spawn(Caller), CallerLive)
      yield* settle
      yield* TestClock.adjust("2 seconds")
      yield* settle
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(
        yield* Process.await(pid),
        Exit.succeed(["ContractTimeout2000", "ServiceOverloaded", "ContractTimeout5000"])
      )
    }).pipe(killingTheShop, Effect.provide(live))
  )

  it.effect("D18 contract: closing fails what is in flight, and cancel forgets a call", () =>
    inProcess(
      Effect.gen(function* () {
        yield* shop
        const pricing = yield* Contracts.open(Pricing)
        const cancelled = yield* Contracts.start(pricing, "later")
        const waiting = yield* Process.yieldAsync(Contracts.commands.await, { call: cancelled.call })
        yield* settle
        yield* Contracts.cancel(cancelled)
        assert.strictEqual((yield* Effect.flip(waiting.await))._tag, "ContractCallCancelled")
        assert.strictEqual((yield* Effect.flip(Contracts.await(cancelled)))._tag, "ContractCallNotFound")

        const started = yield* Contracts.start(pricing, "later")
        const calling = yield* Process.yieldAsync(Contracts.commands.call, {
          handle: pricing.handle,
          topic: "later",
          payload: null
        })
        yield* settle
        yield* Contracts.close(pricing)
        yield* Contracts.close(pricing)
        assert.strictEqual((yield* Effect.flip(calling.await))._tag, "ContractClosed")
        assert.strictEqual((yield* Effect.flip(Contracts.await(started)))._tag, "ContractClosed")
        assert.strictEqual((yield* Effect.flip(Contracts.call(pricing, "later")))._tag, "ContractClosed")
        assert.strictEqual((yield* Effect.flip(Contracts.start(pricing, "later")))._tag, "ContractClosed")
      })
    ).pipe(killingTheShop, Effect.provide(live))
  )

  it.effect("D18 contract: a handle is its process's own, and calls end with the process", () =>
    Effect.gen(function* () {
      const pid = yield* shop
      const Thief = Process.make("test:thief", { args: Contracts.Handle })
      const ThiefLive = Thief.toLayer((handle) =>
        Effect.map(
          Effect.flip(Process.yield(Contracts.commands.call, { handle, topic: "later", payload: null })),
          ({ _tag }) => _tag
        )
      )
      const theft = yield* inProcess(
        Effect.gen(function* () {
          const pricing = yield* Contracts.open(Pricing)
          yield* Contracts.start(pricing, "later")
          yield* settle
          assert.strictEqual((yield* Process.info(pid)).watchers, 1)
          return yield* Effect.flatMap(Process.spawn(Thief, pricing.handle), Process.await)
        })
      ).pipe(Effect.provide(ThiefLive))
      assert.deepStrictEqual(theft, Exit.succeed("ContractClosed"))
      assert.strictEqual((yield* Process.info(pid)).watchers, 0)
    }).pipe(killingTheShop, Effect.provide(live))
  )

  it.effect("D18 contract: a contract that is bound twice fails the layer", () =>
    Effect.gen(function* () {
      const twice = Contracts.layer([
        Contracts.bind(Pricing, Shop.named("a")),
        Contracts.bind(Pricing, Shop.named("b"))
      ])
      assert.strictEqual((yield* Effect.flip(Effect.provide(Effect.void, twice)))._tag, "DuplicateBinding")
    })
  )
})
