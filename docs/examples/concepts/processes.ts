import { Context, Effect, Equal, Exit, Layer, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Message, Process, ProcessEvent, ProcessHost, Selectable } from "troupe"

// #region definition
export const Tally = Process.make("app:tally", {
  args: Schema.Struct({ start: Schema.Int }),
  protocol: [Rpc.make("add", { payload: Schema.Int }), Rpc.make("total", { success: Schema.Int }), Rpc.make("close")],
  success: Schema.Int
})
// #endregion definition

// #region implementation
export const TallyLive = Tally.toLayer(
  Effect.fn(function* ({ start }) {
    let total = start
    while (true) {
      const message = yield* Tally.receive()
      if (message.topic === "add") total += message.payload
      else if (message.topic === "total") yield* Message.reply(message, total)
      else return total
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
  const options = { host: "app:jobs", name: "tally", message: { topic: "add", payload: 1 } } as const
  const first = yield* Process.spawn(Tally, { start: 0 }, options)
  const second = yield* Process.spawn(Tally, { start: 0 }, options) // the name is taken: this is `first`
  return {
    same: Equal.equals(first, second),
    host: first.host, // "app:jobs"
    total: yield* Process.call(first, "total") // 2
  }
})
// #endregion options

// #region coroutine
export const Poller = Process.make("app:poller", { args: Schema.Struct({ broken: Schema.Boolean }) })

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
    if (broken) return yield* Effect.fail("the source is gone") // ends the process
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
export const Locale = Context.Reference<string>("app/Locale", { defaultValue: () => "en" })

export const Greeter = Process.make("app:greeter", { success: Schema.String })

export const GreeterLive = Greeter.toLayer(() => Effect.map(Locale, (locale) => `greets in ${locale}`))

export const Parent = Process.make("app:parent")

export const ParentLive = Parent.toLayer(
  Effect.fn(function* () {
    const plain = yield* Process.spawn(Greeter)
    const given = yield* Effect.provideService(Process.spawn(Greeter), Locale, "fr")
    return [yield* Effect.flatten(Process.await(plain)), yield* Effect.flatten(Process.await(given))]
  })
)
// #endregion context

const context = Effect.flatMap(Process.spawn(Parent), Process.await)

// #region resources
export class Journal extends Context.Service<Journal, Array<string>>()("app/Journal") {}

export const Session = Process.make("app:session")

export const SessionLive = Session.toLayer(
  Effect.fn(function* () {
    const journal = yield* Journal // the body requires it, so the layer does
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
  yield* Process.terminate(first) // waits until the session is closed and the process is gone
  const afterTerminate = [...journal] // ["opened", "closed"]

  const second = yield* Process.spawn(Session)
  yield* Process.kill(second) // gone when this succeeds
  const exit = yield* Process.await(second)
  return { afterTerminate, killed: ProcessEvent.isKilled(exit) }
})
// #endregion ending

// #region cancel
export const Patient = Process.make("app:patient", { success: Schema.String })

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
  return yield* Process.await(patient) // Exit.succeed("ended: the shop closes")
})
// #endregion cancel

// #region exit
export const Guard = Process.make("app:guard")

export const GuardLive = Guard.toLayer(() =>
  Process.exit(Exit.fail("no entry")).pipe(
    Effect.catchCause(() => Effect.succeed("swallowed")) // does not change how the process ends
  )
)
// #endregion exit

const exited = Effect.flatMap(Process.spawn(Guard), Process.await)

// #region upgrade
const Shared = [Rpc.make("version", { success: Schema.String }), Rpc.make("upgrade")]

export const Old = Process.make("app:service-1", { protocol: Shared })
export const New = Process.make("app:service-2", { protocol: Shared, args: Schema.Struct({ version: Schema.String }) })

export const OldLive = Old.toLayer(
  Effect.fn(function* () {
    while (true) {
      const message = yield* Old.receive()
      if (message.topic === "version") yield* Message.reply(message, "1")
      else return yield* Process.upgrade(New, { version: "2" })
    }
  })
)

export const NewLive = New.toLayer(
  Effect.fn(function* ({ version }) {
    while (true) {
      const message = yield* New.receive()
      if (message.topic === "version") yield* Message.reply(message, version)
    }
  })
)

const upgraded = Effect.gen(function* () {
  const service = yield* Process.spawn(Old)
  const before = yield* Process.call(service, "version") // "1"
  yield* Process.send(service, "upgrade")
  return [before, yield* Process.call(service, "version")] // the same pid answers "2"
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
