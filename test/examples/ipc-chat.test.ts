/** The chat as people use it: a server and clients, each a program of its own. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { directory } from "../support/files.ts"
import { start } from "../support/program.ts"

const program = (name: string, ...args: ReadonlyArray<string>) =>
  start(process.execPath, ["-C", "source", `docs/examples/ipc-chat/${name}.ts`, ...args])

const server = Effect.fnUntraced(function* (path: string) {
  const started = yield* program("server", path)
  yield* started.until(`Listening at ${path}`)
  return started
})

const client = Effect.fnUntraced(function* (name: string, room: string, path: string) {
  const started = yield* program("client", name, room, path)
  yield* started.until(`you are in ${room}`)
  return started
})

const lines = (stdout: string) => stdout.split("\n").filter((line) => line !== "")

describe.concurrent("the chat over a unix socket", { timeout: 60_000 }, () => {
  it.live("K47 carries what is said to those in the room, and survives the death of its server", () =>
    Effect.gen(function* () {
      const path = join(yield* directory, "chat.sock")
      const first = yield* server(path)
      const ada = yield* client("Ada", "blue", path)
      const bob = yield* client("Bob", "blue", path)
      const cleo = yield* client("Cleo", "red", path)
      yield* ada.until("* Bob has entered")
      yield* ada.type("hello\n")
      for (const one of [ada, bob]) yield* one.until("Ada: hello")
      yield* cleo.type("nobody hears me\n")
      yield* cleo.until("Cleo: nobody hears me")

      yield* first.signal("SIGKILL")
      yield* first.ended
      for (const one of [ada, bob, cleo]) yield* one.until("* disconnected")
      // The killed server has left its socket.
      assert.isTrue(existsSync(path))
      const second = yield* server(path)
      for (const one of [ada, bob, cleo]) yield* one.until("* connected", 2)
      yield* bob.type("still here\n")
      for (const one of [ada, bob]) yield* one.until("Bob: still here")

      yield* bob.signal("SIGINT")
      const gone = yield* bob.ended
      assert.deepStrictEqual([gone.code, gone.stderr], [0, ""])
      assert.strictEqual(lines(gone.stdout).at(-1), "Goodbye!")
      yield* ada.until("* Bob has left")
      yield* second.until("Bob has left blue: Left")

      yield* second.signal("SIGINT")
      const stopped = yield* second.ended
      assert.deepStrictEqual([stopped.code, stopped.stderr], [0, ""])
      assert.match(lines(stopped.stdout).at(-1)!, /^Stopping after 3 connections and \d+ pushes\.$/)
      assert.isFalse(existsSync(path))
      yield* ada.until("* disconnected", 2)
      yield* cleo.endInput
      yield* ada.signal("SIGTERM")
      for (const one of [ada, cleo]) {
        const { code, stderr, stdout } = yield* one.ended
        assert.deepStrictEqual([code, stderr], [0, ""])
        assert.strictEqual(lines(stdout).at(-1), "Goodbye!")
      }
      const heard = lines((yield* cleo.ended).stdout)
      assert.deepStrictEqual(
        heard.filter((line) => !line.startsWith("*")),
        ["Cleo: nobody hears me", "Goodbye!"]
      )
    })
  )

  it.live("a client that comes before its server waits for it, and says what is not said", () =>
    Effect.gen(function* () {
      const path = join(yield* directory, "chat.sock")
      const early = yield* program("client", "Ada", "blue", path)
      yield* early.type("is somebody there?\n")
      yield* early.until("* not said: ")
      yield* server(path)
      yield* early.until("* you are in blue with nobody")
      yield* early.type("hello\n")
      yield* early.until("Ada: hello")
    })
  )

  it.live("a second server at the socket of a living one ends, and says why", () =>
    Effect.gen(function* () {
      const path = join(yield* directory, "chat.sock")
      const first = yield* server(path)
      const second = yield* program("server", path)
      const { code, stderr, stdout } = yield* second.ended
      assert.strictEqual(code, 1)
      assert.include(stderr + stdout, "Another program listens there")
      yield* client("Ada", "blue", path)
      yield* first.signal("SIGTERM")
      assert.strictEqual((yield* first.ended).code, 0)
    })
  )
})
