import { assert, describe, it } from "@effect/vitest"
import type { Exit } from "effect"
import {
  Deferred,
  Effect,
  Fiber,
  Cause,
  Layer,
  Logger,
  Option,
  PlatformError,
  Schema,
  Sink,
  Stdio,
  Stream
} from "effect"
import { Process, ProcessEvent, Select, TerminalHost } from "troupe"
import { ownClock, settle } from "../support/processes.ts"

/** A terminal whose input is given and whose output is kept. */
const terminal = (input: Stream.Stream<Uint8Array, PlatformError.PlatformError>) => {
  const output: Array<string> = []
  const stdio = Stdio.layerTest({
    args: Effect.succeed(["--loud"]),
    stdin: input,
    stdout: () => Sink.forEach((text) => Effect.sync(() => output.push(String(text))))
  })
  return { output, layer: TerminalHost.layer("app:terminal").pipe(Layer.provide(stdio)) }
}
const typed = (...chunks: ReadonlyArray<string>) =>
  Stream.map(Stream.fromIterable(chunks), (text) => new TextEncoder().encode(text))

const Main = Process.make("app:main", { args: Schema.Unknown })
const run = (
  body: Effect.Effect<unknown, unknown, TerminalHost.TerminalHost>,
  layer: Layer.Layer<TerminalHost.TerminalHost, unknown>
) =>
  TerminalHost.main(Main, undefined).pipe(
    Effect.provide(
      Layer.provideMerge(
        Main.toLayer(() => body),
        layer
      )
    )
  )

describe("TerminalHost", () => {
  it.effect("W30 the exit code is 0 for a normal end, the number returned, and 1 for a failure that is reported", () =>
    Effect.gen(function* () {
      const { layer } = terminal(typed())
      const reports: Array<unknown> = []
      const logger = Logger.layer([Logger.make(({ message }) => void reports.push(message))])
      const code = (body: Effect.Effect<unknown, unknown>) => Effect.provide(run(body, layer), logger)
      assert.strictEqual(yield* code(Effect.void), 0)
      assert.strictEqual(yield* code(Effect.succeed(7)), 7)
      assert.strictEqual(yield* code(Effect.succeed("text")), 0)
      assert.strictEqual(yield* code(Effect.succeed(256)), 0)
      assert.deepStrictEqual(reports, [])
      assert.strictEqual(yield* code(Effect.fail("broken")), 1)
      assert.strictEqual(reports.length, 1)
    })
  )

  it.effect("lines are read whole, whatever the chunks; the end is None, again and again", () =>
    Effect.gen(function* () {
      const euro = new TextEncoder().encode("€uro\n")
      const { layer } = terminal(
        Stream.concat(
          typed("on", "e\ntwo\r\n\nla"),
          Stream.concat(Stream.make(euro.slice(0, 2), euro.slice(2)), typed("end"))
        )
      )
      const lines: Array<Option.Option<string>> = []
      yield* run(
        Effect.gen(function* () {
          for (let i = 0; i < 7; i++) lines.push(yield* TerminalHost.readLine)
        }),
        layer
      )
      assert.deepStrictEqual(lines.map(Option.getOrElse(() => "<end>")), [
        "one",
        "two",
        "",
        "la€uro",
        "end",
        "<end>",
        "<end>"
      ])
    })
  )

  it.effect("input is not read before a line is asked for, and not far ahead", () =>
    Effect.gen(function* () {
      let read = 0
      const { layer } = terminal(
        Stream.map(Stream.range(1, 10_000), (n) => {
          read++
          return new TextEncoder().encode(`${n}\n`)
        }).pipe(Stream.rechunk(1))
      )
      yield* run(
        Effect.gen(function* () {
          yield* settle
          assert.strictEqual(read, 0)
          assert.deepStrictEqual(yield* TerminalHost.readLine, Option.some("1"))
          yield* settle
          assert.isBelow(read, 200)
        }),
        layer
      )
    })
  )

  it.effect("prints, writes and knows its arguments", () =>
    Effect.gen(function* () {
      const { layer, output } = terminal(typed())
      yield* run(
        Effect.gen(function* () {
          yield* TerminalHost.write("> ")
          yield* TerminalHost.print((yield* TerminalHost.args).join())
          assert.isFalse(yield* TerminalHost.isInteractive)
        }),
        layer
      )
      assert.strictEqual(output.join(""), "> --loud\n")
    })
  )

  it.effect("output that nobody reads is TerminalClosed", () =>
    Effect.gen(function* () {
      const closed = PlatformError.systemError({
        module: "Stdio",
        method: "stdout",
        _tag: "Unknown",
        cause: { code: "EPIPE" }
      })
      const stdio = Stdio.layerTest({ stdin: Stream.empty, stdout: () => Sink.fail(closed) })
      let seen: unknown
      const code = yield* run(
        Effect.catch(TerminalHost.print("hello"), (error) => Effect.sync(() => (seen = error._tag))),
        TerminalHost.layer("app:terminal").pipe(Layer.provide(stdio))
      )
      assert.deepStrictEqual([seen, code], ["TerminalClosed", 0])

      // There may be nobody left to read a report.
      const reports: Array<unknown> = []
      const failed = run(TerminalHost.print("hello"), TerminalHost.layer("app:terminal").pipe(Layer.provide(stdio)))
      const logger = Logger.layer([Logger.make(({ message }) => void reports.push(message))])
      assert.deepStrictEqual([yield* Effect.provide(failed, logger), reports], [1, []])
    })
  )

  it.effect("output that can't be written for another reason is TerminalFailed, and reported", () =>
    Effect.gen(function* () {
      const full = PlatformError.systemError({
        module: "Stdio",
        method: "stdout",
        _tag: "Unknown",
        cause: Object.assign(new Error("no space left on device"), { code: "ENOSPC" })
      })
      const stdio = Stdio.layerTest({ stdin: Stream.empty, stdout: () => Sink.fail(full) })
      const reports: Array<unknown> = []
      const failed = run(TerminalHost.print("hello"), TerminalHost.layer("app:terminal").pipe(Layer.provide(stdio)))
      const logger = Logger.layer([Logger.make(({ cause }) => void reports.push(Cause.pretty(cause)))])
      assert.strictEqual(yield* Effect.provide(failed, logger), 1)
      assert.strictEqual(reports.length, 1)
      assert.include(String(reports), "no space left on device")
    })
  )

  it.effect("a request to end cancels the main process, which may end in its own time", () =>
    Effect.gen(function* () {
      const asked = yield* Deferred.make<string>()
      const { layer, output } = terminal(Stream.never)
      const body = Effect.gen(function* () {
        const next = yield* Select.any({ line: yield* TerminalHost.lines, event: yield* Main.events })
        if (next._tag === "event" && next.value._tag === "Cancel")
          yield* TerminalHost.print(`bye: ${next.value.reason}`)
        return 3
      })
      const program = yield* Effect.forkChild(
        TerminalHost.main(Main, undefined).pipe(
          Effect.provide(
            Layer.provideMerge(
              Main.toLayer(() => body),
              layer
            )
          ),
          Effect.provideService(TerminalHost.Shutdown, Deferred.await(asked))
        )
      )
      yield* settle
      yield* Deferred.succeed(asked, "SIGINT")
      assert.strictEqual(yield* Fiber.join(program), 3)
      assert.strictEqual(output.join(""), "bye: SIGINT\n")
    })
  )

  it.effect("a request to end interrupts a main process that does not read its events: 130", () =>
    Effect.gen(function* () {
      const { layer } = terminal(Stream.never)
      const finalized: Array<string> = []
      const body = Effect.ensuring(
        TerminalHost.readLine,
        Effect.sync(() => finalized.push("done"))
      )
      const code = yield* run(body, layer).pipe(
        Effect.provideService(TerminalHost.Shutdown, Effect.andThen(settle, Effect.succeed("SIGTERM")))
      )
      assert.deepStrictEqual([code, finalized], [130, ["done"]])
    })
  )

  it.effect("an interruption of main ends the process", () =>
    Effect.gen(function* () {
      yield* ownClock
      const { layer } = terminal(Stream.never)
      let exit: Exit.Exit<unknown, unknown> | undefined
      const body = Effect.onExit(Effect.never, (seen) => Effect.sync(() => (exit = seen)))
      const program = yield* Effect.forkChild(run(body, layer))
      yield* settle
      yield* Fiber.interrupt(program)
      assert.isDefined(exit)
      assert.isFalse(exit !== undefined && ProcessEvent.isKilled(exit))
    })
  )
})
