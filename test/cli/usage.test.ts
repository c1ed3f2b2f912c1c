/** The command line as such, and `troupe init`, as programs of their own. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { hasTerminal, root } from "../support/program.ts"
import { fails, folder, limit, succeeds } from "./troupe.ts"

const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { readonly version: string }
const flags = ["--name", "shop", "--type", "acme/Shop@1.0.0"]

describe.concurrent("troupe", limit, () => {
  it.live("tells its version, its commands, and completions for shells", () =>
    Effect.gen(function* () {
      const { run } = yield* folder
      const [shown, help, ofRun, bash] = yield* Effect.all(
        [run(["--version"]), run(["--help"]), run(["run", "--help"]), run(["--completions", "bash"])],
        { concurrency: 2 }
      )
      assert.include(succeeds(shown), version)
      const commands = succeeds(help)
      for (const name of ["init", "run", "install", "gen", "check"])
        assert.match(commands, new RegExp(`^\\s+${name}\\s`, "m"))
      assert.include(commands, "Exit codes")
      assert.include(succeeds(ofRun), "<host>/<process>")
      assert.include(succeeds(bash), "complete")
    })
  )

  it.live("exits with 2 when it is used wrongly", () =>
    Effect.gen(function* () {
      const { run } = yield* folder
      const [unknown, flag, missing, nowhere] = yield* Effect.all(
        [run(["instal"]), run(["install", "--frozen"]), run(["run"]), run(["install"])],
        { concurrency: 2 }
      )
      fails(unknown, 2, "instal", "install")
      fails(flag, 2, "--frozen")
      fails(missing, 2, "module")
      fails(nowhere, 2, "There is no", "troupe.json", "troupe init")
    })
  )
})

describe.concurrent("troupe init", limit, () => {
  it.live("begins a project, once", () =>
    Effect.gen(function* () {
      const { files, json, path, read, run } = yield* folder
      const said = succeeds(yield* run(["init", ...flags]))
      assert.include(said, "troupe install")
      assert.deepStrictEqual(files(), ["troupe.json"])
      assert.deepStrictEqual(json("troupe.json"), {
        name: "shop",
        type: "acme/Shop@1.0.0",
        dependencies: {},
        contracts: {}
      })
      const before = read("troupe.json")
      fails(yield* run(["init", "--name", "other", "--type", "acme/Other@1.0.0"]), 1, path, "was left as it is")
      assert.strictEqual(read("troupe.json"), before)
    })
  )

  it.live("refuses what is no name or type, and to guess where nobody can be asked", () =>
    Effect.gen(function* () {
      const { files, run } = yield* folder
      const [type, name, none] = yield* Effect.all(
        [
          run(["init", "--name", "shop", "--type", "acme/Shop"]),
          run(["init", "--name", "../shop", "--type", "acme/Shop@1.0.0"]),
          run(["init"])
        ],
        { concurrency: 2 }
      )
      fails(type, 2, "type: ", "acme/Echo@1.2.0")
      fails(name, 2, "name: ")
      fails(none, 2, "--name")
      assert.deepStrictEqual(files(), [])
    })
  )

  it.live.skipIf(!hasTerminal)("asks at a terminal for what it was not told", () =>
    Effect.gen(function* () {
      const { json, startAtTerminal } = yield* folder
      const program = yield* startAtTerminal(["init"])
      yield* program.until("Name of the project")
      yield* program.type("shop\r")
      yield* program.until("Its type")
      yield* program.type("acme/Shop\r")
      yield* program.until("has no version")
      yield* program.type("@1.0.0\r")
      assert.strictEqual((yield* program.ended).code, 0)
      assert.deepInclude(json("troupe.json"), { name: "shop", type: "acme/Shop@1.0.0" })
    })
  )

  it.live.skipIf(!hasTerminal)("ends with 130 at Ctrl+C, with nothing written", () =>
    Effect.gen(function* () {
      const { files, startAtTerminal } = yield* folder
      const program = yield* startAtTerminal(["init"])
      yield* program.until("Name of the project")
      yield* program.type("\u0003")
      assert.strictEqual((yield* program.ended).code, 130)
      assert.deepStrictEqual(files(), [])
    })
  )
})
