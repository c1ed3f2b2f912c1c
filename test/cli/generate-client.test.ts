/** A generated client finds and calls a server that was made from a generated protocol, and gets a stream from it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema, type Scope } from "effect"
import { Rpc } from "effect/rpc"
import { join } from "node:path"
import { Address, Authentication, DataStream, Directory, InstanceId, Memory, Offer, Protocol } from "troupe/net"
import type { ActorType, Connection } from "troupe/net"
import type { Transport } from "../../src/net/Transport.ts"
import * as Unix from "../../src/net/transport/node/Unix.ts"
import { contractOf } from "../net/contracts.ts"
import { directory } from "../support/files.ts"
import { folder, load, sourcesOf, write } from "./generating.ts"

const Echo = Protocol.make("app:stream-echo", {
  server: [
    ...DataStream.routes,
    Rpc.make("register", { payload: { streamId: Schema.String, count: Schema.Int }, success: Schema.String })
  ],
  client: DataStream.routes
})

/** What the modules export, as the compiler knows it of those that are there when it runs. */
interface Modules {
  readonly remote: {
    readonly connect: (
      options: Directory.ConnectOptions & { readonly handlers: DataStream.RouteHandlers }
    ) => Effect.Effect<Connection.Connection<(typeof Echo.server)[number]>, unknown, Directory.Directory | Scope.Scope>
  }
  readonly local: { readonly StreamEcho: typeof Echo; readonly type: ActorType.ActorType }
}

const modules = Effect.gen(function* () {
  const path = yield* folder
  yield* write(path, yield* sourcesOf(yield* contractOf(Echo), "stream-echo"))
  const remote: unknown = yield* load(join(path, "remote.ts"))
  const local: unknown = yield* load(join(path, "local.ts"))
  return { remote, local } as Modules
})

const transports: ReadonlyArray<
  readonly [string, Effect.Effect<readonly [Transport, Address.Dialer], never, Scope.Scope>]
> = [
  [
    "memory",
    Effect.sync(() => {
      const transport = Memory.make()
      return [transport, Address.dialer(transport)] as const
    })
  ],
  ["unix", Effect.map(directory, (path) => [Unix.make({ path: join(path, "echo.sock") }), Unix.dialer()] as const)]
]

describe("a generated client", () => {
  for (const [name, make] of transports) {
    it.live(`finds its server, calls it, and gets its stream: ${name}`, () =>
      Effect.gen(function* () {
        const { local, remote } = yield* modules
        const [transport, dialer] = yield* make
        const scope = yield* Effect.scope
        const there = yield* DataStream.make()
        yield* Offer.exported(local.type, local.StreamEcho, {
          instanceId: yield* InstanceId.parse("process/echo/1"),
          transports: [transport],
          authenticator: Authentication.open,
          handlers: {
            ...there.handlers,
            register: ({ count, streamId }, caller) =>
              Effect.gen(function* () {
                const sender = yield* there.open(caller, streamId)
                for (let n = 1; n <= count; n++) yield* sender.send(new TextEncoder().encode(`message ${n}`))
                yield* sender.end
              }).pipe(Effect.scoped, Effect.ignore, Effect.forkIn(scope), Effect.as(`${streamId} is registered`))
          }
        })
        const here = yield* DataStream.make()
        const connection = yield* remote.connect({ dialers: [dialer], handlers: here.handlers })
        const seen: Array<string> = []
        const receiver = yield* here.register(connection, "my-stream", ({ payload, sequence }) =>
          Effect.sync(() => seen.push(`${sequence}: ${new TextDecoder().decode(payload)}`))
        )
        const answer = yield* connection.request("register", { streamId: "my-stream", count: 10 })
        yield* receiver.ended
        assert.strictEqual(answer, "my-stream is registered")
        assert.deepStrictEqual(
          seen,
          Array.from({ length: 10 }, (_, index) => `${index + 1}: message ${index + 1}`)
        )
      }).pipe(Effect.provide(Directory.layerMemory))
    )
  }
})
