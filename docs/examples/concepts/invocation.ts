import { Effect, Schedule, Schema, Stream } from "effect"
import { Rpc } from "effect/rpc"
import { Selectable } from "troupe"
import {
  Authentication,
  Balance,
  type Instance,
  InstanceId,
  Invocation,
  Memory,
  Strategy,
  type Transport
} from "troupe/net"

// #region functions
class Unreadable extends Schema.TaggedError<Unreadable>()("Unreadable", { why: Schema.String }) {}

const Images = Invocation.functions("app:images", [
  Rpc.make("resize", {
    payload: { image: Schema.Uint8Array, width: Schema.Int },
    success: Schema.Uint8Array,
    error: Unreadable
  }),
  Rpc.make("where", { success: Schema.String })
])

type ImageFunctions = (typeof Images)["rpcs"][number]
// #endregion functions

/** Where the disk of each instance is full. */
const full = new Set<string>()

// #region serve
const serve = (instanceId: InstanceId.InstanceId, transport: Transport.Transport) =>
  Invocation.serve(transport, Images, {
    instanceId,
    authenticator: Authentication.open,
    handlers: {
      resize: ({ image, width }, execution) =>
        Effect.gen(function* () {
          if (image.length === 0) return yield* new Unreadable({ why: "it is empty" })
          yield* execution.respondWith({ cost: execution.metadata["tenant"] === "acme" ? "0" : "1" })
          return image.subarray(0, width)
        }),
      where: (_, { instance }) => Effect.succeed(instance.instance)
    },
    // Whether this instance can do what it is there for.
    health: Effect.suspend(() => (full.has(instanceId.instance) ? Effect.fail("its disk is full") : Effect.void))
  })
// #endregion serve

const instance = Effect.fnUntraced(function* (name: string) {
  const id = yield* InstanceId.make({ runtime: "worker", namespace: "images", instance: name })
  const { stop, transport } = yield* serve(id, Memory.make())
  const served: Instance.Instance = {
    id,
    strategy: Strategy.of(transport),
    credentials: undefined,
    ended: Effect.never
  }
  return { instance: served, stop }
})

const instances = Effect.fnUntraced(function* (...names: ReadonlyArray<string>) {
  const served = yield* Effect.forEach(names, instance)
  return { instances: Stream.make(served.map((one) => one.instance)), stops: served.map(({ stop }) => stop) }
})

// #region invoke
const invoking = Effect.gen(function* () {
  const runtime = yield* instances("one", "two")
  const images = yield* Invocation.make(runtime, Images)
  const image = Uint8Array.of(1, 2, 3, 4)
  const small = yield* images.invoke("resize", { image, width: 2 }, { timeout: "3 seconds" })
  const refused = yield* Effect.flip(images.invoke("resize", { image: Uint8Array.of(), width: 2 }))
  return [small, refused._tag]
})
// #endregion invoke

// #region execute
const executing = Effect.gen(function* () {
  const images = yield* Invocation.make(yield* instances("one"), Images)
  const { instance, metadata } = yield* images.execute(
    "resize",
    { image: Uint8Array.of(1), width: 1 },
    { metadata: { tenant: "acme" } }
  )
  return [instance.instance, metadata["cost"]]
})
// #endregion execute

// #region idempotent
/** Does no harm when it is done twice: it may go to another instance, whatever became of the first. */
const resize = (images: Invocation.Invoker<ImageFunctions>, image: Uint8Array) =>
  images.invoke("resize", { image, width: 100 }, { timeout: "10 seconds", idempotent: true }).pipe(
    Effect.catchTags({
      NoInstance: ({ known }) => Effect.fail(`try again later: ${known.length} instances, and none is well`),
      Overloaded: () => Effect.fail("try again later: there is too much to do")
    })
  )
// #endregion idempotent

const failing = Effect.gen(function* () {
  const images = yield* Invocation.make({ instances: Stream.make([]) }, Images)
  return yield* Effect.flip(resize(images, Uint8Array.of(1)))
})

// #region balance
const balancing = Effect.gen(function* () {
  const images = yield* Invocation.make(yield* instances("large", "small"), Images, {
    balance: Balance.weighted(({ id }) => (id.instance === "large" ? 3 : 1)),
    limits: { underway: 64, queue: 256 }
  })
  return yield* Effect.forEach([1, 2, 3, 4], () => images.invoke("where"))
})
// #endregion balance

// #region health
const watching = Effect.gen(function* () {
  const images = yield* Invocation.make(yield* instances("one", "two"), Images, {
    health: { interval: "10 millis", timeout: "1 second", failures: 2, backoff: Schedule.spaced("10 millis") }
  })
  yield* Effect.forEach([1, 2], () => images.invoke("where"))
  const changes = yield* images.changes
  full.add("one")
  const first = yield* Selectable.take(changes)
  const without = yield* Effect.forEach([1, 2], () => images.invoke("where"))
  full.delete("one")
  while ((yield* Selectable.take(changes)).state._tag !== "Available");
  const again = yield* Effect.forEach([1, 2], () => images.invoke("where"))
  return { state: first.state._tag, without, again: again.toSorted() }
})
// #endregion health

// #region stop
const stopping = Effect.gen(function* () {
  const { instances: source, stops } = yield* instances("one", "two")
  const images = yield* Invocation.make({ instances: source }, Images)
  yield* Effect.forEach([1, 2], () => images.invoke("where"))
  yield* stops[0]!
  const answered = yield* Effect.forEach([1, 2, 3], () => images.invoke("where"))
  yield* images.close
  const closed = yield* Effect.flip(images.invoke("where"))
  return [...answered, closed._tag]
})
// #endregion stop

/** What the page shows. */
export const program = Effect.scoped(Effect.all({ invoking, executing, failing, balancing, watching, stopping }))
