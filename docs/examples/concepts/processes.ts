import { Context, Effect, Equal, Exit, Layer, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Message, Process, ProcessEvent, ProcessHost, Selectable } from "troupe"

// #region definition
const Add = Rpc.make("add", { payload: Schema.Int })
const Total = Rpc.make("total", { success: Schema.Int })

export const Tally = Process.make("app:tally", {
  args: Schema.Struct({ start: Schema.Int }),
  protocol: [Add, Total, Rpc.make("close")],
  success: Schema.Int
})
// #endregion definition

// #region implementation
export const TallyLive = Tally.toLayer(
  Effect.fn(function* ({ start }) {
    let total = start
    while (true) {
      const message = yield* Tally.receive()
      switch (message.topic) {
        case "add":
          total += message.payload
          break
        case "total":
          yield* Message.reply(message, total)
          break
        case "close":
          return total
      }
    }
  })
)
// #endregion implementation

// #region spawn
const spawned = Effect.gen(function* () {
  const tally = yield* Process.spawn(Tally, { start: 10 })
  yield* Process.send(tally, "add", 5)
  yield* Process.send(tally, "close")
  return yield* Process.await(tally) // Exit.succeed(15)
})
// #endregion spawn

// #region options
const placed = Effect.gen(function* () {
  const options = {
    host: "app:jobs",
    name: "tally",
    message: { topic: "add", payload: 1 }
  } as const
  const first = yield* Process.spawn(Tally, { start: 0 }, options)
  // The name is taken now: the answer is the first process.
  const second = yield* Process.spawn(Tally, { start: 0 }, options)
  return {
    same: Equal.equals(first, second),
    host: first.host, // "app:jobs"
    total: yield* Process.call(first, "total") // 2
  }
})
// #endregion options

// #region coroutine
export const Poller = Process.make("app:poller", {
  args: Schema.Struct({ broken: Schema.Boolean })
})

export const PollerLive = Poller.toLayer(
  Effect.fn(function* ({ broken }) {
    const seen: Array<string> = []
    yield* Process.fork(poll(seen, broken))
    yield* Effect.sleep("50 millis")
    return seen
  })
)

const poll = Effect.fnUntraced(function* (seen: Array<string>, broken: boolean) {
  while (true) {
    yield* Effect.sleep("20 millis")
    // A failure ends the process.
    if (broken) return yield* Effect.fail("the source is gone")
    seen.push("polled")
  }
})
// #endregion coroutine

const coroutines = Effect.gen(function* () {
  const whole = yield* Process.spawn(Poller, { broken: false })
  const broken = yield* Process.spawn(Poller, { broken: true })
  return {
    whole: ((yield* Effect.flatten(Process.await(whole))) as ReadonlyArray<string>).length,
    broken: yield* Effect.flip(Effect.flatten(Process.await(broken)))
  }
})

// #region context
export const Locale = Context.Reference<string>("app/Locale", {
  defaultValue: () => "en"
})

export const Greeter = Process.make("app:greeter", {
  success: Schema.String
})

export const GreeterLive = Greeter.toLayer(
  Effect.fn(function* () {
    return `greets in ${yield* Locale}`
  })
)

export const Parent = Process.make("app:parent")

export const ParentLive = Parent.toLayer(
  Effect.fn(function* () {
    const plain = yield* Process.spawn(Greeter)
    const given = yield* Process.spawn(Greeter).pipe(Effect.provideService(Locale, "fr"))
    // [Exit.succeed("greets in en"), Exit.succeed("greets in fr")]
    return [yield* Process.await(plain), yield* Process.await(given)]
  })
)
// #endregion context

const context = Effect.flatMap(Process.spawn(Parent), Process.await)

// #region resources
export class Journal extends Context.Service<Journal, Array<string>>()("app/Journal") {}

export const Session = Process.make("app:session")

export const SessionLive = Session.toLayer(
  Effect.fn(function* () {
    const journal = yield* Journal // the layer requires it
    yield* Effect.acquireRelease(
      Effect.sync(() => journal.push("opened")),
      () => Effect.sync(() => journal.push("closed"))
    )
    return yield* Effect.never
  })
)
// #endregion resources

// #region ending
const ended = Effect.gen(function* () {
  const journal = yield* Journal
  const first = yield* Process.spawn(Session)
  yield* Effect.yieldNow
  // Waits until the session is closed and the process is gone.
  yield* Process.terminate(first)
  const afterTerminate = [...journal] // ["opened", "closed"]

  const second = yield* Process.spawn(Session)
  yield* Process.kill(second) // gone when this succeeds
  const exit = yield* Process.await(second)
  return { afterTerminate, killed: ProcessEvent.isKilled(exit) }
})
// #endregion ending

// #region cancel
export const Patient = Process.make("app:patient", {
  success: Schema.String
})

export const PatientLive = Patient.toLayer(
  Effect.fn(function* () {
    const events = yield* Patient.events
    while (true) {
      const event = yield* Selectable.take(events)
      if (event._tag === "Cancel") return `ended: ${event.reason}`
    }
  })
)

const cancelled = Effect.gen(function* () {
  const patient = yield* Process.spawn(Patient)
  yield* Process.cancel(patient, "the shop closes")
  // Exit.succeed("ended: the shop closes")
  return yield* Process.await(patient)
})
// #endregion cancel

// #region exit
export const Guard = Process.make("app:guard")

export const GuardLive = Guard.toLayer(() =>
  Process.exit(Exit.fail("no entry")).pipe(
    // Does not change how the process ends.
    Effect.catchCause(() => Effect.succeed("swallowed"))
  )
)
// #endregion exit

const exited = Effect.flatMap(Process.spawn(Guard), Process.await)

// #region upgrade
const Version = Rpc.make("version", { success: Schema.String })
const Upgrade = Rpc.make("upgrade")

export const Old = Process.make("app:service-1", {
  protocol: [Version, Upgrade]
})

export const New = Process.make("app:service-2", {
  protocol: [Version, Upgrade],
  args: Schema.Struct({ version: Schema.String })
})

export const OldLive = Old.toLayer(
  Effect.fn(function* () {
    while (true) {
      const message = yield* Old.receive()
      if (message.topic === "upgrade") {
        return yield* Process.upgrade(New, { version: "2" })
      }
      yield* Message.reply(message, "1")
    }
  })
)

export const NewLive = New.toLayer(
  Effect.fn(function* ({ version }) {
    while (true) {
      const message = yield* New.receive()
      if (message.topic === "version") {
        yield* Message.reply(message, version)
      }
    }
  })
)

const upgraded = Effect.gen(function* () {
  const service = yield* Process.spawn(Old)
  const before = yield* Process.call(service, "version") // "1"
  yield* Process.send(service, "upgrade")
  // The same pid answers "2".
  return [before, yield* Process.call(service, "version")]
})
// #endregion upgrade

const journal: Array<string> = []

const services = Layer.mergeAll(
  TallyLive,
  PollerLive,
  Layer.provideMerge(ParentLive, GreeterLive),
  Layer.provide(SessionLive, Layer.succeed(Journal, journal)),
  Layer.succeed(Journal, journal),
  PatientLive,
  GuardLive,
  Layer.provide(OldLive, NewLive),
  ProcessHost.layer("app:jobs"),
  ProcessHost.layer("app:processes")
)

export const program = Effect.all({
  spawned,
  placed,
  coroutines,
  context,
  ended,
  cancelled,
  exited,
  upgraded
}).pipe(Effect.provide(services))
