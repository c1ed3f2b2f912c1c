/**
 * Recordings: all that the body of a process did and was given, one JSON line after the other, so that it can be replayed.
 *
 * A body can be replayed when all that it asks of the world is a command: its answers are in the recording. Messages,
 * cancellations and random numbers are recorded as well. What else it does by itself, such as an effect that asks a
 * server, happens again when it is replayed; calls and monitors are commands of the module `process` for that reason.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FileSystem from "effect/FileSystem"
import type * as PlatformError from "effect/PlatformError"
import * as Latch from "effect/Latch"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { Recorder as RecorderImpl, type Sink } from "./internal/recorder.ts"
import { Entry } from "./RecordingEntry.ts"
import { InvalidRecording, RecordingUnavailable } from "./RecordingError.ts"

export { Entry } from "./RecordingEntry.ts"

/**
 * The type-level and runtime key of `Recorder`.
 *
 * @category type ids
 */
export const TypeId = "~troupe/process/Recorder"

/**
 * The type of {@link TypeId}.
 *
 * @category type ids
 */
export type TypeId = typeof TypeId

/**
 * Records one process, which it is given to at the spawn.
 *
 * @category models
 */
export interface Recorder {
  readonly [TypeId]: RecorderImpl
}

/**
 * What a body did and was given.
 *
 * @category models
 */
export interface Recording {
  readonly entries: ReadonlyArray<Entry>
}

/** The implementation behind a recorder. */
export const recorderOf = (recorder: Recorder): RecorderImpl => recorder[TypeId]

const recorderTo = (sink: Sink): Effect.Effect<Recorder> =>
  Effect.map(Random.nextIntBetween(0, 2 ** 31), (seed) => ({ [TypeId]: new RecorderImpl(sink, seed) }))

/**
 * Records into memory; `recording` answers what there is so far.
 *
 * **Example** (Recording and replaying)
 *
 * ```ts import.meta.vitest
 * import { Effect, Layer, Schema } from "effect"
 * import { Command, Dispatcher, Process, ProcessHost, Recording, Replay } from "troupe"
 *
 * const Dice = Command.module("dice", { roll: Command.make(300, { success: Schema.Int }) })
 * const DiceLive = Dispatcher.layer(Dice, { roll: () => Effect.succeed(4) })
 *
 * const Player = Process.make("app:player", { success: Schema.Int })
 * const body = Effect.fn(function*() {
 *   return (yield* Process.yield(Dice.roll)) + (yield* Process.yield(Dice.roll))
 * })
 *
 * const record = Effect.gen(function*() {
 *   const recorder = yield* Recording.inMemory
 *   yield* Process.await(yield* Process.spawn(Player, undefined, { record: recorder }))
 *   return yield* recorder.recording
 * }).pipe(Effect.provide([Player.toLayer(body).pipe(Layer.provide(DiceLive)), ProcessHost.layer("app:processes")]))
 *
 * const program = Effect.gen(function*() {
 *   const recording = yield* record
 *   const { exit } = yield* Replay.run(Player, recording)
 *   return [recording.entries.map(({ _tag }) => _tag), exit?._tag === "Success" && exit.value]
 * }).pipe(Effect.provide(Player.toLayer(body).pipe(Layer.provide(Replay.unhandled(Dice)))))
 *
 * await Effect.runPromise(program)
 * // => [["Began", "Yielded", "Completed", "Yielded", "Completed", "Ended"], 8]
 * ```
 *
 * @category recorders
 */
export const inMemory: Effect.Effect<Recorder & { readonly recording: Effect.Effect<Recording, InvalidRecording> }> =
  Effect.suspend(() => {
    const lines: Array<string> = []
    const sink: Sink = { write: (line) => void lines.push(line), flush: Effect.void }
    return Effect.map(recorderTo(sink), (recorder) => ({
      ...recorder,
      recording: Effect.suspend(() => parse(lines.join("\n")))
    }))
  })

/**
 * Records into a file, line by line as things happen; when the exit of the process can be seen, all of it is in the file.
 *
 * **Details**
 *
 * - `path`: the file; one that is there is overwritten, and a new one is for its owner alone: it has all that was said.
 *
 * The file is closed with the scope. When it can't be written any more, as on a full disk, the process goes on, the
 * recording ends, and an error is logged. Fails with `RecordingUnavailable` when the file can't be opened.
 *
 * @category recorders
 */
export const toFile: (
  path: string
) => Effect.Effect<Recorder, RecordingUnavailable, FileSystem.FileSystem | Scope.Scope> = Effect.fnUntraced(
  function* (path) {
    const fs = yield* FileSystem.FileSystem
    const file = yield* Effect.mapError(fs.open(path, { flag: "w", mode: 0o600 }), unavailable(path, "open"))
    const encoder = new TextEncoder()
    const lock = yield* Semaphore.make(1)
    const wanted = yield* Latch.make(false)
    let lines: Array<string> = []
    let isBroken = false
    const keep = Effect.suspend(() => {
      const text = lines.join("")
      lines = []
      return text === "" || isBroken ? Effect.void : file.writeAll(encoder.encode(text))
    }).pipe(
      Effect.catch((error) => {
        isBroken = true
        return Effect.logError(`the recording ${path} ends, since its file can't be written: ${error.message}`)
      }),
      Semaphore.withPermits(lock, 1),
      Effect.uninterruptible
    )
    // What is left is written before the file is closed.
    yield* Effect.addFinalizer(() => keep)
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(wanted.await, Effect.andThen(wanted.close, keep))))
    return yield* recorderTo({
      write: (line) => {
        lines.push(`${line}\n`)
        wanted.openUnsafe()
      },
      flush: keep
    })
  }
)

const unavailable =
  (path: string, doing: RecordingUnavailable["doing"]) =>
  (error: PlatformError.PlatformError): RecordingUnavailable =>
    new RecordingUnavailable({ path, doing, detail: error.message })

/**
 * Reads a recording from a file. A last line that was cut, as by a crash, is left out.
 *
 * **Details**
 *
 * Fails with `RecordingUnavailable` when the file can't be read, and with `InvalidRecording` when it is no recording.
 *
 * @category reading
 */
export const read: (
  path: string
) => Effect.Effect<Recording, RecordingUnavailable | InvalidRecording, FileSystem.FileSystem> = Effect.fnUntraced(
  function* (path) {
    const fs = yield* FileSystem.FileSystem
    return yield* parse(yield* Effect.mapError(fs.readFileString(path), unavailable(path, "read")))
  }
)

/**
 * Reads a recording from its text: JSON, one entry a line. Fails with `InvalidRecording`, which names the line.
 *
 * **Example** (A line that is none)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Recording } from "troupe"
 *
 * const refusal = Effect.flip(Recording.parse(`{"_tag":"Nonsense"}\n`))
 * await Effect.runPromise(Effect.map(refusal, ({ line }) => line)) // => 1
 * ```
 *
 * @category reading
 */
export const parse = (text: string): Effect.Effect<Recording, InvalidRecording> => {
  const lines = text.split("\n")
  // The text of a whole recording ends with a line's end.
  const cut = lines.at(-1) === "" ? undefined : lines.length
  const read: Array<Entry> = []
  for (const [i, line] of lines.entries()) {
    if (line === "") continue
    const entry = decode(line)
    if (Exit.isSuccess(entry)) read.push(entry.value)
    else if (i + 1 !== cut) return Effect.fail(new InvalidRecording({ line: i + 1, detail: messageOf(entry) }))
  }
  if (read[0]?._tag === "Began") return Effect.succeed({ entries: read })
  return Effect.fail(new InvalidRecording({ line: 1, detail: "a recording begins with how the process began" }))
}

const decode = Schema.decodeUnknownExit(Schema.fromJsonString(Entry))

const messageOf = (exit: Exit.Failure<unknown, Schema.SchemaError>): string => {
  const error = Cause.squash(exit.cause)
  return error instanceof Error ? error.message : String(error)
}
