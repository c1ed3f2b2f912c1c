/**
 * Databases for tests: SQLite in memory and in a file, and PostgreSQL where it runs on this machine.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { Context, Effect, Layer, Redacted } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { randomUUID } from "node:crypto"
import { connect } from "node:net"
import { join } from "node:path"
import * as Sqlite from "../../src/command/driver/Sqlite.ts"
import { directory } from "./files.ts"

const host = "127.0.0.1"
const port = 5432

const answers = await new Promise<boolean>((resolve) => {
  const socket = connect({ host, port })
  const end = (reached: boolean): void => {
    socket.destroy()
    resolve(reached)
  }
  socket.once("connect", () => end(true))
  socket.once("error", () => end(false))
})

/** Why PostgreSQL can't be tested here, if so. */
export const postgresAbsent: string | undefined = answers ? undefined : `nothing listens at ${host}:${port}`

export interface Database {
  readonly name: string
  /** Why there is none, if so. */
  readonly absent: string | undefined
  /** A database of its own for each build, which is gone when the layer is released. */
  readonly layer: Layer.Layer<SqlClient.SqlClient, SqlError.SqlError>
  /** The statement with the placeholders of the database in place of the question marks. */
  readonly text: (statement: string) => string
}

const database = { host, port, username: "postgres", database: "postgres", password: Redacted.make("") }

const inSchema = Layer.unwrap(
  Effect.gen(function* () {
    const schema = `troupe_${randomUUID().replaceAll("-", "")}`
    const admin = Context.get(yield* Layer.build(PgClient.layer(database)), PgClient.PgClient)
    yield* Effect.acquireRelease(admin`CREATE SCHEMA ${admin(schema)}`, () =>
      Effect.orDie(admin`DROP SCHEMA ${admin(schema)} CASCADE`)
    )
    return PgClient.layer({ ...database, startupParameters: { search_path: schema } })
  })
)

export const postgres: Database = {
  name: "PostgreSQL",
  absent: postgresAbsent,
  layer: Layer.fresh(inSchema),
  text: (statement) => {
    let place = 0
    return statement.replaceAll("?", () => `$${++place}`)
  }
}

export const memory: Database = {
  name: "SQLite in memory",
  absent: undefined,
  layer: Layer.fresh(Sqlite.layer({ filename: ":memory:" })),
  text: (statement) => statement
}

export const file: Database = {
  name: "SQLite in a file",
  absent: undefined,
  layer: Layer.fresh(Layer.unwrap(Effect.map(directory, (path) => Sqlite.layer({ filename: join(path, "test.db") })))),
  text: (statement) => statement
}
