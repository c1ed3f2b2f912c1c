/** `troupe install`, as a program of its own, with a directory and services that run. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Redacted } from "effect"
import { createServer } from "node:net"
import { join } from "node:path"
import { ActorType, Authentication } from "troupe/net"
import { directoryIn, fieldOptional, fieldRequired, payloads, settings } from "./services.ts"
import { fails, folder, limit, succeeds } from "./troupe.ts"

const kept = ["contracts/remote/echo.json", "troupe.json", "troupe.lock.json"]
const echo = settings({ echo: "acme/Echo@^1.0.0" })

/** What is there but for sockets. */
const project = Effect.gen(function* () {
  const made = yield* folder
  const served = yield* directoryIn(made.path)
  made.write("troupe.json", echo)
  return { ...made, ...served }
})

/** Somebody who listens and never answers; the answer waits until they are connected to. */
const silent = (path: string) =>
  Effect.gen(function* () {
    const connected = yield* Deferred.make<void>()
    yield* Effect.acquireRelease(
      Effect.sync(() => createServer(() => Deferred.doneUnsafe(connected, Effect.void)).listen(path)),
      (server) => Effect.sync(() => server.close())
    )
    return Deferred.await(connected)
  })

describe.concurrent("troupe install", limit, () => {
  it.live("locks what is there, tells what has changed, and refuses what breaks unless it is told to take it", () =>
    Effect.gen(function* () {
      const { directory, files, json, offer, read, run } = yield* project
      const first = yield* offer("acme/Echo@1.0.0")
      assert.strictEqual(succeeds(yield* run(["install"])), "echo: installed acme/Echo@1.0.0\n")
      assert.deepStrictEqual(files(), kept)
      const contract = json("contracts/remote/echo.json") as { readonly type: string }
      assert.strictEqual(contract.type, "acme/Echo@1.0.0")
      const [best] = yield* directory.discover(yield* ActorType.parseRange("acme/Echo"))
      const locked = {
        range: "acme/Echo@^1.0.0",
        type: "acme/Echo@1.0.0",
        protocol: "test:echo",
        fingerprint: best.contract
      }
      assert.deepStrictEqual(json("troupe.lock.json"), { lockVersion: 1, dependencies: { echo: locked } })

      const bytes = read("troupe.lock.json")
      assert.strictEqual(succeeds(yield* run(["install"])), "echo: unchanged, acme/Echo@1.0.0\n")
      assert.strictEqual(read("troupe.lock.json"), bytes)

      // The higher version is taken, however the two are.
      yield* offer("acme/Echo@1.1.0", payloads.compatible, "degraded")
      const compatible = succeeds(yield* run(["install"]))
      assert.include(compatible, "echo: acme/Echo@1.0.0 -> acme/Echo@1.1.0, compatible\n")
      assert.include(compatible, fieldOptional)
      yield* first

      yield* offer("acme/Echo@1.2.0", payloads.breaking)
      const before = [read("troupe.lock.json"), read("contracts/remote/echo.json")]
      const broken = yield* run(["install"])
      fails(broken, 1, "Nothing was written", "echo", "--accept-breaking")
      assert.include(broken.stdout, "echo: acme/Echo@1.1.0 -> acme/Echo@1.2.0, BREAKING\n")
      assert.include(broken.stdout, fieldRequired)
      assert.deepStrictEqual([read("troupe.lock.json"), read("contracts/remote/echo.json")], before)

      assert.include(succeeds(yield* run(["install", "--accept-breaking"])), "BREAKING")
      assert.include(read("troupe.lock.json")!, "acme/Echo@1.2.0")
      assert.strictEqual(succeeds(yield* run(["install"])), "echo: unchanged, acme/Echo@1.2.0\n")
    })
  )

  it.live("writes nothing for any dependency when one can't be had, and tells all that is wrong", () =>
    Effect.gen(function* () {
      const { announce, files, offer, run, write } = yield* project
      yield* offer("acme/Echo@1.0.0")
      yield* announce("acme/Bare@1.0.0")
      const wanted = { bare: "acme/Bare", echo: "acme/Echo", none: "acme/None", old: "acme/Echo@^0.1.0" }
      write("troupe.json", settings(wanted))
      const ended = yield* run(["install"])
      fails(ended, 1, "none: No server has announced acme/None", /old: .*acme\/Echo@1\.0\.0 .* another version/)
      assert.include(ended.stderr, "bare: There is no contract of acme/Bare@1.0.0")
      assert.strictEqual(ended.stdout, "echo: found acme/Echo@1.0.0\n")
      assert.deepStrictEqual(files(), ["troupe.json"])
    })
  )

  it.live("says when the directory is down, is named nowhere or wrongly, and asks the one that it is told", () =>
    Effect.gen(function* () {
      const { path, run, write } = yield* folder
      write("troupe.json", echo)
      const elsewhere = yield* folder
      const served = yield* directoryIn(elsewhere.path)
      yield* served.offer("acme/Echo@1.0.0")
      const [down, wrong] = yield* Effect.all([run(["install"]), run(["install", "--directory", "http://a"])])
      fails(down, 1, "The directory is not available", join(path, "directory.sock"), "echo: ")
      fails(wrong, 2, "http://a", "unix:<path>")
      const { directory: _, ...homeless } = echo
      write("troupe.json", homeless)
      fails(yield* run(["install"]), 2, "--directory", '"directory": "unix:./directory.sock"')
      const address = `unix:${join(elsewhere.path, "directory.sock")}`
      succeeds(yield* run(["install", "--directory", address]))
    })
  )

  it.live("shows the credentials that the environment has", () =>
    Effect.gen(function* () {
      const { path, run, write } = yield* folder
      const secret = "6b0d5e8f9c1a4b7d8e2f3a5c6d7e8f90"
      const { offer } = yield* directoryIn(
        path,
        Authentication.any([
          Authentication.sharedSecret(Redacted.make(secret)),
          Authentication.tokens((token) =>
            Redacted.value(token) === "good" ? Effect.succeed({ account: "ci" }) : Effect.fail("the token is not good")
          )
        ])
      )
      yield* offer("acme/Echo@1.0.0")
      write("troupe.json", echo)
      const withEnv = (env: NodeJS.ProcessEnv) => run(["install"], env)
      const [none, wrong, alone, both] = yield* Effect.all(
        [
          withEnv({}),
          withEnv({ TROUPE_DIRECTORY_TOKEN: "bad" }),
          withEnv({ TROUPE_DIRECTORY_SECRET: secret }),
          withEnv({ TROUPE_DIRECTORY_SECRET: secret, TROUPE_DIRECTORY_TOKEN: "good", TROUPE_DIRECTORY_ACCOUNT: "ci" })
        ],
        { concurrency: 2 }
      )
      fails(none, 1, "The directory is not available")
      fails(wrong, 1, "the token is not good")
      fails(alone, 2, "TROUPE_DIRECTORY_ACCOUNT")
      fails(both, 2, "set one of them")
      for (const { stderr } of [none, wrong, alone, both]) assert.notInclude(stderr, secret)
      succeeds(yield* withEnv({ TROUPE_DIRECTORY_SECRET: secret, TROUPE_DIRECTORY_ACCOUNT: "ci" }))
      succeeds(yield* withEnv({ TROUPE_DIRECTORY_TOKEN: "good" }))
    })
  )

  it.live("refuses settings and a lock that it can't read, and says where", () =>
    Effect.gen(function* () {
      const { run, write } = yield* project
      write("troupe.json", { ...echo, dependencies: { echo: "acme/Echo@newest" }, directry: "" })
      fails(yield* run(["install"]), 2, "troupe.json", "directry: ")
      write("troupe.json", { ...echo, dependencies: { echo: "acme/Echo@newest" } })
      fails(yield* run(["install"]), 2, "dependencies.echo: ", "newest")
      write("troupe.json", echo)
      write("troupe.lock.json", "<<<<<<< ours")
      fails(yield* run(["install"]), 1, "troupe.lock.json", "it is no JSON", "version control")
    })
  )

  it.live("fetches a contract again that is lost, and refuses a change that it can't compare", () =>
    Effect.gen(function* () {
      const { offer, read, run, write } = yield* project
      yield* offer("acme/Echo@1.0.0")
      yield* run(["install"])
      const contract = read("contracts/remote/echo.json")
      write("contracts/remote/echo.json", "{}")
      assert.include(succeeds(yield* run(["install"])), "unchanged")
      assert.strictEqual(read("contracts/remote/echo.json"), contract)

      write("contracts/remote/echo.json", "{}")
      yield* offer("acme/Echo@1.1.0", payloads.compatible)
      const ended = yield* run(["install"])
      fails(ended, 1, "--accept-breaking")
      assert.include(ended.stdout, "to be compared with")
    })
  )

  it.live("takes away the contract of a dependency that is gone, and needs no directory for none", () =>
    Effect.gen(function* () {
      const { files, offer, run, write } = yield* project
      yield* offer("acme/Echo@1.0.0")
      yield* run(["install"])
      write("troupe.json", { name: "client", type: "acme/Client@1.0.0" })
      assert.strictEqual(succeeds(yield* run(["install"])), "echo: removed\n")
      assert.deepStrictEqual(files(), ["troupe.json", "troupe.lock.json"])
      assert.strictEqual(succeeds(yield* run(["install"])), "There are no dependencies in troupe.json.\n")
    })
  )

  it.live.skipIf(process.platform === "win32")("leaves all as it was when the disk is full", () =>
    Effect.gen(function* () {
      const { files, offer, read, run, runFull } = yield* project
      yield* offer("acme/Echo@1.0.0")
      fails(yield* runFull(["install"]), 1, "Can't write", "troupe.lock.json", "the space that is left")
      assert.deepStrictEqual(files(), ["troupe.json"])
      succeeds(yield* run(["install"]))
      const before = files().map(read)
      yield* offer("acme/Echo@1.1.0", payloads.compatible)
      fails(yield* runFull(["install"]), 1, "Can't write")
      assert.deepStrictEqual(files().map(read), before)
    })
  )

  it.live("leaves all as it was when it can't write, or is interrupted", () =>
    Effect.gen(function* () {
      const { files, offer, path, read, run, start, write } = yield* project
      const withdraw = yield* offer("acme/Echo@1.0.0")
      // What is to be a folder is a file.
      write("contracts/remote", "")
      fails(yield* run(["install"]), 1, "contracts/remote")
      assert.deepStrictEqual(files(), ["contracts/remote", "troupe.json"])

      write("troupe.json", { ...echo, dependencies: {} })
      yield* run(["install"])
      const before = read("troupe.lock.json")
      yield* withdraw
      const mute = yield* silent(join(path, "mute.sock"))
      write("troupe.json", { ...echo, directory: "unix:./mute.sock" })
      const program = yield* start(["install"])
      yield* mute
      yield* program.signal("SIGINT")
      const ended = yield* program.ended
      assert.deepStrictEqual([ended.code, ended.stdout, ended.stderr], [130, "", ""])
      assert.deepStrictEqual(files(), ["contracts/remote", "troupe.json", "troupe.lock.json"])
      assert.strictEqual(read("troupe.lock.json"), before)
    })
  )
})
