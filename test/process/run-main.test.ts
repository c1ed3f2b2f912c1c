import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type ChildProcess, spawn } from "node:child_process"

interface Ended {
  readonly code: number | null
  readonly output: string
  readonly error: string
}

/** Runs a program in an operating system's process of its own; `onOutput` may act on it while it runs. */
const run = (source: string, onOutput: (child: ChildProcess, output: string) => void = () => {}) =>
  Effect.callback<Ended>((resume) => {
    const program = `import { Effect, Deferred } from "effect"; import { TerminalHost } from "troupe"; ${source}`
    const child = spawn(process.execPath, ["-C", "source", "--input-type=module-typescript", "-e", program])
    const seen = { output: "", error: "" }
    child.stdout.on("data", (chunk) => {
      seen.output += String(chunk)
      onOutput(child, seen.output)
    })
    child.stderr.on("data", (chunk) => {
      seen.error += String(chunk)
    })
    child.on("close", (code) => resume(Effect.succeed({ code, ...seen })))
    return Effect.sync(() => child.kill("SIGKILL"))
  })

describe("runMain", () => {
  it.live(
    "W30 exits with the number that the program answers, and leaves standard output to it",
    () =>
      Effect.gen(function* () {
        const { code, error, output } = yield* run(
          `TerminalHost.runMain(Effect.gen(function*() { yield* Effect.logInfo("logged"); console.log("printed"); return 7 }))`
        )
        assert.deepStrictEqual([code, output], [7, "printed\n"])
        assert.include(error, "logged")
      }),
    30_000
  )

  it.live(
    "W30 a failure exits with 1, and its report goes to standard error",
    () =>
      Effect.gen(function* () {
        const { code, error, output } = yield* run(`TerminalHost.runMain(Effect.fail(new Error("broken")))`)
        assert.deepStrictEqual([code, output], [1, ""])
        assert.include(error, "broken")
      }),
    30_000
  )

  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    it.live(
      `the first ${signal} asks the program to end`,
      () =>
        Effect.gen(function* () {
          const { code, output } = yield* run(
            `TerminalHost.runMain(Effect.gen(function*() { console.log("ready"); const asked = yield* TerminalHost.Shutdown; console.log(yield* asked); return 3 }))`,
            (child, output) => {
              if (output === "ready\n") child.kill(signal)
            }
          )
          assert.deepStrictEqual([code, output], [3, `ready\n${signal}\n`])
        }),
      30_000
    )
  }

  it.live(
    "a signal that comes twice, from the terminal and from who started the program, is one request",
    () =>
      Effect.gen(function* () {
        const { code, output } = yield* run(
          `TerminalHost.runMain(Effect.gen(function*() {
            console.log("ready")
            yield* Effect.flatten(TerminalHost.Shutdown)
            yield* Effect.sleep("100 millis")
            console.log("done")
            return 0
          }))`,
          (child, output) => {
            if (output !== "ready\n") return
            child.kill("SIGINT")
            setTimeout(() => child.kill("SIGINT"), 20)
          }
        )
        assert.deepStrictEqual([code, output], [0, "ready\ndone\n"])
      }),
    30_000
  )

  it.live(
    "a second signal interrupts a program that does not end: 130",
    () =>
      Effect.gen(function* () {
        const { code, output } = yield* run(
          `TerminalHost.runMain(Effect.gen(function*() {
          console.log("ready")
          yield* Effect.flatten(TerminalHost.Shutdown)
          console.log("asked")
          return yield* Effect.onInterrupt(Effect.never, () => Effect.sync(() => console.log("interrupted")))
        }))`,
          (child, output) => {
            if (output === "ready\n") child.kill("SIGINT")
            if (output === "ready\nasked\n") setTimeout(() => child.kill("SIGINT"), 600)
          }
        )
        assert.deepStrictEqual([code, output], [130, "ready\nasked\ninterrupted\n"])
      }),
    30_000
  )
})
