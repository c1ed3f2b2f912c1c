import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Layer, Logger, Stdio } from "effect"
import {
  Application,
  type ApplicationError,
  Command,
  Dispatcher,
  Process,
  ProcessHost,
  Selectable,
  Service,
  type ServiceError,
  TerminalHost
} from "troupe"
import { both, inTime } from "../support/both.ts"
import { failing, lasting, service, tell } from "../support/serviced.ts"
import { ActorLive, takeAll } from "../support/supervised.ts"

const withProcesses = Layer.provideMerge(
  Layer.merge(ActorLive, ProcessHost.layer("app:processes", { stopTimeout: "1 hour" }))
)

/** Runs an application that is asked to end when `request` says so; its reports are not shown. */
const run = <ROut, E, E2 = never>(
  layer: Layer.Layer<ROut, E>,
  request: Effect.Effect<unknown>,
  options?: Application.RunOptions<E2, ROut>
) =>
  Application.run(layer, options).pipe(
    Effect.provideService(TerminalHost.Shutdown, Effect.as(request, "SIGTERM")),
    Effect.provide(Logger.layer([]))
  )

const after = (millis: number) => Effect.sleep(millis)

describe("an application", () => {
  both("D3 freezes the registry of its commands once it has started", () =>
    Effect.gen(function* () {
      const Lamp = Command.module("lamp", { on: Command.make(300) })
      const LampLive = Dispatcher.layer(Lamp, { on: () => Effect.void })
      const Late = Command.module("late", { on: Command.make(301) })
      const LateLive = Dispatcher.layer(Late, { on: () => Effect.void })
      const main = Effect.gen(function* () {
        const refusal = yield* Effect.flip(Effect.provide(Effect.void, LateLive))
        assert.strictEqual(refusal._tag, "RegistryFrozen")
        assert.include(refusal.message, "late")
        return (yield* Dispatcher.list).length
      })
      assert.strictEqual(yield* run(LampLive, Effect.never, { main }), 1)
    })
  )

  both("V2 runs until it is asked to end, stops in the reverse order, and answers 0", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const App = Application.layer([
        service("web", log, { dependsOn: ["database"], slow: 1000 }),
        service("database", log)
      ]).pipe(withProcesses)
      assert.strictEqual(
        yield* lasting(Effect.map(run(App, after(60_000)), (code) => assert.strictEqual(code, 0))),
        61_000
      )
      assert.deepStrictEqual(log, [
        "database begins",
        "database is up",
        "web begins",
        "web is up",
        "web ends",
        "database ends"
      ])
    })
  )

  both("V3 fails when a required service can't be started, once what had started is stopped", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const App = Application.layer([
        service("disk", log, { init: Effect.fail("no disk") }),
        service("mail", log)
      ]).pipe(withProcesses)
      const error = yield* Effect.flip(run(App, Effect.never))
      assert.strictEqual(error._tag, "ServiceStartFailed")
      assert.deepStrictEqual(
        log.filter((line) => line.startsWith("mail")),
        ["mail begins", "mail is up", "mail ends"]
      )
    })
  )

  both("a request that comes while it starts ends the start", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const App = Application.layer([
        service("disk", log),
        service("web", log, { dependsOn: ["disk"], init: Effect.sleep("9 seconds") })
      ]).pipe(withProcesses)
      const code = run(App, after(1000))
      assert.strictEqual(yield* lasting(Effect.map(code, (code) => assert.strictEqual(code, 0))), 1000)
      assert.deepStrictEqual(log, ["disk begins", "disk is up", "web begins", "web ends", "disk ends"])
    })
  )

  both("V6 ends with ServiceFailed when a required service has failed for good", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const options = { maxAttempts: 1, backoff: { jitter: 0 } }
      const App = Application.layer([
        service("mail", log, { ...options, required: false, init: failing(9) }),
        service("spare", log, { ...options, autoStart: false, init: failing(9) }),
        service("database", log, options),
        service("web", log, { dependsOn: ["database"] })
      ]).pipe(withProcesses)
      const main = Effect.gen(function* () {
        yield* Effect.flip(Service.start("spare"))
        yield* Effect.sleep("1 minute")
        yield* tell("database", "crash")
        yield* Effect.sleep("2 seconds")
        takeAll(log)
        yield* tell("database", "crash")
        return yield* Effect.never
      })
      const error = (yield* Effect.flip(run(App, Effect.never, { main }))) as ServiceError.ServiceFailed
      assert.deepStrictEqual(
        [error._tag, error.service, error.exit],
        ["ServiceFailed", "database", Exit.fail("crashed")]
      )
      assert.include(error.message, 'its required service "database" has failed for good')
      assert.deepStrictEqual(log, ["database ends", "web ends"])
    })
  )

  both("V7 kills at the deadline what has not stopped by then, and names it", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const stopTimeout = "1 hour"
      const App = Application.layer([
        service("web", log, { dependsOn: ["database"], slow: 120_000, stopTimeout }),
        service("mail", log),
        service("database", log)
      ]).pipe(withProcesses)
      const ended = Effect.flip(run(App, after(1000)))
      const error = (yield* ended) as ApplicationError.ApplicationStopTimeout
      assert.strictEqual(error._tag, "ApplicationStopTimeout")
      assert.include(error.message, "had not stopped within 30000 ms")
      assert.include(error.message, "service:web {app:processes|0x0")
      assert.notInclude(error.message, "mail")
      assert.deepStrictEqual([log.includes("mail ends"), log.includes("web ends")], [true, false])
      yield* Effect.sleep("2 minutes")
      assert.isTrue(log.includes("web ends"))
    })
  )

  both("an interruption stops it in order; of one that was asked to end, it kills what is left", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const App = Application.layer([
        service("web", log, { dependsOn: ["database"], slow: 2000 }),
        service("database", log)
      ]).pipe(withProcesses)
      const interruptedAfter = Effect.fnUntraced(function* (millis: number, request: Effect.Effect<unknown>) {
        const running = yield* Effect.forkChild(run(App, request))
        yield* Effect.sleep(millis)
        takeAll(log)
        return yield* lasting(Fiber.interrupt(running))
      })
      assert.strictEqual(yield* interruptedAfter(5000, Effect.never), 2000)
      assert.deepStrictEqual(log, ["web ends", "database ends"])
      assert.strictEqual(yield* interruptedAfter(5000, after(4000)), 0)
      yield* Effect.sleep("10 seconds")
      assert.deepStrictEqual(log.toSorted(), ["database ends", "web ends"])
    })
  )
})

describe("an application with a main program", () => {
  const Main = Process.make("test:main")
  const App = (log: Array<string>, body: Effect.Effect<unknown, unknown, Process.Running<"test:main">>) =>
    Application.layer([service("web", log)]).pipe(
      Layer.provideMerge(Main.toLayer(() => body)),
      Layer.provideMerge(TerminalHost.layer("app:terminal")),
      Layer.provide(Stdio.layerTest({})),
      withProcesses
    )
  const main = TerminalHost.main(Main)

  both("ends with it, and answers its number", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const body = Effect.sync(() => {
        assert.deepStrictEqual(takeAll(log), ["web begins", "web is up"])
        return 7
      })
      assert.strictEqual(yield* run(App(log, body), Effect.never, { main }), 7)
      assert.deepStrictEqual(log, ["web ends"])
    })
  )

  both("leaves a request to end to it", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const body = Effect.gen(function* () {
        const event = yield* Selectable.take(yield* Main.events)
        yield* Effect.sleep("5 seconds")
        return event._tag === "Cancel" ? 3 : 4
      })
      const running = Effect.map(run(App(log, body), after(1000), { main }), (code) => assert.strictEqual(code, 3))
      assert.strictEqual(yield* lasting(running), 6000)
    })
  )

  both("V6 is ended with a required service that has failed for good, within the deadline", () =>
    Effect.gen(function* () {
      const Failing = Application.layer([service("web", [], { maxAttempts: 0 })]).pipe(withProcesses)
      const stubborn = Effect.andThen(tell("web", "crash"), Effect.never).pipe(
        Effect.ensuring(Effect.sleep("1 minute"))
      )
      const ended = Effect.exit(run(Failing, Effect.never, { main: stubborn, stopTimeout: "3 seconds" }))
      const timed = Effect.map(ended, (exit) => assert.include(String(exit), 'its required service "web" has failed'))
      assert.isAtMost(yield* lasting(timed), 5000)
      yield* Effect.sleep("1 minute")
    })
  )

  both("and kills it at the deadline, when it does not end", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const body = Effect.andThen(Main.events, Effect.never)
      const ended = Effect.flip(run(App(log, body), after(1000), { main, stopTimeout: "3 seconds" }))
      const timed = Effect.map(ended, (error) => assert.strictEqual(error._tag, "ApplicationStopTimeout"))
      assert.strictEqual(yield* lasting(timed), 4000)
    })
  )
})

describe("an application whose layer does not close", () => {
  it.effect("is left at the deadline, which says so", () =>
    inTime(
      Effect.gen(function* () {
        const latch = yield* Deferred.make<void>()
        const Stuck = Layer.effectDiscard(Effect.addFinalizer(() => Deferred.await(latch)))
        const error = yield* Effect.flip(run(Stuck, after(10), { stopTimeout: "2 seconds" }))
        assert.include(
          error.message,
          "had not stopped within 2000 ms and was killed; what was left: a finalizer of a layer"
        )
        yield* Deferred.succeed(latch, undefined)
      })
    )
  )
})
