/** Applications as programs of their own: signals, exit codes, and what they write. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { start } from "../support/program.ts"

const prelude = `
  import { Effect, Layer } from "effect"
  import { Application, Process, ProcessHost, Selectable, Service } from "troupe"
  const say = (line) => Effect.sync(() => console.log(line))
  const part = (name, body) => {
    const Part = Process.make("test:" + name)
    return [Part, Part.toLayer(() => body)]
  }
  const polite = (name, millis = 0) => part(name, Effect.gen(function*() {
    const events = yield* Process.events
    yield* say(name + " runs")
    yield* Selectable.take(events)
    if (millis > 0) yield* Effect.sleep(millis)
    yield* say(name + " ends")
  }))
  const app = (services, ...lives) =>
    Application.layer(services).pipe(Layer.provide(lives), Layer.provide(ProcessHost.layer("app:processes")))
`

const program = (source: string) =>
  start(process.execPath, ["-C", "source", "--input-type=module-typescript", "-e", prelude + source])

const server = (options: string, millis = 0) => `
  const [Web, WebLive] = polite("web", ${millis})
  const [Database, DatabaseLive] = polite("database")
  Application.runMain(app([
    Service.make("web", Web, undefined, { autoStart: true, dependsOn: ["database"], stopTimeout: "1 minute" }),
    Service.make("database", Database)
  ], WebLive, DatabaseLive), ${options})
`

const limit = { timeout: 60_000 }

describe.concurrent("an application as a program", () => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    it.live(
      `V2 stops in the reverse order on ${signal}, and exits with 0`,
      () =>
        Effect.gen(function* () {
          const running = yield* program(server("{}"))
          yield* running.until("web runs")
          yield* running.signal(signal)
          assert.deepStrictEqual(yield* running.ended, {
            code: 0,
            stdout: "database runs\nweb runs\nweb ends\ndatabase ends\n",
            stderr: ""
          })
        }),
      limit
    )
  }

  it.live(
    "a second signal kills what is left: 130",
    () =>
      Effect.gen(function* () {
        const running = yield* program(server("{}", 60_000))
        yield* running.until("web runs")
        yield* running.signal("SIGTERM")
        yield* Effect.sleep("600 millis")
        yield* running.signal("SIGTERM")
        const { code, stdout } = yield* running.ended
        assert.deepStrictEqual([code, stdout], [130, "database runs\nweb runs\n"])
      }),
    limit
  )

  it.live(
    "V7 kills at the deadline what is left, names it, and exits with 1",
    () =>
      Effect.gen(function* () {
        const running = yield* program(server(`{ stopTimeout: "300 millis" }`, 60_000))
        yield* running.until("web runs")
        yield* running.signal("SIGTERM")
        const { code, stderr, stdout } = yield* running.ended
        assert.deepStrictEqual([code, stdout], [1, "database runs\nweb runs\n"])
        assert.include(stderr, "had not stopped within 300 ms")
        assert.include(stderr, "test:web {app:processes|0x0")
      }),
    limit
  )

  it.live(
    "V3 exits with 1 when a required service can't be started, and says which",
    () =>
      Effect.gen(function* () {
        const running = yield* program(`
          const Disk = Process.make("test:disk", { start: "acknowledged" })
          const DiskLive = Disk.toLayer(() => Effect.fail(new Error("no disk")))
          const [Mail, MailLive] = polite("mail")
          Application.runMain(app([
            Service.make("mail", Mail, undefined, { autoStart: true }),
            Service.make("disk", Disk, undefined, { autoStart: true })
          ], MailLive, DiskLive))
        `)
        const { code, stderr } = yield* running.ended
        assert.strictEqual(code, 1)
        assert.include(stderr, 'The service "disk" could not be started')
        assert.include(stderr, "no disk")
      }),
    limit
  )

  it.live(
    "V6 exits with 1 when a required service has failed for good, after its attempts",
    () =>
      Effect.gen(function* () {
        const running = yield* program(`
          const [Flaky, FlakyLive] = part("flaky", Effect.andThen(say("flaky runs"), Effect.fail("broken")))
          const backoff = { min: "10 millis" }
          Application.runMain(app(
            [Service.make("flaky", Flaky, undefined, { autoStart: true, maxAttempts: 2, backoff })],
            FlakyLive
          ))
        `)
        const { code, stderr, stdout } = yield* running.ended
        assert.deepStrictEqual([code, stdout], [1, "flaky runs\nflaky runs\nflaky runs\n"])
        assert.include(stderr, 'its required service "flaky" has failed for good')
      }),
    limit
  )

  it.live(
    "exits with the number of its main program",
    () =>
      Effect.gen(function* () {
        const running = yield* program(`
          const [Web, WebLive] = polite("web")
          const main = Effect.as(Effect.sleep("100 millis"), 7)
          Application.runMain(app([Service.make("web", Web, undefined, { autoStart: true })], WebLive), { main })
        `)
        assert.deepStrictEqual(yield* running.ended, { code: 7, stdout: "web runs\nweb ends\n", stderr: "" })
      }),
    limit
  )
})
