/**
 * What invocations do when instances, links and callers come, go and fail: over the simulated network, under many schedules.
 */
import { Clock, Effect, Exit, Fiber, Random, Schedule, type Scope, SubscriptionRef } from "effect"
import { type Instance, Invocation, Strategy } from "troupe/net"
import { Network } from "troupe/testing"
import { it } from "troupe/testing/vitest"
import { type Executed, idOf, type Invoker, serve, serveApart, Work } from "./invoked.ts"

/** Says what is not so, as a failure of the schedule. */
const check = (holds: boolean, otherwise: string) => (holds ? Effect.void : Effect.fail(otherwise))

const health: Invocation.HealthOptions = {
  interval: "1 second",
  timeout: "500 millis",
  failures: 2,
  backoff: Schedule.spaced("1 second")
}

const explored = <E>(
  name: string,
  program: (network: Network.Network) => Effect.Effect<unknown, E, Scope.Scope>,
  options: Network.Options = {},
  schedules: number = 60
) =>
  it.explore(name, Effect.flatMap(Network.make({ latency: { min: 0, max: 3 }, ...options }), program), {
    schedules,
    maxSteps: 400_000
  })

const instanceAt = (network: Network.Network, name: string): Instance.Instance => ({
  id: idOf(name),
  strategy: Strategy.of(network.transport("caller", name)),
  credentials: undefined,
  ended: Effect.never
})

/** What is known of an invocation by its end. */
const outcomeOf = (exit: Exit.Exit<unknown, unknown>): "done" | "not sent" | "uncertain" => {
  if (Exit.isSuccess(exit)) return "done"
  const error = Exit.findErrorOption(exit)
  if (error._tag === "None") return "uncertain"
  const { value } = error
  const { _tag, delivery } = value as { readonly _tag: string; readonly delivery?: "not sent" | "uncertain" }
  if (_tag === "NoInstance" || _tag === "Overloaded") return "not sent"
  return delivery ?? "uncertain"
}

const timesOf = (all: ReadonlyArray<Executed>, tag: string) =>
  all.reduce((sum, { begun }) => sum + begun.filter((id) => id === tag).length, 0)

// All that was given to instances has ended, and nothing waits.
const atRest = (work: Invoker) =>
  Effect.gen(function* () {
    yield* check((yield* work.waiting) === 0, "something waits")
    for (const { instance, invocations } of yield* work.instances) {
      const { begun, failed, interrupted, succeeded, underway } = invocations
      yield* check(underway === 0, `${instance.id} has ${underway} underway`)
      yield* check(begun === succeeded + failed + interrupted, `the counts of ${instance.id} do not add up`)
    }
  })

explored(
  "K9 K48 K49 each invocation ends once, is executed once at most, and never when it says that it was not sent",
  (network) =>
    Effect.gen(function* () {
      const names = ["a", "b", "c"]
      const served = yield* Effect.forEach(names, (name) =>
        serveApart(name, network.transport("caller", name), { stopTimeout: "1 second" })
      )
      const all = names.map((name) => instanceAt(network, name))
      const ref = yield* SubscriptionRef.make<ReadonlyArray<Instance.Instance>>(all.slice(0, 2))
      const work = yield* Invocation.make({ instances: SubscriptionRef.changes(ref) }, Work, {
        health,
        limits: { underway: 2, queue: 3 }
      })
      const executed = served.map((one) => one.executed)
      const outcomes = new Map<string, string>()
      const invoking = yield* Effect.forEach(Array.from({ length: 12 }), (_, at) =>
        Effect.forkChild(
          Effect.gen(function* () {
            yield* Effect.sleep(at * 40)
            const ms = (yield* Random.nextIntBetween(0, 3)) * 50
            // The text is what tells executions apart.
            const id = `${at}`
            const exit = yield* Effect.exit(
              work.invoke("mark", { id, ms }, { timeout: "2 seconds", idempotent: at % 4 === 0 })
            )
            outcomes.set(id, outcomeOf(exit))
          })
        )
      )
      yield* Effect.sleep("100 millis")
      yield* network.sever("caller", "a")
      yield* SubscriptionRef.set(ref, all)
      yield* Effect.sleep("60 millis")
      const stopping = yield* Effect.forkChild(served[1]!.stop)
      yield* Fiber.interrupt(invoking[5]!)
      yield* Effect.sleep("60 millis")
      yield* SubscriptionRef.set(ref, all.slice(1))
      yield* Effect.forEach(invoking, Fiber.await)
      yield* Fiber.join(stopping)
      yield* Effect.sleep("100 millis")
      for (const [id, outcome] of outcomes) {
        const times = timesOf(executed, id)
        if (Number(id) % 4 !== 0) yield* check(times <= 1, `${id} was executed ${times} times`)
        if (outcome === "done") yield* check(times >= 1, `${id} was answered, and not executed`)
        if (outcome === "not sent") yield* check(times === 0, `${id} was executed, and is said not to be sent`)
      }
      yield* check(outcomes.size === 11, `${outcomes.size} have ended`)
      yield* atRest(work)
    })
)

explored("K48 whatever crosses with the stop of an instance goes elsewhere, at once", (network) =>
  Effect.gen(function* () {
    const a = yield* serveApart("a", network.transport("caller", "a"))
    const b = yield* serve("b", network.transport("caller", "b"))
    const instances = yield* SubscriptionRef.make([instanceAt(network, "a"), instanceAt(network, "b")])
    const work = yield* Invocation.make({ instances: SubscriptionRef.changes(instances) }, Work, { health })
    yield* work.invoke("who")
    // In half of the schedules there is something that it has to wait for.
    const isBusy = yield* Random.nextBoolean
    const busy = yield* Effect.forkChild(isBusy ? work.invoke("take", 3000) : Effect.void)
    if (!isBusy) yield* work.invoke("who")
    yield* work.invoke("who")
    const stopping = yield* Effect.forkChild(Effect.delay(a.stop, yield* Random.nextIntBetween(5, 12)))
    for (let n = 0; n < 12; n++) {
      const before = yield* Clock.currentTimeMillis
      yield* work.invoke("who")
      yield* check((yield* Clock.currentTimeMillis) - before < 50, "it has waited for an instance that stops")
      yield* Effect.sleep("1 milli")
    }
    yield* Fiber.join(busy)
    yield* Fiber.join(stopping)
    const times = a.executed.begun.length + b.executed.begun.length
    yield* check(times === 15, `${times} were executed`)
    yield* check(a.executed.interrupted === 0, "one was interrupted")
  })
)

explored("K6 an invocation that is interrupted gives its place back, whenever that is", (network) =>
  Effect.gen(function* () {
    const { executed } = yield* serve("a", network.transport("caller", "a"))
    const work = yield* Invocation.make(
      { instances: SubscriptionRef.changes(yield* SubscriptionRef.make([instanceAt(network, "a")])) },
      Work,
      { health, limits: { underway: 1, queue: 4 } }
    )
    const invoking = yield* Effect.forEach([1, 2, 3, 4], () =>
      Effect.forkChild(work.invoke("take", 20, { timeout: "1 minute" }))
    )
    for (const fiber of invoking.slice(0, 3)) {
      yield* Effect.sleep(yield* Random.nextIntBetween(0, 12))
      yield* Fiber.interrupt(fiber)
    }
    yield* Fiber.await(invoking[3]!)
    yield* check((yield* work.invoke("who")) === "a", "another one answered")
    yield* Effect.sleep("50 millis")
    yield* atRest(work)
    yield* check(
      executed.begun.length === executed.done + executed.interrupted,
      `${executed.begun.length} have begun, ${executed.done} are done and ${executed.interrupted} interrupted`
    )
  })
)

explored("K48 an invoker that closes leaves nobody waiting", (network) =>
  Effect.gen(function* () {
    yield* serve("a", network.transport("caller", "a"))
    const work = yield* Invocation.make(
      { instances: SubscriptionRef.changes(yield* SubscriptionRef.make([instanceAt(network, "a")])) },
      Work,
      { health, limits: { underway: 2, queue: 2 }, stopTimeout: "100 millis" }
    )
    const invoking = yield* Effect.forEach([50, 5000, 50, 5000, 50], (ms) =>
      Effect.forkChild(Effect.exit(work.invoke("take", ms, { timeout: "1 minute" })))
    )
    yield* Effect.sleep(yield* Random.nextIntBetween(0, 10))
    yield* work.close
    const exits = yield* Fiber.joinAll(invoking)
    yield* check(
      exits.every((exit) => Exit.isSuccess(exit) || ["not sent", "uncertain"].includes(outcomeOf(exit))),
      "one ended otherwise"
    )
    yield* atRest(work)
  })
)

explored("K49 an instance that crashes gets no more, and returns after it is there again", (network) =>
  Effect.gen(function* () {
    yield* serve("a", network.transport("caller", "a"))
    const b = yield* serveApart("b", network.transport("caller", "b"), { stopTimeout: "1 milli" })
    const work = yield* Invocation.make(
      {
        instances: SubscriptionRef.changes(
          yield* SubscriptionRef.make([instanceAt(network, "a"), instanceAt(network, "b")])
        )
      },
      Work,
      { health, heartbeat: { interval: "1 second", misses: 2 } }
    )
    yield* Effect.forEach([1, 2, 3, 4], () => work.invoke("who"))
    yield* network.crash("b")
    yield* b.stop
    yield* Effect.sleep("10 seconds")
    for (let n = 0; n < 6; n++) yield* check((yield* work.invoke("who")) === "a", "one went to who is gone")
    yield* serve("b", network.transport("caller", "b"))
    yield* Effect.sleep("5 seconds")
    const answers = yield* Effect.forEach([1, 2, 3, 4, 5, 6], () => work.invoke("who"))
    yield* check(answers.filter((name) => name === "b").length === 3, `they went to ${answers.join()}`)
  })
)
