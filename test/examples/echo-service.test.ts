/** The echo service as a person uses it: at a terminal, in a pipe, and with parts of it missing. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Queue, Sink, Stdio, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Process, ProcessHost, Service, TerminalHost } from "troupe"
import { Cli, CliLive } from "../../docs/examples/echo-service/cli.ts"
import { Relay, RelayLive } from "../../docs/examples/echo-service/relay.ts"
import { Worker, WorkerLive } from "../../docs/examples/echo-service/worker.ts"
import { settle } from "../support/processes.ts"
import { type Ended, hasTerminal, run, start, startAtTerminal } from "../support/program.ts"

const node = process.execPath
const main = ["-C", "source", "docs/examples/echo-service/main.ts"]
const banner = "Echo Client\nType messages to echo, /kill to kill the relay. Ctrl+C to exit.\n\n"
const ready = "Ctrl+C to exit."
const goodbye = "\nGoodbye!\n"
const escape = "\u001b"

/** What it answered, once it is clear that it began, ended and reported as it should. */
const answers = ({ code, stderr, stdout }: Ended): ReadonlyArray<string> => {
  assert.strictEqual(stderr, "")
  assert.strictEqual(stdout.slice(0, banner.length), banner)
  assert.strictEqual(stdout.slice(-goodbye.length), goodbye)
  assert.strictEqual(code, 0)
  const lines = stdout.slice(banner.length, -goodbye.length).split("\n").slice(0, -1)
  const workers = lines.filter((_, index) => index % 2 === 1)
  for (const worker of workers) assert.match(worker, /^ {2}from worker: \{app:processes\|0x[0-9a-f]{5,}\}$/)
  assert.strictEqual(new Set(workers).size, workers.length, "a worker for each message")
  return lines.filter((_, index) => index % 2 === 0).map((line) => line.slice(2))
}

describe.concurrent("the echo service in a pipe", { timeout: 30_000 }, () => {
  it.live("answers each line, then says goodbye", () =>
    Effect.gen(function* () {
      const ended = yield* run(node, main, "hello\nworld\n")
      assert.deepStrictEqual(answers(ended), ["HELLO", "WORLD"])
      assert.notInclude(ended.stdout, escape)
    })
  )

  it.live("starts with npm start", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(answers(yield* run("npm", ["-s", "start"], "hello\n")), ["HELLO"])
    })
  )

  it.live("ends at an empty line, whatever follows", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(answers(yield* run(node, main, "hello\n\nworld\n")), ["HELLO"])
    })
  )

  it.live("ends at an empty line while input stays open", () =>
    Effect.gen(function* () {
      const program = yield* start(node, main)
      yield* program.type("\n")
      assert.deepStrictEqual(answers(yield* program.ended), [])
    })
  )

  it.live("answers a last line without an end", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(answers(yield* run(node, main, "hello")), ["HELLO"])
    })
  )

  it.live("takes lines with carriage returns", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(answers(yield* run(node, main, "hello\r\nworld\r\n")), ["HELLO", "WORLD"])
    })
  )

  it.live("says goodbye to no input at all", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(answers(yield* run(node, main, "")), [])
    })
  )

  it.live("reads a character whose bytes come in pieces", () =>
    Effect.gen(function* () {
      const program = yield* start(node, main)
      yield* program.until(ready)
      for (const byte of Buffer.from("grüße 🦜\n")) {
        yield* program.type(Uint8Array.of(byte))
        yield* Effect.sleep("10 millis")
      }
      yield* program.endInput
      assert.deepStrictEqual(answers(yield* program.ended), ["GRÜSSE 🦜"])
    })
  )

  it.live("answers a line of a megabyte", () =>
    Effect.gen(function* () {
      const [answer = "", ...others] = answers(yield* run(node, main, `${"x".repeat(1_000_000)}\n`))
      assert.isTrue(answer === "X".repeat(1_000_000))
      assert.deepStrictEqual(others, [])
    })
  )

  it.live("answers lines that come all at once in their order", () =>
    Effect.gen(function* () {
      const lines = Array.from({ length: 10 }, (_, index) => `line ${index}`)
      const answered = answers(yield* run(node, main, `${lines.join("\n")}\n`))
      assert.deepStrictEqual(
        answered,
        lines.map((line) => line.toUpperCase())
      )
    })
  )

  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    it.live(`says goodbye on ${signal}`, () =>
      Effect.gen(function* () {
        const program = yield* start(node, main)
        yield* program.until(ready)
        yield* program.signal(signal)
        assert.deepStrictEqual(answers(yield* program.ended), [])
      })
    )
  }

  it.live("V4 has its relay started again when it is killed, and answers the next line", () =>
    Effect.gen(function* () {
      const { code, stderr, stdout } = yield* run(node, main, "hello\n/kill\nworld\n/kill\nagain\n")
      assert.deepStrictEqual([code, stderr], [0, ""])
      const pid = (id: number) => `{app:processes|0x0000${id}}`
      assert.deepStrictEqual(stdout.slice(banner.length, -goodbye.length).split("\n"), [
        "  HELLO",
        `  from worker: ${pid(3)}`,
        `  relay ${pid(2)} was killed, ${pid(4)} took its place`,
        "  WORLD",
        `  from worker: ${pid(5)}`,
        `  relay ${pid(4)} was killed, ${pid(6)} took its place`,
        "  AGAIN",
        `  from worker: ${pid(7)}`,
        ""
      ])
    })
  )

  it.live("ends without a word when nobody reads its output any more", () =>
    Effect.gen(function* () {
      const program = yield* start(node, main)
      yield* program.until(ready)
      yield* program.closeOutput
      yield* program.type("hello\nworld\n")
      const { code, stderr } = yield* program.ended
      assert.strictEqual(stderr, "")
      assert.strictEqual(code, 1)
    })
  )
})

const atTerminal = hasTerminal ? "the echo service at a terminal" : "the echo service at a terminal (no script command)"

describe.skipIf(!hasTerminal).concurrent(atTerminal, { timeout: 30_000 }, () => {
  const prompt = "> "

  it.live("prompts in colour, answers, and says goodbye on Ctrl+C", () =>
    Effect.gen(function* () {
      const program = yield* startAtTerminal(node, main)
      yield* program.until(prompt)
      yield* program.type("hello world\n")
      yield* program.until(prompt, 2)
      yield* program.type("\u0003")
      const { code, stdout } = yield* program.ended
      assert.include(stdout, "\u001b[36mEcho Client\u001b[0m\r\n")
      assert.include(stdout, "\u001b[33m> \u001b[0m")
      assert.include(stdout, "\u001b[32m  HELLO WORLD\u001b[0m\r\n")
      assert.include(stdout, "\u001b[2m  from worker: {app:processes|0x00003}\u001b[0m\r\n")
      assert.isTrue(stdout.endsWith("\r\nGoodbye!\r\n"), stdout)
      assert.strictEqual(code, 0)
    })
  )

  it.live("V4 says that its relay was killed, and answers the next line", () =>
    Effect.gen(function* () {
      const program = yield* startAtTerminal(node, main, { NO_COLOR: "1" })
      yield* program.until(prompt)
      yield* program.type("/kill\n")
      yield* program.until("took its place")
      yield* program.until(prompt, 2)
      yield* program.type("hello\n")
      yield* program.until("HELLO")
      yield* program.until(prompt, 3)
      yield* program.type("\u0003")
      const { code, stdout } = yield* program.ended
      assert.isTrue(stdout.endsWith("\r\nGoodbye!\r\n"), stdout)
      assert.strictEqual(code, 0)
    })
  )

  // npm gets the signal from the terminal as well, and passes it on.
  it.live("started with npm start, says goodbye on Ctrl+C and leaves exit code 0", () =>
    Effect.gen(function* () {
      const program = yield* startAtTerminal("npm", ["-s", "start"], { NO_COLOR: "1" })
      yield* program.until(prompt)
      yield* program.type("hello\n")
      yield* program.until(prompt, 2)
      yield* program.type("\u0003")
      const { code, stdout } = yield* program.ended
      assert.isTrue(stdout.endsWith("\r\nGoodbye!\r\n"), stdout)
      assert.strictEqual(code, 0)
    })
  )

  it.live("keeps to NO_COLOR, and says goodbye on Ctrl+D", () =>
    Effect.gen(function* () {
      const program = yield* startAtTerminal(node, main, { NO_COLOR: "1" })
      yield* program.until(prompt)
      yield* program.type("hello world\n")
      yield* program.until(prompt, 2)
      yield* program.type("\u0004")
      const { code, stdout } = yield* program.ended
      assert.notInclude(stdout, escape)
      assert.include(stdout, "> hello world\r\n  HELLO WORLD\r\n  from worker: {app:processes|")
      assert.isTrue(stdout.endsWith("\r\n> \r\nGoodbye!\r\n"), stdout)
      assert.strictEqual(code, 0)
    })
  )
})

describe("the echo service on virtual time", () => {
  const app = Layer.merge(RelayLive, CliLive).pipe(
    Layer.provideMerge(ProcessHost.layer("app:processes")),
    Layer.provideMerge(TerminalHost.layer("app:terminal"))
  )
  const withRelay = Layer.effectDiscard(Process.spawn(Relay))

  /** Runs the client at a terminal of which the test is the other side. */
  const converse = Effect.fnUntraced(function* (
    services: Layer.Layer<TerminalHost.TerminalHost | Process.Implementation<"app:cli">, unknown, Stdio.Stdio>
  ) {
    const input = yield* Queue.unbounded<string>()
    let output = ""
    const stdio = Stdio.layerTest({
      stdin: Stream.encodeText(Stream.fromQueue(input)),
      stdout: () =>
        Sink.forEach((chunk: string | Uint8Array) =>
          Effect.sync(() => {
            output += chunk
          })
        )
    })
    const shutdown = yield* Deferred.make<string>()
    const program = yield* TerminalHost.main(Cli).pipe(
      Effect.provide(services),
      Effect.provide(stdio),
      Effect.provideService(TerminalHost.Shutdown, Deferred.await(shutdown)),
      Effect.forkScoped
    )
    yield* settle
    output = ""
    return {
      type: (line: string) => Effect.andThen(Queue.offer(input, `${line}\n`), settle),
      /** What it printed since it was asked last. */
      printed: Effect.sync(() => {
        const printed = output
        output = ""
        return printed
      }),
      shutDown: Effect.andThen(Deferred.succeed(shutdown, "SIGTERM"), settle),
      exitCode: Fiber.join(program)
    }
  })

  it.effect("says of each line that there is no relay", () =>
    Effect.gen(function* () {
      const client = yield* converse(app.pipe(Layer.provide(WorkerLive)))
      for (const line of ["hello", "world"]) {
        yield* client.type(line)
        assert.strictEqual(yield* client.printed, "  error: relay not available\n")
      }
    })
  )

  it.effect("V4 says that there is no relay to kill", () =>
    Effect.gen(function* () {
      const client = yield* converse(app.pipe(Layer.provide(WorkerLive)))
      yield* client.type("/kill")
      assert.strictEqual(yield* client.printed, "  error: relay not available\n")
    })
  )

  it.effect("V4 kills the relay and waits for its service to start another one", () =>
    Effect.gen(function* () {
      const service = Service.layer(Relay, { id: "relay-service", autoStart: true, backoff: { jitter: 0 } })
      const client = yield* converse(service.pipe(Layer.provideMerge(app), Layer.provide(WorkerLive)))
      yield* client.type("/kill")
      yield* TestClock.adjust("999 millis")
      assert.strictEqual(yield* client.printed, "")
      yield* TestClock.adjust("1 millis")
      yield* settle
      assert.match(yield* client.printed, /^ {2}relay .* was killed, .* took its place\n$/)
      yield* client.type("hello")
      yield* TestClock.adjust("100 millis")
      assert.include(yield* client.printed, "  HELLO\n")
    })
  )

  it.effect("waits two seconds for a worker that never answers, then goes on", () =>
    Effect.gen(function* () {
      const client = yield* converse(
        withRelay.pipe(Layer.provideMerge(app), Layer.provide(Worker.toLayer(() => Effect.never)))
      )
      for (const line of ["hello", "world"]) {
        yield* client.type(line)
        yield* TestClock.adjust("1999 millis")
        assert.strictEqual(yield* client.printed, "")
        yield* TestClock.adjust("1 millis")
        assert.strictEqual(yield* client.printed, "  timeout\n")
      }
    })
  )

  it.effect("does not take a late answer for that to the next line", () =>
    Effect.gen(function* () {
      const slow = Worker.toLayer(
        Effect.fnUntraced(function* ({ data, line, sender }) {
          yield* Effect.sleep(line === 1 ? "3 seconds" : "1500 millis")
          yield* Process.send(sender, "echo_response", { line, data, worker: yield* Worker.self })
        })
      )
      const client = yield* converse(withRelay.pipe(Layer.provideMerge(app), Layer.provide(slow)))
      yield* client.type("late")
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* client.printed, "  timeout\n")
      yield* client.type("timely")
      yield* TestClock.adjust("1 seconds")
      assert.strictEqual(yield* client.printed, "")
      yield* TestClock.adjust("500 millis")
      assert.match(yield* client.printed, /^ {2}timely\n {2}from worker: \{app:processes\|0x00003\}\n$/)
    })
  )

  it.effect("says goodbye at once when it is asked to end while it waits for an answer", () =>
    Effect.gen(function* () {
      const client = yield* converse(withRelay.pipe(Layer.provideMerge(app), Layer.provide(WorkerLive)))
      yield* client.type("hello")
      yield* client.shutDown
      assert.strictEqual(yield* client.printed, "\nGoodbye!\n")
      assert.strictEqual(yield* client.exitCode, 0)
    })
  )
})
