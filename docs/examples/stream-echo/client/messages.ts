import { Effect, FileSystem } from "effect"
import { TerminalHost } from "troupe"

// #region messages
/** What has been received: printed, and kept in the file, if there is one, a line each. */
export const make = Effect.fnUntraced(function* (file: string | undefined) {
  const fs = yield* FileSystem.FileSystem
  const kept =
    file !== undefined && (yield* fs.exists(file)) ? (yield* fs.readFileString(file)).split("\n").length - 1 : 0
  let count = kept

  return {
    /** The number of the last one. */
    last: Effect.sync(() => count),
    // What is counted is printed, too.
    add: (message: string) =>
      Effect.gen(function* () {
        if (file !== undefined) yield* fs.writeFileString(file, `${message}\n`, { flag: "a" })
        count++
        yield* TerminalHost.print(message)
      }).pipe(Effect.uninterruptible)
  }
})
// #endregion messages

export type Messages = Effect.Success<ReturnType<typeof make>>
