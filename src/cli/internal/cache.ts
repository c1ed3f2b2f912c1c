/**
 * The contracts of dependencies as they were installed, under `contracts/remote/`.
 */
import { isReadonlyArrayNonEmpty } from "effect/Array"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Result from "effect/Result"
import * as Contract from "../../net/Contract.ts"
import { type FileFailed, LockMismatch, LockNotFound, type Problem } from "./errors.ts"
import { readText } from "./files.ts"
import * as Lock from "./lock.ts"
import type { Dependency, Project } from "./settings.ts"

/** Where the contract of a dependency is, beside `troupe.json`. */
export const fileOf = (name: string): string => `contracts/remote/${name}.json`

/** A dependency with the contract that this project was made for. */
export interface Installed {
  readonly dependency: Dependency
  readonly locked: Lock.Locked
  readonly contract: Contract.Contract
}

/** The contract that is kept for a locked dependency; fails with why it is not the one that was locked. */
export const read = Effect.fnUntraced(function* (
  { folder }: Project,
  name: string,
  locked: Lock.Locked
): Effect.fn.Return<Result.Result<Contract.Contract, Problem>, FileFailed, FileSystem.FileSystem | Path.Path> {
  const paths = yield* Path.Path
  const at = fileOf(name)
  const text = yield* readText(paths.join(folder, at))
  if (text === undefined) return Result.fail({ at, detail: "it is not there" })
  const parsed = yield* Effect.result(Contract.parse(text))
  if (Result.isFailure(parsed)) {
    const { detail, path } = parsed.failure
    return Result.fail({ at, detail: `it is no contract: ${path === "" ? "it" : path} ${detail}` })
  }
  const contract = parsed.success
  const fingerprint = yield* Contract.fingerprint(contract)
  return fingerprint === locked.fingerprint && String(contract.type) === String(locked.type)
    ? Result.succeed(contract)
    : Result.fail({ at, detail: `it is not the contract of ${locked.type} that was locked` })
})

/** What is wrong between settings, lock and contracts, and the dependencies with which nothing is. */
export const compare = Effect.fnUntraced(function* (
  project: Project,
  lock: Lock.Lock
): Effect.fn.Return<
  { readonly installed: ReadonlyArray<Installed>; readonly problems: ReadonlyArray<Problem> },
  FileFailed,
  FileSystem.FileSystem | Path.Path
> {
  const { dependencies } = project.settings
  const problems = [...Lock.mismatches(dependencies, lock)]
  const installed: Array<Installed> = []
  for (const dependency of dependencies) {
    const { name } = dependency
    const locked = lock.get(name)
    if (locked === undefined || problems.some(({ at }) => at === name)) continue
    const contract = yield* read(project, name, locked)
    if (Result.isFailure(contract)) problems.push(contract.failure)
    else installed.push({ dependency, locked, contract: contract.success })
  }
  return { installed, problems }
})

/** The dependencies of a project, all of them installed and as they were locked. */
export const installed = Effect.fnUntraced(function* (project: Project) {
  const path = yield* Lock.pathOf(project)
  const lock = yield* Lock.load(project)
  if (lock === undefined) return yield* new LockNotFound({ path })
  const { installed, problems } = yield* compare(project, lock)
  if (isReadonlyArrayNonEmpty(problems)) return yield* new LockMismatch({ path, problems })
  return installed
})
