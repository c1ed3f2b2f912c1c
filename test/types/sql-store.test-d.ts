import { describe, expectTypeOf, it } from "@effect/vitest"
import type { Effect, Option } from "effect"
import { Schema } from "effect"
import type { DispatchError, Dispatcher, Process } from "troupe"
import * as Sql from "../../src/command/Sql.ts"
import * as Store from "../../src/command/Store.ts"

type Needs<Module extends string> = Dispatcher.Handles<Module> | Process.CurrentProcess

describe("the commands of sql and store", () => {
  it("require that their module is handled, and have its error", () => {
    expectTypeOf(Sql.query("SELECT 1")).toEqualTypeOf<
      Effect.Effect<ReadonlyArray<Sql.Row>, Sql.SqlFailed | DispatchError.DispatchError, Needs<"sql">>
    >()
    expectTypeOf(Store.get("a")).toEqualTypeOf<
      Effect.Effect<Option.Option<string>, Store.StoreError | DispatchError.DispatchError, Needs<"store">>
    >()
  })

  it("take no parameter that a database has no type for", () => {
    // @ts-expect-error an object is no parameter
    Sql.query("SELECT ?", [{ a: 1 }])
    // @ts-expect-error nor is what may be absent
    Sql.query("SELECT ?", [undefined])
    // @ts-expect-error a number is no transaction
    Sql.query("SELECT 1", [], { transaction: 1 })
  })

  it("a transaction has the answer and the errors of its effect", () => {
    const effect = null as unknown as Effect.Effect<"answer", "error">
    expectTypeOf(Sql.transaction(effect)).toEqualTypeOf<
      Effect.Effect<"answer", "error" | Sql.SqlFailed | DispatchError.DispatchError, Needs<"sql">>
    >()
  })

  it("a store with a schema has its values", () => {
    const dates = Store.schema(Schema.Date)
    expectTypeOf(dates.get).returns.toExtend<Effect.Effect<Option.Option<Date>, unknown, unknown>>()
    // @ts-expect-error a text is no date
    dates.set("a", "today")
  })
})
