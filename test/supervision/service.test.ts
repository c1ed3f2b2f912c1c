import { assert, describe } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Layer, Schedule } from "effect"
import {
  Application,
  Process,
  ProcessEvent,
  ProcessHost,
  Registry,
  Selectable,
  Service,
  type ServiceError,
  type StartError,
  Supervisor
} from "troupe"
import { both } from "../support/both.ts"
import { failing, lasting, seen, service, states, tell } from "../support/serviced.ts"
import { Actor, actor, stage, takeAll } from "../support/supervised.ts"

const reasonOf = (error: unknown) => (error as ServiceError.ServiceStartFailed).reason as StartError.StartError

describe("starting services", () => {
  both("V1 a service with autoStart runs when its layer is built, and stops when its scope closes", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const App = Application.layer([service("web", log)])
      yield* Effect.provide(
        Effect.gen(function* () {
          assert.deepStrictEqual(log, ["web begins", "web is up"])
          assert.deepStrictEqual(yield* states, ["web running"])
        }),
        App
      )
      assert.deepStrictEqual(log, ["web begins", "web is up", "web ends"])
      assert.deepStrictEqual(yield* states, [])
    }).pipe(Effect.provide(stage))
  )

  both("V1 without it, only when asked; started, stopped and restarted by hand", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      yield* Layer.build(Application.layer([service("web", log, { autoStart: false })]))
      yield* Effect.sleep(1)
      assert.deepStrictEqual([log, yield* states], [[], ["web stopped"]])
      const first = yield* Service.start("web")
      assert.strictEqual(first.state, "running")
      assert.strictEqual((yield* Service.start("web")).pid, first.pid)
      const second = yield* Service.restart("web")
      assert.notStrictEqual(String(second.pid), String(first.pid))
      yield* Service.stop("web")
      yield* Service.stop("web")
      assert.deepStrictEqual(yield* states, ["web stopped"])
      assert.deepStrictEqual(log, ["web begins", "web is up", "web ends", "web begins", "web is up", "web ends"])
      const error = yield* Effect.flip(Service.start("mail"))
      assert.include(error.message, 'no service "mail". It has web')
    }).pipe(Effect.scoped, Effect.provide(stage))
  )

  both("V1 what a service depends on is started with it", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const database = service("database", log, { autoStart: false })
      yield* Layer.build(Application.layer([service("web", log, { dependsOn: [database] }), database]))
      assert.deepStrictEqual(log, ["database begins", "database is up", "web begins", "web is up"])
    }).pipe(Effect.scoped, Effect.provide(stage))
  )

  both("V2 in the order of their dependencies, the others side by side; they stop in the reverse order", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const init = Effect.sleep("1 second")
      const App = Application.layer([
        service("web", log, { init, slow: 1000, dependsOn: ["database", "cache"] }),
        service("cache", log, { init, slow: 1000 }),
        service("mail", log, { init, slow: 1000 }),
        service("database", log, { init, slow: 1000 })
      ])
      const before = yield* lasting(
        Effect.scoped(
          Effect.gen(function* () {
            assert.strictEqual(yield* lasting(Layer.build(App)), 2000)
            const begun = takeAll(log)
            const first = begun.indexOf("web begins")
            assert.isBelow(begun.indexOf("cache is up"), first)
            assert.isBelow(begun.indexOf("database is up"), first)
            assert.strictEqual(begun.slice(0, 3).filter((line) => line.endsWith("begins")).length, 3)
          })
        )
      )
      assert.strictEqual(before, 4000)
      assert.strictEqual(log.length, 4)
      assert.isBelow(log.indexOf("web ends"), log.indexOf("cache ends"))
      assert.isBelow(log.indexOf("web ends"), log.indexOf("database ends"))
    }).pipe(Effect.provide(stage))
  )

  both("V2 a cycle is an error that names the path, before anything starts", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const App = Application.layer([
        service("mail", log),
        service("a", log, { dependsOn: ["b"] }),
        service("b", log, { dependsOn: ["mail", "c"] }),
        service("c", log, { dependsOn: ["b"] })
      ])
      const error = yield* Effect.flip(Effect.scoped(Layer.build(App)))
      assert.strictEqual(error._tag, "DependencyCycle")
      assert.include(error.message, '"b" -> "c" -> "b"')
      yield* Effect.sleep("1 second")
      assert.deepStrictEqual(log, [])
    }).pipe(Effect.provide(stage))
  )

  both("V2 so are an unknown dependency, an id that is there twice, and an option that can't be", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const refused = (...services: ReadonlyArray<ReturnType<typeof service>>) =>
        Effect.map(Effect.flip(Effect.scoped(Layer.build(Application.layer(services)))), (error) => error.message)
      assert.include(
        yield* refused(service("a", log, { dependsOn: ["b"] }), service("b", log, { dependsOn: ["nobody"] })),
        'The service "b" depends on "nobody", which the application does not have ("a" -> "b" -> "nobody")'
      )
      assert.include(yield* refused(service("a", log), service("a", log)), 'two services with the id "a"')
      assert.include(yield* refused(service("", log)), 'The option "id" of the service ""')
      assert.include(yield* refused(service("a", log, { startTimeout: 0 })), 'The option "startTimeout"')
      assert.include(yield* refused(service("a", log, { maxAttempts: -1 })), 'The option "maxAttempts"')
      assert.include(yield* refused(service("a", log, { stableThreshold: 0 })), 'The option "stableThreshold"')
      assert.include(yield* refused(service("a", log, { backoff: { min: 0 } })), 'The option "backoff.min"')
      assert.include(yield* refused(service("a", log, { backoff: { factor: 0.5 } })), 'The option "backoff.factor"')
      assert.include(yield* refused(service("a", log, { backoff: { jitter: 2 } })), 'The option "backoff.jitter"')
      assert.deepStrictEqual(log, [])
    }).pipe(Effect.provide(stage))
  )

  both("V2 layers that are built together are one application", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const Database = Application.layer([service("database", log)])
      const Web = Service.layer(service("web", log, { dependsOn: ["database"] }))
      yield* Effect.provide(
        Effect.gen(function* () {
          assert.deepStrictEqual(yield* states, ["database running", "web running"])
          const twice = yield* Effect.flip(Effect.scoped(Layer.build(Service.layer(service("web", log)))))
          assert.strictEqual(twice._tag, "DuplicateService")
        }),
        Layer.provideMerge(Web, Database)
      )
      assert.deepStrictEqual(takeAll(log).slice(4), ["web ends", "database ends"])
    }).pipe(Effect.provide(stage))
  )

  both("V2 a service that is stopped by hand is stopped after those that depend on it", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      yield* Layer.build(
        Application.layer([
          service("database", log),
          service("web", log, { dependsOn: ["database"], slow: 100 }),
          service("mail", log)
        ])
      )
      takeAll(log)
      yield* Service.stop("database")
      assert.deepStrictEqual(takeAll(log), ["web ends", "database ends"])
      assert.deepStrictEqual((yield* states).toSorted(), ["database stopped", "mail running", "web stopped"])
      yield* Service.start("web")
      assert.deepStrictEqual(log, ["database begins", "database is up", "web begins", "web is up"])
    }).pipe(Effect.scoped, Effect.provide(stage))
  )
})

describe("services that do not come up", () => {
  both(
    "V3 a required one blocks its dependents only; the start fails with its error, and what had started is stopped",
    () =>
      Effect.gen(function* () {
        const log: Array<string> = []
        const App = Application.layer([
          service("disk", log, { init: Effect.fail("no disk") }),
          service("database", log, { dependsOn: ["disk"] }),
          service("web", log, { dependsOn: ["database"] }),
          service("clock", log),
          service("mail", log, { dependsOn: ["clock"], init: Effect.sleep("1 second") })
        ])
        const error = yield* Effect.flip(Effect.scoped(Layer.build(App)))
        assert.strictEqual(error._tag, "ServiceStartFailed")
        assert.include(error.message, 'The service "disk" could not be started')
        const reason = reasonOf(error)
        assert.deepStrictEqual(reason._tag === "StartFailed" && reason.exit, Exit.fail("no disk"))
        const others = log.filter((line) => !line.startsWith("disk"))
        assert.deepStrictEqual(others, [
          "clock begins",
          "clock is up",
          "mail begins",
          "mail is up",
          "mail ends",
          "clock ends"
        ])
        assert.deepStrictEqual(yield* states, [])
      }).pipe(Effect.provide(stage))
  )

  both("V3 an optional one is tried again in the background, and its dependents start when it is up", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const App = Application.layer([
        service("mail", log, { required: false, init: failing(2), backoff: { jitter: 0 } }),
        service("letters", log, { dependsOn: ["mail"] }),
        service("web", log)
      ])
      assert.strictEqual(yield* lasting(Layer.build(App)), 0)
      assert.deepStrictEqual(yield* states, ["mail starting", "letters starting", "web running"])
      yield* Effect.sleep("2900 millis")
      assert.deepStrictEqual(yield* states, ["mail starting", "letters starting", "web running"])
      yield* Effect.sleep("200 millis")
      assert.deepStrictEqual(yield* states, ["mail running", "letters running", "web running"])
      assert.isBelow(log.indexOf("mail is up"), log.indexOf("letters begins"))
    }).pipe(Effect.scoped, Effect.provide(stage))
  )

  both("V3 what waits for one that has failed for good fails, until it is started by hand", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const init = failing(2)
      yield* Layer.build(
        Application.layer([
          service("mail", log, { required: false, init, maxAttempts: 1 }),
          service("letters", log, { dependsOn: ["mail"] }),
          service("stamps", log, { dependsOn: ["letters"] })
        ])
      )
      yield* Effect.sleep("2 seconds")
      assert.deepStrictEqual(yield* states, ["mail failed", "letters failed", "stamps failed"])
      const { exit } = yield* Service.find("stamps")
      assert.include(String(exit), '"letters", which it depends on')
      yield* Service.start("stamps")
      assert.deepStrictEqual(yield* states, ["mail running", "letters running", "stamps running"])
    }).pipe(Effect.scoped, Effect.provide(stage))
  )

  both("V3 one that is stopped while it starts, or waits for another one, does not come up", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const options = { autoStart: false, init: Effect.sleep("1 second") }
      yield* Layer.build(
        Application.layer([
          service("database", log, options),
          service("web", log, { ...options, dependsOn: ["database"] })
        ])
      )
      yield* Effect.forkScoped(Service.start("web"))
      yield* Effect.sleep("500 millis")
      yield* Service.stop("database")
      assert.deepStrictEqual(yield* states, ["database stopped", "web stopped"])
      yield* Effect.sleep("5 seconds")
      assert.deepStrictEqual(log, ["database begins", "database ends"])
    }).pipe(Effect.scoped, Effect.provide(stage))
  )
})

describe("services that end", () => {
  both("V4 one whose process returns has exited and is not started again", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      yield* Layer.build(Application.layer([service("job", log)]))
      yield* tell("job", "return")
      yield* Effect.sleep("1 minute")
      const { exit, pid, state } = yield* Service.find("job")
      assert.deepStrictEqual([state, pid, exit], ["exited", undefined, Exit.void])
      assert.deepStrictEqual(log, ["job begins", "job is up", "job ends"])
      assert.strictEqual((yield* Service.start("job")).state, "running")
    }).pipe(Effect.scoped, Effect.provide(stage))
  )

  both("V4 one that fails is started again after 1, 2, 4 and 8 seconds, up to the cap", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      yield* Layer.build(Application.layer([service("web", log, { backoff: { max: "8 seconds", jitter: 0 } })]))
      takeAll(log)
      for (const [index, seconds] of [1, 2, 4, 8, 8].entries()) {
        yield* tell("web", index === 2 ? "die" : "crash")
        const { attempts, state } = yield* Service.find("web")
        assert.deepStrictEqual([state, attempts, takeAll(log)], ["starting", index + 1, ["web ends"]])
        yield* Effect.sleep(seconds * 1000 - 2)
        assert.strictEqual((yield* Service.find("web")).state, "starting")
        yield* Effect.sleep(2)
        assert.deepStrictEqual(takeAll(log), ["web begins", "web is up"])
      }
    }).pipe(Effect.scoped, Effect.provide(stage))
  )

  both("V4 the jitter of its delays stays within its bounds, and is one", () =>
    Effect.gen(function* () {
      const delays: Array<number> = []
      yield* Layer.build(Application.layer([service("web", [], { backoff: { max: "2 seconds", jitter: 0.5 } })]))
      const changes = yield* Service.changes
      for (let n = 0; n < 6; n++) {
        yield* tell("web", "crash")
        const { retryIn } = yield* Selectable.take(changes)
        delays.push(retryIn === undefined ? 0 : Duration.toMillis(retryIn))
        yield* Effect.sleep("3 seconds")
        assert.strictEqual((yield* Selectable.take(changes)).state, "running")
      }
      const [first = 0, ...rest] = delays
      assert.isTrue(first >= 1000 && first <= 1500, `${first}`)
      for (const delay of rest) assert.isTrue(delay >= 2000 && delay <= 3000, `${delay}`)
      assert.isAbove(new Set(rest).size, 1)
    }).pipe(Effect.scoped, Effect.provide(stage))
  )

  both("V5 a run of at least the stable threshold resets the backoff and the attempts", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const options = { stableThreshold: "10 seconds", maxAttempts: 2, backoff: { jitter: 0 } } as const
      yield* Layer.build(Application.layer([service("web", log, options)]))
      const changes = yield* Service.changes
      for (const runs of [0, 9, 10, 0, 10]) {
        yield* Effect.sleep(runs * 1000)
        yield* tell("web", "crash")
        yield* Effect.sleep((yield* Service.find("web")).retryIn ?? 0)
      }
      assert.deepStrictEqual(yield* seen(changes), [
        "web starting 1",
        "web running 1",
        "web starting 2",
        "web running 2",
        "web starting 1",
        "web running 1",
        "web starting 2",
        "web running 2",
        "web starting 1",
        "web running 1"
      ])
    }).pipe(Effect.scoped, Effect.provide(stage))
  )

  both("V6 after its last attempt it has failed, and is not started again", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      yield* Layer.build(Application.layer([service("web", log, { maxAttempts: 2, backoff: { jitter: 0 } })]))
      const changes = yield* Service.changes
      for (let n = 0; n < 3; n++) {
        yield* tell("web", "crash")
        yield* Effect.sleep("3 seconds")
      }
      yield* Effect.sleep("1 hour")
      assert.deepStrictEqual(yield* seen(changes), [
        "web starting 1",
        "web running 1",
        "web starting 2",
        "web running 2",
        "web failed 2"
      ])
      assert.deepStrictEqual((yield* Service.find("web")).exit, Exit.fail("crashed"))
      const again = yield* Service.start("web")
      assert.deepStrictEqual([again.state, again.attempts, again.exit], ["running", 0, undefined])
    }).pipe(Effect.scoped, Effect.provide(stage))
  )

  both("V6 those that depend on it are told, and go on", () =>
    Effect.gen(function* () {
      const told: Array<unknown> = []
      const Web = Process.make("test:web")
      const WebLive = Web.toLayer(
        Effect.fnUntraced(function* () {
          const events = yield* Web.events
          while (true) {
            const event = yield* Selectable.take(events)
            if (event._tag === "Cancel") return
            if (event._tag === "DependencyFailed") told.push([event.service, event.exit])
          }
        })
      )
      const App = Application.layer([
        service("database", [], { maxAttempts: 0 }),
        Service.make("web", Web, undefined, { autoStart: true, dependsOn: ["database"] })
      ])
      yield* Layer.build(Layer.provide(App, WebLive))
      yield* tell("database", "crash")
      assert.deepStrictEqual(told, [["database", Exit.fail("crashed")]])
      assert.deepStrictEqual(yield* states, ["database failed", "web running"])
    }).pipe(Effect.scoped, Effect.provide(stage))
  )
})

describe("time limits of services", () => {
  both("V7 a stop asks with a Cancel and waits for as long as it may take", () =>
    Effect.gen(function* () {
      const Polite = Process.make("test:polite")
      const PoliteLive = Polite.toLayer(
        Effect.fnUntraced(function* () {
          const event = yield* Selectable.take(yield* Polite.events)
          yield* Effect.sleep("3 seconds")
          return event._tag
        })
      )
      const App = Service.layer(Polite, { id: "polite", autoStart: true, stopTimeout: "5 seconds" })
      yield* Layer.build(Layer.provide(App, PoliteLive))
      yield* Effect.sleep(1)
      assert.strictEqual(yield* lasting(Service.stop("polite")), 3000)
      const { exit, state } = yield* Service.find("polite")
      assert.deepStrictEqual([state, exit], ["stopped", Exit.succeed("Cancel")])
    }).pipe(Effect.scoped, Effect.provide(stage))
  )

  both("V7 and kills what has not ended by then, which its status tells", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      yield* Layer.build(Application.layer([service("web", log, { slow: 60_000, stopTimeout: "2 seconds" })]))
      const changes = yield* Service.changes
      assert.strictEqual(yield* lasting(Service.stop("web")), 2000)
      const { exit, state } = yield* Service.find("web")
      assert.deepStrictEqual([state, exit && ProcessEvent.isKilled(exit)], ["stopped", true])
      assert.deepStrictEqual(yield* seen(changes), ["web stopping", "web stopped"])
      yield* Effect.sleep("1 minute")
    }).pipe(Effect.scoped, Effect.provide(stage))
  )

  both("V7 a start that takes too long fails, and the process is killed", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const slow = { init: Effect.never, startTimeout: "2 seconds" } as const
      const App = Application.layer([service("web", log, slow)])
      const error = yield* Effect.flip(Effect.scoped(Layer.build(App)))
      assert.strictEqual(error._tag, "ServiceStartFailed")
      assert.strictEqual(reasonOf(error)._tag, "StartTimeout")
      assert.deepStrictEqual(log, ["web begins", "web ends"])
    }).pipe(Effect.provide(stage))
  )
})

describe("states of services", () => {
  both("V8 are listed, and their changes come in order", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      yield* Layer.build(
        Application.layer([
          service("web", log, { autoStart: false, maxAttempts: 1, slow: 100 }),
          service("job", log, { autoStart: false, required: false, init: failing(1) })
        ])
      )
      const changes = yield* Service.changes
      yield* Service.start("web")
      yield* tell("web", "crash")
      yield* Effect.sleep("2 seconds")
      yield* Service.stop("web")
      yield* Service.start("web")
      yield* tell("web", "crash")
      yield* Effect.sleep("2 seconds")
      yield* tell("web", "crash")
      yield* Effect.sleep(200)
      assert.deepStrictEqual(yield* seen(changes), [
        "web starting",
        "web running",
        "web starting 1",
        "web running 1",
        "web stopping 1",
        "web stopped 1",
        "web starting",
        "web running",
        "web starting 1",
        "web running 1",
        "web failed 1"
      ])
      assert.strictEqual((yield* Service.start("job")).state, "starting")
      yield* Effect.sleep("2 seconds")
      yield* tell("job", "return")
      assert.deepStrictEqual(yield* seen(changes), ["job starting", "job starting 1", "job running 1", "job exited 1"])
      assert.deepStrictEqual(yield* states, ["web failed", "job exited"])
    }).pipe(Effect.scoped, Effect.provide(stage))
  )

  both("V8 a service whose host stops is stopped", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      yield* Layer.build(ProcessHost.layer("test:jobs"))
      yield* Layer.build(Application.layer([service("web", log, { host: "test:jobs" })]))
      yield* ProcessHost.stop("test:jobs")
      yield* Effect.sleep(1)
      assert.deepStrictEqual(yield* states, ["web stopped"])
      const error = yield* Effect.flip(Service.start("web"))
      assert.include(error.message, 'The service "web" could not be started')
    }).pipe(Effect.scoped, Effect.provide(stage))
  )
})

describe("what a service passes on", () => {
  both("its process has the name, and with inbox keep its pid and its messages outlast a failure", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      yield* Layer.build(Application.layer([service("web", log, { name: "web", inbox: "keep" })]))
      const { pid } = yield* Service.find("web")
      assert.strictEqual(yield* Registry.lookup("web"), pid)
      yield* tell("web", "crash")
      yield* Process.send(Actor.named("web"), "note", 1)
      yield* Effect.sleep("2 seconds")
      assert.strictEqual((yield* Service.find("web")).pid, pid)
      assert.deepStrictEqual(log.slice(3), ["web begins", "web is up", "web notes 1"])
    }).pipe(Effect.scoped, Effect.provide(stage))
  )

  both("its backoff may be any schedule, which is cut off after so many attempts", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const backoff = Schedule.spaced("7 seconds")
      yield* Layer.build(
        Application.layer([service("web", log, { backoff, maxAttempts: 1, stableThreshold: "1 hour" })])
      )
      yield* tell("web", "crash")
      yield* Effect.sleep("6900 millis")
      assert.deepStrictEqual(yield* states, ["web starting"])
      yield* Effect.sleep("200 millis")
      assert.deepStrictEqual(yield* states, ["web running"])
      yield* tell("web", "crash")
      assert.deepStrictEqual(yield* states, ["web failed"])
    }).pipe(Effect.scoped, Effect.provide(stage))
  )

  both("a supervisor as a service stops its children in their order", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const Tree = Supervisor.make("test:tree", { children: [actor("a", log), actor("b", log)] })
      yield* Layer.build(Service.layer(Tree, { autoStart: true }))
      assert.deepStrictEqual(takeAll(log), ["a begins", "a is up", "b begins", "b is up"])
      yield* Service.stop("test:tree")
      assert.deepStrictEqual(takeAll(log), ["b ends", "a ends"])
    }).pipe(Effect.scoped, Effect.provide(stage))
  )

  both("an interrupted start leaves it to start; starts and stops at once leave it up or down", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const init = Effect.sleep("1 second")
      yield* Layer.build(Application.layer([service("web", log, { autoStart: false, init })]))
      const starting = yield* Effect.forkChild(Service.start("web"))
      yield* Effect.sleep("500 millis")
      yield* Fiber.interrupt(starting)
      yield* Effect.sleep("600 millis")
      assert.deepStrictEqual(yield* states, ["web running"])
      const both = [Service.stop("web"), Service.start("web"), Service.restart("web"), Service.stop("web")]
      yield* Effect.all(both, { concurrency: "unbounded", discard: true })
      const { pid, state } = yield* Service.find("web")
      assert.strictEqual(pid === undefined, state === "stopped")
      yield* Service.stop("web")
      assert.strictEqual(
        log.filter((line) => line === "web begins").length,
        log.filter((line) => line === "web ends").length
      )
    }).pipe(Effect.scoped, Effect.provide(stage))
  )
})
