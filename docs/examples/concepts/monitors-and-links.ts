import { Cause, Effect, Exit, Layer, Schema } from "effect"
import { Process, ProcessEvent, ProcessHost, Selectable } from "troupe"

// #region job
export class JobFailed extends Schema.TaggedError<JobFailed>()("JobFailed", {
  job: Schema.String
}) {}

export const Job = Process.make("app:job", {
  args: Schema.Struct({
    name: Schema.String,
    outcome: Schema.Literals(["done", "failed", "crashed", "never"])
  }),
  success: Schema.String
})

export const JobLive = Job.toLayer(
  Effect.fn(function* ({ name, outcome }) {
    switch (outcome) {
      case "done":
        return name
      case "failed":
        return yield* new JobFailed({ job: name })
      case "crashed":
        return yield* Effect.die(new Error(`a bug in ${name}`))
      case "never":
        return yield* Effect.never
    }
  })
)
// #endregion job

// #region monitor
export const Watcher = Process.make("app:watcher")

export const WatcherLive = Watcher.toLayer(
  Effect.fn(function* () {
    const events = yield* Watcher.events
    const ends: Array<string> = []
    for (const outcome of ["done", "failed", "crashed"] as const) {
      const job = { name: "copy", outcome }
      const monitor = yield* Process.spawnMonitored(Job, job)
      const event = yield* Selectable.take(events)
      if (event._tag === "Exit" && event.monitor === monitor) {
        ends.push(describe(event.exit))
      }
    }
    // ["returned copy", "failed with JobFailed", "a defect"]
    return ends
  })
)
// #endregion monitor

// #region exit
const describe = (exit: Exit.Exit<unknown, unknown>): string =>
  Exit.match(exit, {
    onSuccess: (value) => `returned ${String(value)}`,
    onFailure: (cause) => {
      if (ProcessEvent.isKilled(exit)) return "killed"
      if (Cause.hasInterruptsOnly(cause)) {
        return `interrupted by ${String(ProcessEvent.requesterOf(exit))}`
      }
      if (Cause.hasDies(cause)) return "a defect"
      return `failed with ${String(Cause.squash(cause))}`
    }
  })
// #endregion exit

// #region demonitor
export const Fickle = Process.make("app:fickle")

export const FickleLive = Fickle.toLayer(
  Effect.fn(function* () {
    const events = yield* Fickle.events
    const monitor = yield* Process.spawnMonitored(Job, {
      name: "copy",
      outcome: "done"
    })
    yield* Process.await(monitor.pid)
    // The event came already, and is taken back.
    yield* Process.demonitorFlush(monitor)
    const event = yield* Selectable.poll(events)
    return event._tag // "None"
  })
)
// #endregion demonitor

// #region link
export const Pair = Process.make("app:pair")

export const PairLive = Pair.toLayer(
  Effect.fn(function* () {
    yield* Process.spawnLinked(Job, { name: "copy", outcome: "failed" })
    return yield* Effect.never // ends with JobFailed, as the job does
  })
)
// #endregion link

// #region trap
export const Trapper = Process.make("app:trapper")

export const TrapperLive = Trapper.toLayer(
  Effect.fn(function* () {
    yield* Process.trapExits
    const events = yield* Trapper.events
    const job = yield* Process.spawnLinked(Job, {
      name: "copy",
      outcome: "never"
    })
    yield* Process.kill(job)
    const event = yield* Selectable.take(events)
    return event._tag === "LinkDown" ? describe(event.exit) : "?" // "killed"
  })
)
// #endregion trap

// #region await
const awaited = Effect.gen(function* () {
  const job = yield* Process.spawn(Job, { name: "copy", outcome: "never" })
  // The wait ends early; the job goes on.
  const early = yield* Effect.timeoutOption(Process.await(job), "10 millis")
  yield* Process.terminate(job)
  return [early._tag, describe(yield* Process.await(job))]
})
// #endregion await

export const program = Effect.gen(function* () {
  const watcher = yield* Process.spawn(Watcher)
  const fickle = yield* Process.spawn(Fickle)
  const pair = yield* Process.spawn(Pair)
  const trapper = yield* Process.spawn(Trapper)
  return {
    watcher: yield* Process.await(watcher),
    fickle: yield* Process.await(fickle),
    pair: yield* Process.await(pair),
    trapper: yield* Process.await(trapper),
    awaited: yield* awaited
  }
}).pipe(
  Effect.provide([
    Layer.provideMerge(Layer.mergeAll(WatcherLive, FickleLive, PairLive, TrapperLive), JobLive),
    ProcessHost.layer("app:processes")
  ])
)
