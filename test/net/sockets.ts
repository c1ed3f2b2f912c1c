/**
 * What the tests of the transports over sockets have in common.
 */
import { assert } from "@effect/vitest"
import { Effect, Queue, Schedule } from "effect"
import { type ChildProcessByStdio, spawn } from "node:child_process"
import { readdirSync, readlinkSync, renameSync } from "node:fs"
import { connect, createServer, type Server } from "node:net"
import type { Readable } from "node:stream"
import type { Transport, Wire } from "../../src/net/Transport.ts"
import { SocketWire } from "../../src/net/transport/node/internal/SocketWire.ts"

/** Destroys the socket beneath a wire, as the end of its program does. */
export const lose = (wire: Wire) =>
  Effect.sync(() => {
    assert.instanceOf(wire, SocketWire)
    wire["socket"].destroy()
  })

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
export const text = (frame: Uint8Array): string => new TextDecoder().decode(frame)

/** Listens, and keeps the wires for the test to take, open until the scope closes. */
export const served = Effect.fnUntraced(function* (transport: Transport) {
  const wires = yield* Queue.unbounded<Wire>()
  const listening = yield* transport.listen((wire) => Effect.andThen(Queue.offer(wires, wire), Effect.never))
  return { listening, transport: listening.transport, next: Queue.take(wires), count: Queue.size(wires) }
})

/** The next frames as texts. */
export const texts = (wire: Wire) => Effect.map(wire.receive, (frames) => frames.map(text))

/** Waits until it holds; the timeout of the test ends it otherwise. */
export const until = (holds: () => boolean) =>
  Effect.repeat(Effect.andThen(Effect.sleep("5 millis"), Effect.sync(holds)), { until: (held) => held })

/** The sockets that this program has open, as the system counts them. */
export const openSockets = (): number =>
  readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith("socket:")
    } catch {
      return false
    }
  }).length

const root = new URL("../../", import.meta.url)

/** A program of its own in Node, which is killed with the scope, and the lines that it prints. */
export const program = (code: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const child: ChildProcessByStdio<null, Readable, null> = spawn(
        process.execPath,
        ["-C", "source", "--input-type=module-typescript", "--eval", code],
        { cwd: root, stdio: ["ignore", "pipe", "inherit"] }
      )
      let output = ""
      child.stdout.on("data", (chunk) => (output += String(chunk)))
      return {
        child,
        said: (line: string) => until(() => output.split("\n").includes(line)),
        kill: (signal: NodeJS.Signals) => Effect.sync(() => child.kill(signal))
      }
    }),
    ({ child }) => Effect.sync(() => child.kill("SIGKILL"))
  )

/** Leaves the file of a socket to which nobody listens, as a program that was killed does. */
export const stale = (path: string) =>
  Effect.promise(
    () =>
      new Promise<void>((resolve) => {
        const server = createServer()
        // Node removes the file under the name that it made alone.
        server.listen(`${path}.made`, () => {
          renameSync(`${path}.made`, path)
          server.close(() => resolve())
        })
      })
  )

/** Of a transport with `maxConnections: 1`. */
export const refusesASecond = (limited: Transport) =>
  Effect.gen(function* () {
    const { listening, next, transport } = yield* served(limited)
    const first = yield* transport.connect
    yield* next
    const error = yield* Effect.flip(transport.connect)
    assert.strictEqual(error.reason, "TooManyConnections")
    assert.strictEqual(yield* listening.refused ?? Effect.succeed(0), 1)
    assert.strictEqual(yield* listening.wires, 1)
    yield* first.close
    yield* Effect.retry(transport.connect, { times: 1000, schedule: Schedule.spaced("5 millis") })
  })

/** A way to a port, which keeps what passes. */
export const proxied = (port: number) =>
  Effect.gen(function* () {
    const passed: Array<Buffer> = []
    const proxy = yield* Effect.acquireRelease(
      Effect.callback<Server>((resume) => {
        const proxy: Server = createServer((near) => {
          const far = connect(port, "127.0.0.1")
          for (const [from, into] of [
            [near, far],
            [far, near]
          ] as const) {
            from.on("data", (chunk: Buffer) => passed.push(chunk))
            from.on("error", () => into.destroy())
            from.pipe(into)
          }
        })
        proxy.listen(0, "127.0.0.1", () => resume(Effect.succeed(proxy)))
      }),
      (proxy) => Effect.sync(() => proxy.close())
    )
    const address = proxy.address()
    assert.isTrue(typeof address === "object" && address !== null)
    return { port: (address as { port: number }).port, passed: () => Buffer.concat(passed) }
  })
