/** The stream echo as people use it: a directory, a server and clients, each a program of its own. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { Authentication, DataStream, Directory } from "troupe/net"
import * as Tcp from "troupe/net/tcp"
import * as Unix from "troupe/net/unix"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { parse } from "../../docs/examples/stream-echo/client/arguments.ts"
import * as StreamEchoServer from "../../docs/examples/stream-echo/client/generated/remote/stream-echo-server.ts"
import { directory } from "../support/files.ts"
import { type Ended, type Program, start } from "../support/program.ts"

/** At this pace a stream of hundreds of messages is not over while a test looks at its first ones. */
const slow = { STREAM_ECHO_INTERVAL: "50 millis" }
const quick = { STREAM_ECHO_INTERVAL: "1 millis" }

const secret = "6b0d5e8f9c1a4b7d8e2f3a5c6d7e8f90"

/** A place of their own for the programs of a test. */
const place = Effect.gen(function* () {
  const folder = yield* directory
  const settings = { STREAM_ECHO_FOLDER: folder, TROUPE_DIRECTORY_SECRET: secret }
  const program = (name: string, args: ReadonlyArray<string>, env: NodeJS.ProcessEnv = {}) =>
    start(process.execPath, ["-C", "source", `docs/examples/stream-echo/${name}/main.ts`, ...args], {
      ...settings,
      ...env
    })
  const ready = Effect.fnUntraced(function* (name: string, text: string, env?: NodeJS.ProcessEnv) {
    const started = yield* program(name, [], env)
    yield* started.until(text)
    return started
  })
  return {
    folder,
    file: join(folder, "messages.txt"),
    directory: ready("directory", "Ctrl+C to stop."),
    server: (env: NodeJS.ProcessEnv) => ready("server", "Ctrl+C to stop.", env),
    client: (args: ReadonlyArray<string>, env?: NodeJS.ProcessEnv) => program("client", args, env)
  }
})

const kill = (program: Program) => Effect.andThen(program.signal("SIGKILL"), program.ended)

const lines = (text: string) => text.split("\n").slice(0, -1)

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index)

const messages = (id: string, from: number, to: number) =>
  numbers(from, to).map((n) => `[server] Stream message ${n} for ${id}`)

/** What a client that has ended well has received. */
const received = ({ code, stderr, stdout }: Ended): ReadonlyArray<string> => {
  assert.deepStrictEqual([code, stderr], [0, ""])
  return lines(stdout).filter((line) => !line.startsWith("* "))
}

const notes = (stdout: string) => lines(stdout).filter((line) => line.startsWith("* "))

describe("the arguments of the client", () => {
  it("are the name of a stream, a number of messages, and a file or none", () => {
    const wanted = { stream_id: "my-stream", message_count: 10 }
    assert.deepStrictEqual(parse(["my-stream", "10"]), { file: undefined, wanted })
    assert.deepStrictEqual(parse(["my-stream", "10", "it.txt"]), { file: "it.txt", wanted })
    assert.strictEqual(parse(["my-stream", "4294967295"])?.wanted.message_count, 4294967295)
  })

  for (const given of [[], ["it"], ["it", "0"], ["it", "ten"], ["it", "1.5"], ["it", "-1"], ["it", "4294967296"]]) {
    it(`are not ${JSON.stringify(given)}`, () => assert.isUndefined(parse(given)))
  }
  for (const given of [
    ["", "10"],
    ["two\nlines", "10"],
    ["it", "10", ""],
    ["it", "10", "file", "more"]
  ]) {
    it(`are not ${JSON.stringify(given)}`, () => assert.isUndefined(parse(given)))
  }
})

describe.concurrent("the stream echo", { timeout: 120_000 }, () => {
  it.live("a client finds the server, and has all messages in order", () =>
    Effect.gen(function* () {
      const { client, directory, server } = yield* place
      const registry = yield* directory
      const echo = yield* server(quick)
      const ended = yield* (yield* client(["my-stream", "10"])).ended
      assert.deepStrictEqual(received(ended), messages("my-stream", 1, 10))
      assert.deepStrictEqual(lines(ended.stdout)[0], "* Stream my-stream registered successfully")
      yield* echo.until("my-stream: all have arrived")
      assert.include(echo.said(), "my-stream: messages 1 to 10 for stream-echo-client\n")

      yield* echo.signal("SIGINT")
      const stopped = yield* echo.ended
      assert.deepStrictEqual([stopped.code, stopped.stderr], [0, ""])
      assert.strictEqual(lines(stopped.stdout).at(-1), "Goodbye!")
      // It has withdrawn what it announced.
      yield* registry.signal("SIGTERM")
      const closed = yield* registry.ended
      assert.deepStrictEqual([closed.code, closed.stderr], [0, ""])
      assert.strictEqual(lines(closed.stdout).at(-1), "Goodbye! Leases: 0.")
    })
  )

  it.live("K30 the server is killed in mid-stream: the client goes on with the next one behind the last message", () =>
    Effect.gen(function* () {
      const { client, directory, server } = yield* place
      yield* directory
      const first = yield* server(slow)
      const reader = yield* client(["my-stream", "300"])
      yield* reader.until("message 5 for")
      yield* kill(first)
      const second = yield* server(quick)
      const ended = yield* reader.ended
      assert.deepStrictEqual(received(ended), messages("my-stream", 1, 300))
      assert.match(notes(ended.stdout)[1] ?? "", /^\* The server is gone behind message \d+; looking for one$/)
      assert.notInclude(second.said(), "messages 1 to")
    })
  )

  it.live("the server is stopped in mid-stream: the client goes on with the next one", () =>
    Effect.gen(function* () {
      const { client, directory, server } = yield* place
      yield* directory
      const first = yield* server(slow)
      const reader = yield* client(["my-stream", "300"])
      yield* reader.until("message 5 for")
      yield* first.signal("SIGINT")
      assert.strictEqual((yield* first.ended).code, 0)
      yield* reader.until("* The server is gone behind message ")
      yield* server(quick)
      const ended = yield* reader.ended
      assert.deepStrictEqual(received(ended), messages("my-stream", 1, 300))
      // However often it was tried.
      assert.strictEqual(notes(ended.stdout).length, 2)
    })
  )

  it.live("a client that is killed in mid-stream goes on where it was, with the file of its messages", () =>
    Effect.gen(function* () {
      const { client, directory, file, server } = yield* place
      yield* directory
      const echo = yield* server({ STREAM_ECHO_INTERVAL: "10 millis" })
      const first = yield* client(["my-stream", "100000", file])
      yield* first.until("message 5 for")
      yield* kill(first)
      const kept = lines(readFileSync(file, "utf8"))
      assert.deepStrictEqual(kept, messages("my-stream", 1, kept.length))
      const last = kept.length + 20

      const second = yield* client(["my-stream", String(last), file])
      assert.deepStrictEqual(received(yield* second.ended), messages("my-stream", kept.length + 1, last))
      assert.deepStrictEqual(lines(readFileSync(file, "utf8")), messages("my-stream", 1, last))
      assert.include(echo.said(), `my-stream: messages ${kept.length + 1} to ${last} for`)

      // There is nothing left.
      assert.deepStrictEqual(received(yield* (yield* client(["my-stream", String(last), file])).ended), [])
    })
  )

  it.live("both are killed in mid-stream", () =>
    Effect.gen(function* () {
      const { client, directory, file, server } = yield* place
      yield* directory
      const echo = yield* server(slow)
      const first = yield* client(["my-stream", "300", file])
      yield* first.until("message 5 for")
      yield* kill(echo)
      yield* kill(first)
      yield* server(quick)
      assert.strictEqual((yield* (yield* client(["my-stream", "300", file])).ended).code, 0)
      assert.deepStrictEqual(lines(readFileSync(file, "utf8")), messages("my-stream", 1, 300))
    })
  )

  it.live("two clients at once have their own streams each, also under the same id", () =>
    Effect.gen(function* () {
      const { client, directory, server } = yield* place
      yield* directory
      yield* server({ STREAM_ECHO_INTERVAL: "10 millis" })
      const streams = [
        ["alpha", 20],
        ["beta", 30],
        ["beta", 25]
      ] as const
      const clients = yield* Effect.forEach(streams, ([id, count]) => client([id, String(count)]))
      for (const [index, one] of clients.entries()) {
        const [id, count] = streams[index]!
        assert.deepStrictEqual(received(yield* one.ended), messages(id, 1, count))
      }
    })
  )

  it.live("a client that is asked to end does so in mid-stream, and the server is told", () =>
    Effect.gen(function* () {
      const { client, directory, server } = yield* place
      yield* directory
      const echo = yield* server(slow)
      const reader = yield* client(["my-stream", "300"])
      yield* reader.until("message 2 for")
      yield* reader.signal("SIGINT")
      const { code, stderr, stdout } = yield* reader.ended
      assert.deepStrictEqual([code, stderr], [130, ""])
      const got = lines(stdout).filter((line) => !line.startsWith("* "))
      assert.deepStrictEqual(got, messages("my-stream", 1, got.length))
      assert.strictEqual(lines(stdout).at(-1), `* Stopped behind message ${got.length}`)
      yield* echo.until('my-stream: The stream "my-stream" was closed by the other side')
    })
  )

  it.live("another program calls the server by the generated client, and is refused what is no stream", () =>
    Effect.gen(function* () {
      const { directory, folder, server } = yield* place
      yield* directory
      yield* server(quick)
      const account = { account: "another", secret: Redacted.make(secret) }
      const connect = Effect.fnUntraced(function* (credentials?: Authentication.Credentials) {
        const { handlers } = yield* DataStream.make()
        return yield* StreamEchoServer.connect({ dialers: [Tcp.dialer()], handlers, credentials })
      })
      yield* Effect.gen(function* () {
        const connection = yield* connect(Authentication.secret(account))
        const { message, success } = yield* connection.request("RegisterStream", { stream_id: "it", message_count: 0 })
        assert.deepStrictEqual([success, message], [false, "A stream has an id, and one message at least."])
        // Whoever does not know the secret is not let in.
        const { message: why } = yield* Effect.flip(connect())
        assert.include(why, "what was shown is nothing")
      }).pipe(
        Effect.provide(
          Directory.layer(Unix.make({ path: join(folder, "directory.sock") }), {
            credentials: Authentication.secret(account)
          })
        )
      )
    })
  )

  it.live("says what is wrong, and ends with a code for it", () =>
    Effect.gen(function* () {
      const { client, directory, server } = yield* place
      const fails = Effect.fnUntraced(function* (args: ReadonlyArray<string>, env?: NodeJS.ProcessEnv) {
        const { code, stderr, stdout } = yield* (yield* client(args, env)).ended
        assert.strictEqual(stdout, "")
        return [code, stderr] as const
      })
      const [wrong, usage] = yield* fails(["my-stream", "0"])
      assert.strictEqual(wrong, 2)
      assert.match(usage, /^Usage: main.ts <stream_id> <message_count> \[file\]\n/)

      const [noDirectory, whyNoDirectory] = yield* fails(["my-stream", "10"])
      assert.strictEqual(noDirectory, 3)
      assert.match(whyNoDirectory, /^The directory is not available: /)

      yield* directory
      const [noServer, whyNoServer] = yield* fails(["my-stream", "10"])
      assert.strictEqual(noServer, 4)
      assert.match(whyNoServer, /^No server has announced acme\/StreamEchoServer\./)

      // One that has died is in the directory for a while.
      yield* kill(yield* server(quick))
      const [dead, whyDead] = yield* fails(["my-stream", "10"])
      assert.strictEqual(dead, 4)
      assert.match(whyDead, /^No server .*acme\/StreamEchoServer/)

      const [stranger, whyStranger] = yield* fails(["my-stream", "10"], { TROUPE_DIRECTORY_SECRET: "a guess" })
      assert.strictEqual(stranger, 3)
      assert.match(whyStranger, /the account or the secret is wrong/)

      const [secretless, whySecretless] = yield* fails(["my-stream", "10"], { TROUPE_DIRECTORY_SECRET: undefined })
      assert.strictEqual(secretless, 1)
      assert.match(whySecretless, /There is no TROUPE_DIRECTORY_SECRET/)
    })
  )
})

// By itself: what the directory has kept is good for some seconds.
describe("the stream echo without its directory", { timeout: 120_000 }, () => {
  it.live("the directory is killed in mid-stream: streams go on, and the next one knows the server", () =>
    Effect.gen(function* () {
      const { client, directory, server } = yield* place
      const first = yield* directory
      yield* server(slow)
      const reader = yield* client(["my-stream", "30"])
      yield* reader.until("message 2 for")
      yield* kill(first)
      const second = yield* directory
      assert.include(second.said(), "leases: 1.")
      const other = yield* client(["other", "2"])
      assert.deepStrictEqual(received(yield* other.ended), messages("other", 1, 2))
      assert.deepStrictEqual(received(yield* reader.ended), messages("my-stream", 1, 30))
    })
  )
})
