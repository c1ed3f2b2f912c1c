import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { Effect, FileSystem, Layer, Schema, Semaphore } from "effect"
import { Command, Dispatcher, Handles, type Yielded, Process, ProcessHost } from "troupe"

// #region error
const Reason = Schema.TaggedUnion({
  NotOpen: { journal: Schema.Int, process: Schema.String },
  TooLong: { bytes: Schema.Int, limit: Schema.Int },
  Unavailable: { path: Schema.String, detail: Schema.String }
})

export class JournalError extends Schema.TaggedError<JournalError>()("JournalError", { reason: Reason }) {
  override get message(): string {
    return Reason.match(this.reason, {
      NotOpen: ({ journal, process }) =>
        `The process ${process} has no journal ${journal}: it was closed, or another process opened it. Open one with Journal.open.`,
      TooLong: ({ bytes, limit }) =>
        `An entry has ${bytes} bytes, and the limit is ${limit}. Write less, or raise maxEntryBytes of the layer.`,
      Unavailable: ({ detail, path }) =>
        `The journal ${path} can't be written: ${detail}. Check the path, its folder, and who may use it.`
    })
  }
}
// #endregion error

// #region commands
export const Handle = Schema.Int.pipe(Schema.brand("app/Journal"))
export type Handle = typeof Handle.Type

export const commands = Command.module("journal", {
  open: Command.make(400, { payload: { path: Schema.String }, success: Handle, error: JournalError }),
  append: Command.make(401, {
    payload: { journal: Handle, entry: Schema.String },
    success: Schema.Int, // how many entries this handle has written
    error: JournalError
  }),
  close: Command.make(402, { payload: { journal: Handle } })
})
// #endregion commands

// #region table
interface Open {
  readonly path: string
  readonly file: FileSystem.File
  readonly turns: Semaphore.Semaphore
  entries: number
}

const unavailable = (path: string) => (error: { readonly message: string }) =>
  new JournalError({ reason: { _tag: "Unavailable", path, detail: error.message } })

const makeJournals = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const handles = Handles.make<Open>()

  const acquire = (path: string) =>
    Effect.gen(function* () {
      const file = yield* Effect.mapError(fs.open(path, { flag: "a" }), unavailable(path))
      return { path, file, turns: yield* Semaphore.make(1), entries: 0 }
    })

  return {
    open: (process: Yielded.Yielder, path: string) =>
      Effect.map(handles.open(process, acquire(path)), (id) => Handle.make(id)),

    find: (process: Yielded.Yielder, journal: Handle) => {
      const found = handles.find(process, journal)
      return found === undefined
        ? Effect.fail(new JournalError({ reason: { _tag: "NotOpen", journal, process: process.id } }))
        : Effect.succeed(found)
    },

    close: (process: Yielded.Yielder, journal: Handle) => handles.close(process, journal)
  }
})
// #endregion table

// #region layer
export interface Options {
  /** How many bytes an entry may have, as UTF-8: 64 KiB when absent. */
  readonly maxEntryBytes?: number | undefined
}

export const layer = ({ maxEntryBytes = 64 * 1024 }: Options = {}) =>
  Dispatcher.layer(
    commands,
    Effect.map(makeJournals, (journals) =>
      commands.of({
        open: ({ path }, { process }) => journals.open(process, path),

        append: Effect.fn(function* ({ entry, journal }, { process }) {
          const found = yield* journals.find(process, journal)
          const line = new TextEncoder().encode(`${JSON.stringify(entry)}\n`)
          if (line.length > maxEntryBytes) {
            return yield* new JournalError({ reason: { _tag: "TooLong", bytes: line.length, limit: maxEntryBytes } })
          }
          // One after the other; a line that has begun is written to its end, and is on the disk when this answers.
          const write = Effect.andThen(found.file.writeAll(line), found.file.sync)
          const written = Effect.andThen(
            write,
            Effect.sync(() => ++found.entries)
          )
          return yield* Semaphore.withPermits(
            found.turns,
            1
          )(Effect.uninterruptible(written)).pipe(Effect.mapError(unavailable(found.path)))
        }),

        // One that is closed stays so.
        close: ({ journal }, { process }) => Effect.asVoid(journals.close(process, journal))
      })
    )
  )
// #endregion layer

// #region convenience
/** Opens a journal for this process, which is closed with it; entries go to the end of the file. */
export const open = (path: string) => Process.yield(commands.open, { path })

/** Appends an entry, and answers when it is on the disk. */
export const append = (journal: Handle, entry: string) => Process.yield(commands.append, { journal, entry })

/** Closes a journal; one that is closed stays so. */
export const close = (journal: Handle) => Process.yield(commands.close, { journal })
// #endregion convenience

// #region process
export const Clerk = Process.make("app:clerk", {
  args: Schema.Struct({ path: Schema.String, names: Schema.Array(Schema.String) })
})

export const ClerkLive = Clerk.toLayer(
  Effect.fn(function* ({ names, path }) {
    const journal = yield* open(path)
    let written = 0
    for (const name of names) written = yield* append(journal, `${name} came in`)
    return written
  })
)
// #endregion process

// #region fake
const fake = (entries: Array<string>) =>
  Dispatcher.layer(commands, {
    open: () => Effect.succeed(Handle.make(1)),
    append: ({ entry }) => Effect.sync(() => entries.push(entry)),
    close: () => Effect.void
  })

export const clerkTest = Effect.gen(function* () {
  const entries: Array<string> = []
  const written = yield* Effect.gen(function* () {
    const clerk = yield* Process.spawn(Clerk, { path: "visitors", names: ["Ada", "Bob"] })
    return yield* Effect.flatten(Process.await(clerk))
  }).pipe(Effect.provide([ClerkLive.pipe(Layer.provide(fake(entries))), ProcessHost.layer("app:test")]))
  return { written, entries } // 2, ["Ada came in", "Bob came in"]
})
// #endregion fake

// #region real
export const Keeper = Process.make("app:keeper", { args: Schema.String })

const KeeperLive = Keeper.toLayer(
  Effect.fn(function* (path) {
    const journal = yield* open(path)
    yield* append(journal, "one")
    const tooLong = yield* Effect.flip(append(journal, "x".repeat(100)))
    yield* close(journal)
    const closed = yield* Effect.flip(append(journal, "two"))
    const nowhere = yield* Effect.flip(open(`${path}/none`))
    yield* open(path) // left open: it is closed with the process
    return [tooLong.message, closed.message, nowhere._tag]
  })
).pipe(Layer.provide(layer({ maxEntryBytes: 100 })))

export const moduleTest = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const path = yield* fs.makeTempFileScoped()
  const refusals = yield* Effect.gen(function* () {
    return yield* Effect.flatten(Process.await(yield* Process.spawn(Keeper, path)))
  }).pipe(Effect.provide([KeeperLive, ProcessHost.layer("app:test")]))
  // "one", and nothing else
  return { refusals, written: yield* fs.readFileString(path) }
}).pipe(Effect.scoped, Effect.provide(NodeFileSystem.layer))
// #endregion real

// #region leak
/** How many files of this program are open under a path, in Linux. */
const openFiles = (path: string) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const numbers = yield* fs.readDirectory("/proc/self/fd")
    const links = yield* Effect.forEach(numbers, (n) => Effect.option(fs.readLink(`/proc/self/fd/${n}`)))
    return links.filter((link) => link._tag === "Some" && link.value === path).length
  })

const Sleeper = Process.make("app:sleeper", { args: Schema.String })
const SleeperLive = Sleeper.toLayer((path) => Effect.andThen(open(path), Effect.never)).pipe(Layer.provide(layer()))

export const leakTest = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const path = yield* fs.makeTempFileScoped()
  return yield* Effect.gen(function* () {
    const sleeper = yield* Process.spawn(Sleeper, path)
    while ((yield* openFiles(path)) === 0) yield* Effect.sleep(1)
    yield* Process.kill(sleeper)
    // A leak would have this test time out.
    while ((yield* openFiles(path)) > 0) yield* Effect.sleep(1)
    return yield* openFiles(path)
  }).pipe(Effect.provide([SleeperLive, ProcessHost.layer("app:test")]))
}).pipe(Effect.scoped, Effect.provide(NodeFileSystem.layer))
// #endregion leak
