import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Option, Random, Redacted, Schema } from "effect"
import { KeyValueStore } from "effect/persistence"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import { spawn } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, watch, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Process, ProcessHost, Recording, Replay } from "troupe"
import { type Backing, ofDirectory, ofKeyValueStore, ofTable } from "../../src/command/internal/backing.ts"
import * as Store from "../../src/command/Store.ts"
import { file, memory, postgres } from "../support/databases.ts"
import { directory } from "../support/files.ts"
import { inProcess } from "../support/processes.ts"

const Node = Layer.mergeAll(NodeFileSystem.layer, NodePath.layer)

/** A store of its own, and the keys that lie in it. */
class Under extends Context.Service<
  Under,
  {
    readonly layer: (options?: Store.Options) => ReturnType<typeof Store.layerMemory>
    readonly backing: Backing
    readonly keys: Effect.Effect<ReadonlyArray<string>>
    readonly put: (key: string, text: string) => Effect.Effect<void>
  }
>()("test/Under") {}

const service = (store: KeyValueStore.KeyValueStore): Pick<Context.Service.Shape<typeof Under>, "keys" | "put"> => ({
  keys: Effect.orDie(store.keys),
  put: (key, text) => Effect.orDie(store.set(key, text))
})

const inMemory = Layer.effect(
  Under,
  Effect.gen(function* () {
    const store = Context.get(yield* Layer.build(KeyValueStore.layerMemory), KeyValueStore.KeyValueStore)
    return {
      ...service(store),
      backing: ofKeyValueStore(store),
      layer: (options) => Store.layer(options).pipe(Layer.provide(Layer.succeed(KeyValueStore.KeyValueStore, store)))
    }
  })
)

const inFiles = Layer.effect(
  Under,
  Effect.gen(function* () {
    const path = join(yield* directory, "store")
    const store = Context.get(yield* Layer.build(KeyValueStore.layerFileSystem(path)), KeyValueStore.KeyValueStore)
    return {
      ...service(store),
      backing: yield* ofDirectory(store, path),
      layer: (options) => Store.layerFiles(path, options).pipe(Layer.provide(Node), Layer.orDie)
    }
  })
).pipe(Layer.provide(Node))

const inTable = (database: Layer.Layer<SqlClient.SqlClient, unknown>) =>
  Layer.effect(
    Under,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const table = "entries"
      const store = Context.get(yield* Layer.build(KeyValueStore.layerSql({ table })), KeyValueStore.KeyValueStore)
      return {
        ...service(store),
        backing: ofTable(store, sql, table),
        layer: (options) =>
          Store.layerSql({ ...options, table }).pipe(
            Layer.provide(Layer.succeed(SqlClient.SqlClient, sql)),
            Layer.orDie
          )
      }
    })
  ).pipe(Layer.provide(database))

const stores: ReadonlyArray<readonly [name: string, layer: Layer.Layer<Under, unknown>, absent: string | undefined]> = [
  ["memory", inMemory, undefined],
  ["files", inFiles, undefined],
  [memory.name, inTable(memory.layer), memory.absent],
  [file.name, inTable(file.layer), file.absent],
  [postgres.name, inTable(postgres.layer), postgres.absent]
]

const reasonOf = <A, R>(effect: Effect.Effect<A, Store.StoreYieldError, R>) =>
  Effect.map(Effect.flip(effect), (error) => (error._tag === "StoreError" ? error.reason._tag : error._tag))

const Other = Process.make("test:other")

for (const [name, layer, absent] of stores) {
  const test = absent === undefined ? it.effect : it.effect.skip
  const D18 = (title: string) =>
    `D18 store: ${title} (${name}${absent === undefined ? "" : `, which is absent: ${absent}`})`

  const inStore = <A, E, R>(body: Effect.Effect<A, E, R>, options?: Store.Options) =>
    Effect.gen(function* () {
      const under = yield* Under
      const Live = ProcessHost.layer("app:processes").pipe(Layer.provideMerge(under.layer(options)))
      return yield* Effect.provide(inProcess(body), Live)
    }).pipe(Effect.provide(Layer.fresh(layer)))

  describe(name, () => {
    test(D18("what is set is there until it is set again or deleted"), () =>
      inStore(
        Effect.gen(function* () {
          assert.deepStrictEqual(yield* Store.get("a"), Option.none())
          assert.isFalse(yield* Store.has("a"))
          yield* Store.delete("a")
          const keys = ["a", 'A b/c\\d:e*?"<>|%', "ключ 𝄞", "...", "=new-1", "x".repeat(80)]
          for (const key of keys) {
            yield* Store.set(key, `1 of ${key}`)
            yield* Store.set(key, `2 of ${key}`)
          }
          for (const key of keys) assert.deepStrictEqual(yield* Store.get(key), Option.some(`2 of ${key}`))
          yield* Store.delete("a")
          assert.isFalse(yield* Store.has("a"))
          assert.isTrue(yield* Store.has("..."))
          assert.strictEqual((yield* (yield* Under).keys).length, keys.length - 1)
        })
      )
    )

    test(D18("any text is a value, also half of a surrogate pair"), () =>
      inStore(
        Effect.gen(function* () {
          for (const value of ["", "\0", "\ud800", "𝄞", '{"value":1}', "line\r\nline"]) {
            yield* Store.set("a", value)
            assert.deepStrictEqual(yield* Store.get("a"), Option.some(value))
          }
        })
      )
    )

    test(D18("a value is gone when its time is over, and makes room when somebody comes upon it"), () =>
      inStore(
        Effect.gen(function* () {
          const { keys } = yield* Under
          yield* TestClock.setTime(1_000_000)
          yield* Store.set("short", "1", { timeToLive: "10 seconds" })
          yield* Store.set("seen", "1", { timeToLive: "10 seconds" })
          yield* Store.set("long", "1", { timeToLive: "20 seconds" })
          yield* Store.set("ever", "1", { timeToLive: Number.POSITIVE_INFINITY })
          yield* TestClock.adjust("9999 millis")
          assert.deepStrictEqual(yield* Store.get("short"), Option.some("1"))
          yield* TestClock.adjust("1 millis")
          assert.strictEqual((yield* keys).length, 4)
          assert.deepStrictEqual(yield* Store.get("short"), Option.none())
          assert.isFalse(yield* Store.has("seen"))
          assert.deepStrictEqual((yield* keys).toSorted(), ["ever", "long"])
          yield* Store.set("long", "2")
          yield* TestClock.adjust("1 hour")
          assert.deepStrictEqual(yield* Store.get("long"), Option.some("2"))
          assert.isTrue(yield* Store.has("ever"))
          yield* Store.set("short", "2", { timeToLive: "1 millis" })
          yield* TestClock.adjust("1 millis")
          yield* Store.set("short", "3")
          assert.deepStrictEqual(yield* Store.get("short"), Option.some("3"))
        })
      )
    )

    test(D18("an expired entry is not removed when another has taken its place"), () =>
      Effect.gen(function* () {
        const { backing } = yield* Under
        yield* backing.set("a", "old")
        yield* backing.set("a", "new")
        yield* backing.removeEntry("a", "old")
        assert.strictEqual(yield* backing.get("a"), "new")
        yield* backing.removeEntry("a", "new")
        assert.isUndefined(yield* backing.get("a"))
      }).pipe(Effect.provide(Layer.fresh(layer)))
    )

    test(D18("a value over the limit, a wrong key and a wrong time to live are typed errors, and change nothing"), () =>
      inStore(
        Effect.gen(function* () {
          yield* Store.set("a", "1234567890")
          const error = yield* Effect.flip(Store.set("a", "ä23456789ö"))
          assert(error._tag === "StoreError" && error.reason._tag === "ValueTooLarge")
          assert.strictEqual(error.reason.bytes, 12)
          assert.strictEqual(error.reason.maxBytes, 10)
          assert.include(error.message, "12 bytes, and the limit is 10")
          assert.notInclude(error.message, "23456789")
          for (const key of ["", ".", "..", "a\0b", "\udc00", "x".repeat(513), "ä".repeat(257)]) {
            for (const use of [Store.get(key), Store.set(key, "1"), Store.delete(key), Store.has(key)]) {
              assert.strictEqual(yield* reasonOf<unknown, Store.StoreServices>(use), "InvalidKey", key)
            }
          }
          for (const timeToLive of ["0 millis", -1] as const) {
            assert.strictEqual(yield* reasonOf(Store.set("a", "2", { timeToLive })), "InvalidTimeToLive")
          }
          assert.deepStrictEqual(yield* Store.get("a"), Option.some("1234567890"))
        }),
        { maxValueBytes: 10 }
      )
    )

    test(D18("what others put under a key is a typed error, until it is set or deleted"), () =>
      inStore(
        Effect.gen(function* () {
          const { put } = yield* Under
          for (const text of ["", "plain", "null", "{}", '{"value":1}', '{"value":"a","expires":"x"}']) {
            yield* put("a", text)
            assert.strictEqual(yield* reasonOf(Store.get("a")), "ForeignEntry", text)
            assert.strictEqual(yield* reasonOf(Store.has("a")), "ForeignEntry", text)
          }
          yield* Store.set("a", "mine")
          assert.deepStrictEqual(yield* Store.get("a"), Option.some("mine"))
          yield* put("a", "plain")
          yield* Store.delete("a")
          assert.isFalse(yield* Store.has("a"))
        })
      )
    )

    test(D18("values of a schema; what does not fit it is a typed error"), () =>
      inStore(
        Effect.gen(function* () {
          const sessions = Store.schema(Schema.Struct({ user: Schema.NonEmptyString, since: Schema.Date }))
          const session = { user: "Ada", since: new Date(5) }
          yield* sessions.set("a", session)
          assert.deepStrictEqual(yield* sessions.get("a"), Option.some(session))
          assert.deepStrictEqual(yield* sessions.get("b"), Option.none())
          assert.isTrue(yield* sessions.has("a"))
          assert.strictEqual(yield* reasonOf(sessions.set("a", { ...session, user: "" })), "InvalidValue")
          assert.deepStrictEqual(yield* sessions.get("a"), Option.some(session))
          yield* Store.set("a", "{}")
          assert.strictEqual(yield* reasonOf(sessions.get("a")), "InvalidValue")
          yield* sessions.delete("a")
          assert.isFalse(yield* Store.has("a"))
        })
      )
    )

    test(D18("of two processes that set a key at once the last one wins, with its whole value"), () =>
      inStore(
        Effect.gen(function* () {
          const values = ["a", "b", "c"].map((letter) => letter.repeat(100_000))
          const setting = (value: string) =>
            Process.spawn(Other).pipe(
              Effect.provide(
                Other.toLayer(() => Effect.repeat(Store.set("key", value), { times: 5 })),
                { local: true }
              )
            )
          yield* Store.set("key", "a".repeat(100_000))
          const pids = yield* Effect.forEach(values, setting)
          for (let n = 0; n < 20; n++) {
            const value = Option.getOrThrow(yield* Store.get("key"))
            assert.isTrue(values.includes(value), `${value.length} characters, from ${value[0]} to ${value.at(-1)}`)
          }
          for (const pid of pids) assert.isTrue(Exit.isSuccess(yield* Process.await(pid)))
        })
      )
    )
  })
}

const opened = <A, E>(layer: Layer.Layer<A, E>) => Effect.flip(Effect.scoped(Layer.build(layer)))

describe("Store.layerFiles", () => {
  const Setter = Process.make("test:setter", { args: Schema.String, success: Schema.Int })
  const setter = (path: string, body: (key: string) => Effect.Effect<number, unknown, Store.StoreServices>) =>
    Layer.merge(
      Setter.toLayer((key) => Effect.orDie(body(key))).pipe(Layer.provide(Store.layerFiles(path)), Layer.provide(Node)),
      ProcessHost.layer("app:processes")
    )

  it.live("D18 store: processes with one seed set their keys at once, and none is in the way of another", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const keys = ["a", "b", "c", "d"]
      const exits = yield* Effect.forEach(keys, (key) => Process.spawn(Setter, key)).pipe(
        Effect.flatMap(Effect.forEach(Process.await)),
        Effect.provide(
          setter(path, (key) => Random.withSeed(Effect.as(Store.set(key, "x".repeat(100_000)), 1), "one seed"))
        )
      )
      assert.deepStrictEqual(exits, Array(4).fill(Exit.succeed(1)))
      assert.deepStrictEqual(readdirSync(path).toSorted(), keys)
    })
  )

  it.live("D16 store: what is set draws no random number of its process, so that a replay has the same ones", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const body = (key: string) => Effect.andThen(Store.set(key, "value"), Random.nextInt)
      const record = yield* Recording.inMemory
      const exit = yield* Effect.flatMap(Process.spawn(Setter, "a", { record }), Process.await).pipe(
        Effect.provide(setter(path, body))
      )
      const Unhandled = Setter.toLayer((key) => Effect.orDie(body(key))).pipe(
        Layer.provide(Replay.unhandled(Store.commands))
      )
      const replayed = yield* Effect.provide(Replay.run(Setter, yield* record.recording), Unhandled)
      assert.isTrue(Exit.isSuccess(exit))
      assert.deepStrictEqual<unknown>(replayed, { exit, matches: true })
    })
  )

  const live = (path: string) =>
    ProcessHost.layer("app:processes").pipe(Layer.provideMerge(Store.layerFiles(path)), Layer.provide(Node))

  it.live("D18 store: a directory that is missing is made; one that can't be is a typed error", () =>
    Effect.gen(function* () {
      const path = join(yield* directory, "a", "b")
      yield* Effect.provide(inProcess(Store.set("x", "1")), live(path))
      assert.deepStrictEqual(readdirSync(path), ["x"])
      for (const wrong of [join(path, "x"), join(path, "x", "y")]) {
        const error = yield* opened(Store.layerFiles(wrong).pipe(Layer.provide(Node)))
        assert(error._tag === "StoreError")
        assert.strictEqual(error.operation, "open")
        assert.include(error.message, wrong)
      }
    })
  )

  it.live("D18 store: a file that can't be read or written is a typed error, and nothing is left behind", () =>
    Effect.gen(function* () {
      const path = yield* directory
      yield* Effect.gen(function* () {
        yield* Store.set("b", "1")
        mkdirSync(join(path, "a"))
        writeFileSync(join(path, "a", "inside"), "")
        for (const use of [Store.get("a"), Store.has("a"), Store.set("a", "1"), Store.delete("a")]) {
          assert.strictEqual(yield* reasonOf<unknown, Store.StoreServices>(use), "StoreUnavailable")
        }
        assert.deepStrictEqual(readdirSync(path).toSorted(), ["a", "b"])
        assert.strictEqual(yield* reasonOf(Store.set("ä".repeat(60), "1")), "StoreUnavailable")
        assert.deepStrictEqual(readdirSync(path).toSorted(), ["a", "b"])
        rmSync(path, { recursive: true })
        assert.strictEqual(yield* reasonOf(Store.set("b", "2")), "StoreUnavailable")
        assert.isFalse(yield* Store.has("b"))
      }).pipe(inProcess, Effect.provide(live(path)))
    })
  )

  it.live("D18 store: a program that is killed while it sets leaves the old value or the new one", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const size = 4_000_000
      const root = new URL("../../src/", import.meta.url).href
      const program = `
        import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
        import * as NodePath from "@effect/platform-node/NodePath"
        import { Effect, Layer } from "effect"
        import { Process, ProcessHost } from "${root}index.ts"
        import * as Store from "${root}command/Store.ts"
        const Setter = Process.make("app:setter")
        const body = Effect.gen(function*() {
          for (let n = 0; ; n++) yield* Store.set("key", String(n % 10).repeat(${size}))
        })
        const store = Store.layerFiles(${JSON.stringify(path)}, { maxValueBytes: ${size} })
        const Live = [Setter.toLayer(() => body).pipe(Layer.provide(store)), ProcessHost.layer("app:processes")]
        await Effect.runPromise(
          Effect.flatMap(Process.spawn(Setter), Process.await).pipe(
            Effect.provide(Live), Effect.provide([NodeFileSystem.layer, NodePath.layer])
          )
        )`
      let unfinished = 0
      for (let round = 0; round < 10 && unfinished === 0; round++) {
        yield* Effect.callback<void>((resume) => {
          const child = spawn(process.execPath, ["-C", "source", "--input-type=module", "-e", program], {
            cwd: new URL("../..", import.meta.url),
            stdio: ["ignore", "ignore", "inherit"]
          })
          // In the midst of a set which is not the first, mostly.
          let begun = 0
          const watcher = watch(path, (_, name) => {
            if (name?.startsWith("=") === true && existsSync(join(path, name)) && ++begun > 2) child.kill("SIGKILL")
          })
          child.once("exit", () => {
            watcher.close()
            resume(Effect.void)
          })
        })
        const { value } = JSON.parse(readFileSync(join(path, "key"), "utf8")) as { readonly value: string }
        assert.strictEqual(value.length, size)
        assert.strictEqual(value, value[0]?.repeat(size))
        unfinished += readdirSync(path).length - 1
        const read = yield* Effect.provide(inProcess(Store.get("key")), live(path), { local: true })
        assert.deepStrictEqual(read, Option.some(value))
        // What the killed program had begun to write is gone.
        assert.deepStrictEqual(readdirSync(path), ["key"])
      }
      assert.isAbove(unfinished, 0, "no kill came in the midst of a set")
    })
  )
})

describe("Store.layerSql", () => {
  it.live("D18 store: a database that can't be reached, or has another table of the name, is a typed error", () =>
    Effect.gen(function* () {
      const unreachable = PgClient.layer({
        host: "127.0.0.1",
        port: 1,
        username: "x",
        password: Redacted.make("hunter2")
      })
      const error = yield* opened(Store.layerSql().pipe(Layer.provide(unreachable)))
      assert.strictEqual(error._tag, "StoreError")
      assert.include(error.message, "ECONNREFUSED")

      yield* Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* sql`CREATE TABLE taken (something)`
        const Live = ProcessHost.layer("app:processes").pipe(Layer.provideMerge(Store.layerSql({ table: "taken" })))
        const wrong = yield* Effect.flip(Effect.provide(inProcess(Store.get("a")), Live))
        assert(wrong instanceof Store.StoreError && wrong.reason._tag === "StoreUnavailable")
        assert.include(wrong.message, "no such column")
      }).pipe(Effect.provide(memory.layer))
    })
  )
})
