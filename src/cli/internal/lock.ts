/**
 * The lock of a project, `troupe.lock.json`: which version of each dependency it was made for, and what that says.
 */
import { isArrayNonEmpty } from "effect/Array"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Schema from "effect/Schema"
import * as ActorType from "../../net/ActorType.ts"
import { decodeDocument, Name } from "./document.ts"
import { type FileFailed, InvalidLock, type Problem } from "./errors.ts"
import { readText } from "./files.ts"
import type { Dependency, Project } from "./settings.ts"

export const fileName = "troupe.lock.json"

/** What was found for a dependency. */
export interface Locked {
  /** The range that it was found for. */
  readonly range: string
  readonly type: ActorType.ActorType
  readonly protocol: string
  /** Of its contract. */
  readonly fingerprint: string
}

/** By the name of the dependency. */
export type Lock = ReadonlyMap<string, Locked>

const Document = Schema.Struct({
  lockVersion: Schema.Literal(1),
  dependencies: Schema.Record(
    Name,
    Schema.Struct({
      range: Schema.String,
      type: Schema.String,
      protocol: Schema.String,
      fingerprint: Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/, { expected: "a fingerprint" }))
    })
  )
})

const read = decodeDocument(Document)

/** Reads the text of a lock; fails with all that is wrong with it. */
export const parse = (text: string): Effect.Effect<Lock, readonly [Problem, ...Array<Problem>]> =>
  Effect.gen(function* () {
    const { dependencies } = yield* read(text)
    const lock = new Map<string, Locked>()
    const problems: Array<Problem> = []
    for (const [name, entry] of Object.entries(dependencies)) {
      const type = yield* Effect.result(ActorType.parse(entry.type))
      if (type._tag === "Success") lock.set(name, { ...entry, type: type.success })
      else problems.push({ at: `dependencies.${name}.type`, detail: type.failure.message })
    }
    if (isArrayNonEmpty(problems)) return yield* Effect.fail(problems)
    return lock
  })

/** The text of a lock: the same for what is the same. */
export const print = (lock: Lock): string => {
  const names = [...lock.keys()].toSorted()
  const dependencies = Object.fromEntries(
    names.flatMap((name) => {
      const entry = lock.get(name)
      if (entry === undefined) return []
      const { fingerprint, protocol, range, type } = entry
      return [[name, { range, type: String(type), protocol, fingerprint }]]
    })
  )
  return `${JSON.stringify({ lockVersion: 1, dependencies }, undefined, 2)}\n`
}

/** Where the lock of a project is. */
export const pathOf = ({ folder }: Project): Effect.Effect<string, never, Path.Path> =>
  Effect.map(Path.Path, (paths) => paths.join(folder, fileName))

/** Reads the lock of a project; `undefined` when there is none. */
export const load = Effect.fnUntraced(function* (
  project: Project
): Effect.fn.Return<Lock | undefined, InvalidLock | FileFailed, FileSystem.FileSystem | Path.Path> {
  const path = yield* pathOf(project)
  const text = yield* readText(path)
  if (text === undefined) return undefined
  return yield* Effect.mapError(parse(text), (problems) => new InvalidLock({ path, problems }))
})

/** Where a lock and the settings say something else: dependencies that it lacks, or that are not in their range any more. */
export const mismatches = (dependencies: ReadonlyArray<Dependency>, lock: Lock): ReadonlyArray<Problem> =>
  dependencies.flatMap(({ name, range }) => {
    const locked = lock.get(name)
    if (locked === undefined) return [{ at: name, detail: "it is not in the lock" }]
    if (ActorType.accepts(range, locked.type)) return []
    return [{ at: name, detail: `the lock has ${locked.type}, and ${range} is asked for` }]
  })
