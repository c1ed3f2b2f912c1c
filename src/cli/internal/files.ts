/**
 * Files as the commands read and write them: a file is the old one or the new one, and never a part of it.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import * as Random from "effect/Random"
import { FileFailed } from "./errors.ts"

/** A file, and what is to be in it. */
export interface Written {
  readonly path: string
  readonly text: string
}

/** What is to be done, all of it or nothing. */
export interface Changes {
  /** In this order. */
  readonly write: ReadonlyArray<Written>
  readonly remove: ReadonlyArray<string>
}

const failed = (doing: FileFailed["doing"], path: string) =>
  Effect.mapError(({ message, reason }: PlatformError) => {
    const { cause } = reason
    return new FileFailed({ doing, path, detail: cause instanceof Error ? cause.message : message })
  })

/** The text of a file; `undefined` when there is none. */
export const readText = (path: string): Effect.Effect<string | undefined, FileFailed, FileSystem.FileSystem> =>
  FileSystem.FileSystem.use((files) =>
    files.readFileString(path).pipe(
      Effect.catchIf(
        ({ reason }) => reason._tag === "NotFound",
        () => Effect.undefined
      ),
      failed("read", path)
    )
  )

/** The names of what a folder has, sorted; none when there is no folder. */
export const namesIn = (
  folder: string,
  options?: { readonly recursive?: boolean | undefined }
): Effect.Effect<ReadonlyArray<string>, FileFailed, FileSystem.FileSystem> =>
  FileSystem.FileSystem.use((files) =>
    files.readDirectory(folder, options).pipe(
      Effect.map((names) => names.toSorted()),
      Effect.catchIf(
        ({ reason }) => reason._tag === "NotFound",
        () => Effect.succeed([])
      ),
      failed("read", folder)
    )
  )

/** Makes a folder, and those that it lies in, where they are not there. */
export const makeFolder = (folder: string): Effect.Effect<void, FileFailed, FileSystem.FileSystem> =>
  FileSystem.FileSystem.use((files) => failed("write", folder)(files.makeDirectory(folder, { recursive: true })))

/**
 * Writes and removes files. All that can fail for want of space or permission is done before the first of them changes: the
 * new ones are written beside the old ones, and then take their places.
 */
export const apply = Effect.fnUntraced(function* ({
  remove,
  write
}: Changes): Effect.fn.Return<void, FileFailed, FileSystem.FileSystem | Path.Path> {
  const files = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const staged = Effect.forEach(write, ({ path, text }) =>
    Effect.gen(function* () {
      const folder = paths.dirname(path)
      yield* makeFolder(folder)
      const name = `.${paths.basename(path)}.${(yield* Random.nextInt).toString(36)}.tmp`
      const temporary = paths.join(folder, name)
      // Once it has taken its place it is not here any more.
      yield* Effect.addFinalizer(() => Effect.ignore(files.remove(temporary, { force: true })))
      const whole = Effect.flatMap(files.open(temporary, { flag: "wx" }), (file) =>
        Effect.andThen(file.writeAll(new TextEncoder().encode(text)), file.sync)
      )
      yield* failed("write", path)(Effect.scoped(whole))
      return { path, temporary }
    })
  )
  const place = (all: Effect.Success<typeof staged>) =>
    Effect.gen(function* () {
      for (const { path, temporary } of all) yield* failed("write", path)(files.rename(temporary, path))
      for (const path of remove) yield* failed("remove", path)(files.remove(path, { force: true }))
    })
  yield* Effect.scoped(Effect.flatMap(staged, (all) => Effect.uninterruptible(place(all))))
})
