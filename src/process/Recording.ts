/**
 * Recordings: all that the body of a process did and was given, one JSON line after the other, so that it can be replayed.
 *
 * A body can be replayed when all that it asks of the world is a command: its answers are in the recording. Messages,
 * cancellations and random numbers are recorded as well. What else it does by itself, such as an effect that asks a
 * server, happens again when it is replayed; calls and monitors are commands of the module `process` for that reason.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FileSystem from "effect/FileSystem"
import type * as PlatformError from "effect/PlatformError"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import type { Cell } from "./internal/cell.ts"
import { Recorder as RecorderImpl } from "./internal/recorder.ts"
import { fileSink, type Sink } from "./internal/sink.ts"
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
 * Records a process, which it is given to at the spawn; one that records into a folder records several.
 *
 * @category models
 */
export interface Recorder {
  /** Records the next process; `undefined` when it has recorded all that it can. */
  readonly [TypeId]: () => RecorderImpl | undefined
}

/**
 * What a body did and was given.
 *
 * @category models
 */
export interface Recording {
  readonly entries: ReadonlyArray<Entry>
}

/** What records the next process. */
export const nextOf = (recorder: Recorder | undefined): RecorderImpl | undefined => recorder?.[TypeId]()

const seedOf = (random: typeof Random.Random.Service): number => Math.floor(random.nextDoubleUnsafe() * 2 ** 31)

const recorderTo = (sink: Sink): Effect.Effect<Recorder> =>
  Effect.map(Random.Random, (random) => {
    let next: RecorderImpl | undefined = new RecorderImpl(() => sink, seedOf(random))
    const take = (): RecorderImpl | undefined => {
      const taken = next
      next = undefined
      return taken
    }
    return { [TypeId]: take }
  })

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
    const sink: Sink = { write: (line) => void lines.push(line), end: Effect.void }
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
    const sink = fileSink(path, Effect.succeed(file), Effect.void, yield* Effect.context<never>())
    // What is left is written before the file is closed.
    yield* Effect.addFinalizer(() => sink.end)
    return yield* recorderTo(sink)
  }
)

/**
 * Records each process that it is given to into a file of its own in a folder: for supervised processes, of which every
 * incarnation is recorded.
 *
 * **Details**
 *
 * - `path`: the folder; it is made when it is not there.
 *
 * The files are named after the time, the definition and the pid, and none is overwritten. Each is closed with its process.
 * As with `toFile`, one that can't be written is logged, and its process goes on. Fails with `RecordingUnavailable` when there
 * can't be such a folder.
 *
 * @category recorders
 */
export const toFolder: (
  path: string
) => Effect.Effect<Recorder, RecordingUnavailable, FileSystem.FileSystem | Scope.Scope> = Effect.fnUntraced(
  function* (path) {
    const fs = yield* FileSystem.FileSystem
    yield* Effect.mapError(fs.makeDirectory(path, { recursive: true, mode: 0o700 }), unavailable(path, "open"))
    const context = yield* Effect.context<Scope.Scope>()
    const scope = Context.get(context, Scope.Scope)
    const clock = yield* Clock.Clock
    const random = yield* Random.Random
    let count = 0
    const sinkOf = (cell: Cell): Sink => {
      const begun = DateTime.formatIso(DateTime.makeUnsafe(clock.currentTimeMillisUnsafe()))
      const name = [begun, cell.definition.name, cell.pid.host, cell.pid.id.toString(16), ++count].join("-")
      const file = `${path}/${name.replaceAll(/[^\w.-]+/g, "-")}.ndjson`
      const own = Scope.forkUnsafe(scope)
      return fileSink(
        file,
        Scope.provide(fs.open(file, { flag: "wx", mode: 0o600 }), own),
        Scope.close(own, Exit.void),
        context
      )
    }
    return { [TypeId]: () => new RecorderImpl(sinkOf, seedOf(random)) }
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
