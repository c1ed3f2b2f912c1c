import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { MessageChannel } from "node:worker_threads"
import { UnsupportedTransport } from "../../src/net/ConnectionError.ts"
import type { RuntimeType } from "../../src/net/InstanceId.ts"
import * as Strategy from "../../src/net/Strategy.ts"
import * as Memory from "../../src/net/transport/Memory.ts"
import * as Grpc from "../../src/net/transport/node/Grpc.ts"
import * as Tcp from "../../src/net/transport/node/Tcp.ts"
import * as Tls from "../../src/net/transport/node/Tls.ts"
import * as Unix from "../../src/net/transport/node/Unix.ts"
import * as WebSocket from "../../src/net/transport/node/WebSocket.ts"
import * as WorkerPort from "../../src/net/transport/node/WorkerPort.ts"

/** One of each transport that there is. */
const all = Effect.gen(function* () {
  const { port1, port2 } = yield* Effect.acquireRelease(
    Effect.sync(() => new MessageChannel()),
    (channel) => Effect.sync(() => channel.port1.close())
  )
  const host = "127.0.0.1"
  return [
    Memory.make(),
    WorkerPort.make(port1),
    Unix.make({ path: "/run/one.sock" }),
    Tcp.make({ host, port: 1 }),
    Tls.make({ host, port: 2 }),
    WebSocket.make({ url: "ws://127.0.0.1:3" }),
    yield* Grpc.make({ host, port: 4 }),
    WorkerPort.make(port2)
  ]
})

const table: { readonly [Runtime in RuntimeType]: ReadonlyArray<string> } = {
  process: ["unix", "tcp", "tls"],
  kubernetes: ["grpc", "tcp", "tls", "websocket"],
  wasm: ["memory", "worker"],
  worker: ["memory", "worker"]
}

describe("strategies", () => {
  it.effect("K39 keep the transports in the order in which they are to be tried, each with its own address", () =>
    Effect.gen(function* () {
      const unix = Unix.make({ path: "/run/one.sock" })
      const [one, other] = [Tcp.make({ host: "10.0.0.7", port: 1 }), Tcp.make({ host: "10.0.0.8", port: 1 })]
      const strategy = yield* Strategy.make("process", [other, unix, one])
      assert.strictEqual(strategy.runtime, "process")
      assert.deepStrictEqual(
        Strategy.transports(strategy).map(({ address }) => address),
        ["10.0.0.8:1", "/run/one.sock", "10.0.0.7:1"]
      )
    })
  )

  for (const runtime of ["process", "kubernetes", "wasm", "worker"] as const) {
    it.effect(`K39 a ${runtime} runtime speaks ${table[runtime].join(", ")}, and refuses the others by name`, () =>
      Effect.gen(function* () {
        const transports = yield* all
        const known = transports.find(({ name }) => name === table[runtime][0])!
        for (const transport of transports) {
          // Wherever it stands.
          for (const list of [[transport], [transport, known], [known, transport]] as const) {
            const made = Strategy.make(runtime, list)
            if (table[runtime].includes(transport.name)) {
              assert.strictEqual((yield* made).transports, list)
            } else {
              assert.deepStrictEqual(
                yield* Effect.flip(made),
                new UnsupportedTransport({ transport: transport.name, runtime, supported: table[runtime] })
              )
            }
          }
        }
      })
    )
  }

  it.effect("of any transports have no runtime that could refuse one", () =>
    Effect.gen(function* () {
      const [first, ...rest] = yield* all
      const strategy = Strategy.of(first!, { ...Memory.make(), name: "carrier pigeon" }, ...rest)
      assert.isUndefined(strategy.runtime)
      assert.deepStrictEqual(
        Strategy.transports(strategy).map(({ name }) => name),
        ["memory", "carrier pigeon", "worker", "unix", "tcp", "tls", "websocket", "grpc", "worker"]
      )
    })
  )

  it("are told from transports, which are the one to try", () => {
    const transport = Memory.make()
    assert.isTrue(Strategy.isStrategy(Strategy.of(transport)))
    for (const other of [transport, null, undefined, "strategy", {}]) assert.isFalse(Strategy.isStrategy(other))
    assert.deepStrictEqual(Strategy.transports(transport), [transport])
  })
})
