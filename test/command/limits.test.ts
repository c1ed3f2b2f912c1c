/** Limits of layers: what is no limit stops the start, in place of being none, or one that lets nobody through. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { FetchHttpClient } from "effect/http"
import { KeyValueStore } from "effect/persistence"
import { Socket } from "effect/socket"
import {
  CloudStorage,
  Eval,
  Exec,
  FileStream,
  Http,
  ObjectStorage,
  Sandbox,
  Sql,
  Store,
  WebSocket
} from "../../src/command/index.ts"
import * as ProcessSandbox from "../../src/command/driver/ProcessSandbox.ts"
import * as WorkerSandbox from "../../src/command/driver/WorkerSandbox.ts"
import { memory } from "../support/databases.ts"
import { directory } from "../support/files.ts"

const services = Layer.mergeAll(
  NodeServices.layer,
  FetchHttpClient.layer,
  Socket.layerWebSocketConstructorGlobal,
  KeyValueStore.layerMemory,
  Layer.mock(ObjectStorage.ObjectStorage, {}),
  Layer.mock(Sandbox.Sandbox, {}),
  memory.layer
)

// What a layer would provide is nobody's business here.
const built = <A, E, R>(layer: Layer.Layer<A, E, R>): Layer.Layer<never, E, R> =>
  Layer.effectDiscard(Layer.build(layer))

type Making = (value: number) => Layer.Layer<never, unknown, Layer.Success<typeof services>>

const layers: ReadonlyArray<readonly [subject: string, option: string, make: Making]> = [
  ["CloudStorage.layer", "maxBytes", (maxBytes) => built(CloudStorage.layer({ maxBytes }))],
  ["Eval.layer", "maxBytes", (maxBytes) => built(Eval.layer({ maxBytes }))],
  ["Exec.layer", "maxBytes", (maxBytes) => built(Exec.layer({ maxBytes }))],
  ["FileStream.layer", "maxChunkBytes", (maxChunkBytes) => built(FileStream.layer({ maxChunkBytes }))],
  ["Http.layer", "maxRequestBytes", (maxRequestBytes) => built(Http.layer({ maxRequestBytes }))],
  ["Http.layer", "maxResponseBytes", (maxResponseBytes) => built(Http.layer({ maxResponseBytes }))],
  ["Sql.layer", "maxBytes", (maxBytes) => built(Sql.layer({ maxBytes }))],
  ["Store.layer", "maxValueBytes", (maxValueBytes) => built(Store.layer({ maxValueBytes }))],
  [
    "Store.layerFiles",
    "maxValueBytes",
    (maxValueBytes) => built(Layer.unwrap(Effect.map(directory, (path) => Store.layerFiles(path, { maxValueBytes }))))
  ],
  ["Store.layerSql", "maxValueBytes", (maxValueBytes) => built(Store.layerSql({ maxValueBytes }))],
  ["WebSocket.layer", "maxMessageBytes", (maxMessageBytes) => built(WebSocket.layer({ maxMessageBytes }))],
  ["WebSocket.layer", "maxBufferedBytes", (maxBufferedBytes) => built(WebSocket.layer({ maxBufferedBytes }))],
  ["ProcessSandbox.layer", "concurrency", (concurrency) => built(ProcessSandbox.layer({ concurrency }))],
  ["WorkerSandbox.layer", "concurrency", (concurrency) => built(WorkerSandbox.layer({ concurrency }))]
]

const refusal = (layer: ReturnType<Making>) =>
  Effect.map(Effect.flip(Effect.scoped(Layer.build(Layer.provide(layer, services)))), String)

describe("limits", () => {
  for (const [subject, option, make] of layers) {
    it.effect(`D18 ${option} of ${subject} has to be a whole number`, () =>
      Effect.gen(function* () {
        for (const value of [Number.NaN, -1, 1.5, Infinity]) {
          const least = option === "concurrency" || subject === "Exec.layer" ? 1 : 0
          assert.strictEqual(
            yield* refusal(make(value)),
            `InvalidOption: The option "${option}" of ${subject} is ${value}; it must be a whole number from ${least} on.`
          )
        }
      })
    )
  }

  it.effect("D18 a sandbox of no places is refused, in place of letting everybody wait for ever", () =>
    Effect.gen(function* () {
      for (const layer of [WorkerSandbox.layer({ concurrency: 0 }), ProcessSandbox.layer({ concurrency: 0 })]) {
        assert.include(yield* refusal(built(layer)), "a whole number from 1 on")
      }
    })
  )

  it.effect("D18 the memory of Eval.layer has to be above 0", () =>
    Effect.gen(function* () {
      for (const memory of [0, -1, Number.NaN, Infinity]) {
        const layer = built(Eval.layer({ memory }))
        assert.include(yield* refusal(layer), `"memory" of Eval.layer is ${memory}; it must be a finite number above 0`)
      }
    })
  )
})
