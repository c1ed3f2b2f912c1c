import { Effect, Schema } from "effect"
import { Process } from "troupe"

// #region process
export const Reminder = Process.make("app:reminder", {
  args: Schema.String,
  success: Schema.String
})

export const ReminderLive = Reminder.toLayer(
  Effect.fn(function* (text) {
    yield* Effect.sleep("1 hour")
    return text
  })
)
// #endregion process
