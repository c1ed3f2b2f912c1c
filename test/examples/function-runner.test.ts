/** The function runner as people use it: a program whose functions are executed by processes that it starts. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { rmSync } from "node:fs"
import process from "node:process"
import { type Program, start } from "../support/program.ts"

const runner = Effect.gen(function* () {
  const started = yield* start(process.execPath, ["-C", "source", "docs/examples/function-runner/runner.ts", "2"])
  yield* started.until("2 instances")
  return started
})

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** What the program answers, once it has said what is waited for so many times. */
const ask = (program: Program, line: string, text: string, times = 1) =>
  Effect.andThen(program.type(`${line}\n`), program.until(text, times))

/** Asks for the status until it says so; answers what was said by then. */
const untilStatus = Effect.fnUntraced(function* (program: Program, says: RegExp) {
  while (true) {
    yield* program.type("status\n")
    yield* Effect.sleep("100 millis")
    const said = program.said()
    if (says.test(said)) return said
  }
})

describe.concurrent("the function runner", { timeout: 60_000 }, () => {
  it.live("K39 invokes functions in processes, over TCP where the socket is gone, and stops them all", () =>
    Effect.gen(function* () {
      const program = yield* runner
      for (let times = 1; times <= 4; times++) yield* ask(program, "100", "25 primes below 100", times)
      yield* ask(program, "99999999", "not above 10000000, please")
      yield* ask(program, "a few", "a whole number, please")
      yield* untilStatus(program, /over unix/)

      // Nobody uses the connections for a while, so that they are closed; the next ones find no socket.
      const said = yield* untilStatus(program, /over unix[^]*over nothing[^]*over nothing/)
      for (const [, path] of said.matchAll(/\(unix (\S+),/g)) rmSync(path!, { force: true })
      yield* ask(program, "100", "25 primes below 100", 5)
      yield* untilStatus(program, /over tcp/)

      yield* program.signal("SIGINT")
      const { code, stderr, stdout } = yield* program.ended
      assert.deepStrictEqual([code, stderr], [0, ""])
      assert.strictEqual(stdout.trimEnd().split("\n").at(-1), "Goodbye!")
      const pids = new Set([...stdout.matchAll(/process (\d+)\)/g)].map(([, pid]) => Number(pid)))
      assert.strictEqual(pids.size, 2)
      for (const pid of pids) assert.isFalse(isAlive(pid))
    })
  )

  it.live("says that an invocation may have been handled whose instance has crashed, which is started again", () =>
    Effect.gen(function* () {
      const program = yield* runner
      yield* ask(program, "crash", "Unavailable, uncertain")
      for (let times = 1; times <= 3; times++) yield* ask(program, "100", "25 primes below 100", times)
      yield* program.endInput
      const { code, stdout } = yield* program.ended
      assert.strictEqual(code, 0)
      assert.include(stdout, "Goodbye!")
    })
  )
})
