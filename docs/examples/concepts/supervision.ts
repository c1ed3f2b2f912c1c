import { Effect, Equal, Layer, Schedule, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Backoff, ChildSpec, Process, ProcessHost, Selectable, Supervisor, SupervisorError } from "troupe"

const log: Array<string> = []

// #region children
const Cache = Process.make("app:cache", {
  protocol: [Rpc.make("put", { payload: Schema.String })],
  start: "acknowledged"
})

const CacheLive = Cache.toLayer(
  Effect.fn(function* () {
    log.push("cache begins")
    yield* Effect.addFinalizer(() => Effect.sync(() => log.push("cache ends")))
    yield* Process.ready
    while (true) {
      const { payload } = yield* Cache.receive()
      if (payload === "poison") return yield* Effect.fail("bad entry")
      log.push(`cache has ${payload}`)
    }
  })
)

const Web = Process.make("app:web")

const WebLive = Web.toLayer(
  Effect.fn(function* () {
    log.push("web begins")
    yield* Effect.addFinalizer(() => Effect.sync(() => log.push("web ends")))
    yield* Effect.never
  })
)
// #endregion children

// #region tree
const Tree = Supervisor.make("app:tree", {
  strategy: "rest_for_one",
  children: [
    ChildSpec.make(Cache, undefined, { id: "cache", name: "cache" }),
    ChildSpec.make(Web, undefined, { id: "web" })
  ]
})
// #endregion tree

// #region start
const cache = Cache.named("cache")

const first = Effect.gen(function* () {
  const tree = yield* Supervisor.start(Tree) // the cache is ready, and the web server has started
  const events = yield* Supervisor.events(tree)
  yield* Process.send(cache, "put", "poison")
  yield* Selectable.take(events).pipe(
    Effect.repeat({ until: ({ _tag, id }) => `${_tag} ${id}` === "ChildStarted web" })
  )
  yield* Supervisor.stop(tree)
}).pipe(Effect.scoped)
// #endregion start

// #region layer
const App = Supervisor.layer(Tree).pipe(
  Layer.provide([CacheLive, WebLive]),
  Layer.provideMerge(ProcessHost.layer("app:processes"))
)
// #endregion layer

const layered = Effect.map(ProcessHost.list(), (pids) => pids.length).pipe(Effect.provide(App, { local: true }))

// #region exceeded
const Fragile = Supervisor.make("app:fragile", {
  intensity: 2,
  period: "1 minute",
  children: [ChildSpec.make(Web, undefined, { id: "web" })]
})

const exceeded = Effect.gen(function* () {
  const fragile = yield* Supervisor.start(Fragile)
  const events = yield* Supervisor.events(fragile)
  for (let crash = 1; crash <= 3; crash++) {
    const { pid } = yield* Supervisor.find(fragile, "web")
    if (pid !== undefined) yield* Process.kill(pid)
    yield* Selectable.take(events) // ChildExited
    if (crash < 3) yield* Selectable.take(events) // ChildStarted
  }
  const error = yield* Effect.flip(Effect.flatten(Process.await(fragile)))
  return error instanceof SupervisorError.TooManyRestarts ? [error.intensity, error.id] : [] // [2, "web"]
}).pipe(Effect.scoped)
// #endregion exceeded

// #region backoff
const Patient = Supervisor.make("app:patient", {
  children: [
    ChildSpec.make(Web, undefined, {
      id: "web",
      backoff: Backoff.exponential({ min: "10 millis", max: "1 minute", jitter: 0.1 }).pipe(
        Schedule.upTo({ times: 2 })
      ),
      resetAfter: "1 minute"
    })
  ]
})

const patient = Effect.gen(function* () {
  const supervisor = yield* Supervisor.start(Patient)
  const events = yield* Supervisor.events(supervisor)
  const seen: Array<string> = []
  while (!seen.includes("ChildGivenUp")) {
    const { pid, state } = yield* Supervisor.find(supervisor, "web")
    if (state === "running" && pid !== undefined) yield* Process.kill(pid)
    seen.push((yield* Selectable.take(events))._tag)
  }
  return seen
}).pipe(Effect.scoped)
// #endregion backoff

// #region budget
const budgeted = ChildSpec.make(Web, undefined, {
  id: "web",
  budget: { restarts: 10, within: "1 hour" }
})
// #endregion budget

// #region keep
const Keeping = Supervisor.make("app:keeping", {
  children: [ChildSpec.make(Cache, undefined, { id: "cache", inbox: "keep", name: "kept" })]
})

const kept = Effect.gen(function* () {
  const tree = yield* Supervisor.start(Keeping)
  const events = yield* Supervisor.events(tree)
  const { pid } = yield* Supervisor.find(tree, "cache")
  for (const entry of ["one", "poison", "two"]) yield* Process.send(Cache.named("kept"), "put", entry)
  yield* Selectable.take(events) // ChildExited
  const started = yield* Selectable.take(events)
  yield* Effect.sleep("10 millis") // the new body takes what was queued: "two"
  yield* Supervisor.stop(tree)
  return started._tag === "ChildStarted" && Equal.equals(started.pid, pid) // true
}).pipe(Effect.scoped)
// #endregion keep

// #region undelivered
const undelivered: Array<string> = []

const Careful = Supervisor.make("app:careful", {
  children: [
    ChildSpec.make(Cache, undefined, {
      id: "cache",
      name: "careful",
      onUndelivered: (reason, messages) =>
        Effect.sync(() => {
          for (const { payload, topic } of messages) undelivered.push(`${reason}: ${topic} ${String(payload)}`)
        })
    })
  ]
})

const handedOver = Effect.gen(function* () {
  const tree = yield* Supervisor.start(Careful)
  for (const entry of ["poison", "tea"]) yield* Process.send(Cache.named("careful"), "put", entry)
  yield* Effect.sleep("10 millis")
  yield* Supervisor.stop(tree)
  return undelivered // ["Failed: put tea"]
})
// #endregion undelivered

// #region significant
const Job = Process.make("app:job", { args: Schema.String })
const JobLive = Job.toLayer((name) => Effect.sync(() => log.push(`${name} is done`)))

const Batch = Supervisor.make("app:batch", {
  autoShutdown: "any",
  children: [
    ChildSpec.make(Web, undefined, { id: "web" }),
    ChildSpec.make(Job, "the job", { id: "job", restart: "transient", significant: true })
  ]
})

const batch = Effect.flatMap(Supervisor.start(Batch), Process.await) // a success, once the web server has ended
// #endregion significant

// #region dynamic
const Session = Process.make("app:session", { args: Schema.String })
const SessionLive = Session.toLayer(() => Effect.never)

const Sessions = Supervisor.make("app:sessions", { strategy: "dynamic", maxChildren: 2 })

const dynamic = Effect.gen(function* () {
  const sessions = yield* Supervisor.start(Sessions)
  const open = (user: string) =>
    Supervisor.startChild(sessions, ChildSpec.make(Session, user, { restart: "temporary" })).pipe(
      Effect.as("welcome"),
      Effect.catchTag("MaxChildren", () => Effect.succeed("come back later"))
    )
  return [yield* open("Ada"), yield* open("Bob"), yield* open("Eve")]
})
// #endregion dynamic

// #region administration
const administered = Effect.gen(function* () {
  const tree = yield* Supervisor.start(Tree)
  yield* Supervisor.terminateChild(tree, "web") // it stays known
  const stopped = (yield* Supervisor.list(tree)).map(({ id, state }) => `${id} ${state}`)
  yield* Supervisor.restartChild(tree, "web")
  const again = yield* Effect.flip(Supervisor.deleteChild(tree, "web"))
  const counts = yield* Supervisor.count(tree)
  yield* Supervisor.stop(tree)
  return { stopped, refused: again._tag, counts }
})
// #endregion administration

// #region events
const watched = Effect.gen(function* () {
  const tree = yield* Supervisor.start(Tree)
  const events = yield* Supervisor.events(tree)
  const { pid } = yield* Supervisor.find(tree, "web")
  if (pid !== undefined) yield* Process.kill(pid)
  const seen = [yield* Selectable.take(events), yield* Selectable.take(events)]
  yield* Supervisor.stop(tree)
  return seen.map(({ _tag, id }) => `${_tag} ${id}`) // ["ChildExited web", "ChildStarted web"]
}).pipe(Effect.scoped)
// #endregion events

// #region wrong
const Wrong = Supervisor.make("app:wrong", { children: [ChildSpec.make(Web), ChildSpec.make(Web)] })

const refused = Supervisor.start(Wrong).pipe(
  Effect.as("none"),
  Effect.catchTag("DuplicateChild", ({ message }) => Effect.succeed(message))
)
// #endregion wrong

/** What is logged while a program runs. */
const logged = <A, E, R>(program: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    log.length = 0
    yield* program
    return [...log]
  })

export const program = Effect.all({
  first: logged(first),
  layered,
  exceeded,
  patient,
  budgeted: Effect.succeed(budgeted.id),
  kept: Effect.all({ same: kept, log: Effect.sync(() => log.filter((line) => line.startsWith("cache has"))) }),
  handedOver,
  batch: logged(batch),
  dynamic,
  administered,
  watched,
  refused
}).pipe(Effect.provide([Layer.mergeAll(CacheLive, WebLive, JobLive, SessionLive), ProcessHost.layer("app:processes")]))
