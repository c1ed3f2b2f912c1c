/** The examples of the concept pages do what the pages say. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Logger } from "effect"
import { TestClock } from "effect/testing"
import { readFileSync } from "node:fs"
import { program as channels } from "../../docs/examples/concepts/channels.ts"
import { program as exploration } from "../../docs/examples/concepts/exploration.ts"
import { program as hosts } from "../../docs/examples/concepts/hosts-and-the-run-queue.ts"
import { program as inspection } from "../../docs/examples/concepts/looking-into-processes.ts"
import { program as messages } from "../../docs/examples/concepts/messages-and-inboxes.ts"
import { JobFailed, program as monitors } from "../../docs/examples/concepts/monitors-and-links.ts"
import { program as processes } from "../../docs/examples/concepts/processes.ts"
import { program as registry } from "../../docs/examples/concepts/registry-and-groups.ts"
import { program as services } from "../../docs/examples/concepts/services.ts"
import { program as servers } from "../../docs/examples/concepts/servers.ts"
import { program as select } from "../../docs/examples/concepts/select.ts"
import { program as machines } from "../../docs/examples/concepts/state-machines.ts"
import { program as supervision } from "../../docs/examples/concepts/supervision.ts"
import { program as terminal } from "../../docs/examples/concepts/terminal-host.ts"
import { patient, stopped, tested, ticking } from "../../docs/examples/concepts/timers.ts"
import { program as counter } from "../../docs/examples/getting-started/counter.ts"
import { settle } from "../support/processes.ts"

/** What a program yields, without the reports of the processes that it has fail. */
const quietly = Effect.provide(Logger.layer([]))

describe("docs/examples/getting-started", async () => {
  it.live("counter", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* counter, 5)
    })
  )
  await import("../../docs/examples/getting-started/reminder.test.ts")
})

describe("docs/examples/concepts", () => {
  it.live("exploration, with the messages that the page shows", () =>
    Effect.gen(function* () {
      const page = readFileSync(new URL("../../docs/concepts/exploration.md", import.meta.url), "utf8")
      const shown = [...page.matchAll(/```text\n([^`]*)\n```/g)].map((match) => match[1] ?? "")
      const [failure = "", waits = "", left = "", operations = ""] = shown
      const { deadlock, leak, message, replayed, tickets, update } = yield* exploration
      assert.strictEqual(update, failure)
      assert.include(message, "the job is lost")
      assert.include(deadlock, waits)
      assert.include(leak, left)
      assert.include(tickets, operations)
      assert.include(replayed, "the balance is ")
    })
  )

  it.live("processes", () =>
    Effect.gen(function* () {
      const { coroutines, ...rest } = yield* quietly(processes)
      assert.deepStrictEqual(rest, {
        spawned: Exit.succeed(15),
        placed: { same: true, host: "app:jobs", total: 2 },
        context: Exit.succeed([Exit.succeed("greets in en"), Exit.succeed("greets in fr")]),
        ended: { afterTerminate: ["opened", "closed"], killed: true },
        cancelled: Exit.succeed("ended: the shop closes"),
        exited: Exit.fail("no entry"),
        upgraded: ["1", "2"]
      })
      assert.deepStrictEqual(coroutines.broken, "the source is gone")
      assert.isAbove(coroutines.whole, 0)
    })
  )

  it.live("messages and inboxes", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* quietly(messages), {
        called: [0, "no tea"],
        selective: ["Moby-Dick", 3, 1, "None"],
        listened: ["volume 7", "track one", "track two"],
        selected: 2,
        dropped: { lost: [1, "Overflow"], kept: ["InboxHigh", 2, 3] },
        delivered: "gone",
        accounted: true
      })
    })
  )

  it.live("monitors and links", () =>
    Effect.gen(function* () {
      const { pair, ...rest } = yield* quietly(monitors)
      assert.deepStrictEqual(rest, {
        watcher: Exit.succeed(["returned copy", "failed with JobFailed", "a defect"]),
        fickle: Exit.succeed("None"),
        trapper: Exit.succeed("killed"),
        awaited: ["None", "interrupted by undefined"]
      })
      assert.instanceOf(yield* Effect.flip(pair), JobFailed)
    })
  )

  it.live("channels", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* channels, {
        handedOver: "hello",
        tried: [true, false, "Some", "None"],
        kinds: { dropping: [1, 2], sliding: [2, 3], conflated: [3], promise: [1] },
        refused: ["TooManyWaiters", "second", "first"],
        closed: [2, 1, "the shop closes"],
        returned: { received: 2, lost: [1, 3] },
        reserved: [false, "costly"],
        streamed: [1, 4, 9, 16, 25]
      })
    })
  )

  it.live("select", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* select, {
        narrowed: "SEVEN",
        prioritised: [10, 20, 1, 2],
        sent: ["printed", "page 1"],
        fromEffect: ["job", "worker", true],
        notReady: "idle",
        handled: 42,
        ended: 3,
        limited: "no answer"
      })
    })
  )

  it.effect("timers", () =>
    Effect.gen(function* () {
      const passing = Effect.fnUntraced(function* <A, E>(program: Effect.Effect<A, E>, times: ReadonlyArray<number>) {
        const running = yield* Effect.forkChild(program)
        yield* settle
        for (const time of times) yield* Effect.andThen(TestClock.adjust(time), settle)
        return yield* Fiber.join(running)
      })
      assert.deepStrictEqual(yield* passing(patient, [1000]), ["one"])
      assert.deepStrictEqual(yield* passing(stopped, [1000]), [true, true, true])
      assert.strictEqual(yield* passing(ticking, [320, 30]), 50)
      assert.strictEqual(yield* tested, "1h")
    })
  )

  it.effect("state machines", () =>
    Effect.gen(function* () {
      const running = yield* Effect.forkChild(machines)
      for (let second = 0; second < 15; second++) yield* Effect.andThen(settle, TestClock.adjust("1 second"))
      assert.deepStrictEqual(yield* Fiber.join(running), {
        button: ["on", "off", "on", 2],
        door: { opened: true, closed: false, state: { _tag: "Locked", digits: [7] } },
        link: "session 1, attempt 3: who is there?"
      })
    })
  )

  it.live("looking into processes", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* inspection, {
        state: [3, 31, "InvalidState"],
        suspended: [1, 1, 3],
        watched: { highest: 5, log: ["In", "State", "Reply"], messages: [2, 2] }
      })
    })
  )

  it.live("registry and groups", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* quietly(registry), {
        found: ["None", "Registered", "Hello, Ada", "Unregistered"],
        spawnedByName: { same: true, answer: "Hello, Grace" },
        locked: 1,
        properties: { idleWins: true, left: [0.9] },
        broadcast: [1, 1, "hello", "Left"]
      })
    })
  )

  it.live("hosts and the run queue", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* quietly(hosts), {
        placed: ["app:processes", "app:jobs", ["app:jobs", "app:processes"]],
        changed: ["Success", "Failure"],
        counted: { queued: 2, received: 1, deadLetters: 1 },
        stopped: "saved: the host app:processes stops"
      })
    })
  )

  it.live("services", () =>
    Effect.gen(function* () {
      const { crashed, ...rest } = yield* quietly(services)
      const opened = ["database opens", "web opens"]
      const closed = ["web closes", "database closes"]
      assert.deepStrictEqual(rest, {
        ordered: { value: undefined, log: [...opened, ...closed] },
        maintained: {
          value: {
            stopped: ["database stopped", "web stopped"],
            started: ["database running", "web running"]
          },
          log: [...opened, ...closed, ...opened, ...closed]
        },
        refused:
          'The services "web" -> "database" -> "web" depend on each other in a circle, so that none can be the first to start. Remove one of these dependencies.',
        exitCode: 0
      })
      assert.deepStrictEqual(crashed.value, ["starting", "running", "failed"])
      assert.include(crashed.log, "web goes on without database")
    })
  )

  it.live("servers", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* quietly(servers), {
        used: { left: 1, refused: "no cake", state: { tea: 1 } },
        later: ["1, printed", "2, printed"],
        own: ["ADA", "idle"],
        concurrent: [1, 5, 3],
        told: ["letter: hello", "Cancel"],
        streamed: [5, 6, 7],
        stopped: [[1, 2], "ProcessClosed"],
        asked: { corner: "OutOfStock", market: 8, harbour: 3 },
        stashed: true,
        aliased: [12, 0]
      })
    })
  )

  it.live("supervision, in the order that the page shows", () =>
    Effect.gen(function* () {
      const page = readFileSync(new URL("../../docs/concepts/supervision.md", import.meta.url), "utf8")
      const [, shown = ""] = /```text\n([^`]*)\n```/.exec(page) ?? []
      const restarted = ["ChildExited", "ChildRestarting", "ChildStarted"]
      const { first, ...rest } = yield* quietly(supervision)
      assert.deepStrictEqual(
        first,
        shown.split("\n").map((line) => line.split("  ")[0])
      )
      assert.deepStrictEqual(rest, {
        layered: 3,
        exceeded: [2, "web"],
        patient: [...restarted, ...restarted, "ChildExited", "ChildGivenUp"],
        budgeted: "web",
        kept: { same: true, log: ["cache has one", "cache has two"] },
        handedOver: ["Failed: put tea"],
        batch: ["web begins", "the job is done", "web ends"],
        dynamic: ["welcome", "welcome", "come back later"],
        administered: {
          stopped: ["cache running", "web stopped"],
          refused: "ChildRunning",
          counts: { specs: 2, active: 2, supervisors: 0, workers: 2 }
        },
        watched: ["ChildExited web", "ChildStarted web"],
        refused: 'The supervisor app:wrong has two children with the id "app:web". Give each child an id of its own.'
      })
    })
  )

  it.live("terminal host", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* quietly(terminal), {
        good: { code: 0, printed: "sum: 6\n" },
        bad: { code: 2, printed: "not a number: two\n" }
      })
    })
  )
})
