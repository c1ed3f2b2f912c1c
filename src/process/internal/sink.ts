/**
 * Where the lines of a recording go.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as PlatformError from "effect/PlatformError"
import * as Semaphore from "effect/Semaphore"

export interface Sink {
  readonly write: (line: string) => void
  /** Waits until what was written is kept, to the last line. */
  readonly end: Effect.Effect<void>
}

/**
 * Writes to a file in the background, which is opened for the first line; `close` follows the last one. A file that can't be
 * written is reported once, and disturbs nobody.
 */
export const fileSink = (
  path: string,
  open: Effect.Effect<FileSystem.File, PlatformError.PlatformError>,
  close: Effect.Effect<void>,
  context: Context.Context<never>
): Sink => {
  const encoder = new TextEncoder()
  const lock = Semaphore.makeUnsafe(1)
  let file: FileSystem.File | undefined
  let lines: Array<string> = []
  let isBroken = false
  const keep = Effect.gen(function* () {
    const text = lines.join("")
    lines = []
    if (text === "" || isBroken) return
    file ??= yield* open
    yield* file.writeAll(encoder.encode(text))
  }).pipe(
    Effect.catch((error) => {
      isBroken = true
      return Effect.logError(`the recording ${path} ends, since its file can't be written: ${error.message}`)
    }),
    Semaphore.withPermits(lock, 1),
    Effect.uninterruptible
  )
  const run = Effect.runForkWith(context)
  return {
    write: (line) => {
      lines.push(`${line}\n`)
      // What comes in the same turn goes in one piece.
      if (lines.length === 1) run(Effect.andThen(Effect.yieldNow, keep))
    },
    end: Effect.andThen(keep, close)
  }
}
