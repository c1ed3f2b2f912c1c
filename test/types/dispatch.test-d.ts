import { describe, expectTypeOf, it } from "@effect/vitest"
import type { Effect as Effects, Scope } from "effect"
import { Context, Effect, Exit, Layer, Schema } from "effect"
import type { DispatchError, ProcessHost, Yielded } from "troupe"
import { Command, Component, Dispatcher, Interceptor, Policy, Process } from "troupe"
import { Clock } from "troupe/command"

class Database extends Context.Service<Database, string>()("test/Database") {}
class Cache extends Context.Service<Cache, string>()("test/Cache") {}

const Bank = Command.module("bank", {
  balance: Command.make(300, { payload: { account: Schema.String }, success: Schema.Int, error: Schema.Boolean }),
  ping: Command.make(301),
  age: Command.make(302, { payload: Schema.FiniteFromString, success: Schema.String })
})

describe("D13 yields", () => {
  it("D13 payload, success and error are inferred at the yield", () => {
    const balance = Process.yield(Bank.balance, { account: "a" })
    expectTypeOf(balance).toEqualTypeOf<
      Effects.Effect<number, boolean | DispatchError.DispatchError, Dispatcher.Handles<"bank"> | Process.CurrentProcess>
    >()
    expectTypeOf(Process.yield(Bank.ping)).toEqualTypeOf<
      Effects.Effect<void, DispatchError.DispatchError, Dispatcher.Handles<"bank"> | Process.CurrentProcess>
    >()
    const age = Process.yield(Bank.age, 1)
    expectTypeOf<Effects.Success<typeof age>>().toEqualTypeOf<string>()
  })

  it("D13 a limit on the time adds its error, and none adds nothing", () => {
    const limited = Process.yield(Bank.ping, undefined, { timeout: "1 second" })
    expectTypeOf<Effects.Error<typeof limited>>().toEqualTypeOf<
      DispatchError.DispatchError | DispatchError.YieldTimeout
    >()
    const unlimited = Process.yield(Bank.ping, undefined, {})
    expectTypeOf<Effects.Error<typeof unlimited>>().toEqualTypeOf<DispatchError.DispatchError>()
  })

  it("D13 a wrong payload does not compile", () => {
    // @ts-expect-error an account is a text
    Process.yield(Bank.balance, { account: 1 })
    // @ts-expect-error the payload is missing
    Process.yield(Bank.balance)
    // @ts-expect-error a field is missing
    Process.yield(Bank.balance, {})
    // @ts-expect-error there is no payload
    Process.yield(Bank.ping, "ping")
    // @ts-expect-error the payload as it is encoded
    Process.yield(Bank.age, "1")
    // @ts-expect-error the payload is missing
    Process.yieldAsync(Bank.balance)
    // @ts-expect-error no such command
    Process.yield(Bank.withdraw, { account: "a" })
    // @ts-expect-error no such option
    Process.yield(Bank.ping, undefined, { limit: "1 second" })
  })

  it("D13 what goes on is typed by its command", () => {
    const going = Process.yieldAsync(Bank.balance, { account: "a" })
    expectTypeOf(going).toEqualTypeOf<
      Effects.Effect<
        Process.Yield<number, boolean | DispatchError.DispatchError>,
        never,
        Dispatcher.Handles<"bank"> | Process.CurrentProcess
      >
    >()
  })

  it("D13 a command that is yielded outside of a process does not compile", () => {
    const BankLive = Dispatcher.layer(Bank, {
      balance: () => Effect.succeed(1),
      ping: () => Effect.void,
      age: () => Effect.succeed("")
    })
    // @ts-expect-error no process runs here
    Effect.runPromise(Effect.provide(Process.yield(Bank.ping), BankLive))
    // @ts-expect-error no process runs here
    Effect.runPromise(Effect.provide(Process.yieldAsync(Bank.ping), BankLive))
  })

  it("D13 a process whose commands nothing handles does not compile", () => {
    const Child = Process.make("test:child")
    const ChildLive = Child.toLayer(() => Effect.andThen(Process.yield(Bank.ping), Clock.now))
    expectTypeOf(ChildLive).toEqualTypeOf<
      Layer.Layer<Process.Implementation<"test:child">, never, Dispatcher.Handles<"bank"> | Dispatcher.Handles<"clock">>
    >()
    const spawned = Effect.provide(Process.spawn(Child), Layer.provide(ChildLive, Clock.layer))
    expectTypeOf<Effects.Services<typeof spawned>>().toEqualTypeOf<
      ProcessHost.ProcessHost | Dispatcher.Handles<"bank">
    >()
    const hosted = spawned as Effects.Effect<unknown, unknown, Dispatcher.Handles<"bank">>
    // @ts-expect-error nothing handles the bank
    Effect.runPromise(hosted)
  })
})

describe("D13 ids", () => {
  it("D13 an id out of the range of a built-in module does not compile", () => {
    Command.module("clock", { first: Command.make(10), last: Command.make(29) })
    Command.module("process", { first: Command.make(1), last: Command.make(9) })
    Command.module("contract", { last: Command.make(199) })
    // @ts-expect-error the first one is 10
    Command.module("clock", { early: Command.make(9) })
    // @ts-expect-error the last one is 29
    Command.module("clock", { late: Command.make(30) })
    // @ts-expect-error beside one that is right
    Command.module("clock", { right: Command.make(10), wrong: Command.make(300) })
    // @ts-expect-error ids begin with 1
    Command.module("process", { zero: Command.make(0) })
  })

  it("D13 an id that is kept for built-in modules, or is none, does not compile in a user's", () => {
    Command.module("mine", { first: Command.make(256), far: Command.make(1_000_000) })
    // @ts-expect-error below 256
    Command.module("mine", { low: Command.make(255) })
    // @ts-expect-error below 256
    Command.module("mine", { zero: Command.make(0) })
    // @ts-expect-error below 0
    Command.module("mine", { negative: Command.make(-1) })
    // @ts-expect-error a fraction
    Command.module("mine", { half: Command.make(256.5) })
    // @ts-expect-error one of two that it might be
    Command.module("mine", { either: Command.make((Math.random() < 0.5 ? 255 : 256) as 255 | 256) })
    // Whether a number fits that is not known is told when handlers are registered.
    Command.module("mine", { some: Command.make(255 as number) })
  })

  it("D13 a command can't be called of", () => {
    // @ts-expect-error the module has a property of that name
    Command.module("mine", { of: Command.make(300) })
  })
})

describe("D13 handlers", () => {
  it("D13 a handler that is missing, or is of no command, does not compile", () => {
    // @ts-expect-error age is missing
    Dispatcher.layer(Bank, { balance: () => Effect.succeed(1), ping: () => Effect.void })
    // @ts-expect-error age is missing
    Bank.of({ balance: () => Effect.succeed(1), ping: () => Effect.void })
    Dispatcher.layer(
      Bank,
      // @ts-expect-error age is missing
      Effect.succeed({ balance: () => Effect.succeed(1), ping: () => Effect.void })
    )
  })

  it("D13 a wrong answer, or a wrong error, does not compile", () => {
    const rest = { ping: () => Effect.void, age: () => Effect.succeed("") }
    // @ts-expect-error the balance is a number
    Dispatcher.layer(Bank, { ...rest, balance: () => Effect.succeed("1") })
    // @ts-expect-error the error is a boolean
    Dispatcher.layer(Bank, { ...rest, balance: () => Effect.fail("no") })
    // @ts-expect-error the payload has no name
    Dispatcher.layer(Bank, { ...rest, balance: ({ name }) => Effect.succeed(name.length) })
    Dispatcher.layer(Bank, { ...rest, balance: () => Effect.succeed(Dispatcher.later()) })
  })

  it("D13 payload and yield are typed where a handler is written; completing with something else does not compile", () => {
    Dispatcher.layer(Bank, {
      balance: (payload, yielded) => {
        expectTypeOf(payload).toEqualTypeOf<{ readonly account: string }>()
        expectTypeOf(yielded).toEqualTypeOf<Yielded.Yielded<number, boolean>>()
        yielded.complete(Exit.succeed(1))
        yielded.completeUnsafe(Exit.fail(true))
        // @ts-expect-error the balance is a number
        yielded.complete(Exit.succeed("1"))
        // @ts-expect-error the error is a boolean
        yielded.completeUnsafe(Exit.fail("no"))
        return Effect.succeed(Dispatcher.later())
      },
      ping: () => Effect.void,
      age: (n) => Effect.succeed(n.toFixed())
    })
  })

  it("D13 what handlers require, and what makes them requires, the layer requires; a scope it has", () => {
    const layer = Dispatcher.layer(
      Bank,
      Effect.gen(function* () {
        const database = yield* Database
        yield* Effect.addFinalizer(() => Effect.void)
        if (database === "") return yield* Effect.fail("no database")
        return Bank.of({
          balance: () => Effect.as(Cache, 1),
          ping: () => Effect.addFinalizer(() => Effect.void),
          age: () => Effect.succeed("")
        })
      })
    )
    expectTypeOf(layer).toEqualTypeOf<
      Layer.Layer<
        Dispatcher.Handles<"bank"> | Dispatcher.Dispatcher,
        string | Dispatcher.RegistrationError,
        Database | Cache
      >
    >()
    expectTypeOf<Layer.Services<typeof layer>>().not.toExtend<Scope.Scope>()
  })

  it("D13 an interceptor of a command is typed by it, and one of all changes no type", () => {
    Interceptor.of(Bank.balance, ({ account }) => Effect.succeed(account.length))
    // @ts-expect-error the balance is a number
    Interceptor.of(Bank.balance, ({ account }) => Effect.succeed(account))
    // @ts-expect-error the error is a boolean
    Interceptor.of(Bank.balance, () => Effect.fail("no"))
    // @ts-expect-error it does not know the answer
    Interceptor.make(() => Effect.succeed(1))
  })

  it("D15 a policy allows commands and modules, and nothing else", () => {
    Policy.allow(Bank, Bank.ping, Clock.commands)
    // @ts-expect-error a tag is no command
    Policy.allow("bank.ping")
    // @ts-expect-error a specification is no command yet
    Policy.allow(Command.make(300))
  })
})

describe("D14 components", () => {
  const database = Component.make({ name: "database", layer: Layer.succeed(Database, "db") })
  const cacheLayer = Layer.effect(
    Cache,
    Effect.gen(function* () {
      const database = yield* Database
      return database === "" ? yield* Effect.fail("empty" as const) : database
    })
  )
  const cache = Component.make({ name: "cache", dependsOn: ["database"], layer: cacheLayer })
  const top = Component.make({ name: "top", dependsOn: ["cache"], layer: Layer.effectDiscard(Database) })

  it("D14 the layer provides what they do, and requires what none of those they depend on provides", () => {
    expectTypeOf(Component.boot([cache, database])).toEqualTypeOf<
      Layer.Layer<Database | Cache, Component.BootError | "empty">
    >()
    // By the cache.
    expectTypeOf(Component.boot([top, cache, database])).toEqualTypeOf<
      Layer.Layer<Database | Cache, Component.BootError | "empty">
    >()
    expectTypeOf(Component.boot([])).toEqualTypeOf<Layer.Layer<never, Component.BootError>>()
    expectTypeOf<Layer.Services<ReturnType<typeof Component.boot<[typeof cache]>>>>().toEqualTypeOf<Database>()
  })

  it("D14 a dependency that is not said is required", () => {
    const forgetful = Component.make({ name: "cache", layer: cacheLayer })
    const app = Component.boot([database, forgetful])
    expectTypeOf<Layer.Services<typeof app>>().toEqualTypeOf<Database>()
    // @ts-expect-error nothing provides the database
    Effect.runPromise(Effect.provide(Effect.void, app))
  })

  it("D14 of names that the compiler does not know, each may be that of a dependency", () => {
    const some = Component.make({ name: "some", dependsOn: ["database" as string], layer: cacheLayer })
    const app = Component.boot([some, database])
    expectTypeOf<Layer.Services<typeof app>>().toEqualTypeOf<never>()
  })

  it("D14 a circle is told at the start, and does not keep the compiler", () => {
    const hen = Component.make({ name: "hen", dependsOn: ["egg"], layer: cacheLayer })
    const egg = Component.make({ name: "egg", dependsOn: ["hen"], layer: Layer.succeed(Database, "db") })
    expectTypeOf(Component.boot([hen, egg])).toEqualTypeOf<
      Layer.Layer<Database | Cache, Component.BootError | "empty">
    >()
  })
})
