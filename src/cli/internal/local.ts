/**
 * The contracts of a project itself: documents of `Contract.print`, and `.proto` files.
 */
import { isArrayNonEmpty } from "effect/Array"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Contract from "../../net/Contract.ts"
import { type FileFailed, InvalidContracts, type Problem } from "./errors.ts"
import { namesIn, readText } from "./files.ts"
import type { LocalContract, Project } from "./settings.ts"

/** A contract of this project, under its name there. */
export interface Local {
  readonly name: string
  readonly contract: Contract.Contract
}

/** All `.proto` files of a folder, under the names by which they import each other. */
const protosIn = Effect.fnUntraced(function* (folder: string) {
  const paths = yield* Path.Path
  const names = yield* namesIn(folder, { recursive: true })
  const protos = names.filter((name) => name.endsWith(".proto"))
  return yield* Effect.forEach(protos, (name) =>
    Effect.map(readText(paths.join(folder, name)), (text = "") => ({ name: name.replaceAll("\\", "/"), text }))
  )
})

const readOne = Effect.fnUntraced(function* (
  { folder }: Project,
  { file, name, proto }: LocalContract
): Effect.fn.Return<Contract.Contract, Problem | FileFailed, FileSystem.FileSystem | Path.Path> {
  const paths = yield* Path.Path
  const path = paths.resolve(folder, file)
  const text = yield* readText(path)
  if (text === undefined) {
    return yield* Effect.fail({
      at: file,
      detail: `it is not there: write it, or mend contracts.${name} in troupe.json`
    })
  }
  if (proto === undefined) {
    return yield* Effect.mapError(Contract.parse(text), ({ detail, path }) => ({
      at: file,
      detail: `${path === "" ? "it" : path} ${detail}: write it with Contract.print`
    }))
  }
  const { protocol, service, type } = proto
  const options = { files: yield* protosIn(paths.dirname(path)), main: paths.basename(path), protocol, type }
  return yield* Effect.mapError(
    Contract.fromProto(service === undefined ? options : { ...options, service }),
    ({ detail, file: at, line }) => ({
      at: `${paths.join(paths.dirname(file), at)}${line === 0 ? "" : `:${line}`}`,
      detail
    })
  )
})

/** The contracts of a project; fails with all that is wrong with them. */
export const load = Effect.fnUntraced(function* (
  project: Project
): Effect.fn.Return<ReadonlyArray<Local>, InvalidContracts | FileFailed, FileSystem.FileSystem | Path.Path> {
  const problems: Array<Problem> = []
  const locals: Array<Local> = []
  for (const local of project.settings.contracts) {
    const read = yield* Effect.result(readOne(project, local))
    if (read._tag === "Success") locals.push({ name: local.name, contract: read.success })
    else if ("at" in read.failure) problems.push(read.failure)
    else return yield* read.failure
  }
  if (isArrayNonEmpty(problems)) return yield* new InvalidContracts({ problems })
  return locals
})
