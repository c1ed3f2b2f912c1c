import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Logger, Schema } from "effect"
import { Rpc } from "effect/rpc"
import type { Inbox } from "troupe"
import { Process, ProcessHost, Registry } from "troupe"
import { host, inProcess, settle } from "../support/processes.ts"

const live = Layer.provideMerge(Logger.layer([]), host)
const Greet = Rpc.make("greet", { payload: Schema.String })
const Greeter = Process.make("test:greeter", { args: Schema.String, protocol: [Greet] })
const GreeterLive = Greeter.toLayer(
  Effect.fn(function* (greeting) {
    return `${greeting}, ${(yield* Greeter.receive()).payload}`
  })
)
const greeting = Layer.provideMerge(GreeterLive, live)

/** No process may be left behind, and none may have been started. */
const nothingStarted = Effect.gen(function* () {
  const { live: left, spawned } = yield* ProcessHost.stats()
  assert.deepStrictEqual([left, spawned], [0, 0])
})

describe("spawn", () => {
  it.effect("W14 P3 a name that is taken answers the process that has it, and the message given along goes there", () =>
    Effect.gen(function* () {
      const first = yield* Process.spawn(Greeter, "Hello", { name: "greeter" })
      const second = yield* Process.spawn(Greeter, "Bye", {
        name: "greeter",
        message: { topic: "greet", payload: "Ada" }
      })
      assert.strictEqual(second, first)
      assert.strictEqual((yield* ProcessHost.stats()).spawned, 1)
      assert.deepStrictEqual(yield* Process.await(first), Exit.succeed("Hello, Ada"))
      // Its owner has ended: the name is free at once.
      const third = yield* Process.spawn(Greeter, "Bye", {
        name: "greeter",
        message: { topic: "greet", payload: "Bob" }
      })
      assert.notStrictEqual(third, first)
      assert.deepStrictEqual(yield* Process.await(third), Exit.succeed("Bye, Bob"))
    }).pipe(Effect.provide(greeting))
  )

  it.effect("a name that is taken is monitored and linked like a new process", () =>
    inProcess(
      Effect.gen(function* () {
        const pid = yield* Process.spawn(Greeter, "Hello", { name: "greeter" })
        const monitor = yield* Process.spawnMonitored(Greeter, "Bye", { name: "greeter" })
        assert.strictEqual(monitor.pid, pid)
        assert.strictEqual((yield* Process.info(pid)).watchers, 1)
        yield* Process.kill(pid)
      })
    ).pipe(Effect.provide(greeting))
  )

  it.effect("the body begins in a step of its own, after whoever spawned it went on", () =>
    Effect.gen(function* () {
      const order: Array<string> = []
      const Late = Process.make("test:late")
      const pid = yield* Effect.provide(
        Process.spawn(Late),
        Late.toLayer(() => Effect.sync(() => order.push("body")))
      )
      order.push("spawner")
      yield* Process.await(pid)
      assert.deepStrictEqual(order, ["spawner", "body"])
    }).pipe(Effect.provide(live))
  )

  it.effect("arguments that came past the types are refused with InvalidArguments", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Process.spawn(Greeter, 7 as never))
      assert.strictEqual(error._tag, "InvalidArguments")
      assert.include(error.message, "test:greeter")
      assert.include(error.message, "string")
      yield* nothingStarted
    }).pipe(Effect.provide(greeting))
  )

  it.effect("a forgotten implementation is a typed error even past the types", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        Process.spawn(Greeter, "Hello") as Effect.Effect<
          unknown,
          { readonly _tag: string; readonly message: string },
          ProcessHost.ProcessHost
        >
      )
      assert.strictEqual(error._tag, "DefinitionNotFound")
      assert.include(error.message, "test:greeter")
      assert.include(error.message, "toLayer")
      yield* nothingStarted
    }).pipe(Effect.provide(live))
  )

  it.effect("an unknown host is HostNotFound, which names those that there are", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Process.spawn(Greeter, "Hello", { host: "app:nowhere" }))
      assert.strictEqual(error._tag, "HostNotFound")
      assert.include(error.message, `There are: app:processes`)
      yield* nothingStarted
    }).pipe(Effect.provide(greeting))
  )

  it.effect("a stopped host refuses with HostStopped", () =>
    Effect.gen(function* () {
      yield* ProcessHost.stop()
      const error = yield* Effect.flip(Process.spawn(Greeter, "Hello"))
      assert.include(["HostStopped", "HostNotFound"], error._tag)
      assert.include(error.message, "app:processes")
    }).pipe(Effect.provide(greeting))
  )

  for (const [options, option] of [
    [{ capacity: -1 }, "inbox.capacity"],
    [{ capacity: 0 }, "inbox.capacity"],
    [{ capacity: 1.5 }, "inbox.capacity"],
    [{ highWater: 0 }, "inbox.highWater"]
  ] satisfies Array<[Inbox.Options, string]>) {
    it.effect(`an inbox with ${JSON.stringify(options)} is refused with InvalidOption`, () =>
      Effect.gen(function* () {
        const Boxed = Process.make("test:boxed", { inbox: options })
        const error = yield* Effect.flip(
          Effect.provide(
            Process.spawn(Boxed),
            Boxed.toLayer(() => Effect.void)
          )
        )
        assert.isTrue(error._tag === "InvalidOption" && error.option === option)
        assert.include(error.message, "the process test:boxed")
        yield* nothingStarted
      }).pipe(Effect.provide(live))
    )
  }

  it.effect(
    "a body that throws, or answers with a promise or nothing, ends its process with that; none is left behind",
    () =>
      Effect.gen(function* () {
        const Wrong = Process.make("test:wrong", { args: Schema.Literals(["throw", "promise", "nothing"]) })
        const WrongLive = Wrong.toLayer((how) => {
          if (how === "throw") throw new Error("thrown")
          return (how === "promise" ? Promise.resolve(1) : undefined) as unknown as Effect.Effect<void>
        })
        const exits: Array<string> = []
        for (const how of ["throw", "promise", "nothing"] as const) {
          exits.push(String(yield* Process.await(yield* Effect.provide(Process.spawn(Wrong, how), WrongLive))))
        }
        assert.include(exits[0], "thrown")
        assert.include(exits[1], "InvalidBody")
        assert.include(exits[2], "InvalidBody")
        assert.strictEqual((yield* ProcessHost.stats()).live, 0)
      }).pipe(Effect.provide(live))
  )

  it.effect("the message of InvalidBody says what to do", () =>
    Effect.gen(function* () {
      const Wrong = Process.make("test:wrong")
      const pid = yield* Effect.provide(
        Process.spawn(Wrong),
        Wrong.toLayer(() => Promise.resolve(1) as unknown as Effect.Effect<void>)
      )
      const error = (yield* Effect.flip(Effect.flatten(Process.await(pid)))) as Error
      assert.strictEqual(
        error.message,
        "The body of the process test:wrong answered with a Promise and not with an Effect. Write it with Effect.fn or Effect.gen, and wrap promises with Effect.promise or Effect.tryPromise."
      )
    }).pipe(Effect.provide(live))
  )

  it.effect("a message given along that is refused leaves the new process as it is, and the error tells", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        Process.spawn(Greeter, "Hello", { name: "greeter", message: { topic: "greet", payload: 7 as never } })
      )
      assert.strictEqual(error._tag, "InvalidMessage")
      yield* settle
      const pid = yield* Registry.lookup(Greeter.named("greeter"))
      yield* Process.send(pid, "greet", "Ada")
      assert.deepStrictEqual(yield* Process.await(pid), Exit.succeed("Hello, Ada"))
    }).pipe(Effect.provide(greeting))
  )
})
