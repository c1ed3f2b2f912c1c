/**
 * A program as a person at a terminal sees it: a child process that is typed to, and read as it writes.
 */
import { Effect, type Scope } from "effect"
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { join } from "node:path"

export const root = join(import.meta.dirname, "../..")

/** How a program ended, and all that it wrote. */
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Program {
  /** Writes to standard input. */
  readonly type: (input: string | Uint8Array) => Effect.Effect<void>
  /** Ends standard input. */
  readonly endInput: Effect.Effect<void>
  /** Reads standard output no longer. */
  readonly closeOutput: Effect.Effect<void>
  readonly signal: (signal: NodeJS.Signals) => Effect.Effect<void>
  /** Waits until standard output has a text, `times` times. */
  readonly until: (text: string, times?: number) => Effect.Effect<void>
  /** What standard output has by now. */
  readonly said: () => string
  readonly ended: Effect.Effect<Ended>
}

// Colours are the terminal's affair, not that of who runs the tests.
const environment = (): NodeJS.ProcessEnv => {
  const { FORCE_COLOR: _force, NO_COLOR: _no, NODE_OPTIONS: _options, ...env } = process.env
  return { ...env, TERM: "xterm" }
}

/** Starts a program, in the root of the repository; it is killed, should it still be there, when the scope closes. */
export const start = (
  command: string,
  args: ReadonlyArray<string>,
  env: NodeJS.ProcessEnv = {},
  cwd = root
): Effect.Effect<Program, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => spawn(command, args, { cwd, env: { ...environment(), ...env } })),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    ),
    (child) => {
      let stdout = ""
      let stderr = ""
      let ended: Ended | undefined
      child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text))
      child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text))
      // A program may end before it has read all that was typed.
      child.stdin.on("error", () => {})
      child.on("close", (code) => (ended = { code, stdout, stderr }))
      child.on("error", (error) => (ended = { code: null, stdout, stderr: String(error) }))
      const wait = (what: string, arrived: () => boolean): Effect.Effect<void> =>
        Effect.suspend(() => {
          if (arrived()) return Effect.void
          return ended === undefined
            ? Effect.andThen(Effect.sleep("5 millis"), wait(what, arrived))
            : Effect.die(new Error(`ended without ${what}: ${JSON.stringify(ended)}`))
        })
      return {
        type: (input) => Effect.sync(() => void child.stdin.write(input)),
        endInput: Effect.sync(() => void child.stdin.end()),
        closeOutput: Effect.sync(() => void child.stdout.destroy()),
        signal: (signal) => Effect.sync(() => void child.kill(signal)),
        said: () => stdout,
        until: (text, times = 1) => wait(JSON.stringify(text), () => stdout.split(text).length > times),
        ended: Effect.suspend(() =>
          Effect.as(
            wait("an exit code", () => ended !== undefined),
            undefined
          )
        ).pipe(Effect.map(() => ended as Ended))
      }
    }
  )

/** Runs a program on an input, to its end. */
export const run = (
  command: string,
  args: ReadonlyArray<string>,
  input: string
): Effect.Effect<Ended, never, Scope.Scope> =>
  Effect.gen(function* () {
    const program = yield* start(command, args)
    yield* program.type(input)
    yield* program.endInput
    return yield* program.ended
  })

/** Whether there is util-linux's `script`, which runs a program at a terminal of its own. */
export const hasTerminal = process.platform === "linux" && existsSync("/usr/bin/script")

/** Starts a program at a terminal of its own; both of its outputs are the terminal's. */
export const startAtTerminal = (
  command: string,
  args: ReadonlyArray<string>,
  env: NodeJS.ProcessEnv = {},
  cwd = root
): Effect.Effect<Program, never, Scope.Scope> =>
  start(
    "/usr/bin/script",
    ["-qec", `exec ${[command, ...args].map((word) => `'${word}'`).join(" ")}`, "/dev/null"],
    env,
    cwd
  )
