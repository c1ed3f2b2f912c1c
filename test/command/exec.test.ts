import { assert, describe, it } from "@effect/vitest"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Deferred, Effect, Exit, Layer, Logger, Option, Schema } from "effect"
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Process, ProcessHost } from "troupe"
import { Exec, ExecError } from "troupe/command"

const Body = Process.make("app:body")

// Ends of processes that are expected are not reported.
const quiet = Logger.layer([])
const live = (options?: Exec.Options) => Exec.layer(options).pipe(Layer.provideMerge(NodeServices.layer))

/** Runs the effect as the body of a process, beside whatever else the test does. */
const inProcess = <A, E, R>(body: Effect.Effect<A, E, R>, options?: Exec.Options) =>
  Effect.gen(function* () {
    const pid = yield* Process.spawn(Body)
    return yield* Effect.flatten(Process.await(pid))
  }).pipe(
    Effect.provide([Body.toLayer(() => body).pipe(Layer.provide(live(options))), ProcessHost.layer("app:h"), quiet])
  ) as Effect.Effect<A, E>

const node = process.execPath

const reasonOf = <A, E>(failing: Effect.Effect<A, E>) =>
  Effect.map(Effect.flip(failing), (error) =>
    error instanceof ExecError.ExecError ? error.reason : assert.fail(`not an ExecError: ${String(error)}`)
  )

/** Whether the operating system knows the process; a zombie counts, a reaped child does not. */
const exists = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

const stateOf = (pid: number): string | undefined => {
  try {
    return /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1]
  } catch {
    return undefined
  }
}

/** Waits until it holds; the timeout of the test ends it otherwise. */
const until = (holds: () => boolean) =>
  Effect.repeat(Effect.andThen(Effect.sleep("5 millis"), Effect.sync(holds)), { until: (held) => held })

/** The first whole line of the output of a child. */
const line = (child: Exec.Child) =>
  Effect.gen(function* () {
    let text = ""
    while (!text.includes("\n")) text += Exec.text(Option.getOrThrow(yield* Exec.read(child)))
    return text.trim()
  })

/** A shell that tells its pid, and then that of a sleeper in its process group. */
const family = "sleep 1000 & echo $$ $!; wait"

describe("exec", () => {
  it.live("D18 exec: a child answers its exit code and what it wrote to both outputs", () =>
    Effect.gen(function* () {
      const out = yield* inProcess(Exec.run("/bin/sh", ["-c", "cat; echo oops >&2; exit 3"], { stdin: "hello" }))
      assert.strictEqual(out.code, 3)
      assert.strictEqual(Exec.text(out.stdout), "hello")
      assert.strictEqual(Exec.text(out.stderr), "oops\n")
    })
  )

  it.live("D18 exec: arguments reach the child as they are, with no shell between", () =>
    Effect.gen(function* () {
      const args = ["$HOME", "a b", "*", "; exit 1", "", "ä"]
      const script = "process.stdout.write(JSON.stringify(process.argv.slice(1)))"
      const out = yield* inProcess(Exec.run(node, ["-e", script, "--", ...args]))
      assert.deepStrictEqual(JSON.parse(Exec.text(out.stdout)), args)
    })
  )

  it.live("D18 exec: the folder and the variables are those that were given", () =>
    Effect.gen(function* () {
      const script = "echo $PWD/$A/${HOME-none}"
      const sh = (options: Exec.RunOptions) => Exec.run("/bin/sh", ["-c", script], { cwd: "/", ...options })
      const [both, alone, none] = yield* inProcess(
        Effect.all([
          sh({ env: { A: "1", HOME: "here" } }),
          sh({ env: { A: "2" }, inheritEnv: false }),
          sh({ inheritEnv: false })
        ])
      )
      assert.strictEqual(Exec.text(both.stdout), "//1/here\n")
      assert.strictEqual(Exec.text(alone.stdout), "//2/none\n")
      assert.strictEqual(Exec.text(none.stdout), "///none\n")
      const inherited = yield* inProcess(Exec.run("/bin/sh", ["-c", "echo $PATH"]))
      assert.strictEqual(Exec.text(inherited.stdout).trim(), process.env["PATH"])
    })
  )

  it.live("D18 exec: bytes that are not UTF-8 come as they are", () =>
    Effect.gen(function* () {
      const bytes = Uint8Array.from({ length: 256 }, (_, index) => index)
      const { stdout } = yield* inProcess(Exec.run("cat", [], { stdin: bytes }))
      assert.deepStrictEqual([...stdout], [...bytes])
      assert.include(Exec.text(stdout), "\uFFFD")
    })
  )

  it.live("D18 exec: commands that can't be started are typed errors", () =>
    Effect.gen(function* () {
      const folder = mkdtempSync(join(tmpdir(), "troupe-exec-"))
      yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(folder, { recursive: true })))
      const file = join(folder, "script")
      writeFileSync(file, "#!/bin/sh\n", { mode: 0o600 })
      const of = (...args: Parameters<typeof Exec.start>) =>
        Effect.all([reasonOf(inProcess(Exec.start(...args))), reasonOf(inProcess(Exec.run(...args)))])
      for (const reason of yield* of("no-such-command-here", ["secret"])) {
        assert.deepStrictEqual(reason, new ExecError.CommandNotFound({ command: "no-such-command-here" }))
        assert.notInclude(reason.message, "secret")
      }
      for (const reason of yield* of(file)) {
        assert.deepStrictEqual(reason, new ExecError.PermissionDenied({ command: file }))
      }
      for (const reason of yield* of("cat", [], { cwd: join(folder, "missing") })) {
        assert.deepStrictEqual(reason, new ExecError.FolderNotFound({ command: "cat", cwd: join(folder, "missing") }))
      }
      for (const [reason] of [
        yield* of(""),
        yield* of("cat", ["a\0b"]),
        yield* of("cat", [], { cwd: file }),
        yield* of("cat", ["x".repeat(3_000_000)])
      ]) {
        assert.strictEqual(reason._tag, "SystemRefused", reason.message)
        assert.isBelow(reason.message.length, 200)
      }
    })
  )

  it.live("D18 exec: an output larger than every buffer is read in pieces, and the child waits meanwhile", () =>
    Effect.gen(function* () {
      const total = 20 * 1024 * 1024
      const script = `
        const fs = require("node:fs"); let n = 0
        const b = Buffer.alloc(65536, "x")
        while (n < ${total}) { n += fs.writeSync(1, b); fs.writeFileSync(process.argv[1], String(n)) }`
      const folder = mkdtempSync(join(tmpdir(), "troupe-exec-"))
      yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(folder, { recursive: true })))
      const progress = join(folder, "progress")
      const written = () => {
        try {
          return Number(readFileSync(progress, "utf8"))
        } catch {
          return 0
        }
      }
      const [stopped, read, how] = yield* inProcess(
        Effect.gen(function* () {
          const child = yield* Exec.start(node, ["-e", script, progress])
          // It stops when the pipes are full: the same number for half a second.
          let before = -1
          while (before !== written() || before <= 0) {
            before = written()
            yield* Effect.sleep("500 millis")
          }
          let size = 0
          let piece = yield* Exec.read(child)
          while (Option.isSome(piece)) {
            assert.isAtMost(piece.value.length, 1024 * 1024)
            size += piece.value.length
            piece = yield* Exec.read(child)
          }
          return [before, size, yield* Exec.wait(child)] as const
        })
      )
      assert.isAtMost(stopped, 1024 * 1024)
      assert.strictEqual(read, total)
      assert.deepStrictEqual(how, { _tag: "Exited", code: 0 })
    })
  )

  it.live("D18 exec: a read takes no more than it asks for, and loses nothing", () =>
    Effect.gen(function* () {
      const pieces = yield* inProcess(
        Effect.gen(function* () {
          const child = yield* Exec.start("/bin/sh", ["-c", "printf abcdefgh; printf 12345 >&2"])
          yield* Exec.wait(child)
          const pieces: Array<string> = []
          for (const output of ["stdout", "stderr"] as const) {
            let piece = yield* Exec.read(child, { output, maxBytes: 3 })
            while (Option.isSome(piece)) {
              pieces.push(Exec.text(piece.value))
              piece = yield* Exec.read(child, { output, maxBytes: 3 })
            }
          }
          return pieces
        })
      )
      assert.deepStrictEqual(pieces, ["abc", "def", "gh", "123", "45"])
    })
  )

  it.live("D18 exec: readers at the same time get each byte once, and a timed out one takes nothing", () =>
    Effect.gen(function* () {
      const read = yield* inProcess(
        Effect.gen(function* () {
          const child = yield* Exec.start("cat")
          const late = yield* Effect.flip(
            Process.yield(Exec.commands.read, { child, output: "stdout" }, { timeout: "30 millis" })
          )
          assert.strictEqual(late._tag, "YieldTimeout")
          const reads = yield* Effect.forEach([1, 2, 3, 4], () =>
            Process.yieldAsync(Exec.commands.read, { child, output: "stdout", maxBytes: 2 })
          )
          yield* Exec.write(child, "abcdefgh")
          return yield* Effect.forEach(reads, (read) => Effect.map(read.await, Option.getOrThrow))
        })
      )
      assert.deepStrictEqual(read.map(Exec.text), ["ab", "cd", "ef", "gh"])
    })
  )

  it.live("D18 exec: a write waits until the child reads", () =>
    Effect.gen(function* () {
      const size = 8 * 1024 * 1024
      const [late, out] = yield* inProcess(
        Effect.gen(function* () {
          const child = yield* Exec.start("/bin/sh", ["-c", "echo ready; read word; wc -c"])
          assert.strictEqual(yield* line(child), "ready")
          yield* Exec.write(child, "go\n")
          const big = yield* Process.yieldAsync(Exec.commands.write, { child, bytes: new Uint8Array(size) })
          yield* big.await
          yield* Exec.end(child)
          const stuck = yield* Exec.start("sleep", ["1000"])
          const late = yield* Effect.flip(
            Process.yield(Exec.commands.write, { child: stuck, bytes: new Uint8Array(size) }, { timeout: "200 millis" })
          )
          return [late, yield* line(child)] as const
        }),
        { maxBytes: size }
      )
      assert.strictEqual(late._tag, "YieldTimeout")
      assert.strictEqual(Number(out), size)
    })
  )

  it.live("D18 exec: writing to a child that has ended, or has closed its input, is a typed error", () =>
    Effect.gen(function* () {
      const [ended, closed, twice, pending] = yield* inProcess(
        Effect.gen(function* () {
          const gone = yield* Exec.start("true")
          yield* Exec.wait(gone)
          const ended = yield* Effect.flip(Exec.write(gone, "x"))
          const deaf = yield* Exec.start("/bin/sh", ["-c", "exec 0<&-; echo closed; sleep 1000"])
          yield* line(deaf)
          // The pipe breaks with the first write, which may still be taken.
          const closed = yield* Effect.flip(Effect.forever(Exec.write(deaf, "x")))
          const cat = yield* Exec.start("cat")
          yield* Exec.end(cat)
          yield* Exec.end(cat)
          const twice = yield* Effect.flip(Exec.write(cat, "x"))
          const stuck = yield* Exec.start("sleep", ["1000"])
          const write = yield* Process.yieldAsync(Exec.commands.write, { child: stuck, bytes: new Uint8Array(500_000) })
          yield* Exec.kill(stuck)
          return [ended, closed, twice, yield* Effect.flip(write.await)]
        })
      )
      const tags = [ended, closed, twice, pending].map((error) =>
        error instanceof ExecError.ExecError ? error.reason._tag : error?._tag
      )
      assert.deepStrictEqual(tags.slice(0, 2), ["NotRunning", "InputClosed"])
      // What ends meanwhile may be known to have ended, or not yet.
      for (const tag of tags.slice(2)) assert.include(["InputClosed", "NotRunning"], tag)
    })
  )

  it.live("D18 exec: a child that does not read the input of its run is not at fault", () =>
    Effect.gen(function* () {
      const out = yield* inProcess(Exec.run("true", [], { stdin: new Uint8Array(1_000_000) }))
      assert.strictEqual(out.code, 0)
    })
  )

  it.live("D18 exec: a run that writes too much is ended", () =>
    Effect.gen(function* () {
      const yes = yield* reasonOf(inProcess(Exec.run("yes")))
      assert.strictEqual(yes._tag, "OutputTooLarge")
      if (yes._tag === "OutputTooLarge") {
        assert.strictEqual(yes.limit, 1024 * 1024)
        assert.isAbove(yes.size, yes.limit)
      }
      const loud = yield* reasonOf(inProcess(Exec.run("/bin/sh", ["-c", "printf 12345 >&2"], { maxBytes: 4 })))
      assert.deepStrictEqual(
        loud,
        new ExecError.OutputTooLarge({ command: "/bin/sh", output: "stderr", limit: 4, size: 5 })
      )
      const exact = yield* inProcess(Exec.run("/bin/sh", ["-c", "printf 1234"], { maxBytes: 4 }))
      assert.strictEqual(Exec.text(exact.stdout), "1234")
      const capped = yield* reasonOf(inProcess(Exec.run("yes", [], { maxBytes: 1e9 }), { maxBytes: 10 }))
      assert.strictEqual(capped._tag, "OutputTooLarge")
    })
  )

  it.live("D18 exec: input over the limit is not written", () =>
    Effect.gen(function* () {
      const body = Effect.gen(function* () {
        const child = yield* Exec.start("cat")
        const refused = yield* Effect.flip(Exec.write(child, "12345"))
        yield* Exec.write(child, "1234")
        yield* Exec.end(child)
        const out = yield* Exec.read(child)
        return [refused, Exec.text(Option.getOrThrow(out)), yield* Effect.flip(Exec.run("cat", [], { stdin: "12345" }))]
      })
      const [write, out, run] = yield* inProcess(body, { maxBytes: 4 })
      const expected = new ExecError.ExecError({
        reason: new ExecError.InputTooLarge({ command: "cat", limit: 4, size: 5 })
      })
      assert.deepStrictEqual([write, out, run], [expected, "1234", expected])
    })
  )

  it.live("D18 exec: how a child ended is told as often as it is asked", () =>
    Effect.gen(function* () {
      const [a, b, c] = yield* inProcess(
        Effect.gen(function* () {
          const five = yield* Exec.start("/bin/sh", ["-c", "exit 5"])
          const killed = yield* Exec.start("/bin/sh", ["-c", "kill -9 $$"])
          return [yield* Exec.wait(five), yield* Exec.wait(five), yield* Exec.wait(killed)]
        })
      )
      assert.deepStrictEqual(a, { _tag: "Exited", code: 5 })
      assert.deepStrictEqual(b, a)
      assert.deepStrictEqual(c, { _tag: "Signaled", signal: "SIGKILL" })
      const run = yield* reasonOf(inProcess(Exec.run("/bin/sh", ["-c", "kill -9 $$"])))
      assert.deepStrictEqual(run, new ExecError.EndedBySignal({ command: "/bin/sh", signal: "SIGKILL" }))
    })
  )

  it.live("D18 exec: kill asks first, and forces what ignores it", () =>
    Effect.gen(function* () {
      const [polite, forced] = yield* inProcess(
        Effect.gen(function* () {
          const polite = yield* Exec.start("/bin/sh", [
            "-c",
            "trap 'exit 7' INT; echo ready; while :; do sleep 0.01; done"
          ])
          yield* line(polite)
          yield* Exec.kill(polite, { signal: "SIGINT", forceAfter: "10 seconds" })
          yield* Exec.kill(polite)
          const deaf = yield* Exec.start(node, [
            "-e",
            'process.on("SIGTERM", () => {}); console.log("ready"); setInterval(() => {}, 1000)'
          ])
          yield* line(deaf)
          yield* Exec.kill(deaf, { forceAfter: "50 millis" })
          return [yield* Exec.wait(polite), yield* Exec.wait(deaf)]
        })
      )
      assert.deepStrictEqual(polite, { _tag: "Exited", code: 7 })
      assert.deepStrictEqual(forced, { _tag: "Signaled", signal: "SIGKILL" })
    })
  )

  it.live("D18 exec: a yield that waits can be interrupted and time out, and the child lives on", () =>
    Effect.gen(function* () {
      const how = yield* inProcess(
        Effect.gen(function* () {
          const child = yield* Exec.start("cat")
          const late = yield* Effect.flip(Process.yield(Exec.commands.wait, { child }, { timeout: "20 millis" }))
          assert.strictEqual(late._tag, "YieldTimeout")
          const waiting = yield* Process.yieldAsync(Exec.commands.wait, { child })
          yield* waiting.cancel
          yield* Exec.end(child)
          return yield* Exec.wait(child)
        })
      )
      assert.deepStrictEqual(how, { _tag: "Exited", code: 0 })
    })
  )

  it.live(
    "D18 exec: a child ends with its process, and its process group with it; nothing is left, not even a zombie",
    () =>
      Effect.gen(function* () {
        for (const how of ["normally", "failing", "terminated", "killed"] as const) {
          const told = yield* Deferred.make<ReadonlyArray<number>>()
          const body = Effect.gen(function* () {
            const child = yield* Exec.start("/bin/sh", ["-c", family])
            yield* Deferred.succeed(told, (yield* line(child)).split(" ").map(Number))
            if (how === "terminated" || how === "killed") yield* Effect.never
            if (how === "failing") yield* Effect.fail("no")
          })
          yield* Effect.gen(function* () {
            const pid = yield* Process.spawn(Body)
            const pids = yield* Deferred.await(told)
            if (how === "terminated") yield* Process.terminate(pid)
            if (how === "killed") {
              for (const child of pids) assert.isTrue(exists(child), "lives before")
              yield* Process.kill(pid)
            }
            const exit = yield* Process.await(pid)
            assert.strictEqual(Exit.isSuccess(exit), how === "normally")
            const [leader = 0, sleeper = 0] = pids
            // Nobody waits for the finalizers of a process that was killed.
            if (how === "killed") yield* until(() => !exists(leader))
            assert.isFalse(exists(leader), `the child after its process ended ${how}`)
            // The sleeper is init's to reap.
            yield* until(() => !exists(sleeper) || stateOf(sleeper) === "Z")
          }).pipe(
            Effect.provide([Body.toLayer(() => body).pipe(Layer.provide(live())), ProcessHost.layer("app:h"), quiet])
          )
        }
      })
  )

  it.live("D18 exec: a child that ignores SIGTERM is killed with its process after a time", () =>
    Effect.gen(function* () {
      const script = 'process.on("SIGTERM", () => {}); console.log(process.pid); setInterval(() => {}, 1000)'
      const pid = yield* inProcess(Effect.flatMap(Exec.start(node, ["-e", script]), line), { killAfter: "50 millis" })
      assert.isAbove(Number(pid), 0)
      assert.isFalse(exists(Number(pid)))
    })
  )

  it.live("D18 exec: a run is ended with its yield", () =>
    Effect.gen(function* () {
      const folder = mkdtempSync(join(tmpdir(), "troupe-exec-"))
      yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(folder, { recursive: true })))
      const file = join(folder, "pid")
      const pidOf = () => {
        try {
          return Number(readFileSync(file, "utf8").trim())
        } catch {
          return 0
        }
      }
      yield* inProcess(
        Effect.gen(function* () {
          const args = ["-c", `echo $$ > ${file}; exec sleep 1000`]
          const run = yield* Process.yieldAsync(Exec.commands.run, { command: "/bin/sh", args })
          yield* until(() => pidOf() > 0)
          assert.isTrue(exists(pidOf()))
          yield* run.cancel
          assert.isFalse(exists(pidOf()))
          const late = yield* Effect.flip(
            Process.yield(Exec.commands.run, { command: "sleep", args: ["1000"] }, { timeout: "50 millis" })
          )
          assert.strictEqual(late._tag, "YieldTimeout")
        })
      )
    })
  )

  it.live("D18 exec: close ends a child, and who reads it learns that nothing comes", () =>
    Effect.gen(function* () {
      yield* inProcess(
        Effect.gen(function* () {
          const child = yield* Exec.start("/bin/sh", ["-c", "echo $$; exec sleep 1000"])
          const pid = Number(yield* line(child))
          const reading = yield* Process.yieldAsync(Exec.commands.read, { child, output: "stdout" })
          const waiting = yield* Process.yieldAsync(Exec.commands.wait, { child })
          yield* Exec.close(child)
          assert.isFalse(exists(pid))
          assert.deepStrictEqual(yield* reading.await, Option.none())
          assert.deepStrictEqual(yield* waiting.await, { _tag: "Signaled", signal: "SIGTERM" })
          yield* Exec.close(child)
          const gone = yield* Effect.flip(Exec.wait(child))
          assert.strictEqual(gone instanceof ExecError.ExecError && gone.reason._tag, "ChildNotFound")
        })
      )
    })
  )

  it.live("D18 exec: a child belongs to the process that started it", () =>
    Effect.gen(function* () {
      const child = yield* Deferred.make<Exec.Child>()
      const done = yield* Deferred.make<void>()
      const Owner = Process.make("app:owner")
      const OwnerLive = Owner.toLayer(() =>
        Effect.gen(function* () {
          const cat = yield* Exec.start("cat")
          yield* Deferred.succeed(child, cat)
          yield* Deferred.await(done)
          yield* Exec.end(cat)
          return yield* Exec.wait(cat)
        })
      )
      const Thief = Process.make("app:thief")
      const ThiefLive = Thief.toLayer(() =>
        Effect.gen(function* () {
          const cat = yield* Deferred.await(child)
          yield* Exec.close(cat)
          const attempts = [Exec.write(cat, "x"), Exec.end(cat), Exec.read(cat), Exec.wait(cat), Exec.kill(cat)]
          return yield* Effect.forEach(attempts, (attempt) => Effect.flip(Effect.asVoid(attempt)))
        })
      )
      yield* Effect.gen(function* () {
        const owner = yield* Process.spawn(Owner)
        const thief = yield* Process.spawn(Thief)
        const refusals = (yield* Effect.flatten(Process.await(thief))) as ReadonlyArray<unknown>
        for (const error of refusals) {
          assert.instanceOf(error, ExecError.ExecError)
          assert.strictEqual(error.reason._tag, "ChildNotFound")
        }
        yield* Deferred.succeed(done, undefined)
        assert.deepStrictEqual(yield* Process.await(owner), Exit.succeed({ _tag: "Exited" as const, code: 0 }))
      }).pipe(
        Effect.provide([
          Layer.mergeAll(OwnerLive, ThiefLive).pipe(Layer.provide(live())),
          ProcessHost.layer("app:h"),
          quiet
        ])
      )
    })
  )

  it.live("D18 exec: no file descriptor is left open", () =>
    Effect.gen(function* () {
      const open = () => readdirSync("/proc/self/fd").length
      const rounds = 8
      const some = Effect.forEach(
        Array.from({ length: rounds }),
        () =>
          Effect.gen(function* () {
            // It ends with its output in the pipe, and is closed some time later: nobody reads it.
            const unread = yield* Exec.start("head", ["-c", "200000", "/dev/zero"])
            yield* Exec.wait(unread)
            yield* Exec.run("cat", [], { stdin: "x" })
            yield* Exec.run("/bin/sh", ["-c", "exit 1"])
            yield* Effect.flip(Exec.run("yes", [], { maxBytes: 10 }))
            yield* Effect.flip(Exec.run("no-such-command-here"))
            yield* Exec.write(yield* Exec.start("cat"), "x")
            yield* Exec.close(unread)
          }),
        { discard: true }
      )
      yield* inProcess(some)
      const before = open()
      yield* inProcess(some)
      // Streams are closed in a later turn of the event loop; who runs the tests may open some of its own.
      yield* until(() => open() < before + rounds)
    })
  )

  it.live("D18 exec: payloads, answers and errors go through JSON and back", () =>
    Effect.gen(function* () {
      const through = <S extends Schema.Top & { readonly EncodingServices: never; readonly DecodingServices: never }>(
        schema: S,
        value: S["Type"]
      ) =>
        Effect.gen(function* () {
          const codec = Schema.toCodecJson(schema)
          const json = JSON.stringify(yield* Schema.encodeEffect(codec)(value))
          assert.deepStrictEqual(yield* Schema.decodeUnknownEffect(codec)(JSON.parse(json)), value)
        })
      const bytes = Uint8Array.of(0, 255, 128)
      yield* through(Exec.commands.write.payloadSchema, { child: Exec.Child.make(1), bytes })
      yield* through(Exec.commands.run.successSchema, { code: 1, stdout: bytes, stderr: bytes })
      yield* through(Exec.commands.read.successSchema, Option.some(bytes))
      yield* through(
        ExecError.ExecError,
        new ExecError.ExecError({ reason: new ExecError.ChildNotFound({ child: 3, process: "{h|0x1}" }) })
      )
    })
  )
})
