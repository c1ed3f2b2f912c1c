/** The examples of the pages about commands do what the pages say. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, FileSystem, Logger, Option, Random, Schema } from "effect"
import { TestClock } from "effect/testing"
import { readFileSync } from "node:fs"
import { Command } from "troupe"
import * as modules from "troupe/command"
import packageJson from "../../package.json" with { type: "json" }
import { program as builtIn } from "../../docs/examples/concepts/built-in-commands.ts"
import { program as dispatch } from "../../docs/examples/concepts/dispatch.ts"
import {
  cut,
  diverged,
  NoSuchGuest,
  record,
  replayed,
  secrets
} from "../../docs/examples/concepts/record-and-replay.ts"
import { clerkTest, leakTest, moduleTest } from "../../docs/examples/concepts/writing-a-module.ts"

/** What a program yields, without the reports of the processes that it has fail. */
const quietly = Effect.provide(Logger.layer([]))

const textOf = (page: string): string =>
  readFileSync(new URL(`../../docs/concepts/${page}.md`, import.meta.url), "utf8")

/** The blocks of text on a page. */
const shownOn = (page: string): ReadonlyArray<string> => {
  const text = textOf(page)
  return [...text.matchAll(/```(?:text|json)\n([^`]*)\n```/g)].map(([, block = ""]) => block)
}

const errorOf = (exit: Exit.Exit<unknown, unknown> | undefined) =>
  exit !== undefined && Exit.isFailure(exit) ? Cause.findErrorOption(exit.cause) : Option.none()

const recording = "docs/examples/concepts/inviter.ndjson"

describe("docs/examples/concepts about commands", async () => {
  it.live("dispatch, with the messages and the order that the page shows", () =>
    Effect.gen(function* () {
      const [conflict, order] = shownOn("dispatch")
      const { booted, conflicting, denied, ...rest } = yield* quietly(dispatch)
      assert.strictEqual(conflicting, conflict)
      assert.strictEqual(booted.log.join("\n"), order)
      assert.deepStrictEqual(booted.commands, ["330 exchange.dollars"])
      assert.include(booted.circle, "hen → egg → hen")
      assert.include(denied, `allows "stock.release"`)
      assert.deepStrictEqual(rest, {
        ordered: ["reserved, 1 left", "only 1 left"],
        raced: {
          buyer: [1, 2, "near"],
          hasty: "no answer under the tag 1",
          asked: ["near answered", "far stopped", "far stopped"]
        },
        approved: { first: true, again: false, exit: Exit.succeed(true), counts: [1, 1, 1] },
        withdrawn: [0, false],
        restricted: "CommandDenied",
        refused: "only 0 left",
        watched: [3, { command: "quote.price", outcome: "success" }],
        frozen: [0, "RegistryFrozen"],
        interrupted: ["far stopped"]
      })
    })
  )

  it.live("writing a module: against a fake, and against files", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* clerkTest, { written: 2, entries: ["Ada came in", "Bob came in"] })
      const { refusals, written } = yield* moduleTest
      assert.strictEqual(written, `"one"\n`)
      const [tooLong, closed, nowhere] = yield* Schema.decodeUnknownEffect(Schema.Array(Schema.String))(refusals)
      assert.include(tooLong, "has 103 bytes, and the limit is 100")
      assert.include(closed, "has no journal 1")
      assert.strictEqual(nowhere, "JournalError")
      if (process.platform === "linux") assert.strictEqual(yield* leakTest, 0)
    })
  )

  it.effect("record and replay: the recording and the message that the page shows", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.UTC(2026, 10, 16, 8))
      const fs = yield* FileSystem.FileSystem
      const path = `${yield* fs.makeTempDirectoryScoped()}/inviter.ndjson`
      const exit = yield* quietly(record(path, "Bob")).pipe(Random.withSeed("a"))
      assert.strictEqual(yield* fs.readFileString(path), yield* fs.readFileString(recording))
      const again = yield* quietly(replayed(recording))
      assert.isTrue(again.matches)
      for (const ended of [exit, again.exit]) {
        assert.deepStrictEqual(errorOf(ended), Option.some(new NoSuchGuest({ name: "Bob" })))
      }
      assert.deepStrictEqual(yield* quietly(cut(recording)), { exit: undefined, matches: true })
      assert.strictEqual(yield* quietly(diverged(recording)), shownOn("record-and-replay")[0])
    }).pipe(Effect.scoped, Effect.provide(NodeFileSystem.layer))
  )

  it.live("record and replay: what a recording has of secrets", () =>
    Effect.gen(function* () {
      const { ended, lines, reported } = yield* secrets
      assert.isTrue(ended)
      // The line of the value that must not be written is not there, nor is any after it.
      assert.deepStrictEqual(
        lines.map((line) => line.includes("sesame")),
        [true, true, false, false]
      )
      assert.include(lines[3], "<redacted>")
      assert.isTrue(reported)
    })
  )

  it.live("built-in commands", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* quietly(builtIn), {
        clock: true,
        process: 42,
        http: ["hello", "404", "InvalidUrl"],
        sql: ["not enough", [{ cents: 100 }]],
        store: [Option.some("Ada"), false],
        exec: [0, "9\n10\n", "CommandNotFound"],
        workflow: [true, "receipt 1"],
        event: ["orders.8.created", 0]
      })
    })
  )

  await import("../../docs/examples/concepts/record-and-replay.test.ts")
})

describe("the page of built-in commands", () => {
  const page = textOf("built-in-commands")
  const namespaces = Object.entries(modules).flatMap(([namespace, { ...exported }]) =>
    "commands" in exported && Command.isModule(exported.commands)
      ? [{ namespace, ...exported.commands[Command.TypeId] }]
      : []
  )

  it("has every command of every module with its id, below its module, and no other", () => {
    const inCode = namespaces.flatMap(({ commands }) => commands.map(({ _tag, id }) => `${id} ${_tag}`))
    const onPage = page
      .split(/^## /m)
      .slice(1)
      .flatMap((section) =>
        [...section.matchAll(/^\| (\d+) \| `([^`]+)` \|/gm)].map(
          ([, id, command]) => `${id} ${section.split("\n")[0]}.${command}`
        )
      )
    assert.isAbove(inCode.length, 60)
    assert.deepStrictEqual(onPage.toSorted(), inCode.toSorted())
  })

  it("has every module with its range and its namespace, and no other", () => {
    const ranges: Readonly<Record<string, readonly [number, number]>> = Command.ranges
    const inCode = namespaces.map(({ name, namespace }) => `${name} ${ranges[name]?.join("-")} ${namespace}`)
    const rows = page.matchAll(/^\| \[`([^`]+)`\]\(#([^)]+)\) \| (\d+-\d+) \| `([^`]+)` \|/gm)
    const onPage = [...rows].map(([, name, anchor, range, namespace]) => {
      assert.strictEqual(anchor, name)
      return `${name} ${range} ${namespace}`
    })
    assert.deepStrictEqual(onPage.toSorted(), inCode.toSorted())
  })

  it("has every driver, and every package that one may need", () => {
    const drivers = Object.keys(packageJson.exports).flatMap((entry) =>
      entry.startsWith("./command/") ? [`troupe${entry.slice(1)}`] : []
    )
    const forOthers = new Set(["@effect/platform-node", "@effect/vitest", "@grpc/grpc-js", "prettier", "vitest"])
    const packages = Object.keys(packageJson.peerDependenciesMeta).filter((name) => !forOthers.has(name))
    for (const name of [...drivers, ...packages]) assert.include(page, `\`${name}\``)
    const onPage = [...page.matchAll(/`(troupe\/command\/[^`]+)`/g)].map(([, entry]) => entry)
    assert.deepStrictEqual(
      onPage.filter((entry) => !drivers.includes(String(entry))),
      []
    )
  })
})
