/** A tree of three levels and some 200 processes under load, of which any but the root may be killed at any time. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Logger, Random, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Explore } from "troupe/testing"
import { ChildSpec, Message, type Pid, Process, ProcessHost, Supervisor } from "troupe"
import { host } from "../support/processes.ts"

const branches = 13
const leaves = 14
const budget = { restarts: 5, within: 1000 }

interface Books {
  readonly open: Set<number>
  /** How often each resource was closed. */
  readonly closed: Map<number, number>
  /** When each leaf with a budget began, under one and the same supervisor. */
  readonly begun: Array<Array<number>>
  resources: number
  undelivered: number
  refused: number
  answered: number
  kills: number
}

const Leaf = Process.make("chaos:leaf", {
  args: Schema.declare((u): u is readonly [books: Books, begun: Array<number>] => Array.isArray(u)),
  protocol: [Rpc.make("work", { payload: Schema.Int }), Rpc.make("ask", { payload: Schema.Int, success: Schema.Int })],
  start: "acknowledged"
})

const LeafLive = Leaf.toLayer(
  Effect.fnUntraced(function* ([books, begun]) {
    const open = Effect.sync(() => {
      const resource = ++books.resources
      books.open.add(resource)
      return resource
    })
    yield* Effect.acquireRelease(open, (resource) =>
      Effect.sync(() => {
        books.open.delete(resource)
        books.closed.set(resource, (books.closed.get(resource) ?? 0) + 1)
      })
    )
    begun.push(yield* Clock.currentTimeMillis)
    yield* Process.ready
    while (true) {
      const message = yield* Leaf.receive()
      yield* Effect.sleep(1)
      if (message.topic === "ask") yield* Message.reply(message, message.payload)
      else if (message.payload % 10 === 0) return yield* Effect.fail("unlucky")
    }
  })
)

const nameOf = (branch: number, leaf: number): string => `leaf ${branch}.${leaf}`

/** Every fourth leaf keeps its inbox, has a hook for what it never took, or a budget of its own. */
const leafOf = (books: Books, branch: number, leaf: number) => {
  const name = nameOf(branch, leaf)
  const kind = leaf % 4
  const begun: Array<number> = []
  // In the others it may be restarted along with a sibling, which does not count.
  if (kind === 2 && (strategyOf(branch) === "one_for_one" || strategyOf(branch) === "dynamic")) books.begun.push(begun)
  return ChildSpec.make(Leaf, [books, begun], {
    id: name,
    name,
    inbox: kind === 0 ? "keep" : undefined,
    budget: kind === 2 ? budget : undefined,
    onUndelivered: kind === 1 ? (_, messages) => Effect.sync(() => (books.undelivered += messages.length)) : undefined
  })
}

const strategies = ["one_for_one", "rest_for_one", "one_for_all", "dynamic"] as const
const strategyOf = (branch: number) => strategies[branch % strategies.length]

const treeOf = (books: Books) => {
  const calm = { intensity: 1_000_000, period: "1 second" } as const
  const inner = Array.from({ length: branches }, (_, branch) =>
    ChildSpec.make(
      Supervisor.make(`chaos:branch ${branch}`, {
        ...calm,
        strategy: strategyOf(branch),
        children: Effect.sync(() => Array.from({ length: leaves }, (_, leaf) => leafOf(books, branch, leaf)))
      })
    )
  )
  return Supervisor.make("chaos:root", { ...calm, children: inner })
}

const randomName = Effect.gen(function* () {
  return nameOf(yield* Random.nextIntBetween(0, branches - 1), yield* Random.nextIntBetween(0, leaves - 1))
})

/** Sends and calls whomever it hits, as long as it is let. */
const load = (books: Books) =>
  Effect.gen(function* () {
    const to = Leaf.named(yield* randomName)
    const payload = yield* Random.nextIntBetween(0, 100)
    if (payload % 3 > 0) {
      yield* Effect.catch(Process.send(to, "work", payload), () => Effect.sync(() => books.refused++))
    } else {
      const answer = yield* Effect.result(Process.call(to, "ask", payload, { timeout: "1 second" }))
      if (answer._tag === "Success") {
        assert.strictEqual(answer.success, payload)
        books.answered++
      } else books.refused++
    }
    yield* Effect.sleep(yield* Random.nextIntBetween(1, 40))
  }).pipe(Effect.forever)

/** Kills or terminates any process but the root, every few milliseconds. */
const harm = (books: Books, root: Pid.Pid, gap: number) =>
  Effect.gen(function* () {
    const victims = (yield* ProcessHost.list()).filter((pid) => pid !== root)
    const victim = victims[yield* Random.nextIntBetween(0, victims.length - 1)]
    if (victim !== undefined) {
      books.kills++
      const end = (yield* Random.nextBoolean) ? Process.kill(victim) : Process.terminate(victim)
      yield* Effect.forkChild(Effect.ignore(end))
    }
    yield* Effect.sleep(yield* Random.nextIntBetween(1, 2 * gap))
  }).pipe(Effect.forever)

const inTheTree = (root: Pid.Pid): Effect.Effect<ReadonlyArray<Pid.Pid>, unknown, ProcessHost.ProcessHost> =>
  Effect.gen(function* () {
    const children = yield* Supervisor.list(root)
    const below = yield* Effect.forEach(children, ({ kind, pid }) => {
      if (pid === undefined) return Effect.succeed([])
      return kind === "supervisor" ? inTheTree(pid) : Effect.succeed([pid])
    })
    return [root, ...below.flat()]
  })

/** Lets chaos reign for so many milliseconds, and checks that everything is accounted for. */
const chaos = Effect.fnUntraced(function* (millis: number, gap: number) {
  const books: Books = {
    open: new Set(),
    closed: new Map(),
    begun: [],
    resources: 0,
    undelivered: 0,
    refused: 0,
    answered: 0,
    kills: 0
  }
  const root = yield* Supervisor.start(treeOf(books))
  const senders = Array.from({ length: 4 }, () => load(books))
  yield* Effect.all([...senders, harm(books, root, gap)], { concurrency: "unbounded" }).pipe(
    Effect.timeoutOption(millis)
  )
  // Nobody is killed any more: all that is to come up comes up, and all that is queued is handled.
  yield* Effect.sleep("2 seconds")
  const { deadLetters, queued, received, sent } = yield* ProcessHost.stats()
  assert.strictEqual(sent, received + queued + deadLetters)
  assert.isAtLeast(deadLetters, books.undelivered)
  const tree = yield* inTheTree(root)
  assert.sameMembers((yield* ProcessHost.list()).map(String), tree.map(String))
  assert.isAbove(tree.length, branches)
  for (const begun of books.begun) {
    for (const [index, time] of begun.entries()) {
      // Its first start is no restart.
      const later = begun.slice(index + 1).filter((other) => other - time < budget.within - 100)
      assert.isAtMost(later.length, budget.restarts)
    }
  }
  yield* Supervisor.stop(root)
  assert.deepStrictEqual(yield* ProcessHost.list(), [])
  assert.strictEqual(books.open.size, 0)
  assert.strictEqual(books.closed.size, books.resources)
  for (const times of books.closed.values()) assert.strictEqual(times, 1)
  return books
})

describe("chaos", () => {
  const stage = Layer.mergeAll(LeafLive, host, Logger.layer([]))

  const seeds = (schedules: number, millis: number) =>
    Explore.check(Effect.provide(chaos(millis, 5), stage), {
      schedules,
      strategy: { random: { preemption: 0.05 } },
      maxSteps: Infinity
    })

  // All of it takes a quarter of an hour: each of many seeds for a second, and two for the whole minute, is what
  // every run of the tests does.
  const isFull = process.env["TROUPE_CHAOS"] === "full"

  it.live("in 200 seeds: nothing is lost, nothing is left, and no budget is exceeded", () => seeds(200, 1000), 600_000)

  it.live(`in a minute of virtual time, ${isFull ? 200 : 2} seeds`, () => seeds(isFull ? 200 : 2, 60_000), {
    timeout: 3_600_000
  })

  it.live(
    "in 20 seconds of real time",
    () =>
      Effect.gen(function* () {
        const books = yield* chaos(20_000, 3)
        assert.isAbove(books.kills, 1000)
        assert.isAbove(books.answered, 100)
      }).pipe(Effect.scoped, Effect.provide(stage)),
    60_000
  )
})
