import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber, Layer, Redacted, References, Schema, Scope } from "effect"
import { SqlClient } from "effect/sql"
import { Process, ProcessHost } from "troupe"
import { controlsTransaction, isBlank } from "../../src/command/internal/statement.ts"
import { Transactions } from "../../src/command/internal/transactions.ts"
import * as Sql from "../../src/command/Sql.ts"
import { file, memory, postgres } from "../support/databases.ts"
import { lossesOf } from "../support/interruptions.ts"
import { inProcess } from "../support/processes.ts"

const Other = Process.make("test:other")

for (const database of [memory, file, postgres]) {
  const { absent, layer, name, text } = database
  const test = absent === undefined ? it.live : it.live.skip
  const D18 = (title: string) =>
    `D18 sql: ${title} (${name}${absent === undefined ? "" : `, which is absent: ${absent}`})`

  const query = (statement: string, parameters?: ReadonlyArray<Sql.Parameter>, options?: Sql.StatementOptions) =>
    Sql.query(text(statement), parameters, options)
  const execute = (statement: string, parameters?: ReadonlyArray<Sql.Parameter>, options?: Sql.StatementOptions) =>
    Sql.execute(text(statement), parameters, options)

  const Live = ProcessHost.layer("app:processes").pipe(Layer.provideMerge(Sql.layer()), Layer.provideMerge(layer))
  const inDatabase = <A, E, R>(body: Effect.Effect<A, E, R>) => Effect.provide(inProcess(body), Live, { local: true })

  const names = Effect.map(query("SELECT name FROM friends ORDER BY name"), (rows) => rows.map(({ name }) => name))
  const table = execute("CREATE TABLE friends (name TEXT UNIQUE NOT NULL CHECK (name <> ''))")
  const insert = (name: string, options?: Sql.StatementOptions) =>
    execute("INSERT INTO friends VALUES (?)", [name], options)
  /** Runs an effect in another process of the application. */
  const elsewhere = <A, E, R>(body: Effect.Effect<A, E, R>) =>
    Effect.flatMap(Process.spawn(Other), Process.await).pipe(
      Effect.provide(
        Other.toLayer(() => body),
        { local: true }
      )
    )

  const reasonOf = <A, R>(effect: Effect.Effect<A, Sql.SqlYieldError, R>) =>
    Effect.map(Effect.flip(effect), (error) => (error._tag === "SqlFailed" ? error.reason._tag : error._tag))

  describe(name, () => {
    test(D18("rows are written and read, and changes counted"), () =>
      inDatabase(
        Effect.gen(function* () {
          assert.strictEqual(yield* table, 0)
          assert.strictEqual(yield* execute("INSERT INTO friends VALUES (?), (?)", ["Ada", "Bob"]), 2)
          assert.strictEqual(yield* execute("UPDATE friends SET name = name WHERE name = 'Zoe'"), 0)
          assert.strictEqual(yield* execute("INSERT INTO friends VALUES ('Cyd') RETURNING name"), 1)
          assert.deepStrictEqual(yield* names, ["Ada", "Bob", "Cyd"])
          assert.deepStrictEqual(yield* query("SELECT name FROM friends WHERE name = ?", ["Zoe"]), [])
        })
      )
    )

    test(D18("null, text, numbers, bigints, dates and bytes come back as they went"), () =>
      inDatabase(
        Effect.gen(function* () {
          const pg = name === "PostgreSQL"
          yield* execute(
            pg
              ? "CREATE TABLE t (a TEXT, b BIGINT, c DOUBLE PRECISION, d TIMESTAMPTZ, e BYTEA, f BOOLEAN, g TEXT)"
              : "CREATE TABLE t (a TEXT, b INTEGER, c REAL, d TEXT, e BLOB, f INTEGER, g TEXT)"
          )
          const date = new Date("2026-11-21T12:34:56.789Z")
          const big = 2n ** 62n + 1n
          const bytes = new Uint8Array([0, 1, 255])
          const values = ["ä'\"\n𝄞", big, -1.5, date, bytes, true, null]
          yield* execute("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?)", values)
          const [row] = yield* query("SELECT * FROM t")
          // What SQLite has no type for comes back as what it is there.
          const expected = {
            a: "ä'\"\n𝄞",
            b: big,
            c: -1.5,
            d: pg ? date : date.toISOString(),
            e: bytes,
            f: pg ? true : 1,
            g: null
          }
          // PostgreSQL's driver answers a Buffer.
          assert.deepStrictEqual<unknown>({ ...row, e: Uint8Array.from(row?.["e"] as Uint8Array) }, expected)
        })
      )
    )

    test(D18("rows of more bytes than the limit are a typed error, and what is open is given back"), () =>
      Effect.gen(function* () {
        const many = (rows: number) =>
          query(`WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ${rows}) SELECT n FROM c`)
        // A row has 8 bytes, and one for the name of its column.
        assert.strictEqual((yield* many(1000)).length, 1000)
        for (const rows of [1001, 1_000_000]) {
          const error = yield* Effect.flip(many(rows))
          assert(error._tag === "SqlFailed" && error.reason._tag === "ResultTooLarge")
          assert.deepInclude(error.reason, { limit: 9000, rows: 1000 })
          assert.include(error.message, "raise maxBytes of Sql.layer")
        }
        assert.strictEqual(yield* reasonOf(query("SELECT ? AS a", ["x".repeat(9000)])), "ResultTooLarge")
        yield* table
        yield* Sql.transaction(insert("Ada"))
        const transaction = Sql.transaction(Effect.andThen(insert("Bob"), many(1001)))
        assert.strictEqual(yield* reasonOf(transaction), "ResultTooLarge")
        assert.deepStrictEqual(yield* names, ["Ada"])
      }).pipe(
        inProcess,
        Effect.provide(
          ProcessHost.layer("app:processes").pipe(
            Layer.provideMerge(Sql.layer({ maxBytes: 9000 })),
            Layer.provideMerge(layer)
          ),
          { local: true }
        )
      )
    )

    test(D18("errors have effect's reason, name the statement and hide its parameters"), () =>
      inDatabase(
        Effect.gen(function* () {
          yield* table
          yield* insert("secret")
          for (const [statement, tag] of [
            ["SELEC 1", "SqlSyntaxError"],
            ["", name === "PostgreSQL" ? "none" : "SqlSyntaxError"],
            ["SELECT * FROM nobody", "SqlSyntaxError"],
            ["INSERT INTO friends VALUES (NULL)", "ConstraintError"],
            ["INSERT INTO friends VALUES ('')", "ConstraintError"]
          ] as const) {
            if (tag !== "none") assert.strictEqual(yield* reasonOf(query(statement)), tag, statement)
          }
          const error = yield* Effect.flip(insert("secret"))
          assert(error._tag === "SqlFailed" && error.reason._tag === "UniqueViolation")
          assert.include(error.reason.constraint, "name")
          assert.strictEqual(error.statement, text("INSERT INTO friends VALUES (?)"))
          assert.include(error.message, "INSERT INTO friends")
          assert.isFalse(error.isRetryable)
          const json = yield* Schema.encodeEffect(Schema.toCodecJson(Sql.SqlFailed))(error)
          assert.notInclude(JSON.stringify(json), "secret")
          const read = yield* Schema.decodeEffect(Schema.toCodecJson(Sql.SqlFailed))(json)
          assert.strictEqual(read.message, error.message)
          assert.strictEqual(read.reason._tag, "UniqueViolation")
          assert.deepStrictEqual(yield* names, ["secret"])
        })
      )
    )

    test(D18("a transaction commits, rolls back, and nests"), () =>
      inDatabase(
        Effect.gen(function* () {
          yield* table
          const first = yield* Sql.begin()
          yield* insert("Ada", { transaction: first })
          const nested = yield* Sql.begin({ transaction: first })
          yield* insert("Bob", { transaction: nested })
          assert.strictEqual(yield* reasonOf(insert("Cyd", { transaction: first })), "NestedTransactionOpen")
          assert.strictEqual(yield* reasonOf(Sql.commit(first)), "NestedTransactionOpen")
          assert.strictEqual(yield* reasonOf(Sql.begin({ transaction: first })), "NestedTransactionOpen")
          yield* Sql.rollback(nested)
          const again = yield* Sql.begin({ transaction: first })
          yield* insert("Cyd", { transaction: again })
          yield* Sql.commit(again)
          assert.strictEqual(yield* reasonOf(insert("Dan", { transaction: again })), "TransactionNotOpen")
          yield* Sql.commit(first)
          assert.deepStrictEqual(yield* names, ["Ada", "Cyd"])

          const second = yield* Sql.begin()
          yield* insert("Eve", { transaction: second })
          const inner = yield* Sql.begin({ transaction: second })
          yield* insert("Fay", { transaction: inner })
          yield* Sql.rollback(second)
          for (const ended of [first, second, inner]) {
            assert.strictEqual(yield* reasonOf(query("SELECT 1", [], { transaction: ended })), "TransactionNotOpen")
            assert.strictEqual(yield* reasonOf(Sql.commit(ended)), "TransactionNotOpen")
            assert.strictEqual(yield* reasonOf(Sql.rollback(ended)), "TransactionNotOpen")
            assert.strictEqual(yield* reasonOf(Sql.begin({ transaction: ended })), "TransactionNotOpen")
          }
          assert.deepStrictEqual(yield* names, ["Ada", "Cyd"])
        })
      )
    )

    test(D18("a statement that would begin or end a transaction is refused"), () =>
      inDatabase(
        Effect.gen(function* () {
          for (const statement of [
            "BEGIN",
            " begin immediate",
            "-- x\n/* y **/ Commit;",
            "END",
            "ROLLBACK TO a",
            "SAVEPOINT a"
          ]) {
            assert.strictEqual(yield* reasonOf(execute(statement)), "TransactionStatement", statement)
            assert.strictEqual(yield* reasonOf(query(statement)), "TransactionStatement", statement)
          }
          yield* Sql.transaction(table)
          assert.deepStrictEqual(yield* query("SELECT 'BEGIN' AS a -- commit"), [{ a: "BEGIN" }])
        })
      )
    )

    test(D18("a transaction that ends while another begins in it takes that one along"), () =>
      inDatabase(
        Effect.gen(function* () {
          yield* table
          for (let turns = 0; turns < 20; turns++) {
            const transaction = yield* Sql.begin()
            const beginning = yield* Process.yieldAsync(Sql.commands.begin, { transaction })
            yield* Effect.repeat(Effect.yieldNow, { times: turns })
            yield* Sql.rollback(transaction)
            const begun = yield* Effect.exit(beginning.await)
            const late = Exit.isSuccess(begun) ? reasonOf(insert("Ada", { transaction: begun.value })) : undefined
            if (late !== undefined) assert.strictEqual(yield* late, "TransactionNotOpen")
            yield* Sql.transaction(Effect.andThen(insert("Bob"), execute("DELETE FROM friends")))
          }
          assert.deepStrictEqual(yield* names, [])
        })
      )
    )

    test(D18("statements at once in a transaction are executed one after the other, and before its commit"), () =>
      inDatabase(
        Effect.gen(function* () {
          yield* table
          const transaction = yield* Sql.begin()
          const some = Array.from({ length: 20 }, (_, n) => `friend ${n}`)
          const inserts = yield* Effect.forEach(some, (name) =>
            Process.yieldAsync(Sql.commands.execute, {
              statement: text("INSERT INTO friends VALUES (?)"),
              parameters: [name],
              transaction
            })
          )
          yield* Sql.commit(transaction)
          assert.deepStrictEqual(yield* Effect.forEach(inserts, (insert) => insert.await), Array(20).fill(1))
          assert.strictEqual((yield* names).length, 20)
        })
      )
    )

    test(D18("a transaction belongs to the process that began it"), () =>
      inDatabase(
        Effect.gen(function* () {
          yield* table
          const transaction = yield* Sql.begin()
          yield* insert("Ada", { transaction })
          const exit = yield* elsewhere(
            Effect.all([
              reasonOf(insert("Bob", { transaction })),
              reasonOf(Sql.commit(transaction)),
              reasonOf(Sql.rollback(transaction)),
              reasonOf(Sql.begin({ transaction }))
            ])
          )
          assert.deepStrictEqual(exit, Exit.succeed(Array(4).fill("TransactionNotOpen")))
          yield* Sql.commit(transaction)
          assert.deepStrictEqual(yield* names, ["Ada"])
        })
      )
    )

    test(D18("a transaction that its process leaves open is rolled back, and the next can write"), () =>
      inDatabase(
        Effect.gen(function* () {
          yield* table
          const left = Effect.gen(function* () {
            const transaction = yield* Sql.begin()
            yield* insert("Ada", { transaction })
            const nested = yield* Sql.begin({ transaction })
            yield* insert("Bob", { transaction: nested })
          })
          assert.isTrue(Exit.isSuccess(yield* elsewhere(left)))
          assert.isTrue(Exit.isFailure(yield* elsewhere(Effect.andThen(left, Effect.die("crash")))))
          yield* Sql.transaction(insert("Cyd"))
          assert.deepStrictEqual(yield* names, ["Cyd"])
        })
      )
    )

    test(
      D18("a process that is killed in the midst of a transaction has changed nothing, and the next can write"),
      () =>
        inDatabase(
          Effect.gen(function* () {
            yield* table
            for (const end of [Process.kill, Process.terminate]) {
              const inserted = yield* Deferred.make<void>()
              const stuck = Sql.transaction(
                Effect.gen(function* () {
                  yield* insert("Ada")
                  yield* Sql.transaction(insert("Bob"))
                  yield* Deferred.succeed(inserted, undefined)
                  return yield* Effect.never
                })
              )
              const pid = yield* Process.spawn(Other).pipe(
                Effect.provide(
                  Other.toLayer(() => stuck),
                  { local: true }
                )
              )
              yield* Deferred.await(inserted)
              yield* end(pid)
              yield* Process.await(pid)
            }
            yield* insert("Cyd")
            assert.deepStrictEqual(yield* names, ["Cyd"])
          })
        )
    )

    test(D18("Sql.transaction commits a success, and rolls back a failure, a defect and an interruption"), () =>
      inDatabase(
        Effect.gen(function* () {
          yield* table
          assert.strictEqual(yield* Sql.transaction(Effect.as(insert("Ada"), "done")), "done")
          const failed = yield* Effect.exit(Sql.transaction(Effect.andThen(insert("Bob"), Effect.fail("no"))))
          assert.deepStrictEqual(failed, Exit.fail("no"))
          const died = yield* Effect.exit(Sql.transaction(Effect.andThen(insert("Cyd"), Effect.die("bug"))))
          assert.isTrue(Exit.isFailure(died) && Cause.hasDies(died.cause))
          const inserted = yield* Deferred.make<void>()
          const fiber = yield* Effect.forkChild(
            Sql.transaction(
              Effect.gen(function* () {
                yield* insert("Dan")
                yield* Deferred.succeed(inserted, undefined)
                return yield* Effect.never
              })
            )
          )
          yield* Deferred.await(inserted)
          yield* Fiber.interrupt(fiber)
          assert.deepStrictEqual(yield* names, ["Ada"])
        })
      )
    )

    test(D18("Sql.transaction in another one is a savepoint; a process that is spawned inside is outside"), () =>
      inDatabase(
        Effect.gen(function* () {
          yield* table
          yield* Sql.transaction(
            Effect.gen(function* () {
              yield* insert("Ada")
              yield* Effect.exit(Sql.transaction(Effect.andThen(insert("Bob"), Effect.fail("no"))))
              yield* Sql.transaction(insert("Cyd"))
              assert.deepStrictEqual(yield* names, ["Ada", "Cyd"])
              // With SQLite it would wait for the transaction, which waits for it.
              const spawned = yield* Process.spawn(Other).pipe(
                Effect.provide(
                  Other.toLayer(() => names),
                  { local: true }
                )
              )
              if (name === "PostgreSQL") assert.deepStrictEqual(yield* Process.await(spawned), Exit.succeed([]))
            })
          )
          assert.deepStrictEqual(yield* names, ["Ada", "Cyd"])
        })
      )
    )

    test(D18("an interrupted wait for a transaction leaves none open"), () =>
      inDatabase(
        Effect.gen(function* () {
          yield* table
          // As many as the pool has connections, or more.
          const held = yield* Effect.forEach(Array(name === "PostgreSQL" ? 10 : 1).fill(0), () => Sql.begin())
          for (let n = 0; n < 5; n++) {
            const waiting = yield* Effect.forkChild(Sql.transaction(insert(`waiting ${n}`)))
            const begun = yield* Process.yieldAsync(Sql.commands.begin, {})
            yield* Effect.yieldNow
            assert.isUndefined(waiting.pollUnsafe())
            yield* Fiber.interrupt(waiting)
            yield* begun.cancel
          }
          yield* Effect.forEach(held, Sql.rollback)
          yield* Sql.transaction(insert("Ada"))
          assert.deepStrictEqual(yield* names, ["Ada"])
        })
      )
    )

    test(D18("an interruption of Sql.transaction at any time leaves none open"), () =>
      inDatabase(
        Effect.gen(function* () {
          yield* table
          for (let turns = 0; turns < 30; turns++) {
            const fiber = yield* Effect.forkChild(Sql.transaction(Effect.andThen(insert("Ada"), Effect.fail("no"))))
            yield* Effect.repeat(Effect.yieldNow, { times: turns })
            yield* Fiber.interrupt(fiber)
          }
          // It waits for a connection, and gets it in the moment in which it is interrupted.
          for (const [budget, turns] of [3, 5, 7].flatMap((budget) =>
            Array.from({ length: 40 }, (_, turns) => [budget, turns] as const)
          )) {
            const held = yield* Effect.forEach(Array(name === "PostgreSQL" ? 10 : 1).fill(0), () => Sql.begin())
            // It can be interrupted after every few operations, as it can be anywhere once its share of time is used up.
            const fiber = yield* Effect.forkChild(
              Effect.provideService(Sql.transaction(Effect.never), References.MaxOpsBeforeYield, budget)
            )
            yield* Effect.repeat(Effect.yieldNow, { times: 100 })
            const releasing = yield* Effect.forkChild(Effect.forEach(held, Sql.rollback), { startImmediately: true })
            yield* Effect.repeat(Effect.yieldNow, { times: turns })
            yield* Fiber.interrupt(fiber)
            yield* Fiber.join(releasing)
          }
          const some = Array.from({ length: 10 }, () => Sql.transaction(names))
          const all = yield* Effect.all(some, { concurrency: "unbounded" })
          assert.deepStrictEqual(all.flat(), [])
        })
      )
    )

    test(D18("an interruption of Sql.begin leaves none open, but in the operation in which it is delivered"), () =>
      inDatabase(
        Effect.gen(function* () {
          const ids = Array.from({ length: 200 }, (_, id) => Sql.Transaction.make(id))
          const rollback = Effect.forEach(ids, (id) => Effect.exit(Sql.rollback(id)))
          const losses = yield* lossesOf(Sql.begin(), (exit) =>
            Effect.map(rollback, (exits) => Exit.isFailure(exit) && exits.some(Exit.isSuccess))
          )
          assert.isAtMost(losses.length, 1, String(losses))
          assert.strictEqual(yield* Sql.transaction(Effect.succeed("still usable")), "still usable")
        })
      )
    )

    test(D18("what is yielded after a commit is not in the transaction"), () =>
      inDatabase(
        Effect.gen(function* () {
          yield* table
          const transaction = yield* Sql.begin()
          const statement = { statement: text("INSERT INTO friends VALUES ('Ada')"), parameters: [], transaction }
          const sooner = yield* Process.yieldAsync(Sql.commands.execute, statement)
          const committed = yield* Process.yieldAsync(Sql.commands.commit, { transaction })
          const later = yield* Process.yieldAsync(Sql.commands.execute, statement)
          assert.strictEqual(yield* sooner.await, 1)
          yield* committed.await
          assert.strictEqual(yield* reasonOf(later.await), "TransactionNotOpen")
        })
      )
    )
  })
}

const unreachable = PgClient.layer({
  host: "127.0.0.1",
  port: 1,
  username: "postgres",
  password: Redacted.make("hunter2"),
  connectTimeout: "2 seconds"
})

describe("Sql", () => {
  it.live("D18 sql: a server that can't be reached is a typed error", () =>
    Effect.gen(function* () {
      const reaching: ReadonlyArray<Effect.Effect<unknown, Sql.SqlYieldError, Sql.SqlServices>> = [
        Sql.query("SELECT 1"),
        Sql.begin(),
        Sql.transaction(Sql.query("SELECT 1"))
      ]
      for (const yielded of reaching) {
        const error = yield* Effect.flip(yielded)
        assert(error._tag === "SqlFailed")
        assert.strictEqual(error.reason._tag, "ConnectionError")
        assert.isTrue(error.isRetryable)
        assert.include(error.message, "See that the database runs")
        assert.notInclude(JSON.stringify(error), "hunter2")
      }
    }).pipe(
      inProcess,
      Effect.provide(
        ProcessHost.layer("app:processes").pipe(Layer.provideMerge(Sql.layer()), Layer.provide(unreachable))
      )
    )
  )

  it.live("D18 sql: a parameter or a column that is not supported is named, and not shown", () =>
    Effect.gen(function* () {
      const array = yield* Effect.flip(Sql.query("SELECT ?, ?", [1, ["secret"]]))
      assert(array._tag === "SqlFailed" && array.reason._tag === "UnsupportedValue")
      assert.strictEqual(array.reason.place, "The parameter 2")
      assert.notInclude(array.message, "secret")
      const foreign = yield* Effect.flip(Sql.query("SELECT ?", [new Map() as never]))
      assert.strictEqual(foreign._tag, "InvalidCommandPayload")
    }).pipe(
      inProcess,
      Effect.provide(
        ProcessHost.layer("app:processes").pipe(Layer.provideMerge(Sql.layer()), Layer.provide(memory.layer))
      )
    )
  )

  it.live("D18 sql: a parameter that SQLite quotes in its message is hidden", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Sql.query("SELECT json_extract('{}', ?)", ["hunter2"]))
      assert.include(error.message, "bad JSON path")
      assert.notInclude(JSON.stringify([error.message, error]), "hunter2")
    }).pipe(
      inProcess,
      Effect.provide(
        ProcessHost.layer("app:processes").pipe(Layer.provideMerge(Sql.layer()), Layer.provide(memory.layer))
      )
    )
  )

  const onPostgres = postgres.absent === undefined ? it.live : it.live.skip
  const absent = postgres.absent === undefined ? "" : ` (PostgreSQL, which is absent: ${postgres.absent})`
  const Live = ProcessHost.layer("app:processes").pipe(
    Layer.provideMerge(Sql.layer()),
    Layer.provideMerge(postgres.layer)
  )
  const inPostgres = <A, E, R>(body: Effect.Effect<A, E, R>) => Effect.provide(inProcess(body), Live, { local: true })

  onPostgres(`D18 sql: PostgreSQL's arrays, JSON and large numbers are rows like others${absent}`, () =>
    inPostgres(
      Effect.gen(function* () {
        const [row] = yield* Sql.query(
          "SELECT $1::text[] AS texts, '{\"a\": [1, null, {\"b\": true}]}'::jsonb AS json, 12.50::numeric AS n, 5::int8 AS i, 'NaN'::float8 AS nan",
          [["x", null]]
        )
        assert.deepStrictEqual(row, {
          texts: ["x", null],
          json: { a: [1, null, { b: true }] },
          n: "12.50",
          i: 5n,
          nan: Number.NaN
        })
        const json = yield* Schema.encodeEffect(Schema.toCodecJson(Sql.Row))(row ?? {})
        const read = yield* Schema.decodeUnknownEffect(Schema.toCodecJson(Sql.Row))(JSON.parse(JSON.stringify(json)))
        assert.deepStrictEqual(read, row)
        const endless = yield* Effect.flip(Sql.query("SELECT 'infinity'::timestamptz AS at"))
        assert(endless._tag === "SqlFailed" && endless.reason._tag === "UnsupportedValue")
        assert.strictEqual(endless.reason.place, 'The column "at"')
      })
    )
  )

  onPostgres(`D18 sql: a parameter that PostgreSQL quotes, an item, or a part of one is hidden${absent}`, () =>
    inPostgres(
      Effect.gen(function* () {
        for (const [statement, parameter] of [
          ["SELECT $1::text::int AS integer", "hunter2"],
          ["SELECT $1::text::int AS integer", '4"2'],
          ["SELECT ($1::text[])::int[] AS integer", ["1", "hunter2"]],
          ["SELECT to_timestamp($1, 'YYYY') AS integer", "hunter2"]
        ] as const) {
          const error = yield* Effect.flip(Sql.query(statement, [parameter]))
          assert.notMatch(error.message, /hunt|4"|"2/)
          assert.include(error.message, "integer")
        }
      })
    )
  )

  // Others may run these tests at the same time, on the same server.
  const sleep = () => `SELECT pg_sleep(${60 + Math.random()})`
  const running = (statement: string) =>
    Effect.map(
      Sql.query("SELECT 1 FROM pg_stat_activity WHERE query = $1 AND state = 'active'", [statement]),
      (rows) => rows.length
    )

  onPostgres(`D18 sql: a yield's timeout interrupts the statement, in a transaction too${absent}`, () =>
    inPostgres(
      Effect.gen(function* () {
        for (const transaction of [undefined, yield* Sql.begin()]) {
          const statement = sleep()
          const payload = { statement, parameters: [], transaction }
          const error = yield* Effect.flip(Process.yield(Sql.commands.query, payload, { timeout: "100 millis" }))
          assert.strictEqual(error._tag, "YieldTimeout")
          assert.strictEqual(yield* running(statement), 0)
          yield* transaction === undefined ? Sql.query("SELECT 1") : Sql.rollback(transaction)
        }
      })
    )
  )

  onPostgres(`D18 sql: a rollback interrupts a statement that is under way${absent}`, () =>
    inPostgres(
      Effect.gen(function* () {
        for (const underWay of [false, true]) {
          const transaction = yield* Sql.begin()
          const statement = sleep()
          const sleeping = yield* Process.yieldAsync(Sql.commands.query, { statement, parameters: [], transaction })
          if (underWay) yield* Effect.repeat(running(statement), { until: (count) => count === 1 })
          yield* Sql.rollback(transaction)
          const error = yield* Effect.flip(sleeping.await)
          assert(error._tag === "SqlFailed" && error.reason._tag === "TransactionNotOpen")
        }
      })
    )
  )

  onPostgres(`D18 sql: a server that ends the connection in the midst of a transaction is a typed error${absent}`, () =>
    inPostgres(
      Effect.gen(function* () {
        const transaction = yield* Sql.begin()
        const [row] = yield* Sql.query("SELECT pg_backend_pid() AS pid", [], { transaction })
        yield* Sql.query("SELECT pg_terminate_backend($1)", [row?.["pid"] ?? null] as ReadonlyArray<Sql.Parameter>)
        const error = yield* Effect.flip(Sql.query("SELECT 1", [], { transaction }))
        assert.strictEqual(error._tag, "SqlFailed")
        const ended = yield* Effect.flip(Sql.commit(transaction))
        assert(ended._tag === "SqlFailed")
        // Which of them depends on what comes first, the server's farewell or the end of the connection.
        assert.include(["ConnectionError", "UnknownError"], ended.reason._tag)
        assert.strictEqual(yield* Sql.transaction(Sql.execute("SELECT 1")), 1)
      })
    )
  )

  onPostgres(
    `D18 sql: PostgreSQL refuses a commit after a statement that failed, and nothing was changed${absent}`,
    () =>
      inPostgres(
        Effect.gen(function* () {
          yield* Sql.execute("CREATE TABLE t (a INT)")
          const error = yield* Effect.flip(
            Sql.transaction(
              Effect.andThen(Sql.execute("INSERT INTO t VALUES (1)"), Effect.exit(Sql.query("SELECT 1/0")))
            )
          )
          assert(error._tag === "SqlFailed")
          assert.strictEqual(error.statement, "COMMIT")
          assert.deepStrictEqual(yield* Sql.query("SELECT a FROM t"), [])
        })
      )
  )
})

describe("Transactions", () => {
  it.live("whatever is open after an interruption has its number, and can be rolled back by it", () =>
    Effect.gen(function* () {
      const transactions = new Transactions(yield* SqlClient.SqlClient)
      const process = { id: "{app:processes|0x00001}", scope: yield* Effect.scope }
      const ids = Array.from({ length: 200 }, (_, id) => id)
      const leftOpen = yield* lossesOf(transactions.begin(process, undefined), () =>
        Effect.gen(function* () {
          yield* Effect.forEach(ids, (id) => Effect.exit(transactions.rollback(process, id)))
          return transactions.size > 0
        })
      )
      assert.deepStrictEqual(leftOpen, [])
    }).pipe(Effect.provide(memory.layer))
  )

  it.live("nothing of a transaction is kept when it has ended, however it ended", () =>
    Effect.gen(function* () {
      const transactions = new Transactions(yield* SqlClient.SqlClient)
      const scope = yield* Scope.make()
      const process = { id: "{app:processes|0x00001}", scope }
      const first = yield* transactions.begin(process, undefined)
      yield* transactions.commit(process, yield* transactions.begin(process, first))
      yield* transactions.rollback(process, yield* transactions.begin(process, first))
      yield* transactions.commit(process, first)
      const second = yield* transactions.begin(process, undefined)
      yield* transactions.begin(process, yield* transactions.begin(process, second))
      assert.strictEqual(transactions.size, 3)
      yield* transactions.rollback(process, second)
      assert.strictEqual(transactions.size, 0)
      yield* transactions.begin(process, yield* transactions.begin(process, undefined))
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(transactions.size, 0)
      const other = { ...process, scope: yield* Effect.scope }
      yield* transactions.commit(other, yield* transactions.begin(other, undefined))
    }).pipe(Effect.provide(memory.layer))
  )
})

describe("the words of a statement", () => {
  it("a text made to be read in many ways is read quickly", () => {
    const started = performance.now()
    for (const text of ["/**/ ".repeat(20_000), "/*".repeat(50_000), "--\n;".repeat(20_000)]) {
      assert.isFalse(isBlank(`${text} */ x`))
      assert.isFalse(controlsTransaction(`${text} */ x`))
    }
    assert.isBelow(performance.now() - started, 2_000)
  })
})

describe("Sql.Value", () => {
  it("JSON loses nothing, and takes nothing else for a value", () => {
    const codec = Schema.toCodecJson(Sql.Value)
    const values: ReadonlyArray<Sql.Value> = [
      null,
      true,
      0,
      -1.5,
      Number.NaN,
      Infinity,
      -Infinity,
      "",
      "1",
      "NaN",
      -(2n ** 70n),
      new Date(0),
      new Uint8Array([1, 2, 255]),
      [],
      [1n, [null]],
      {},
      { bigint: "1" },
      { object: { date: new Date(1) } },
      { a: 1n, b: { number: "NaN" } }
    ]
    for (const value of values) {
      const json = JSON.parse(JSON.stringify(Schema.encodeSync(codec)(value))) as never
      assert.deepStrictEqual(Schema.decodeSync(codec)(json), value)
    }
    for (const json of [
      {},
      { bigint: "x" },
      { bigint: 1 },
      { date: "never" },
      { bytes: "?" },
      { a: "1" },
      { object: 1 }
    ]) {
      assert.isTrue(Exit.isFailure(Schema.decodeUnknownExit(codec)(json)), JSON.stringify(json))
    }
    const circle: Array<unknown> = []
    circle.push(circle)
    for (const value of [undefined, () => 1, new Map(), new Date(Number.NaN), circle, { a: undefined }]) {
      assert.isFalse(Sql.isValue(value))
    }
  })
})
