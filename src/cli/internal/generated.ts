/**
 * The files that are generated for a project, and those that are there.
 */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Contract from "../../net/Contract.ts"
import type { Installed } from "./cache.ts"
import type { FileFailed } from "./errors.ts"
import { namesIn, readText, type Written } from "./files.ts"
import type { Existing, Files } from "./generating.ts"
import { format } from "./generate/format.ts"
import { localModule } from "./generate/localModule.ts"
import { remoteModule } from "./generate/remoteModule.ts"
import { scaffold } from "./generate/scaffold.ts"
import { ownerOf, sealed } from "./header.ts"
import type { Local } from "./local.ts"
import type { Project } from "./settings.ts"

const folders = ["generated/local", "generated/remote"]

/** What is generated for the dependencies and the contracts of a project, by paths beside `troupe.json`. */
export const wanted = Effect.fnUntraced(function* (
  { folder }: Project,
  installed: ReadonlyArray<Installed>,
  locals: ReadonlyArray<Local>
) {
  const paths = yield* Path.Path
  const formatted = (path: string, source: string) => format(paths.join(folder, path), source)
  const generated = (path: string, source: string) =>
    Effect.map(Effect.flatMap(formatted(path, source), sealed), (text): Written => ({ path, text }))

  const remote = yield* Effect.forEach(installed, ({ contract, dependency, locked }) => {
    const { name, range } = dependency
    const { fingerprint } = locked
    return Effect.flatMap(remoteModule({ name, range, contract, fingerprint }), (source) =>
      generated(`generated/remote/${name}.ts`, source)
    )
  })
  const local = yield* Effect.forEach(locals, ({ contract, name }) =>
    Effect.gen(function* () {
      const fingerprint = yield* Contract.fingerprint(contract)
      return yield* generated(`generated/local/${name}.ts`, yield* localModule({ name, contract, fingerprint }))
    })
  )
  const scaffolds = yield* Effect.forEach(locals, ({ contract, name }) =>
    Effect.gen(function* () {
      const path = `${name}.ts`
      const source = yield* scaffold({ name, contract, module: `./generated/local/${name}.ts` })
      return { path, text: yield* formatted(path, source) }
    })
  )
  return { generated: [...local, ...remote], scaffolds }
})

/** The files that are there: all of the generated folders, and what has the place of a scaffold. */
export const existing = Effect.fnUntraced(function* (
  { folder }: Project,
  scaffolds: ReadonlyArray<Written>
): Effect.fn.Return<Files["existing"], FileFailed, FileSystem.FileSystem | Path.Path> {
  const paths = yield* Path.Path
  const found: Array<string> = scaffolds.map(({ path }) => path)
  for (const one of folders) {
    const names = yield* namesIn(paths.join(folder, one))
    found.push(...names.filter((name) => name.endsWith(".ts")).map((name) => `${one}/${name}`))
  }
  const all = new Map<string, Existing>()
  for (const path of found) {
    const text = yield* readText(paths.join(folder, path))
    if (text !== undefined) all.set(path, { text, owner: yield* ownerOf(text) })
  }
  return all
})
