/**
 * Servers of each transport under garbage: those who behave notice nothing of those who do not.
 *
 * `TROUPE_FUZZ_FRAMES=100000` says so many frames to each; `TROUPE_FUZZ_SEED` has them be others.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Logger, Redacted, Schema, type Scope, Stream } from "effect"
import { Rpc } from "effect/rpc"
import { mkdtempSync, rmSync } from "node:fs"
import * as Net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeTls from "node:tls"
import { MessageChannel, type MessagePort } from "node:worker_threads"
import { Acceptor, Authentication, Connection, Memory, Protocol } from "troupe/net"
import * as Grpc from "troupe/net/grpc"
import * as Tcp from "troupe/net/tcp"
import * as Tls from "troupe/net/tls"
import * as Unix from "troupe/net/unix"
import * as WebSocket from "troupe/net/web-socket"
import * as WorkerPort from "troupe/net/worker-port"
import { type Transport, TypeId, type Wire } from "../../src/net/Transport.ts"
import { mix } from "../../src/testing/internal/prng.ts"
import { heapUsed } from "../support/heap.ts"
import { certificates } from "./certificates.ts"
import {
  Garbage,
  overBytes,
  overPort,
  overSocket,
  overWebSocket,
  overWire,
  type Session,
  stranger,
  watched
} from "./fuzzing.ts"
import { overHttp2 } from "./fuzzing-http2.ts"

const frames = Number(process.env["TROUPE_FUZZ_FRAMES"] ?? 500)
const seed = Number(process.env["TROUPE_FUZZ_SEED"] ?? 1)

const maxFrame = 64 * 1024

// How much more memory may be in use than before when all who spoke garbage have gone; and at any time, with garbage that
// was not collected yet.
const left = 16 * 1024 * 1024
const atOnce = 256 * 1024 * 1024

const Numbers = Protocol.make("test:numbers", {
  server: [
    Rpc.make("next", { payload: Schema.Int, success: Schema.Int, error: Schema.String }),
    Rpc.make("note", { payload: { text: Schema.String, at: Schema.Date } }),
    Rpc.make("bytes", { payload: Schema.Uint8Array, success: Schema.Uint8Array }),
    Rpc.make("count", {
      payload: { to: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 50 })) },
      success: Schema.Int,
      stream: true
    })
  ],
  client: [Rpc.make("name", { success: Schema.String })]
})

/** Serves a transport as users do, and answers what a good client of it does. */
const served = Effect.fnUntraced(function* (transport: Transport) {
  const acceptor = yield* Acceptor.make(transport, Numbers, {
    authenticator: Authentication.open,
    handlers: {
      next: (n) => (n < 0 ? Effect.fail("it is negative") : Effect.succeed(n + 1)),
      note: () => Effect.void,
      bytes: (bytes) => Effect.succeed(bytes.toReversed()),
      count: ({ to }) => Stream.range(1, to)
    },
    stopTimeout: "1 second"
  })
  const connect = (transport: Transport) =>
    Connection.connect(transport, Numbers, { handlers: { name: () => Effect.succeed("Ada") }, reconnect: "never" })
  /** A client that asks once and again, and fails where it is not answered rightly. */
  const client = Effect.fnUntraced(function* (transport: Transport) {
    const connection = yield* connect(transport)
    let n = 0
    return Effect.gen(function* () {
      assert.strictEqual(yield* connection.request("next", n), n + 1)
      n++
      if (n % 4 === 0) yield* connection.tell("note", { text: `the note ${n}`, at: new Date(0) })
      if (n % 4 === 1)
        assert.deepStrictEqual(yield* Stream.runCollect(connection.stream("count", { to: 4 })), [1, 2, 3, 4])
      if (n % 4 === 2)
        assert.deepStrictEqual(yield* connection.request("bytes", Uint8Array.of(1, 2)), Uint8Array.of(2, 1))
      if (n % 4 === 3) assert.strictEqual(yield* Effect.flip(connection.request("next", -1)), "it is negative")
    })
  })
  /** A wire that a good client has begun to speak over, and speaks over still. */
  const begun = Effect.gen(function* () {
    let wire: Wire | undefined
    yield* connect(watched(acceptor.transport, { onWire: (made) => (wire = made) }))
    return wire!.send
  })
  return {
    transport: acceptor.transport,
    client,
    begun,
    serves: Effect.map(acceptor.stats, ({ connections }) => connections)
  }
})

type Service = Effect.Success<ReturnType<typeof served>>

/** Who says garbage to a service. */
type Hostile = (service: Service) => ReadonlyArray<Session>

const lanes = 8

const memory = (): number => {
  const { external, heapUsed } = process.memoryUsage()
  return heapUsed + external
}

/** The memory in use, without garbage. */
const inUse = Effect.map(heapUsed, memory)

/** Has hostile sessions say so many frames. */
const say = (sessions: ReadonlyArray<Session>, corpus: ReadonlyArray<Uint8Array>, first: number, frames: number) =>
  Effect.gen(function* () {
    let left = frames
    let next = first
    const lane = Effect.gen(function* () {
      while (left > 0) {
        const number = next++
        const garbage = new Garbage(mix(seed, number), maxFrame, corpus)
        const asked = Math.min(left, 1 + garbage.chance.below(64))
        // Those that it does not come to say are for others.
        left -= asked
        left += asked - (yield* sessions[number % sessions.length]!(garbage, asked))
      }
    })
    yield* Effect.all(
      Array.from({ length: lanes }, () => lane),
      { concurrency: "unbounded" }
    )
    return next
  })

const fuzz = (name: string, make: Effect.Effect<Transport, unknown, Scope.Scope>, hostile: Hostile): void =>
  it.live(
    `${name}: garbage does no harm to a server, nor to its good clients (${frames} frames, seed ${seed})`,
    () =>
      Effect.gen(function* () {
        const service = yield* served(yield* make)
        const corpus: Array<Uint8Array> = []
        yield* Effect.scoped(
          Effect.gen(function* () {
            const onFrame = (frame: Uint8Array) => void corpus.push(frame)
            const ask = yield* service.client(watched(service.transport, { onFrame }))
            yield* Effect.replicateEffect(ask, 8)
          })
        )
        const ask = yield* service.client(service.transport)
        let answered = 0
        let peak = 0
        const asking = yield* Effect.forkChild(
          Effect.forever(
            Effect.andThen(
              Effect.tap(ask, () =>
                Effect.sync(() => {
                  answered++
                  peak = Math.max(peak, memory())
                })
              ),
              Effect.sleep(1)
            )
          )
        )
        const sessions = hostile(service)
        // The first part makes what is made once.
        const parts = 5
        let next = yield* say(sessions, corpus, 0, frames / parts)
        const before = yield* inUse
        for (let part = 1; part < parts; part++) {
          const until = answered
          next = yield* say(sessions, corpus, next, frames / parts)
          assert.isAbove(answered, until, "good clients are answered meanwhile")
          assert.isBelow((yield* inUse) - before, left, "nothing is kept")
        }
        assert.isBelow(peak - before, atOnce, "memory is bounded")
        // A client that was not answered has failed.
        assert.isUndefined(asking.pollUnsafe())
        yield* Fiber.interrupt(asking)
        yield* Effect.scoped(Effect.flatMap(service.client(service.transport), (ask) => ask))
        // Nobody is kept but who is still there.
        yield* Effect.repeat(Effect.andThen(Effect.sleep("20 millis"), service.serves), { until: (open) => open === 1 })
        const more = (bytes: number) => `${Math.round((bytes - before) / 1024)} KiB`
        console.log(
          `fuzz ${name}: seed ${seed}, ${frames} frames in ${next} sessions, ${answered} good answers; ` +
            `more memory in use: ${more(yield* inUse)} afterwards, ${more(peak)} at most`
        )
      }).pipe(
        // The server says of each note what is wrong with it.
        Effect.provide(Logger.layer([]))
      ),
    Math.max(120_000, frames * 30)
  )

const portOf = ({ address }: Transport): number => Number(address.split(":").at(-1))

const wires: Hostile = ({ begun, transport }) => [overWire(stranger(transport)), overWire(begun)]

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "troupe-fuzz-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const channel = Effect.acquireRelease(
  Effect.sync(() => new MessageChannel()),
  ({ port1 }) => Effect.sync(() => port1.close())
)

/** Both ends of a channel as one transport: who listens has the one, who connects the other. */
const bothEnds = (near: MessagePort, far: MessagePort): Transport => {
  const listener = WorkerPort.make(near, { maxFrame })
  const { connect } = WorkerPort.make(far, { maxFrame })
  const transport: Transport = {
    [TypeId]: TypeId,
    name: "worker",
    address: "port",
    connect,
    listen: (serve) => Effect.map(listener.listen(serve), ({ wires }) => ({ transport, wires }))
  }
  return transport
}

const { authority, client, server } = certificates
const host = "127.0.0.1"

describe("fuzz", () => {
  fuzz(
    "memory",
    Effect.sync(() => Memory.make({ maxFrame })),
    wires
  )

  fuzz(
    "unix",
    Effect.map(folder, (path) => Unix.make({ path: join(path, "socket"), maxFrame })),
    (service) => [...wires(service), overSocket(() => Net.connect({ path: service.transport.address }))]
  )

  fuzz(
    "tcp",
    Effect.sync(() => Tcp.make({ host, port: 0, maxFrame })),
    (service) => [...wires(service), overSocket(() => Net.connect({ host, port: portOf(service.transport) }))]
  )

  fuzz(
    "tls",
    Effect.sync(() =>
      Tls.make({
        host,
        port: 0,
        maxFrame,
        identity: server,
        authorities: [authority],
        clientCertificates: "required"
      })
    ),
    (service) => {
      const port = portOf(service.transport)
      const key = { cert: client.certificate, key: Redacted.value(client.key), ca: authority }
      return [
        ...wires(service),
        overSocket(() => NodeTls.connect({ host, port, ...key })),
        overSocket(() => NodeTls.connect({ host, port, ca: authority })),
        // A record of TLS that begins a handshake, and goes on otherwise.
        overBytes(
          () => Net.connect({ host, port }),
          (garbage) => (garbage.oneIn(2) ? Uint8Array.of(0x16, 3, 1, 0, 64, 1, 0, 0, 60, 3, 3) : new Uint8Array(0))
        )
      ]
    }
  )

  fuzz(
    "websocket",
    Effect.sync(() => WebSocket.make({ url: `ws://${host}:0/wire`, maxFrame })),
    (service) => {
      const url = new URL(service.transport.address)
      return [
        ...wires(service),
        overWebSocket(url),
        overBytes(
          () => Net.connect(Number(url.port), url.hostname),
          (garbage) =>
            garbage.pick([
              "GET /wire HTTP/1.1\r\n",
              "GET / HTTP/9.9\r\n\r\n",
              "POST /wire HTTP/1.1\r\nContent-Length: 9\r\n\r\n",
              ""
            ])
        )
      ]
    }
  )

  let far: MessagePort
  fuzz(
    "worker",
    Effect.map(channel, ({ port1, port2 }) => {
      far = port2
      return bothEnds(port1, port2)
    }),
    (service) => [...wires(service), overPort(far)]
  )

  fuzz("grpc", Grpc.make({ host, port: 0, maxFrame }), (service) => {
    const port = portOf(service.transport)
    return [
      ...wires(service),
      overHttp2(host, port, "/troupe.v1.Transport/Connect"),
      overBytes(
        () => Net.connect({ host, port }),
        (garbage) => (garbage.oneIn(2) ? "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" : "")
      )
    ]
  })
})
