// #region test
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { TestClock } from "effect/testing"
import { Process, ProcessHost } from "troupe"
import { Reminder, ReminderLive } from "./reminder.ts"

describe("Reminder", () => {
  it.effect("answers after an hour", () =>
    Effect.gen(function* () {
      const pid = yield* Process.spawn(Reminder, "tea")
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(yield* Process.await(pid), Exit.succeed("tea"))
    }).pipe(Effect.provide([ReminderLive, ProcessHost.layer("app:processes")]))
  )
})
// #endregion test
