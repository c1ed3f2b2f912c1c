import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Stream } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { TestClock } from "effect/testing"
import { execFileSync } from "node:child_process"
import { readdirSync, readlinkSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import * as Sqlite from "../../src/command/driver/Sqlite.ts"
import { directory } from "../support/files.ts"

const memory = Sqlite.layer({ filename: ":memory:" })

const failure = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.flip(effect)

/** The paths of the files that this program has open, which lie in a directory. */
const openIn = (path: string): Array<string> =>
  readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`)
      return target.startsWith(path) ? [target] : []
    } catch {
      return [] // the descriptor of the listing itself
    }
  })

/** A row that is inserted, from a stream. */
const streamed = (sql: SqlClient.SqlClient, a: number) =>
  Stream.runCollect(sql`INSERT INTO t VALUES (${a}) RETURNING a`.stream)

describe("SQLite", () => {
  it.live("what is written is read, in a file and in memory", () =>
    Effect.gen(function* () {
      const dir = yield* directory
      for (const filename of [":memory:", join(dir, "a.db")]) {
        const rows = yield* Effect.gen(function* () {
          const sql = yield* SqlClient.SqlClient
          yield* sql`CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT, c BLOB, d REAL, e)`
          yield* sql`INSERT INTO t VALUES (1, ${"x\0y"}, ${new Uint8Array([0, 255])}, ${1.5}, ${null})`
          return yield* sql`SELECT * FROM t`
        }).pipe(Effect.provide(Sqlite.layer({ filename }), { local: true }))
        assert.deepStrictEqual(rows, [{ a: 1, b: "x\0y", c: new Uint8Array([0, 255]), d: 1.5, e: null }])
      }
      assert.deepStrictEqual(openIn(dir), [])
    })
  )

  it.effect("parameters: booleans, integers as integers, bigints, dates", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const big = 2n ** 63n - 1n
      const date = new Date("2026-11-21T12:00:00.000Z")
      const rows = yield* sql`
        SELECT ${true} AS yes, ${false} AS no, ${3} / 2 AS half, typeof(${3}) AS three, typeof(${3.5}) AS more,
          ${big} AS big, ${date} AS date, ${undefined} AS absent, ${Infinity} AS endless, ${2 ** 60} AS large`
      assert.deepStrictEqual(rows, [
        {
          yes: 1,
          no: 0,
          half: 1,
          three: "integer",
          more: "real",
          big,
          date: "2026-11-21T12:00:00.000Z",
          absent: null,
          endless: Infinity,
          large: 2 ** 60
        }
      ])
    }).pipe(Effect.provide(memory))
  )

  it.effect("integers lose no digit; with SafeIntegers all are bigints", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const query = sql`SELECT 9007199254740991 AS a, 9007199254740992 AS b, -9007199254740991 AS c, -9007199254740993 AS d`
      assert.deepStrictEqual(yield* query, [
        { a: 9007199254740991, b: 9007199254740992n, c: -9007199254740991, d: -9007199254740993n }
      ])
      assert.deepStrictEqual(yield* query.values, [
        [9007199254740991, 9007199254740992n, -9007199254740991, -9007199254740993n]
      ])
      const safe = yield* Effect.provideService(sql`SELECT 1 AS a, 1.5 AS b`, SqlClient.SafeIntegers, true)
      assert.deepStrictEqual(safe, [{ a: 1n, b: 1.5 }])
    }).pipe(Effect.provide(memory))
  )

  it.effect.each([
    ["NaN", Number.NaN],
    ["an object", { a: 1 }],
    ["an array", [1]],
    ["an invalid date", new Date(Number.NaN)],
    ["a function", () => 1],
    ["symbol", Symbol("x")]
  ] as const)("a parameter that is %s is refused, and named by its place alone", ([name, value]) =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const error = yield* failure(sql.unsafe("SELECT ?, ?", [1, value]))
      assert.strictEqual(error.reason._tag, "UnknownError")
      assert.include(error.message, `parameter 2 is ${name.replace("a function", "function")}`)
    }).pipe(Effect.provide(memory, { local: true }))
  )

  it.effect("a bigint of more than 64 bits, and a parameter too many, are typed errors", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      assert.strictEqual((yield* failure(sql`SELECT ${2n ** 64n}`)).reason._tag, "UnknownError")
      assert.strictEqual((yield* failure(sql.unsafe("SELECT ?", [1, 2]))).reason._tag, "UnknownError")
      assert.deepStrictEqual(yield* sql`SELECT 1 AS a`, [{ a: 1 }])
    }).pipe(Effect.provide(memory))
  )

  it.effect("errors are classified", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT UNIQUE NOT NULL CHECK (b <> ''))`
      yield* sql`CREATE TABLE u (a INTEGER REFERENCES t (a))`
      yield* sql`INSERT INTO t VALUES (1, 'x')`
      const reason = (text: string) => Effect.map(failure(sql.unsafe(text)), (error) => error.reason)
      for (const text of ["SELEC 1", "SELECT * FROM nobody", "SELECT z FROM t", "", "  -- nothing\n", "SELECT 'a"]) {
        assert.strictEqual((yield* reason(text))._tag, "SqlSyntaxError", text)
      }
      for (const [text, constraint] of [
        ["INSERT INTO t VALUES (1, 'y')", "t.a"],
        ["INSERT INTO t VALUES (2, 'x')", "t.b"]
      ] as const) {
        const error = yield* reason(text)
        assert.strictEqual(error._tag, "UniqueViolation")
        assert.strictEqual((error as SqlError.UniqueViolation).constraint, constraint)
      }
      for (const text of [
        "INSERT INTO t VALUES (2, NULL)",
        "INSERT INTO t VALUES (2, '')",
        "INSERT INTO u VALUES (7)"
      ]) {
        assert.strictEqual((yield* reason(text))._tag, "ConstraintError", text)
      }
      assert.strictEqual((yield* reason("SELECT json('{')"))._tag, "UnknownError")
    }).pipe(Effect.provide(memory))
  )

  it.effect("a second statement is refused, a comment behind the first is not", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE t (a)`
      const error = yield* failure(sql.unsafe("INSERT INTO t VALUES (1); DELETE FROM t"))
      assert.strictEqual(error.reason._tag, "SqlSyntaxError")
      assert.include(error.message, "more than one statement")
      yield* sql.unsafe("INSERT INTO t VALUES (2) ; -- and ; nothing else\n /* ; */ ;")
      assert.deepStrictEqual(yield* sql`SELECT a FROM t`, [{ a: 2 }])
    }).pipe(Effect.provide(memory))
  )

  it.effect("raw answers rows, or how many were changed", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      assert.deepStrictEqual(yield* sql`CREATE TABLE t (a)`.raw, { changes: 0 })
      assert.deepStrictEqual(yield* sql`/* x */ INSERT INTO t VALUES (1), (2)`.raw, { changes: 2 })
      // SQLite itself would tell the changes of the insert again.
      assert.deepStrictEqual(yield* sql`CREATE TABLE u (a)`.raw, { changes: 0 })
      assert.deepStrictEqual(yield* sql`UPDATE t SET a = 3 WHERE a = 9`.raw, { changes: 0 })
      assert.deepStrictEqual(yield* sql`DELETE FROM t RETURNING a`.raw, [{ a: 1 }, { a: 2 }])
    }).pipe(Effect.provide(memory))
  )

  it.effect("rows are streamed, and the connection is free when the stream has ended early", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const numbers = sql<{
        n: number
      }>`WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 1000) SELECT n FROM c`
      const all = yield* Stream.runCollect(numbers.stream)
      assert.strictEqual(all.length, 1000)
      assert.deepStrictEqual(all[999], { n: 1000 })
      const first = yield* Stream.runCollect(Stream.take(numbers.stream, 3))
      assert.deepStrictEqual(first, [{ n: 1 }, { n: 2 }, { n: 3 }])
      yield* sql`CREATE TABLE t (a)`
      const late = yield* failure(
        Stream.runCollect(sql`SELECT json(v) FROM (SELECT '1' AS v UNION ALL SELECT '{')`.stream)
      )
      assert.strictEqual(late.reason._tag, "UnknownError")
      yield* sql`INSERT INTO t VALUES (1)`
    }).pipe(Effect.provide(memory))
  )

  it.effect("the same text is executed while its rows are streamed", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE t (a)`
      yield* sql`INSERT INTO t SELECT value FROM json_each(${JSON.stringify(Array.from({ length: 300 }, (_, a) => a))})`
      const all = sql<{ a: number }>`SELECT a FROM t ORDER BY a`
      for (let times = 0; times < 2; times++) {
        const seen: Array<number> = []
        yield* sql.withTransaction(
          Stream.runForEach(all.stream, ({ a }) =>
            Effect.map(a % 100 === 0 ? all : Effect.succeed([]), (inner) => {
              if (a % 100 === 0) assert.strictEqual(inner.length, 300)
              seen.push(a)
            })
          )
        )
        assert.deepStrictEqual(
          seen,
          Array.from({ length: 300 }, (_, a) => a)
        )
      }
    }).pipe(Effect.provide(memory))
  )

  it.live("a transaction commits, rolls back, nests, and others wait for it", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE t (a)`
      yield* sql.withTransaction(
        Effect.gen(function* () {
          yield* sql`INSERT INTO t VALUES (1)`
          yield* Effect.exit(sql.withTransaction(Effect.andThen(sql`INSERT INTO t VALUES (2)`, Effect.fail("inner"))))
          yield* sql.withTransaction(sql`INSERT INTO t VALUES (3)`)
        })
      )
      yield* Effect.exit(sql.withTransaction(Effect.andThen(sql`INSERT INTO t VALUES (4)`, Effect.fail("outer"))))
      assert.deepStrictEqual(yield* sql`SELECT a FROM t`, [{ a: 1 }, { a: 3 }])

      const open = yield* Effect.forkChild(
        sql.withTransaction(Effect.andThen(sql`INSERT INTO t VALUES (5)`, Effect.never))
      )
      yield* Effect.yieldNow
      const outside = yield* Effect.forkChild(sql`SELECT count(*) AS n FROM t`)
      yield* Effect.yieldNow
      assert.isUndefined(outside.pollUnsafe())
      yield* Fiber.interrupt(open)
      assert.deepStrictEqual(yield* Fiber.join(outside), [{ n: 2 }])
    }).pipe(Effect.provide(memory))
  )

  it.live("a commit that fails rolls back, and the connection can be used", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE t (a INTEGER PRIMARY KEY)`
      yield* sql`CREATE TABLE u (a INTEGER REFERENCES t (a) DEFERRABLE INITIALLY DEFERRED)`
      const error = yield* failure(sql.withTransaction(sql`INSERT INTO u VALUES (7)`))
      assert.strictEqual(error.reason._tag, "ConstraintError")
      assert.deepStrictEqual(yield* sql.withTransaction(sql`SELECT a FROM u`), [])
    }).pipe(Effect.provide(memory))
  )

  it.effect("a file is in write-ahead mode; a lock of another connection is waited for, without blocking", () =>
    Effect.gen(function* () {
      const dir = yield* directory
      const filename = join(dir, "a.db")
      yield* Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        assert.deepStrictEqual(yield* sql`PRAGMA journal_mode`, [{ journal_mode: "wal" }])
        assert.deepStrictEqual(yield* sql`PRAGMA foreign_keys`, [{ foreign_keys: 1 }])
        yield* sql`CREATE TABLE t (a)`
        const other = yield* Effect.acquireRelease(
          Effect.sync(() => new DatabaseSync(filename)),
          (database) => Effect.sync(() => database.close())
        )
        other.exec("BEGIN IMMEDIATE; INSERT INTO t VALUES (1)")
        const writer = yield* Effect.forkChild(sql.withTransaction(sql`INSERT INTO t VALUES (2)`))
        // Would the wait block, this could not run before it is over.
        yield* TestClock.adjust("20 millis")
        assert.isUndefined(writer.pollUnsafe())
        other.exec("COMMIT")
        yield* TestClock.adjust("50 millis")
        yield* Fiber.join(writer)
        assert.deepStrictEqual(yield* sql`SELECT a FROM t ORDER BY a`, [{ a: 1 }, { a: 2 }])

        other.exec("BEGIN IMMEDIATE")
        const failing = yield* Effect.forkChild(failure(sql`INSERT INTO t VALUES (3)`))
        yield* TestClock.adjust("299 millis")
        assert.isUndefined(failing.pollUnsafe())
        yield* TestClock.adjust("1 millis")
        const error = yield* Fiber.join(failing)
        assert.strictEqual(error.reason._tag, "LockTimeoutError")
        assert.include(error.message, "300ms")
        assert.isTrue(error.isRetryable)

        for (const statement of [sql.withTransaction(sql`INSERT INTO t VALUES (4)`), streamed(sql, 4)]) {
          const waiting = yield* Effect.forkChild(statement)
          yield* TestClock.adjust("5 millis")
          // On the test clock nothing else ends the wait.
          yield* Fiber.interrupt(waiting)
        }
        const streaming = yield* Effect.forkChild(streamed(sql, 5))
        yield* TestClock.adjust("20 millis")
        assert.isUndefined(streaming.pollUnsafe())
        other.exec("ROLLBACK")
        yield* TestClock.adjust("50 millis")
        assert.deepStrictEqual(yield* Fiber.join(streaming), [{ a: 5 }])
        yield* sql`DELETE FROM t WHERE a = 5`
        yield* sql.withTransaction(sql`INSERT INTO t VALUES (3)`)
        assert.deepStrictEqual(yield* sql`SELECT a FROM t ORDER BY a`, [{ a: 1 }, { a: 2 }, { a: 3 }])
      }).pipe(Effect.scoped, Effect.provide(Sqlite.layer({ filename, busyTimeout: "300 millis" })))
      assert.deepStrictEqual(openIn(dir), [])
    })
  )

  it.live("what can't be opened is a typed error that names the path, and leaves nothing open", () =>
    Effect.gen(function* () {
      const dir = yield* directory
      const text = join(dir, "text.db")
      writeFileSync(text, "this is not a database, but a text which is long enough to be taken for one".repeat(20))
      for (const filename of [join(dir, "missing", "a.db"), dir, "", text]) {
        const error = yield* failure(Effect.scoped(Effect.provide(SqlClient.SqlClient, Sqlite.layer({ filename }))))
        assert.strictEqual(error.reason._tag, "ConnectionError", filename)
        assert.include(error.message, JSON.stringify(filename))
      }
      assert.deepStrictEqual(openIn(dir), [])
    })
  )

  it.live("a file that may not be written can be read, also in a transaction", () =>
    Effect.gen(function* () {
      const dir = yield* directory
      const filename = join(dir, "a.db")
      const made = new DatabaseSync(filename)
      made.exec("CREATE TABLE t (a); INSERT INTO t VALUES (1)")
      made.close()
      yield* Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        assert.deepStrictEqual(yield* sql.withTransaction(sql`SELECT a FROM t`), [{ a: 1 }])
        assert.strictEqual((yield* failure(sql`INSERT INTO t VALUES (2)`)).reason._tag, "AuthorizationError")
      }).pipe(Effect.provide(Sqlite.layer({ filename: `file:${filename}?mode=ro` })))
    })
  )

  it.live("a program that is killed in the midst of a transaction has changed nothing, and the next can write", () =>
    Effect.gen(function* () {
      const dir = yield* directory
      const filename = join(dir, "a.db")
      const program = `
        import { Effect } from "effect"
        import { SqlClient } from "effect/sql"
        import * as Sqlite from ${JSON.stringify(new URL("../../src/command/driver/Sqlite.ts", import.meta.url).href)}
        const program = Effect.gen(function*() {
          const sql = yield* SqlClient.SqlClient
          yield* sql\`CREATE TABLE t (a)\`
          yield* sql.withTransaction(Effect.andThen(sql\`INSERT INTO t VALUES (1)\`, Effect.sync(() => process.kill(process.pid, "SIGKILL"))))
        })
        await Effect.runPromise(Effect.provide(program, Sqlite.layer({ filename: ${JSON.stringify(filename)} })))`
      const exit = yield* Effect.exit(
        Effect.try(() =>
          execFileSync(process.execPath, ["--input-type=module", "-e", program], {
            cwd: new URL("../..", import.meta.url),
            stdio: "ignore"
          })
        )
      )
      assert.isTrue(Exit.isFailure(exit))
      assert.isAbove(statSync(filename).size + statSync(`${filename}-wal`).size, 0)
      yield* Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        assert.deepStrictEqual(yield* sql`SELECT a FROM t`, [])
        yield* sql`INSERT INTO t VALUES (2)`
      }).pipe(Effect.provide(Sqlite.layer({ filename })))
    })
  )

  it.effect("more statements than are kept prepared give what they should", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      for (let round = 0; round < 2; round++) {
        for (let n = 0; n < 300; n++) assert.deepStrictEqual(yield* sql.unsafe(`SELECT ${n} AS n`), [{ n }])
      }
    }).pipe(Effect.provide(memory))
  )
})
