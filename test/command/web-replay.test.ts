import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodeWS from "@effect/platform-node/NodeWS"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Option, Schema } from "effect"
import { FetchHttpClient } from "effect/http"
import { Process, Recording, Replay } from "troupe"
import * as Event from "../../src/command/Event.ts"
import * as EventBus from "../../src/command/EventBus.ts"
import * as FileStream from "../../src/command/FileStream.ts"
import * as Http from "../../src/command/Http.ts"
import * as WebSocket from "../../src/command/WebSocket.ts"
import { host } from "../support/processes.ts"
import { webServer } from "../support/webServer.ts"

const Args = Schema.Struct({ path: Schema.String, port: Schema.Int })
const Worker = Process.make("test:worker", { args: Args, success: Schema.Array(Schema.String) })

/** Uses each of the modules, and fails in each. */
const body = Effect.fn(function* ({ path, port }: typeof Args.Type) {
  const response = yield* Http.request({ url: `http://127.0.0.1:${port}/` })
  const log = [`${response.status} ${response.text}`, (yield* Effect.flip(response.json)).message]
  log.push((yield* Effect.flip(Http.request({ url: "gopher://127.0.0.1" }))).message)
  const out = yield* FileStream.open(path, "write")
  yield* FileStream.write(out, response.body)
  yield* FileStream.close(out)
  log.push((yield* Effect.flip(FileStream.close(out))).message)
  const file = yield* FileStream.open(path, "read")
  const read = Effect.map(FileStream.read(file, 3), Option.match({ onNone: () => "end", onSome: String }))
  log.push(yield* read, yield* read, yield* read)
  const socket = yield* WebSocket.connect(`ws://127.0.0.1:${port}/`)
  yield* WebSocket.send(socket, new Uint8Array([1, 2]))
  log.push(JSON.stringify(yield* WebSocket.receive(socket)), JSON.stringify(yield* WebSocket.receive(socket)))
  log.push((yield* Effect.flip(WebSocket.send(socket, "late"))).message)
  const events = yield* Event.subscribe(["a.#"])
  log.push(
    String(yield* Event.send("a.b", { response: response.status })),
    JSON.stringify(yield* Event.receive(events))
  )
  log.push((yield* Effect.flip(Event.send("*", null))).message)
  return log
})

const clients = Layer.mergeAll(
  Http.layer().pipe(Layer.provide(FetchHttpClient.layer)),
  FileStream.layer().pipe(Layer.provide(NodeFileSystem.layer)),
  WebSocket.layer().pipe(Layer.provide(NodeWS.layerWebSocketConstructor)),
  Event.layer.pipe(Layer.provide(EventBus.layer))
)

describe("D16 D18 recordings", () => {
  it.live("D16 D18 http, stream, websocket and event: what was recorded is replayed without servers and files", () =>
    Effect.gen(function* () {
      const recorder = yield* Recording.inMemory
      const recorded = yield* Effect.gen(function* () {
        const { port, server } = yield* webServer((_, response) => response.end("hello"))
        new NodeWS.WebSocketServer({ server }).on("connection", (socket) =>
          socket.on("message", (message) => {
            socket.send(message)
            socket.close(4000, "enough")
          })
        )
        const folder = yield* Effect.acquireRelease(
          Effect.sync(() => mkdtempSync(join(tmpdir(), "troupe-"))),
          (path) => Effect.sync(() => rmSync(path, { recursive: true }))
        )
        const args = { port, path: join(folder, "a") }
        const pid = yield* Process.spawn(Worker, args, { record: recorder })
        return yield* Process.await(pid)
      }).pipe(Effect.scoped, Effect.provide(Layer.merge(Worker.toLayer(body).pipe(Layer.provide(clients)), host)))
      assert.isTrue(Exit.isSuccess(recorded), String(recorded))
      const unhandled = Layer.mergeAll(
        Replay.unhandled(Http.commands),
        Replay.unhandled(FileStream.commands),
        Replay.unhandled(WebSocket.commands),
        Replay.unhandled(Event.commands)
      )
      const { exit, matches } = yield* Effect.provide(
        Replay.run(Worker, yield* recorder.recording),
        Worker.toLayer(body).pipe(Layer.provide(unhandled))
      )
      assert.isTrue(matches)
      assert.deepStrictEqual<unknown>(exit, recorded)
    })
  )
})
