/** The examples of the concept pages do what the pages say. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Logger } from "effect"
import { readFileSync } from "node:fs"
import { program as exploration } from "../../docs/examples/concepts/exploration.ts"
import { program as hosts } from "../../docs/examples/concepts/hosts-and-the-run-queue.ts"
import { program as messages } from "../../docs/examples/concepts/messages-and-inboxes.ts"
import { JobFailed, program as monitors } from "../../docs/examples/concepts/monitors-and-links.ts"
import { program as processes } from "../../docs/examples/concepts/processes.ts"
import { program as registry } from "../../docs/examples/concepts/registry-and-groups.ts"
import { program as terminal } from "../../docs/examples/concepts/terminal-host.ts"
import { program as counter } from "../../docs/examples/getting-started/counter.ts"

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
      const [failure = "", waits = "", operations = ""] = shown
      const { deadlock, message, replayed, tickets, update } = yield* exploration
      assert.strictEqual(update, failure)
      assert.include(message, "the job is lost")
      assert.include(deadlock, waits)
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

  it.live("terminal host", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* quietly(terminal), {
        good: { code: 0, printed: "sum: 6\n" },
        bad: { code: 2, printed: "not a number: two\n" }
      })
    })
  )
})
