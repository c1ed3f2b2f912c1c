/** `troupe run`, as a program of its own. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { join } from "node:path"
import { root } from "../support/program.ts"
import { fails, folder, limit, succeeds } from "./troupe.ts"

const module = (name: string) => join(root, "test/cli/program", name)
const app = module("app.ts")

describe.concurrent("troupe run", limit, () => {
  it.live("runs the echo service as its documentation says", () =>
    Effect.gen(function* () {
      const { start } = yield* folder
      const path = join(root, "docs/examples/echo-service/app.ts")
      const program = yield* start(["run", path, "-x", "app:terminal/app:cli"])
      yield* program.type("hello\n")
      yield* program.until("HELLO")
      yield* program.endInput
      const { code, stderr, stdout } = yield* program.ended
      assert.deepStrictEqual([code, stderr], [0, ""])
      assert.isTrue(stdout.startsWith("Echo Client\n"), stdout)
      assert.isTrue(stdout.endsWith("\nGoodbye!\n"), stdout)
    })
  )

  it.live("gives a process of any host its input and arguments, and ends with its exit code", () =>
    Effect.gen(function* () {
      const { path, run, start } = yield* folder
      const code = yield* run(["run", app, "-x", "test:processes/test:code"])
      assert.deepStrictEqual(code, { code: 3, stdout: "started\nstopped\n", stderr: "" })

      const program = yield* start(["run", app, "one", "-x", "test:terminal/test:says", "--", "--loud", "-x"])
      yield* program.type("hello\n")
      const said = succeeds(yield* program.ended)
      assert.strictEqual(said, 'started\n[["one","--loud","-x"],"hello"]\nstopped\n')
      assert.isString(path)
    })
  )

  it.live("ends with 1 when the process fails, which is logged", () =>
    Effect.gen(function* () {
      const { run } = yield* folder
      const { code, stderr, stdout } = yield* run(["run", app, "-x", "test:processes/test:fails"])
      assert.deepStrictEqual([code, stdout], [1, "started\nstopped\n"])
      assert.include(stderr, "no luck")
    })
  )

  it.live("asks the process to end at a signal, and stops in order", () =>
    Effect.gen(function* () {
      const { start } = yield* folder
      const program = yield* start(["run", app, "-x", "test:terminal/test:waits"])
      yield* program.until("waits")
      yield* program.signal("SIGINT")
      const { code, stdout } = yield* program.ended
      assert.deepStrictEqual([code, stdout], [4, "started\nwaits\nasked by SIGINT\nstopped\n"])
    })
  )

  it.live("runs an application without a main process until it is asked to end", () =>
    Effect.gen(function* () {
      const { start } = yield* folder
      const program = yield* start(["run", app])
      yield* program.until("started")
      yield* program.signal("SIGTERM")
      assert.strictEqual(succeeds(yield* program.ended), "started\nstopped\n")
    })
  )

  it.live("says what there is, where something is asked for that is not there", () =>
    Effect.gen(function* () {
      const { run } = yield* folder
      const [host, process, hidden, form, nothing, absent, broken, unstarted] = yield* Effect.all(
        [
          run(["run", app, "-x", "test:none/test:code"]),
          run(["run", app, "-x", "test:terminal/test:none"]),
          run(["run", app, "-x", "test:terminal/test:hidden"]),
          run(["run", app, "-x", "test:code"]),
          run(["run", module("no-app.ts")]),
          run(["run", "./absent.ts"]),
          run(["run", module("no-database.ts")]),
          run(["run", module("no-start.ts")])
        ],
        { concurrency: 2 }
      )
      fails(host, 1, 'no host "test:none"', "There are: test:processes, test:terminal")
      fails(process, 1, 'process "test:none"', "test:code, test:fails, test:says, test:waits", "Layer.merge")
      fails(hidden, 1, 'process "test:hidden"')
      fails(form, 2, "<host>/<process>")
      fails(nothing, 1, "has no application", "one, two", "export default")
      fails(absent, 1, "./absent.ts could not be loaded", "Cannot find module")
      fails(broken, 1, "there is no database", /no-database\.ts:2/)
      fails(unstarted, 1, "the port is taken")
    })
  )
})
