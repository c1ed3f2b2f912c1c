/** The agent as a person uses it: it answers, goes on where it was stopped, may do no more than it is allowed, and replays. */
import { layer as NodeFileSystemLive } from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, FileSystem, Layer, Option } from "effect"
import { type DispatchError, Dispatcher, Interceptor, Policy, Process, ProcessHost, Recording, Replay } from "troupe"
import { Exec, Http, Store } from "troupe/command"
import { Agent, AgentLive, allowed, Step } from "../../docs/examples/agent/agent.ts"
import type { Reply } from "../../docs/examples/agent/conversation.ts"
import { collect } from "../support/logs.ts"
import { run, start } from "../support/program.ts"

const main = ["-C", "source", "docs/examples/agent/main.ts"]

const folder = Effect.flatMap(FileSystem.FileSystem, (fs) => fs.makeTempDirectoryScoped())

/** The agent with no handlers. */
const Unhandled = AgentLive.pipe(Layer.provide(Replay.unhandled(Http.commands, Exec.commands, Store.commands)))

const replayed = (recording: Recording.Recording) => Replay.run(Agent, recording).pipe(Effect.provide(Unhandled))

describe("docs/examples/agent", { timeout: 30_000 }, () => {
  it.live("answers with what its tool has worked out, and its recording replays", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const { code, stderr, stdout } = yield* run(process.execPath, [...main, "What is 6 times 7?", path], "")
      assert.deepStrictEqual([code, stderr], [0, ""])
      assert.deepStrictEqual(stdout.split("\n"), [
        "What is 6 times 7?",
        "  asks the model",
        "  runs expr 6 * 7",
        "  asks the model",
        "It is 42.",
        `  recorded in ${path}`,
        ""
      ])
      const recording = yield* Recording.read(`${path}/recording.ndjson`)
      assert.deepStrictEqual(yield* replayed(recording), { exit: Exit.succeed("It is 42."), matches: true })
    }).pipe(Effect.provide(NodeFileSystemLive))
  )

  it.live("goes on where it was killed: the tool has run once", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const args = [...main, "What is 9 minus 4?", path]
      const first = yield* start(process.execPath, args)
      yield* first.until("asks the model", 2)
      yield* first.signal("SIGKILL")
      yield* first.ended
      const killed = yield* Recording.read(`${path}/recording.ndjson`)
      assert.isTrue((yield* replayed(killed)).matches)

      const { stdout } = yield* run(process.execPath, args, "")
      assert.deepStrictEqual(stdout.split("\n").slice(1, 4), [
        "  goes on after 3 messages",
        "  asks the model",
        "It is 5."
      ])
    }).pipe(Effect.provide(NodeFileSystemLive))
  )

  it.live("a question longer than any key of a store is answered; what is no question gets the usage, and code 2", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const long = `${"Please, ".repeat(100)}what is 6 times 7?`
      const answered = yield* run(process.execPath, [...main, long, path], "")
      assert.deepStrictEqual([answered.code, answered.stdout.split("\n")[4]], [0, "It is 42."])
      for (const args of [[""], ["--help"], ["What is 6 times 7?", path, "more"]]) {
        const { code, stderr, stdout } = yield* run(process.execPath, [...main, ...args], "")
        assert.deepStrictEqual([code, stderr, stdout], [2, "", 'Usage: main.ts ["What is 6 times 7?" [folder]]\n'])
      }
    }).pipe(Effect.provide(NodeFileSystemLive))
  )

  it.live("a tool that is missing is told to the model, which goes on from there", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const program = yield* start(process.execPath, [...main, "What is 6 times 7?", path], { PATH: "/nowhere" })
      const { code, stdout } = yield* program.ended
      assert.deepStrictEqual([code, stdout.split("\n")[4]], [0, "I can't work that out."])
    }).pipe(Effect.provide(NodeFileSystemLive))
  )

  it.live("an agent that may run no tool is denied it, and runs none", () =>
    Effect.gen(function* () {
      const reply: typeof Reply.Type = { _tag: "ToolCall", command: "expr", args: ["1", "+", "1"] }
      const body = new TextEncoder().encode(JSON.stringify(reply))
      const answer = { method: "POST", url: "", status: 200, headers: {}, setCookie: [], body }
      let tools = 0
      const Fakes = Layer.mergeAll(
        Dispatcher.layer(Http.commands, {
          request: () => Effect.succeed(new Http.Response(answer)),
          requestBatch: () => Effect.succeed([])
        }),
        Store.layerMemory(),
        Interceptor.layer(
          Interceptor.make((yielded, work) => {
            if (yielded.command.module === "exec") tools++
            return work
          })
        )
      )
      const Watcher = Process.make("test:watcher", { protocol: [Step] })
      const exit = yield* Effect.gen(function* () {
        const watcher = yield* Process.spawn(Watcher)
        const args = { conversation: "1", question: "What is 1 plus 1?", model: "http://model", watcher }
        const policy = Policy.allow(Http.commands, Store.commands)
        return yield* Process.await(yield* Process.spawn(Agent, args, { policy }))
      }).pipe(
        Effect.provide([
          Layer.merge(
            AgentLive.pipe(Layer.provide(Fakes), Layer.provide(Replay.unhandled(Exec.commands))),
            Watcher.toLayer(() => Effect.never)
          ),
          ProcessHost.layer("test:agents"),
          collect([])
        ])
      )
      const error = Exit.isFailure(exit) ? Option.getOrThrow(Cause.findErrorOption(exit.cause)) : undefined
      const denied = error as DispatchError.CommandDenied
      assert.deepStrictEqual([denied._tag, denied.command, tools], ["CommandDenied", "exec.run", 0])
    })
  )

  it("may ask its model, run its tools and keep its conversation", () => {
    assert.includeMembers([...allowed.commands], ["http.request", "exec.run", "store.get", "store.set", "store.delete"])
    assert.notIncludeMembers([...allowed.commands], ["http.requestBatch", "exec.start"])
  })
})
