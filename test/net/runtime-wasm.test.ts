/**
 * Instances that are modules of WebAssembly.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Connection, type Instance, Protocol } from "troupe/net"
import * as WasmRuntime from "troupe/net/wasm-runtime"
import { wasm } from "./program/wasm.ts"

const Module = Protocol.make("test:module", {
  server: [
    WasmRuntime.route("echo"),
    WasmRuntime.route("count"),
    WasmRuntime.route("trap"),
    WasmRuntime.route("lost"),
    WasmRuntime.route("spin")
  ]
})

/** What starts instances of a module with these bytes. */
const starter = (bytes: Uint8Array, options?: Partial<WasmRuntime.Options>) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "troupe-wasm-"))),
      (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
    ),
    (folder) => {
      const program = join(folder, "module.wasm")
      writeFileSync(program, bytes)
      return WasmRuntime.make({ namespace: "module", program, protocol: Module, ...options })
    }
  )

const dial = ({ credentials, id, strategy }: Instance.Instance) =>
  Connection.connect(strategy, Module, { credentials, instanceId: id })

const none = new Uint8Array()

describe("modules of WebAssembly as instances", () => {
  it.live("K45 its functions are called with bytes, any value, and nothing of two instances meets", () =>
    Effect.gen(function* () {
      const { start } = yield* starter(wasm())
      const instances = yield* Effect.all([start("1"), start("2")], { concurrency: 2 })
      assert.strictEqual(String(instances[0].id), "wasm/module/1")
      const [one, two] = yield* Effect.all([dial(instances[0]), dial(instances[1])])
      const bytes = Uint8Array.from({ length: 256 }, (_, n) => n)
      assert.deepStrictEqual(yield* one.request("echo", bytes), bytes)
      assert.deepStrictEqual(yield* one.request("echo", none), none)
      for (const n of [1, 2, 3]) assert.deepStrictEqual(yield* one.request("count", none), Uint8Array.of(n))
      assert.deepStrictEqual(yield* two.request("count", none), Uint8Array.of(1))
    })
  )

  it.live("a trap is the typed error of its call, and the instance goes on with the module made anew", () =>
    Effect.gen(function* () {
      const instance = yield* (yield* starter(wasm())).start("1")
      const connection = yield* dial(instance)
      assert.deepStrictEqual(yield* connection.request("count", none), Uint8Array.of(1))
      const trapped = yield* Effect.flip(connection.request("trap", none))
      assert.strictEqual(trapped._tag === "WasmFailed" && trapped.reason, "Trapped")
      assert.include(trapped.message, "unreachable")
      assert.deepStrictEqual(yield* connection.request("count", none), Uint8Array.of(1))
      const lost = yield* Effect.flip(connection.request("lost", none))
      assert.strictEqual(lost._tag === "WasmFailed" && lost.reason, "InvalidOutput")
      assert.include(lost.message, "its output of 16 bytes at 4294967288 is not in its memory")
      // More than its memory has, which does not grow.
      const large = yield* Effect.flip(connection.request("echo", new Uint8Array(100_000)))
      assert.strictEqual(large._tag === "WasmFailed" && large.reason, "InvalidOutput")
      assert.deepStrictEqual(yield* connection.request("count", none), Uint8Array.of(1))
    })
  )

  it.live("one whose function never returns is ended after the grace", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { start } = yield* starter(wasm(), { stopTimeout: "50 millis" })
      const instance = yield* Scope.provide(start("1"), scope)
      const connection = yield* dial(instance)
      const error = yield* Effect.flip(connection.request("spin", none, { timeout: "50 millis" }))
      assert.strictEqual(error._tag, "Timeout")
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual((yield* instance.ended).how, "stopped")
    })
  )

  it.live("what is no module, imports something, or lacks a function, is not started", () =>
    Effect.gen(function* () {
      const told = (bytes: Uint8Array, options?: Partial<WasmRuntime.Options>) =>
        Effect.map(
          Effect.flip(Effect.flatMap(starter(bytes, options), ({ start }) => start("1"))),
          ({ detail, reason }) => `${reason}: ${detail}`
        )
      assert.include(yield* told(Uint8Array.of(1, 2, 3)), "Invalid: it is no module")
      assert.include(yield* told(wasm(true)), "Invalid: it imports env.now")
      const protocol = Protocol.make("test:other", { server: [WasmRuntime.route("resize")] })
      assert.strictEqual(yield* told(wasm(), { protocol }), 'Invalid: it exports no function "resize"')
    })
  )
})
