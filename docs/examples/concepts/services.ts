import { Effect, Layer } from "effect"
import { Application, Process, ProcessHost, Selectable, Service, TerminalHost } from "troupe"

const log: Array<string> = []

// #region processes
const Database = Process.make("app:database", { start: "acknowledged" })

const DatabaseLive = Database.toLayer(
  Effect.fn(function* () {
    yield* Effect.acquireRelease(
      Effect.sync(() => log.push("database opens")),
      () => Effect.sync(() => log.push("database closes"))
    )
    yield* Process.ready
    yield* Effect.never
  })
)

const Web = Process.make("app:web")

const WebLive = Web.toLayer(
  Effect.fn(function* () {
    const events = yield* Web.events
    log.push("web opens")
    while (true) {
      const event = yield* Selectable.take(events)
      if (event._tag === "DependencyFailed") log.push(`web goes on without ${event.service}`)
      if (event._tag === "Cancel") break
    }
    log.push("web closes")
  })
)
// #endregion processes

// #region services
const database = Service.make("database", Database, undefined, {
  autoStart: true,
  backoff: { min: "10 millis", max: "1 second" },
  maxAttempts: 1
})

const web = Service.make("web", Web, undefined, {
  autoStart: true,
  dependsOn: [database],
  stopTimeout: "20 seconds"
})
// #endregion services

// #region application
const App = Application.layer([web, database]).pipe(
  Layer.provide([WebLive, DatabaseLive]),
  Layer.provideMerge(ProcessHost.layer("app:processes"))
)
// #endregion application

/** What is logged while a program runs in the application. */
const logged = <A, E>(program: Effect.Effect<A, E, ProcessHost.ProcessHost>) =>
  Effect.gen(function* () {
    log.length = 0
    const value = yield* Effect.provide(program, App, { local: true })
    return { value, log: [...log] }
  })

// #region changes
const crashes = Effect.gen(function* () {
  const changes = yield* Service.changes
  const states: Array<string> = []
  const { pid } = yield* Service.find("database")
  if (pid !== undefined) yield* Process.kill(pid)
  while (!states.includes("failed")) {
    const { id, pid, state } = yield* Selectable.take(changes)
    states.push(state)
    if (id === "database" && state === "running" && pid !== undefined) yield* Process.kill(pid)
  }
  return states
}).pipe(Effect.scoped)
// #endregion changes

// #region control
const maintenance = Effect.gen(function* () {
  yield* Service.stop("database")
  const stopped = (yield* Service.list).map(({ id, state }) => `${id} ${state}`)
  yield* Service.start("web")
  const started = (yield* Service.list).map(({ id, state }) => `${id} ${state}`)
  return { stopped, started }
})
// #endregion control

// #region cycle
const wrong = Application.layer([
  Service.make("web", Web, undefined, { autoStart: true, dependsOn: ["database"] }),
  Service.make("database", Database, undefined, { dependsOn: ["web"] })
]).pipe(Layer.provide([WebLive, DatabaseLive, ProcessHost.layer("app:processes")]))

const refused = Effect.scoped(Layer.build(wrong)).pipe(
  Effect.as("none"),
  Effect.catchTag("DependencyCycle", ({ message }) => Effect.succeed(message))
)
// #endregion cycle

// #region run
const server = Application.run(App, { stopTimeout: "10 seconds" })
// #endregion run

// #region request
const asked = Effect.provideService(server, TerminalHost.Shutdown, Effect.as(Effect.sleep("20 millis"), "SIGTERM"))
// #endregion request

export const program = Effect.all({
  ordered: logged(Effect.void),
  crashed: logged(crashes),
  maintained: logged(maintenance),
  refused,
  exitCode: asked
})
