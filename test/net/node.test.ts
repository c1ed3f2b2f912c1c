import { assert, describe } from "@effect/vitest"
import {
  Cause,
  Effect,
  Equal,
  Exit,
  Fiber,
  Layer,
  Logger,
  Option,
  Redacted,
  Schedule,
  Schema,
  type Scope
} from "effect"
import { join } from "node:path"
import { Process, ProcessEvent, ProcessHost, Selectable } from "troupe"
import { Authentication, Memory, Node, type Transport } from "troupe/net"
import { Network } from "troupe/testing"
import { it } from "troupe/testing/vitest"
import * as Unix from "../../src/net/transport/node/Unix.ts"
import { directory } from "../support/files.ts"
import { inProcess } from "../support/processes.ts"
import { because } from "./absent.ts"
import { clerk, Clerk, ClerkLive, Length, News, Refused } from "./program/clerk.ts"
import { program } from "./sockets.ts"
import { transports } from "./transports.ts"

/** The clerk's node as a program of its own. */
const child = (path: string) =>
  program(
    `process.argv = ["node", "${join(import.meta.dirname, "program/clerk.ts")}", ${JSON.stringify(path)}]; await import(process.argv[1])`
  )

const Reader = Process.make("test:reader", { protocol: [News], success: Schema.Date })
const ReaderLive = Reader.toLayer(() => Effect.map(Reader.receive(), ({ payload }) => payload.at))
const Asker = Process.make("test:asker", { protocol: [Length], success: Schema.String })
const AskerLive = Asker.toLayer(
  Effect.fnUntraced(function* () {
    // It waits for the clerk, which asks it in turn, and is not answered.
    return yield* Process.call(clerk, "ask", yield* Asker.self)
  })
)
const processes = Layer.mergeAll(ClerkLive, ReaderLive, AskerLive, Logger.layer([])).pipe(
  Layer.provideMerge(ProcessHost.layer("app:processes"))
)

/** An application of its own, which is a node; `stop` ends it. */
const start = (options: Node.Options) =>
  Effect.gen(function* () {
    const memo = yield* Layer.makeMemoMap
    const scope = yield* Effect.scope
    const built = yield* Layer.buildWithMemoMap(Layer.merge(processes, Node.layer(options)), memo, scope)
    return <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.provide(effect, built)
  })

const authenticator = Authentication.open
const heartbeat = { interval: "1 second", misses: 2 } as const

/** A node that has a clerk. */
const serve = (listen: Transport.Transport, name = "server") =>
  Effect.gen(function* () {
    const within = yield* start({ name, listen, authenticator, heartbeat })
    const pid = yield* within(Process.spawn(Clerk, undefined, { name: "clerk" }))
    const transport = yield* within(Effect.map(Node.Node, ({ transport }) => Option.getOrThrow(transport)))
    return { within, pid, transport }
  })

const events = Effect.flatMap(Process.events, (source) =>
  Effect.sync(() => {
    const all: Array<ProcessEvent.ProcessEvent> = []
    for (let next = source.pollUnsafe(); next !== undefined; next = source.pollUnsafe()) {
      if (Exit.isSuccess(next)) all.push(next.value)
    }
    return all
  })
)
const nextEvent = Effect.flatMap(Process.events, Selectable.take)
const failureOf = (exit: Exit.Exit<unknown, unknown>): unknown =>
  Exit.isFailure(exit) ? Option.getOrUndefined(Cause.findErrorOption(exit.cause)) : undefined

/** What a process can do with those of another node: the same over every transport. */
const behaviours = Effect.gen(function* () {
  assert.strictEqual(yield* Process.call(clerk, "length", "four"), 4)
  assert.deepStrictEqual(yield* Effect.flip(Process.call(clerk, "length", "refuse")), new Refused({ why: "I won't" }))
  const reader = yield* Process.spawn(Reader)
  yield* Process.send(clerk, "subscribe", reader)
  assert.deepStrictEqual(yield* Process.await(reader), Exit.succeed(new Date(7)))
  const nobody = yield* Effect.flip(Process.send(Clerk.named("nobody", { node: "server" }), "length", "x"))
  assert.deepInclude(nobody, { _tag: "ProcessNotFound", target: "nobody@server" })

  yield* Process.trapExits
  const pid = yield* Process.call(clerk, "me")
  const monitor = yield* Process.monitor(pid)
  yield* Process.link(pid)
  yield* Process.kill(pid)
  const [first, second] = [yield* nextEvent, yield* nextEvent]
  assert.deepStrictEqual([first._tag, second._tag].toSorted(), ["Exit", "LinkDown"])
  for (const event of [first, second]) {
    if (event._tag === "Exit") assert.strictEqual(event.monitor, monitor)
    if (event._tag === "Exit" || event._tag === "LinkDown") {
      assert.isTrue(ProcessEvent.isKilled(event.exit))
      assert.isTrue(Equal.equals(ProcessEvent.requesterOf(event.exit), yield* Process.self))
    }
  }
  assert.deepInclude(yield* Effect.flip(Process.call(pid, "length", "x")), { _tag: "ProcessNotFound" })
  assert.deepInclude(yield* Effect.flip(Process.link(pid)), { _tag: "ProcessNotFound" })
})

describe("processes of another node", () => {
  for (const { absent, make, name } of transports) {
    const words = "they are sent to, called, watched, linked and ended as those of this one"
    it.live.skipIf(absent !== undefined)(`I1 ${name}: ${words}${because(absent)}`, () =>
      Effect.gen(function* () {
        const { transport } = yield* serve(yield* make)
        const client = yield* start({ name: "client" })
        yield* client(
          Effect.gen(function* () {
            assert.strictEqual(yield* Node.connect(transport), "server")
            yield* inProcess(behaviours)
          })
        )
      })
    )
  }

  it.live("I2 of a program that is killed, monitors and links tell NoConnection, and calls end with it", () =>
    Effect.gen(function* () {
      const path = join(yield* directory, "node.sock")
      const client = yield* start({ name: "client" })
      const run = Effect.gen(function* () {
        const program = yield* child(path)
        yield* program.said("listening")
        return program
      })
      yield* client(
        Effect.gen(function* () {
          const program = yield* run
          yield* Node.connect(Unix.make({ path }), { heartbeat, reconnect: Schedule.spaced("50 millis") })
          const known = yield* inProcess(
            Effect.gen(function* () {
              yield* Process.trapExits
              const pid = yield* Process.call(clerk, "me")
              yield* Process.monitor(pid)
              yield* Process.link(pid)
              const calling = yield* Effect.forkChild(Effect.flip(Process.call(pid, "length", "silence")))
              yield* Process.call(pid, "length", "and it waits")
              yield* program.kill("SIGKILL")
              const told = [yield* nextEvent, yield* nextEvent]
              assert.deepStrictEqual(
                told.map((event) => event._tag),
                ["Exit", "LinkDown"]
              )
              for (const event of told) {
                if ("exit" in event) {
                  assert.deepInclude(failureOf(event.exit), { _tag: "NoConnection", node: "server", reason: "Lost" })
                }
              }
              assert.deepInclude(yield* Fiber.join(calling), { _tag: "NoConnection", reason: "Lost" })
              assert.deepInclude(yield* Effect.flip(Process.call(pid, "length", "x")), { reason: "NotConnected" })
              return pid
            })
          )
          // Its next run has a process of the same number, which is another one.
          yield* run
          const ups = yield* Node.events
          const up = yield* Selectable.take(ups)
          assert.deepStrictEqual(up, { _tag: "NodeUp", node: "server" })
          const again = yield* Process.call(clerk, "me")
          assert.strictEqual(String(again), String(known))
          assert.isFalse(Equal.equals(again, known))
          assert.deepInclude(yield* Effect.flip(Process.call(known, "length", "x")), { _tag: "ProcessNotFound" })
          assert.strictEqual(yield* Process.call(again, "length", "x"), 1)
        })
      )
    })
  )
})

describe("connecting nodes", () => {
  it.live("two nodes of one name refuse each other, and a third one that has a name which is taken", () =>
    Effect.gen(function* () {
      const { transport } = yield* serve(Memory.make())
      const namesake = yield* start({ name: "server" })
      assert.deepInclude(yield* Effect.flip(namesake(Node.connect(transport))), {
        _tag: "NodeRefused",
        reason: "SameName"
      })
      const first = yield* start({ name: "client" })
      yield* first(Node.connect(transport))
      const second = yield* start({ name: "client" })
      assert.deepInclude(yield* Effect.flip(second(Node.connect(transport))), {
        _tag: "NodeRefused",
        reason: "NameTaken"
      })
      assert.strictEqual(yield* first(Process.call(clerk, "length", "four")), 4)
    })
  )

  it.live("nobody is let in without an authenticator, or with the wrong secret", () =>
    Effect.gen(function* () {
      const client = yield* start({ name: "client" })
      const refused = (transport: Transport.Transport, options?: Node.ConnectOptions) =>
        Effect.map(Effect.flip(client(Node.connect(transport, options))), (error) =>
          error._tag === "ConnectionFailed" ? error.attempts[0].error._tag : error._tag
        )
      const closed = Memory.make()
      yield* start({ name: "closed", listen: closed })
      assert.strictEqual(yield* refused(closed), "AuthenticationFailed")
      const guarded = Memory.make()
      const accounts = (account: string) =>
        Effect.succeed(account === "client" ? Redacted.make("a secret of the nodes") : undefined)
      yield* start({ name: "guarded", listen: guarded, authenticator: Authentication.sharedSecret(accounts) })
      const claiming = (secret: string) => ({
        credentials: Authentication.secret({ account: "client", secret: Redacted.make(secret) })
      })
      assert.strictEqual(yield* refused(guarded, claiming("another secret of nodes")), "AuthenticationFailed")
      assert.strictEqual(yield* client(Node.connect(guarded, claiming("a secret of the nodes"))), "guarded")
      assert.deepStrictEqual(yield* client(Node.connected), ["guarded"])
    })
  )

  it.live("an application is one node, and its name can stand in a pid", () =>
    Effect.gen(function* () {
      const twice = Layer.merge(Node.layer({ name: "one" }), Node.layer({ name: "two" }))
      assert.deepInclude(failureOf(yield* Effect.exit(Effect.scoped(Layer.build(twice)))), { _tag: "NodeAlreadyNamed" })
      for (const name of ["", "a b", "a@b", "a#b", "{a", "a|b"]) {
        const exit = yield* Effect.exit(Effect.scoped(Layer.build(Node.layer({ name }))))
        assert.deepInclude(failureOf(exit), { _tag: "InvalidOption", option: "name" })
      }
    })
  )

  it.live("what does not fit into a frame, or is no JSON, is refused and disturbs nobody", () =>
    Effect.gen(function* () {
      const { transport } = yield* serve(Memory.make({ maxFrame: 2000 }))
      const client = yield* start({ name: "client" })
      yield* client(
        Effect.gen(function* () {
          yield* Node.connect(transport)
          const large = Effect.flip(Process.call(clerk, "length", "x".repeat(3000)))
          const small = Process.call(clerk, "length", "x".repeat(300))
          const [error, ...lengths] = yield* Effect.all([large, ...Array.from({ length: 20 }, () => small)], {
            concurrency: "unbounded"
          })
          assert.deepInclude(error, { _tag: "InvalidMessage", reason: "TooLarge" })
          assert.deepStrictEqual(lengths, Array(20).fill(300))
          // A schema that takes anything lets pass what is no JSON.
          const endless: { self?: unknown } = {}
          endless.self = endless
          const unwritable = yield* Effect.flip(Process.call(clerk, "anything", { value: endless }))
          assert.deepInclude(unwritable, { _tag: "InvalidMessage", reason: "InvalidPayload" })
          const answer = yield* Effect.flip(Process.call(clerk, "anything", { value: "large" }))
          assert.deepInclude(answer, { _tag: "InvalidMessage", reason: "InvalidAnswer" })
          assert.strictEqual(yield* Process.call(clerk, "anything", { value: "small" }), "small")
        })
      )
    })
  )

  const explored = <E>(
    name: string,
    program: (network: Network.Network) => Effect.Effect<unknown, E, Scope.Scope>,
    schedules: number
  ) => it.explore(name, Effect.flatMap(Network.make(), program), { schedules, maxSteps: 200_000, timeout: 60_000 })

  explored(
    "two nodes that connect to each other at once are connected once, and both succeed",
    (network) =>
      Effect.gen(function* () {
        const a = yield* start({ name: "a", listen: network.transport("b", "a"), authenticator })
        const b = yield* start({ name: "b", listen: network.transport("a", "b"), authenticator })
        const seen = yield* a(Node.events)
        yield* Effect.all(
          [a(Node.connect(network.transport("a", "b"))), b(Node.connect(network.transport("b", "a")))],
          { concurrency: "unbounded" }
        )
        yield* Effect.sleep("30 seconds")
        assert.deepStrictEqual([yield* a(Node.connected), yield* b(Node.connected)], [["b"], ["a"]])
        assert.deepStrictEqual(yield* Selectable.take(seen), { _tag: "NodeUp", node: "b" })
        assert.isFalse(seen.isReadyUnsafe())
      }),
    200
  )

  explored(
    "I2 I16 a node that is frozen is lost after (k + 1) heartbeats, each watch once; it comes back when it is thawed",
    (network) =>
      Effect.gen(function* () {
        yield* serve(network.transport("client", "server"))
        const client = yield* start({ name: "client" })
        yield* client(
          Effect.gen(function* () {
            yield* Node.connect(network.transport("client", "server"), {
              heartbeat,
              reconnect: Schedule.spaced("5 seconds")
            })
            yield* inProcess(
              Effect.gen(function* () {
                yield* Process.trapExits
                const pid = yield* Process.call(clerk, "me")
                yield* Process.monitor(pid)
                yield* Process.link(pid)
                yield* network.freeze("server")
                yield* Effect.sleep("3010 millis")
                const told = yield* events
                assert.deepStrictEqual(
                  told.map((event) => ("exit" in event ? [event._tag, (failureOf(event.exit) as Error).name] : [])),
                  [
                    ["Exit", "NoConnection"],
                    ["LinkDown", "NoConnection"]
                  ]
                )
                yield* network.thaw("server")
                yield* Effect.sleep("30 seconds")
                assert.deepStrictEqual(yield* events, [])
                assert.deepStrictEqual(yield* Node.connected, ["server"])
                // It was linked with this process, of whose node it has heard as little.
                assert.deepInclude(yield* Effect.flip(Process.call(pid, "length", "x")), { _tag: "ProcessNotFound" })
              })
            )
          })
        )
      }),
    50
  )

  explored(
    "I16 a connection that is lost alone is made again: pids lead to the same processes, and nothing is resumed",
    (network) =>
      Effect.gen(function* () {
        yield* serve(network.transport("client", "server"))
        const client = yield* start({ name: "client" })
        yield* client(
          Effect.gen(function* () {
            yield* Node.connect(network.transport("client", "server"), { reconnect: Schedule.spaced("1 second") })
            const seen = yield* Node.events
            const pid = yield* Process.call(clerk, "me")
            yield* inProcess(
              Effect.gen(function* () {
                const monitor = yield* Process.monitor(pid)
                yield* network.sever("client", "server")
                yield* Effect.sleep("5 seconds")
                assert.strictEqual(yield* Process.call(pid, "length", "four"), 4)
                assert.isTrue(Equal.equals(yield* Process.call(clerk, "me"), pid))
                yield* Process.kill(pid)
                yield* Effect.sleep("1 second")
                const told = yield* events
                assert.deepStrictEqual(
                  told.map((event) =>
                    event._tag === "Exit" ? [event.monitor, (failureOf(event.exit) as Error).name] : []
                  ),
                  [[monitor, "NoConnection"]]
                )
              })
            )
            const told = [yield* Selectable.take(seen), yield* Selectable.take(seen), yield* Selectable.take(seen)]
            assert.deepStrictEqual(
              told.map(({ _tag }) => _tag),
              ["NodeUp", "NodeDown", "NodeUp"]
            )
          })
        )
      }),
    50
  )

  explored(
    "I16 a connection that one side alone has lost is replaced when that side comes back by another way",
    (network) =>
      Effect.gen(function* () {
        const { within } = yield* serve(network.transport("client", "server"))
        const client = yield* start({ name: "client" })
        yield* client(
          Effect.gen(function* () {
            yield* Node.connect(network.transport("client", "server"), {
              heartbeat: { interval: "100 millis", misses: 1 },
              reconnect: "never"
            })
            yield* network.partition(["client"], ["server"])
            yield* Effect.sleep("350 millis")
            assert.deepStrictEqual([yield* Node.connected, yield* within(Node.connected)], [[], ["client"]])
            yield* Node.connect(network.transport("other", "server"))
            assert.strictEqual(yield* Process.call(clerk, "length", "four"), 4)
            yield* network.heal
            yield* Effect.sleep("10 seconds")
            assert.deepStrictEqual([yield* Node.connected, yield* within(Node.connected)], [["server"], ["client"]])
          })
        )
      }),
    50
  )

  explored(
    "P7 processes of two nodes that ask each other: the inner call times out, with an error that says so",
    (network) =>
      Effect.gen(function* () {
        yield* serve(network.transport("client", "server"))
        const client = yield* start({ name: "client" })
        yield* client(
          Effect.gen(function* () {
            yield* Node.connect(network.transport("client", "server"))
            const exit = yield* Effect.flatMap(Process.spawn(Asker), Process.await)
            assert.deepStrictEqual(exit, Exit.succeed("CallTimeout"))
          })
        )
      }),
    50
  )
})
