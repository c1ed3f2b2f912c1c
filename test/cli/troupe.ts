/**
 * The command line as a program of its own, in a folder of its own.
 */
import { assert } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { directory } from "../support/files.ts"
import { type Ended, type Program, root, start, startAtTerminal } from "../support/program.ts"

const command = ["-C", "source", join(root, "src/cli/main.ts")]

export interface Folder {
  readonly path: string
  readonly write: (file: string, content: string | object) => void
  /** `undefined` when it is not there. */
  readonly read: (file: string) => string | undefined
  readonly json: (file: string) => unknown
  /** All files, by their paths, sorted. */
  readonly files: () => ReadonlyArray<string>
  readonly start: (args: ReadonlyArray<string>, env?: NodeJS.ProcessEnv) => Effect.Effect<Program, never, Scope.Scope>
  readonly startAtTerminal: (args: ReadonlyArray<string>) => Effect.Effect<Program, never, Scope.Scope>
  /** Runs it without input, to its end, where no file can have a byte, as on a full disk. */
  readonly runFull: (args: ReadonlyArray<string>) => Effect.Effect<Ended, never, Scope.Scope>
  /** Runs it without input, to its end. */
  readonly run: (args: ReadonlyArray<string>, env?: NodeJS.ProcessEnv) => Effect.Effect<Ended, never, Scope.Scope>
}

export const folder: Effect.Effect<Folder, never, Scope.Scope> = Effect.map(directory, (path) => {
  const begin: Folder["start"] = (args, env) => start(process.execPath, [...command, ...args], env, path)
  const read = (file: string) => (existsSync(join(path, file)) ? readFileSync(join(path, file), "utf8") : undefined)
  return {
    path,
    write: (file, content) => {
      mkdirSync(dirname(join(path, file)), { recursive: true })
      writeFileSync(join(path, file), typeof content === "string" ? content : JSON.stringify(content, undefined, 2))
    },
    read,
    json: (file) => JSON.parse(read(file) ?? "null"),
    files: () =>
      readdirSync(path, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ name, parentPath }) => join(parentPath, name).slice(path.length + 1))
        .toSorted(),
    start: begin,
    runFull: (args) =>
      Effect.gen(function* () {
        const limited = ["-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh", process.execPath]
        const program = yield* start("/bin/sh", [...limited, ...command, ...args], {}, path)
        yield* program.endInput
        return yield* program.ended
      }),
    startAtTerminal: (args) => startAtTerminal(process.execPath, [...command, ...args], {}, path),
    run: (args, env) =>
      Effect.gen(function* () {
        const program = yield* begin(args, env)
        yield* program.endInput
        return yield* program.ended
      })
  }
})

/** That it failed with a message, which says what to do, and nothing else. */
export const fails = ({ code, stderr }: Ended, expected: number, ...texts: ReadonlyArray<string | RegExp>): void => {
  assert.strictEqual(code, expected, stderr)
  for (const text of texts) {
    if (typeof text === "string") assert.include(stderr, text)
    else assert.match(stderr, text)
  }
  assert.notMatch(stderr, /^\s+at /m, "a stack trace")
}

/** That it went well, and complained about nothing. */
export const succeeds = ({ code, stderr, stdout }: Ended): string => {
  assert.strictEqual(stderr, "")
  assert.strictEqual(code, 0, stdout)
  return stdout
}

// Each starts programs, which takes as long as the machine is busy.
export const limit = { timeout: 240_000 }
