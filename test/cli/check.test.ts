/** `troupe check`, as a program of its own. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { directoryIn, fieldOptional, fieldRequired, payloads, settings } from "./services.ts"
import { fails, folder, limit, succeeds } from "./troupe.ts"

/** A project whose dependency is installed, and for which all is generated. */
const project = Effect.gen(function* () {
  const made = yield* folder
  const served = yield* directoryIn(made.path)
  made.write("troupe.json", settings({ echo: "acme/Echo@^1.0.0" }))
  const withdraw = yield* served.offer("acme/Echo@1.0.0")
  succeeds(yield* made.run(["install"]))
  succeeds(yield* made.run(["gen"]))
  return { ...made, ...served, withdraw }
})

describe.concurrent("troupe check", limit, () => {
  it.live("compares with all that runs: what is the same and what is compatible is well, what breaks is not", () =>
    Effect.gen(function* () {
      const { files, offer, read, run, withdraw } = yield* project
      const before = files().map(read)
      assert.strictEqual(
        succeeds(yield* run(["check"])),
        "lock: 1 dependency is as locked\n" +
          "files: 1 file is as generated now\n" +
          "runs: echo: acme/Echo@1.0.0 has the contract of the lock\n"
      )
      yield* offer("acme/Echo@1.1.0", payloads.compatible)
      const compatible = succeeds(yield* run(["check"]))
      assert.include(compatible, "runs: echo: acme/Echo@1.1.0, compatible with the lock\n")
      assert.include(compatible, fieldOptional)
      assert.include(compatible, "runs: echo: acme/Echo@1.0.0 has the contract of the lock\n")

      const breaking = yield* offer("acme/Echo@1.2.0", payloads.breaking)
      const broken = yield* run(["check"])
      fails(broken, 1, "1 check failed")
      assert.include(broken.stdout, "runs: echo: acme/Echo@1.2.0, BREAKING with the lock\n")
      assert.include(broken.stdout, fieldRequired)
      yield* breaking
      yield* withdraw
      succeeds(yield* run(["check"]))
      assert.deepStrictEqual(files().map(read), before)
    })
  )

  it.live("tells when nobody is there, and when the directory is down", () =>
    Effect.gen(function* () {
      const { run, withdraw } = yield* project
      yield* withdraw
      const nobody = yield* run(["check"])
      fails(nobody, 1, "1 check failed")
      assert.include(nobody.stdout, "runs: echo: No server has announced acme/Echo")
      const down = yield* run(["check", "--directory", "unix:./nowhere.sock"])
      fails(down, 1, "1 check failed")
      assert.include(down.stdout, "files: 1 file is as generated now\n")
      assert.include(down.stdout, "runs: echo: The directory is not available")
    })
  )

  it.live("tells what is not as it was installed and generated", () =>
    Effect.gen(function* () {
      const { read, run, write } = yield* project
      const module = read("generated/remote/echo.ts")!
      const contract = read("contracts/remote/echo.json")!
      const found = Effect.fnUntraced(function* (text: string) {
        const ended = yield* run(["check"])
        fails(ended, 1, "1 check failed")
        assert.include(ended.stdout, text)
      })
      write("generated/remote/echo.ts", `${module}// mine\n`)
      yield* found("files: generated/remote/echo.ts: it was changed since it was generated")
      write("generated/remote/echo.ts", module)
      write("generated/remote/old.ts", module)
      yield* found("files: nothing asks for generated/remote/old.ts any more. Run troupe gen.")
      succeeds(yield* run(["gen"]))
      write("contracts/remote/echo.json", contract.replace('"test:echo"', '"test:other"'))
      yield* found("lock: contracts/remote/echo.json: it is not the contract of acme/Echo@1.0.0")
      write("contracts/remote/echo.json", contract)
      write("troupe.json", settings({ echo: "acme/Echo@^1.0.0", more: "acme/More" }))
      yield* found("lock: more: it is not in the lock. Run troupe install.")
    })
  )

  it.live("refuses without a lock", () =>
    Effect.gen(function* () {
      const { run, write } = yield* folder
      write("troupe.json", settings({}))
      fails(yield* run(["check"]), 1, "troupe.lock.json", "troupe install")
    })
  )
})
