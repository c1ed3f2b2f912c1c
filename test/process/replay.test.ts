/** D16 and D17: what was recorded is played again with no handler, and stops where the body does something else. */
import { layer as NodeFileSystemLive } from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { Cause, DateTime, Effect, Exit, FileSystem, Layer, Option, Random, Schema } from "effect"
import { Rpc } from "effect/rpc"
import {
  ChildSpec,
  Command,
  Dispatcher,
  Message,
  Pid,
  Process,
  ProcessHost,
  Recording,
  Replay,
  Select,
  Selectable,
  Server,
  Supervisor
} from "troupe"
import { collect, type Logged } from "../support/logs.ts"
import { it as replaying } from "../../src/testing/vitest.ts"

class NoSuchUser extends Schema.TaggedError<NoSuchUser>()("NoSuchUser", { name: Schema.String }) {}

const Users = Command.module("users", {
  find: Command.make(300, {
    payload: { name: Schema.String },
    success: Schema.Struct({ born: Schema.DateTimeUtc, photo: Schema.Uint8Array }),
    error: NoSuchUser
  }),
  slow: Command.make(301, { payload: Schema.Int, success: Schema.Int }),
  broken: Command.make(302)
})

/** How many handlers ran. */
let handled = 0

const counted = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.suspend(() => {
    handled++
    return effect
  })

const UsersLive = Dispatcher.layer(Users, {
  find: ({ name }) =>
    counted(
      name === "Ada"
        ? Effect.succeed({ born: DateTime.makeUnsafe(1_000_000), photo: new Uint8Array([1, 2, 255]) })
        : Effect.fail(new NoSuchUser({ name }))
    ),
  slow: (millis) => counted(Effect.as(Effect.sleep(millis), millis)),
  broken: () => counted(Effect.die(new Error("kaputt")))
})

const Told = Rpc.make("told", { payload: Schema.String })
const Ask = Rpc.make("ask", { payload: Schema.Int, success: Schema.Int, error: Schema.String })
const Go = Rpc.make("go", { payload: { when: Schema.DateTimeUtc } })

const Listener = Process.make("app:listener", { protocol: [Told] })
const ListenerLive = Listener.toLayer(() => Effect.forever(Listener.receive()))

const Body = Process.make("app:body", {
  args: Schema.Struct({ listener: Pid.of(Told), who: Schema.Array(Schema.String) }),
  protocol: [Ask, Go],
  success: Schema.Unknown
})
type Args = typeof Body.args.Type
type Available = Process.Provided<"app:body"> | Dispatcher.Handles<"users">
type BodyOf = (args: Args) => Effect.Effect<unknown, unknown, Available>

const BodyPid = Pid.of(Ask, Go)

/** Records a process with the body, while `drive` plays the world around it. */
const recorded = <E>(
  body: BodyOf,
  drive: (pid: typeof BodyPid.Type) => Effect.Effect<unknown, E, ProcessHost.ProcessHost> = () => Effect.void
) =>
  Effect.gen(function* () {
    const recorder = yield* Recording.inMemory
    const listener = yield* Process.spawn(Listener)
    const pid = yield* Process.spawn(Body, { listener, who: ["Ada", "Bob"] }, { record: recorder })
    yield* drive(pid)
    const exit = yield* Process.await(pid)
    return { exit, recording: yield* recorder.recording }
  }).pipe(
    Effect.provide([
      Layer.merge(Body.toLayer(body).pipe(Layer.provide(UsersLive)), ListenerLive),
      ProcessHost.layer("app:processes"),
      collect([])
    ])
  )

const replayLayer = (body: BodyOf) => Body.toLayer(body).pipe(Layer.provide(Replay.unhandled(Users)))

const replayed = (body: BodyOf, recording: Recording.Recording) =>
  Replay.run(Body, recording, { patience: "200 millis" }).pipe(Effect.provide([replayLayer(body), collect([])]))

/** The body diverges from the recording: where, and how. */
const divergence = (body: BodyOf, recording: Recording.Recording) =>
  Effect.map(Effect.flip(replayed(body, recording)), (error) => {
    assert(error._tag === "ReplayDiverged")
    return error
  })

const everything: BodyOf = Effect.fnUntraced(function* ({ listener, who }) {
  const seen: Array<unknown> = []
  for (const name of who) {
    const found = yield* Effect.exit(Process.yield(Users.find, { name }))
    seen.push(Exit.isSuccess(found) ? DateTime.toEpochMillis(found.value.born) : String(Cause.squash(found.cause)))
  }
  const slow = yield* Process.yieldAsync(Users.slow, 30)
  const fast = yield* Process.yieldAsync(Users.slow, 10)
  seen.push((yield* Select.any({ slow, fast }))._tag)
  seen.push(yield* Effect.flip(Process.yield(Users.slow, 1000, { timeout: "5 millis" })))
  const broken = yield* Effect.exit(Process.yield(Users.broken))
  seen.push(Exit.hasDies(broken))
  yield* Process.fork(Effect.andThen(Process.yield(Users.slow, 3), Process.send(listener, "told", "from a coroutine")))
  yield* Process.send(listener, "told", `seen ${seen.length}`)
  seen.push(yield* Random.nextInt)
  const go = yield* Body.receive("go")
  seen.push(DateTime.toEpochMillis(go.payload.when))
  const ask = yield* Body.receive("ask")
  yield* Message.reply(ask, ask.payload + 1)
  seen.push(yield* slow.await)
  const event = yield* Selectable.take(yield* Body.events)
  seen.push(event._tag === "Cancel" ? event.reason : event._tag)
  return seen
})

const world = Effect.fnUntraced(function* (pid: typeof BodyPid.Type) {
  yield* Process.send(pid, "go", { when: DateTime.makeUnsafe(5000) })
  assert.strictEqual(yield* Process.call(pid, "ask", 41), 42)
  yield* Process.cancel(pid, "enough")
})

const small: BodyOf = Effect.fnUntraced(function* ({ listener }) {
  const { photo } = yield* Process.yield(Users.find, { name: "Ada" })
  yield* Process.send(listener, "told", `${photo.length} bytes`)
  yield* Process.yield(Users.slow, 5)
  return photo.length
})

describe("D16 recording and replay", () => {
  it.live("D16 a replay has the same result and the same sends, byte for byte, and calls no handler", () =>
    Effect.gen(function* () {
      const { exit, recording } = yield* recorded(everything, world)
      assert.isTrue(Exit.isSuccess(exit))
      handled = 0
      for (let i = 0; i < 3; i++) {
        const again = yield* replayed(everything, recording)
        assert.isTrue(again.matches)
        assert.deepStrictEqual(again.exit, exit)
      }
      assert.strictEqual(handled, 0)
    })
  )

  it.live("D16 the id, tag, payload and exit of every yield are recorded, through the schemas", () =>
    Effect.gen(function* () {
      const { recording } = yield* recorded(small)
      const [began, ...rest] = recording.entries
      assert(began?._tag === "Began")
      assert.deepStrictEqual(
        [began.process, began.pid, began.args],
        ["app:body", "{app:processes|0x00002}", { listener: "{app:processes|0x00001}", who: ["Ada", "Bob"] }]
      )
      const found = { _tag: "Success", value: { born: "1970-01-01T00:16:40.000Z", photo: "AQL/" } }
      assert.deepStrictEqual(rest, [
        { _tag: "Yielded", tag: 1, id: 300, command: "users.find", payload: { name: "Ada" } },
        { _tag: "Completed", tag: 1, exit: found, atOnce: true },
        { _tag: "Sent", to: "{app:processes|0x00001}", topic: "told", payload: "3 bytes", error: null },
        { _tag: "Yielded", tag: 2, id: 301, command: "users.slow", payload: 5 },
        { _tag: "Completed", tag: 2, exit: { _tag: "Success", value: 5 }, atOnce: false },
        { _tag: "Ended", exit: { _id: "Exit", _tag: "Success", value: 3 }, interrupted: false }
      ])
    })
  )

  it.live("D16 a recording in a file is whole when the exit of its process can be seen", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const path = `${yield* fs.makeTempDirectoryScoped()}/body.ndjson`
      const recorder = yield* Recording.toFile(path)
      const exit = yield* Effect.gen(function* () {
        const listener = yield* Process.spawn(Listener)
        const pid = yield* Process.spawn(Body, { listener, who: [] }, { record: recorder })
        return yield* Process.await(pid)
      }).pipe(
        Effect.provide([
          Layer.merge(Body.toLayer(small).pipe(Layer.provide(UsersLive)), ListenerLive),
          ProcessHost.layer("app:processes")
        ])
      )
      const recording = yield* Recording.read(path)
      assert.strictEqual(recording.entries.at(-1)?._tag, "Ended")
      const again = yield* replayed(small, recording)
      assert.isTrue(again.matches)
      assert.deepStrictEqual(again.exit, exit)

      // A crash cuts the last line.
      const text = yield* fs.readFileString(path)
      for (const cut of [text.length - 3, text.length - 80, text.length - 200]) {
        const part = yield* Recording.parse(text.slice(0, cut))
        const { matches } = yield* replayed(small, part)
        assert.isTrue(matches)
      }
    }).pipe(Effect.provide(NodeFileSystemLive))
  )

  it.live("D16 a process that was killed is replayed as far as it came", () =>
    Effect.gen(function* () {
      const waits: BodyOf = () =>
        Effect.andThen(Process.yield(Users.find, { name: "Ada" }), Process.yield(Users.slow, 60_000))
      const { exit, recording } = yield* recorded(waits, (pid) => Effect.andThen(Effect.sleep(20), Process.kill(pid)))
      assert.isTrue(Exit.hasInterrupts(exit))
      const played = yield* replayed(waits, recording)
      assert.deepStrictEqual(played, { exit: undefined, matches: true })
    })
  )

  it.live("D16 a failure is replayed, and a body that was mended passes", () =>
    Effect.gen(function* () {
      const failing: BodyOf = () => Process.yield(Users.find, { name: "Bob" })
      const { exit, recording } = yield* recorded(failing)
      const again = yield* replayed(failing, recording)
      assert.isTrue(again.matches)
      assert.deepStrictEqual(again.exit, exit)
      assert.deepStrictEqual(
        Cause.findErrorOption((again.exit as Exit.Failure<never, unknown>).cause),
        Option.some(new NoSuchUser({ name: "Bob" }))
      )
      const mended: BodyOf = () =>
        Effect.catch(Process.yield(Users.find, { name: "Bob" }), () => Effect.succeed("nobody"))
      assert.deepStrictEqual(yield* replayed(mended, recording), { exit: Exit.succeed("nobody"), matches: false })
    })
  )

  it.live("D16 a send that failed fails again with the same error", () =>
    Effect.gen(function* () {
      const sends: BodyOf = ({ listener }) =>
        Effect.gen(function* () {
          yield* Process.yield(Users.slow, 20)
          return yield* Effect.flip(Process.send(listener, "told", "are you there?"))
        })
      const { exit, recording } = yield* recorded(sends, () =>
        Effect.flatMap(Pid.parse("{app:processes|0x00001}"), Process.kill)
      )
      const again = yield* replayed(sends, recording)
      assert.isTrue(again.matches)
      assert.deepStrictEqual(again.exit, exit)
    })
  )

  it.live("D16 a recorder that can't write any more leaves the process alone", () =>
    Effect.gen(function* () {
      const logs: Array<Logged> = []
      const recorder = yield* Recording.toFile("/dev/full").pipe(Effect.provide(collect(logs)))
      const Plain = Process.make("app:plain")
      const exit = yield* Effect.flatMap(Process.spawn(Plain, undefined, { record: recorder }), Process.await).pipe(
        Effect.provide([Plain.toLayer(() => Effect.succeed("done")), ProcessHost.layer("app:processes"), collect(logs)])
      )
      assert.deepStrictEqual(exit, Exit.succeed("done"))
      assert.strictEqual(logs.length, 1)
      assert.include(logs[0]?.message, "/dev/full")
    }).pipe(Effect.provide(NodeFileSystemLive))
  )

  for (const [what, bad] of [
    [
      "has no end",
      () => {
        const ring: Array<unknown> = []
        ring.push(ring)
        return ring
      }
    ],
    [
      "throws when it is written",
      () => ({
        toJSON: () => {
          throw new Error("not to be written")
        }
      })
    ]
  ] as const) {
    it.live(`D16 a value that ${what} ends the recording, and not what the process does`, () =>
      Effect.gen(function* () {
        const Sink = Rpc.make("sink", { payload: Schema.Unknown })
        const Get = Rpc.make("get", { success: Schema.Unknown })
        const Body = Process.make("app:bad", { protocol: [Sink, Get], success: Schema.Unknown })
        const body = Effect.gen(function* () {
          const value = bad()
          yield* Process.send(yield* Body.self, "sink", value)
          const { payload } = yield* Body.receive("sink")
          const call = yield* Body.receive("get")
          yield* Message.reply(call, value)
          return payload === value ? value : "another one"
        })
        const logs: Array<Logged> = []
        yield* Effect.gen(function* () {
          const recorder = yield* Recording.inMemory
          const pid = yield* Process.spawn(Body, undefined, { record: recorder })
          const value = yield* Process.call(pid, "get")
          assert.deepStrictEqual(yield* Process.await(pid), Exit.succeed(value))
          const { entries } = yield* recorder.recording
          assert.deepStrictEqual(
            entries.map(({ _tag }) => _tag),
            ["Began"]
          )
        }).pipe(Effect.provide([Body.toLayer(() => body), ProcessHost.layer("app:processes"), collect(logs)]))
        assert.strictEqual(logs.length, 1)
        assert.include(logs[0]?.message, "the recording of {app:processes|0x00001} (app:bad) ends")
      })
    )

    it.live(`D16 a body that ends with what ${what} ends with it, recorded or not`, () =>
      Effect.gen(function* () {
        const value = bad()
        const Body = Process.make("app:bad", { success: Schema.Unknown })
        const logs: Array<Logged> = []
        yield* Effect.gen(function* () {
          const recorder = yield* Recording.inMemory
          const exit = yield* Effect.flatMap(Process.spawn(Body, undefined, { record: recorder }), Process.await)
          assert.isTrue(Exit.isSuccess(exit) && exit.value === value)
          assert.strictEqual((yield* recorder.recording).entries.length, 1)
        }).pipe(
          Effect.provide([Body.toLayer(() => Effect.succeed(value)), ProcessHost.layer("app:processes"), collect(logs)])
        )
        assert.strictEqual(logs.length, 1)
      })
    )
  }

  it.live("D16 a file that can't be opened or read is a typed error that names it", () =>
    Effect.gen(function* () {
      const open = yield* Effect.flip(Recording.toFile("/nowhere/at/all.ndjson"))
      const read = yield* Effect.flip(Recording.read("/nowhere/at/all.ndjson"))
      assert.deepStrictEqual([open._tag, read._tag], ["RecordingUnavailable", "RecordingUnavailable"])
      assert.include(open.message, "/nowhere/at/all.ndjson")
    }).pipe(Effect.provide(NodeFileSystemLive))
  )

  it.live("D16 a recorder records one process", () =>
    Effect.gen(function* () {
      const recorder = yield* Recording.inMemory
      const Idle = Process.make("app:idle")
      const refusal = yield* Effect.gen(function* () {
        yield* Process.spawn(Idle, undefined, { record: recorder })
        return yield* Effect.flip(Process.spawn(Idle, undefined, { record: recorder }))
      }).pipe(Effect.provide([Idle.toLayer(() => Effect.void), ProcessHost.layer("app:processes")]))
      assert(refusal._tag === "InvalidOption")
      assert.strictEqual(refusal.option, "record")
    })
  )

  const steps = Schema.Array(Schema.Literals(["find", "miss", "slow", "fork", "send", "random", "broken", "give up"]))

  it.live.prop(
    "D16 whatever a body does with commands, sends and random numbers is played again",
    [steps],
    ([steps]) =>
      Effect.gen(function* () {
        const body: BodyOf = Effect.fnUntraced(function* ({ listener }) {
          const seen: Array<unknown> = []
          for (const step of steps.slice(0, 12)) {
            if (step === "find") seen.push((yield* Process.yield(Users.find, { name: "Ada" })).photo.length)
            if (step === "miss") seen.push((yield* Effect.flip(Process.yield(Users.find, { name: "Eve" })))._tag)
            if (step === "slow") seen.push(yield* Process.yield(Users.slow, 1))
            if (step === "random") seen.push(yield* Random.nextInt)
            if (step === "send") yield* Process.send(listener, "told", JSON.stringify(seen))
            if (step === "broken") seen.push(Exit.hasDies(yield* Effect.exit(Process.yield(Users.broken))))
            if (step === "give up") yield* (yield* Process.yieldAsync(Users.slow, 1000)).cancel
            if (step === "fork") {
              yield* Process.fork(
                Effect.flatMap(Process.yield(Users.slow, 2), () => Process.send(listener, "told", `${seen.length}`))
              )
            }
          }
          return seen
        })
        const { exit, recording } = yield* recorded(body)
        const again = yield* replayed(body, recording)
        assert.isTrue(again.matches)
        assert.deepStrictEqual(again.exit, exit)
      }),
    { arbitrary: { runs: 40 } }
  )
})

describe("D16 servers", () => {
  const Bank = Server.make("app:bank", {
    protocol: [Rpc.make("deposit", { payload: Schema.String, success: Schema.Int, error: Schema.String })]
  })
  const BankLive = Bank.toLayer(() =>
    Effect.sync(() => {
      let sum = 0
      return Bank.of({
        handlers: {
          deposit: (name) =>
            Effect.gen(function* () {
              if (name === "") return yield* Effect.fail("nobody")
              sum += yield* Effect.orDie(Process.yield(Users.slow, name.length))
              return sum
            })
        }
      })
    })
  )

  it.live("D16 what a server was called with, answered, and yielded, and that it was stopped, is played again", () =>
    Effect.gen(function* () {
      const recorder = yield* Recording.inMemory
      yield* Effect.gen(function* () {
        const bank = yield* Process.spawn(Bank, undefined, { record: recorder })
        assert.strictEqual(yield* Process.call(bank, "deposit", "Ada"), 3)
        assert.strictEqual(yield* Effect.flip(Process.call(bank, "deposit", "")), "nobody")
        assert.strictEqual(yield* Process.call(bank, "deposit", "Grace"), 8)
        yield* Server.stop(bank)
      }).pipe(Effect.provide([BankLive.pipe(Layer.provide(UsersLive)), ProcessHost.layer("app:processes")]))
      const recording = yield* recorder.recording
      const tags = recording.entries.map(({ _tag }) => _tag)
      assert.deepStrictEqual(tags.slice(-3), ["Replied", "Drained", "Ended"])
      const again = yield* Replay.run(Bank, recording).pipe(
        Effect.provide(BankLive.pipe(Layer.provide(Replay.unhandled(Users))))
      )
      assert.deepStrictEqual(again, { exit: Exit.void, matches: true })
    })
  )
})

describe("D16 supervised processes", () => {
  const fails: BodyOf = ({ who }) =>
    Effect.gen(function* () {
      yield* Process.yield(Users.find, { name: "Ada" })
      const go = yield* Body.receive("go")
      if (DateTime.toEpochMillis(go.payload.when) === 0) return yield* Effect.fail(`no time for ${who.length}`)
      return yield* Effect.never
    })

  for (const inbox of ["keep", undefined] as const) {
    it.live(
      `D16 every body of a child is recorded into a file of its own${inbox ? ", restarted in place too" : ""}`,
      () =>
        Effect.gen(function* () {
          const fs = yield* FileSystem.FileSystem
          const folder = `${yield* fs.makeTempDirectoryScoped()}/recordings`
          const record = yield* Recording.toFolder(folder)
          yield* Effect.gen(function* () {
            const listener = yield* Process.spawn(Listener)
            const child = ChildSpec.make(Body, { listener, who: [] }, { name: "body", record, inbox })
            const supervisor = yield* Supervisor.start(Supervisor.make("app:supervisor", { children: [child] }))
            const down = yield* Supervisor.events(supervisor)
            yield* Process.send(Body.named("body"), "go", { when: DateTime.makeUnsafe(0) })
            while ((yield* Selectable.take(down))._tag !== "ChildStarted");
            yield* Process.terminate(supervisor)
          }).pipe(
            Effect.scoped,
            Effect.provide([
              Layer.merge(Body.toLayer(fails).pipe(Layer.provide(UsersLive)), ListenerLive),
              ProcessHost.layer("app:processes"),
              collect([])
            ])
          )
          const files = (yield* fs.readDirectory(folder)).toSorted()
          assert.strictEqual(files.length, 2)
          const [first, second] = yield* Effect.forEach(files, (file) => Recording.read(`${folder}/${file}`))
          const failed = yield* replayed(fails, first!)
          assert.isTrue(failed.matches)
          assert.isTrue(failed.exit !== undefined && Exit.isFailure(failed.exit))
          assert.strictEqual(second!.entries[0]?._tag, "Began")
          assert.isTrue((yield* replayed(fails, second!)).matches)
          assert.strictEqual((yield* fs.stat(`${folder}/${files[0]}`)).mode & 0o777, 0o600)
        }).pipe(Effect.provide(NodeFileSystemLive))
    )
  }
})

describe("D17 divergence", () => {
  const replies = (change: (args: Args) => ReturnType<BodyOf>) =>
    Effect.gen(function* () {
      const { recording } = yield* recorded(small)
      return yield* divergence(change, recording)
    })

  it.live("D17 another command: both are in the error", () =>
    Effect.gen(function* () {
      const error = yield* replies(() => Process.yield(Users.slow, 5))
      assert.strictEqual(error.line, 2)
      assert.include(error.expected, `"command":"users.find"`)
      assert.include(error.actual, `"command":"users.slow"`)
      assert.include(error.message, error.expected)
      assert.include(error.message, error.actual)
    })
  )

  it.live("D17 another payload", () =>
    Effect.gen(function* () {
      const error = yield* replies(() => Process.yield(Users.find, { name: "Grace" }))
      assert.include(error.actual, "Grace")
    })
  )

  it.live("D17 another send", () =>
    Effect.gen(function* () {
      const error = yield* replies(({ listener }) =>
        Effect.andThen(Process.yield(Users.find, { name: "Ada" }), Process.send(listener, "told", "3 byte"))
      )
      assert.strictEqual(error.line, 4)
      assert.include(error.actual, `"3 byte"`)
    })
  )

  it.live("D17 a body that ends before", () =>
    Effect.gen(function* () {
      const error = yield* replies(() => Process.yield(Users.find, { name: "Ada" }))
      assert.include(error.expected, "Sent")
      assert.include(error.actual, "Ended")
    })
  )

  it.live("D17 a body that goes on after the recorded end", () =>
    Effect.gen(function* () {
      const error = yield* replies((args) => Effect.andThen(small(args), Process.yield(Users.slow, 1)))
      assert.include(error.expected, "Ended")
      assert.include(error.actual, `"users.slow"`)
    })
  )

  it.live("D17 a body that waits for what is not in the recording", () =>
    Effect.gen(function* () {
      const error = yield* replies(() => Effect.andThen(Process.yield(Users.find, { name: "Ada" }), Body.receive("go")))
      assert.include(error.actual, "waits")
    })
  )

  it.live("D17 a body that depends on what is no command", () =>
    Effect.gen(function* () {
      let runs = 0
      const moody: BodyOf = ({ listener }) => Process.send(listener, "told", `run ${++runs}`)
      const { recording } = yield* recorded(moody)
      const error = yield* divergence(moody, recording)
      assert.include(error.expected, "run 1")
      assert.include(error.actual, "run 2")
    })
  )

  it.live("D17 what diverges is stopped: nothing of it runs on", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const { recording } = yield* recorded(small)
      yield* divergence(
        () =>
          Process.yield(Users.slow, 7).pipe(
            Effect.tap(() => Effect.sync(() => log.push("went on"))),
            Effect.onInterrupt(() => Effect.sync(() => log.push("stopped")))
          ),
        recording
      )
      assert.deepStrictEqual(log, ["stopped"])
    })
  )

  it.live("D17 a call is no command: the replay says so, and what to do", () =>
    Effect.gen(function* () {
      const calls: BodyOf = () => Effect.exit(Process.call(BodyPid.make as never, "ask" as never, 1 as never))
      const { recording } = yield* recorded(calls)
      const error = yield* Effect.flip(replayed(calls, recording))
      assert(error._tag === "NotReplayable")
      assert.include(error.message, `a call of "ask"`)
    })
  )

  it.live("D17 a recording of another process, or of other schemas, is refused", () =>
    Effect.gen(function* () {
      const { recording } = yield* recorded(small)
      const other = yield* Effect.flip(Replay.run(Listener, recording).pipe(Effect.provide(ListenerLive)))
      assert(other._tag === "InvalidRecording")
      assert.include(other.message, "app:body")
      const entries = recording.entries.map((entry) =>
        entry._tag === "Completed" ? { ...entry, exit: { _tag: "Success", value: "not a user" } } : entry
      )
      const schemas = yield* Effect.flip(replayed(small, { entries }))
      assert(schemas._tag === "InvalidRecording")
      assert.strictEqual(schemas.line, 3)
    })
  )
})

describe("it.replay", () => {
  const failing: BodyOf = () => Process.yield(Users.find, { name: "Bob" })
  const mended: BodyOf = () => Effect.catch(Process.yield(Users.find, { name: "Bob" }), () => Effect.succeed("nobody"))

  replaying.replay("D16 a recorded failure is a regression test: the body that was mended passes", {
    process: Body,
    recording: Effect.map(recorded(failing), ({ recording }) => recording),
    layer: replayLayer(mended)
  })

  replaying.replay("D16 a regression test says what must hold", {
    process: Body,
    recording: Effect.map(recorded(failing), ({ recording }) => recording),
    layer: Layer.merge(replayLayer(failing), collect([])),
    check: ({ exit, matches }) =>
      Effect.sync(() => {
        assert.isTrue(matches)
        assert.isTrue(exit !== undefined && Exit.isFailure(exit))
      })
  })
})
