import { Effect, Schedule, type Scope, Stream } from "effect"
import { Connection, type Instance, Runtime } from "troupe/net"
import * as ProcessRuntime from "troupe/net/process-runtime"
import * as WorkerRuntime from "troupe/net/worker-runtime"
import { Shout } from "./runtimes-protocol.ts"

// #region starter
const Shouters = ProcessRuntime.make({
  namespace: "shouters",
  program: new URL("./runtimes-program.ts", import.meta.url),
  // The examples run from the sources of Troupe.
  execArgv: ["-C", "source"]
})
// #endregion starter

// #region connect
const connect = ({ credentials, id, strategy }: Instance.Instance) =>
  Connection.connect(strategy, Shout, { credentials, instanceId: id })
// #endregion connect

// #region start
const one = Effect.gen(function* () {
  const instance = yield* Shouters.start("1")
  const connection = yield* connect(instance)
  return [
    String(instance.id),
    ...instance.strategy.transports.map(({ name }) => name),
    yield* connection.request("shout", "hello")
  ]
}).pipe(Effect.scoped)
// #endregion start

// #region replicas
const replaced = Effect.gen(function* () {
  const runtime = yield* Runtime.replicas(Shouters, 2, { restart: Schedule.spaced("10 millis") })
  const pidsOf = (instances: ReadonlyArray<Instance.Instance>) =>
    Effect.forEach(instances, (instance) =>
      Effect.scoped(Effect.flatMap(connect(instance), (connection) => connection.request("pid")))
    )

  return yield* runtime.instances.pipe(
    Stream.filter((instances) => instances.length === 2),
    Stream.mapEffect(pidsOf),
    // Whoever is first is killed, and then there is another one in its place.
    Stream.tap(([first]) => Effect.sync(() => process.kill(first!, "SIGKILL"))),
    Stream.take(2),
    Stream.runCollect
  )
}).pipe(Effect.scoped)
// #endregion replicas

// #region thread
const Threads = WorkerRuntime.make({
  namespace: "shouters",
  program: new URL("./runtimes-thread.ts", import.meta.url),
  execArgv: ["-C", "source"]
})

const thread = Effect.gen(function* () {
  const instance = yield* Threads.start("1")
  const connection = yield* connect(instance)
  return [String(instance.id), yield* connection.request("shout", "hello from a thread")]
}).pipe(Effect.scoped)
// #endregion thread

// #region errors
const absent = Effect.gen(function* () {
  const Absent = ProcessRuntime.make({ namespace: "shouters", program: "/nowhere/shouter.js" })
  const error = yield* Effect.flip(Absent.start("1"))
  return error.reason
}).pipe(Effect.scoped)
// #endregion errors

/** What the page shows. */
export const program: Effect.Effect<
  {
    readonly one: ReadonlyArray<string>
    readonly replaced: ReadonlyArray<ReadonlyArray<number>>
    readonly thread: ReadonlyArray<string>
    readonly absent: string
  },
  unknown,
  Scope.Scope
> = Effect.all({ one, replaced, thread, absent })
