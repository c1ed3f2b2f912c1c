import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Schema } from "effect"
import { TestClock } from "effect/testing"
import { Process, ProcessHost } from "troupe"
import { Clock, Functions } from "../../src/command/index.ts"
import { host, inProcess, ownClock, settle } from "../support/processes.ts"
import { crossing } from "./crossing.ts"

class Rates extends Context.Service<Rates, { readonly of: (currency: string) => number }>()("test/Rates") {}
class NoRate extends Schema.TaggedError<NoRate>()("NoRate", { currency: Schema.String, at: Schema.Date }) {}

const Convert = Functions.make("money.convert", {
  input: Schema.Struct({ currency: Schema.String, at: Schema.Date }),
  success: Schema.Struct({ rate: Schema.Number, until: Schema.Date }),
  error: NoRate
})
const Forever = Functions.make("forever")
const After = Functions.make("after", { input: Schema.Int, success: Schema.Int })
const Twice = Functions.make("twice", { success: Schema.Int })
const Liar = Functions.make("liar", { success: Schema.Int })
const Bomb = Functions.make("bomb")

const log: Array<string> = []
const functions = Functions.layer([
  Functions.implement(
    Convert,
    Effect.fn(function* ({ at, currency }) {
      const rate = (yield* Rates).of(currency)
      return rate === 0 ? yield* new NoRate({ currency, at }) : { rate, until: new Date(at.getTime() + 1000) }
    })
  ),
  Functions.implement(Forever, () =>
    Effect.acquireRelease(
      Effect.sync(() => log.push("opened")),
      () => Effect.sync(() => log.push("closed"))
    ).pipe(Effect.andThen(Effect.never))
  ),
  Functions.implement(After, (millis) => Effect.as(Clock.sleep(millis), millis).pipe(Effect.orDie)),
  Functions.implement(
    Twice,
    Effect.fn(function* () {
      const both = [yield* Functions.call(After, 1), yield* Functions.call(After, 1)]
      return both.length
    }, Effect.orDie)
  ),
  Functions.implement(Liar, () => Effect.succeed("no" as never)),
  Functions.implement(Bomb, () => Effect.die("bang"))
]).pipe(Layer.provide(Layer.succeed(Rates, { of: (currency) => (currency === "EUR" ? 2 : 0) })))
const live = Layer.mergeAll(functions, crossing, host).pipe(Layer.provideMerge(Clock.layer))

describe("function", () => {
  it.effect("D18 function: what goes in and comes out crosses the schemas, the typed error too", () =>
    inProcess(
      Effect.gen(function* () {
        const at = new Date(5000)
        const result = yield* Functions.call(Convert, { currency: "EUR", at })
        assert.deepStrictEqual(result, { rate: 2, until: new Date(6000) })
        const error = yield* Effect.flip(Functions.call(Convert, { currency: "XXX", at }))
        assert.instanceOf(error, NoRate)
        assert.deepInclude(error, { currency: "XXX", at })
        const raw = yield* Process.yield(Functions.commands.call, {
          function: "money.convert",
          input: { currency: "EUR", at: at.toISOString() }
        })
        assert.deepStrictEqual(raw, { rate: 2, until: new Date(6000).toISOString() })
      })
    ).pipe(Effect.provide(live))
  )

  it.effect("D18 function: an unknown one, an input and an output that do not fit, and a defect", () =>
    inProcess(
      Effect.gen(function* () {
        const { call, start } = Functions.commands
        const unknown = yield* Effect.flip(Functions.call(Functions.make("money.print")))
        assert.strictEqual(unknown._tag, "UnknownFunction")
        assert.include(unknown.message, "money.convert")
        const input = { function: "money.convert", input: { currency: 7 } }
        for (const refused of [
          yield* Effect.flip(Process.yield(call, input)),
          yield* Effect.flip(Process.yield(start, input))
        ]) {
          assert.strictEqual(refused._tag, "InvalidInput")
          assert.include(refused.message, "money.convert")
        }
        assert.strictEqual((yield* Effect.flip(Functions.call(After, "soon" as never)))._tag, "InvalidInput")
        assert.strictEqual((yield* Effect.flip(Functions.call(Liar)))._tag, "InvalidOutput")
        assert.isTrue(Exit.hasDies(yield* Effect.exit(Functions.call(Bomb))))
        const bomb = yield* Functions.start(Bomb)
        assert.isTrue(Exit.hasDies(yield* Effect.exit(Functions.await(Bomb, bomb))))
      })
    ).pipe(Effect.provide(live))
  )

  it.effect("D18 function: several run at once, each gives its result once, and one may call another", () =>
    Effect.gen(function* () {
      yield* ownClock
      const Caller = Process.make("test:caller")
      const CallerLive = Caller.toLayer(() =>
        Effect.gen(function* () {
          const slow = yield* Functions.start(After, 2000)
          const quick = yield* Functions.start(After, 10)
          const twice = yield* Functions.call(Twice)
          const results = [yield* Functions.await(After, slow), yield* Functions.await(After, quick), twice]
          return [...results, (yield* Effect.flip(Functions.await(After, quick)))._tag]
        })
      )
      const pid = yield* Effect.provide(Process.spawn(Caller), CallerLive)
      yield* settle
      yield* TestClock.adjust(1)
      yield* TestClock.adjust(1)
      yield* TestClock.adjust(1998)
      assert.deepStrictEqual(yield* Process.await(pid), Exit.succeed([2000, 10, 2, "CallNotFound"]))
    }).pipe(Effect.provide(live))
  )

  it.effect("D18 function: cancel runs the finalizers first, tells who waits, and forgets the call", () =>
    inProcess(
      Effect.gen(function* () {
        log.length = 0
        const call = yield* Functions.start(Forever)
        const waiting = yield* Process.yieldAsync(Functions.commands.await, { call })
        yield* Effect.yieldNow
        yield* Functions.cancel(call)
        assert.deepStrictEqual(log, ["opened", "closed"])
        assert.strictEqual((yield* Effect.flip(waiting.await))._tag, "FunctionCancelled")
        assert.strictEqual((yield* Effect.flip(Functions.await(Forever, call)))._tag, "CallNotFound")
        yield* Functions.cancel(call)
      })
    ).pipe(Effect.provide(live))
  )

  it.effect("D18 function: a wait that is given up leaves the function running", () =>
    Effect.gen(function* () {
      yield* ownClock
      const Waiter = Process.make("test:waiter")
      const WaiterLive = Waiter.toLayer(() =>
        Effect.gen(function* () {
          const call = yield* Functions.start(After, 50)
          const early = yield* Effect.flip(Process.yield(Functions.commands.await, { call }, { timeout: 20 }))
          return [early._tag, yield* Functions.await(After, call)]
        })
      )
      const pid = yield* Effect.provide(Process.spawn(Waiter), WaiterLive)
      yield* settle
      yield* TestClock.adjust(20)
      yield* TestClock.adjust(30)
      assert.deepStrictEqual(yield* Process.await(pid), Exit.succeed(["YieldTimeout", 50]))
    }).pipe(Effect.provide(live))
  )

  it.effect("D18 function: what is in flight ends with the process, and is nobody else's", () =>
    Effect.gen(function* () {
      log.length = 0
      const Owner = Process.make("test:owner")
      const OwnerLive = Owner.toLayer(() =>
        Effect.gen(function* () {
          const first = yield* Functions.start(Forever)
          yield* Process.yieldAsync(Functions.commands.call, { function: "forever", input: null })
          const foreign = yield* Effect.flatMap(Process.spawn(Thief, first), (thief) =>
            Effect.flatten(Process.await(thief))
          )
          return foreign
        })
      )
      const Thief = Process.make("test:thief", { args: Functions.Call })
      const ThiefLive = Thief.toLayer((call) =>
        Effect.andThen(
          Functions.cancel(call),
          Effect.map(Effect.flip(Functions.await(Forever, call)), ({ _tag }) => `${_tag} ${log.join()}`)
        )
      )
      const exit = yield* Effect.flatMap(Process.spawn(Owner), Process.await).pipe(
        Effect.provide(OwnerLive.pipe(Layer.provideMerge(ThiefLive)))
      )
      assert.deepStrictEqual(exit, Exit.succeed("CallNotFound opened,opened"))
      assert.deepStrictEqual(log, ["opened", "opened", "closed", "closed"])
    }).pipe(Effect.provide(live))
  )

  it.effect("D18 function: two of one name fail the layer", () =>
    Effect.gen(function* () {
      const twice = Functions.layer([
        Functions.implement(Forever, () => Effect.void),
        Functions.implement(Forever, () => Effect.void)
      ])
      const error = yield* Effect.flip(Effect.provide(Effect.void, twice))
      assert.strictEqual(error._tag, "DuplicateFunction")
      assert.strictEqual((yield* ProcessHost.stats()).live, 0)
    }).pipe(Effect.provide(host))
  )
})
