import { Effect, Equal, Layer, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Group, Message, Process, ProcessHost, Registry, Selectable } from "troupe"

// #region names
export const Greeter = Process.make("app:greeter", {
  protocol: [
    Rpc.make("greet", {
      payload: Schema.String,
      success: Schema.String
    })
  ]
})

/** The address of whichever process is the greeter at the time. */
export const greeter = Greeter.named("greeter")

export const GreeterLive = Greeter.toLayer(
  Effect.fn(function* () {
    yield* Registry.register(greeter)
    while (true) {
      const message = yield* Greeter.receive("greet")
      yield* Message.reply(message, `Hello, ${message.payload}`)
    }
  })
)
// #endregion names

// #region events
const found = Effect.scoped(
  Effect.gen(function* () {
    const events = yield* Registry.events
    const before = yield* Registry.whereis(greeter) // Option.none()
    const pid = yield* Process.spawn(Greeter)
    // { _tag: "Registered", name: "greeter", pid }
    const registered = yield* Selectable.take(events)
    const answer = yield* Process.call(greeter, "greet", "Ada")

    yield* Process.terminate(pid)
    const unregistered = yield* Selectable.take(events)
    return [before._tag, registered._tag, answer, unregistered._tag]
  })
)
// #endregion events

// #region spawn
const spawnedByName = Effect.gen(function* () {
  const options = { name: "greeter" }
  // The name is there at once.
  const first = yield* Process.spawn(Greeter, undefined, options)
  const second = yield* Process.spawn(Greeter, undefined, options)
  const answer = yield* Process.call(greeter, "greet", "Grace")
  yield* Process.terminate(first)
  return { same: Equal.equals(first, second), answer }
})
// #endregion spawn

// #region lock
const locked = Effect.gen(function* () {
  let running = 0
  let most = 0
  const work = Effect.gen(function* () {
    most = Math.max(most, ++running)
    yield* Effect.yieldNow
    running--
  })
  yield* Effect.all(
    [1, 2, 3].map(() => Registry.withLock("ledger")(work)),
    { concurrency: "unbounded" }
  )
  return most // 1
})
// #endregion lock

// #region property
export const load = Registry.property<number>("load")

export const Worker = Process.make("app:worker", {
  args: Schema.Struct({ load: Schema.Number })
})

export const WorkerLive = Worker.toLayer(
  Effect.fn(function* (args) {
    yield* Registry.setProperty(load, args.load)
    return yield* Effect.never
  })
)

const leastLoaded = Effect.map(Registry.properties(load), (all) => {
  const [least] = all.toSorted(([, a], [, b]) => a - b)
  return least?.[0]
})
// #endregion property

const properties = Effect.gen(function* () {
  yield* Process.spawn(Worker, { load: 0.9 })
  const idle = yield* Process.spawn(Worker, { load: 0.1 })
  yield* Effect.yieldNow
  const before = yield* leastLoaded
  yield* Process.kill(idle)
  return { idleWins: Equal.equals(before, idle), left: (yield* Registry.properties(load)).map(([, value]) => value) }
})

// #region group
const Say = Rpc.make("say", { payload: Schema.String })

export const Member = Process.make("app:member", {
  protocol: [Say],
  success: Schema.String
})

export const room = Group.make("room", [Say])

export const MemberLive = Member.toLayer(
  Effect.fn(function* () {
    yield* Group.join(room, yield* Member.self)
    const message = yield* Member.receive()
    return message.payload
  })
)
// #endregion group

// #region broadcast
const broadcast = Effect.scoped(
  Effect.gen(function* () {
    const events = yield* Group.monitor(room)
    const pid = yield* Process.spawn(Member)
    yield* Selectable.take(events) // { _tag: "Joined", pid }
    const members = yield* Group.members(room)
    const reached = yield* Group.broadcast(room, "say", "hello") // 1
    const heard = yield* Effect.flatten(Process.await(pid))
    const left = yield* Selectable.take(events)
    return [members.length, reached, heard, left._tag] // [1, 1, "hello", "Left"]
  })
)
// #endregion broadcast

export const program = Effect.gen(function* () {
  return {
    found: yield* found,
    spawnedByName: yield* spawnedByName,
    locked: yield* locked,
    properties: yield* properties,
    broadcast: yield* broadcast
  }
}).pipe(Effect.provide([Layer.mergeAll(GreeterLive, WorkerLive, MemberLive), ProcessHost.layer("app:processes")]))
