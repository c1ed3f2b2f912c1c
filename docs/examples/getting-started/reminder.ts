import { Effect, Schema } from "effect"
import { Process } from "troupe"

// #region process
export const Reminder = Process.make("app:reminder", { args: Schema.String, success: Schema.String })

export const ReminderLive = Reminder.toLayer((text) => Effect.as(Effect.sleep("1 hour"), text))
// #endregion process
