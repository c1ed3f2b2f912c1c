/**
 * `troupe install`: fetches the contracts of the dependencies, and locks them.
 */
import { isReadonlyArrayNonEmpty } from "effect/Array"
import { Command, Flag } from "effect/cli"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as Result from "effect/Result"
import * as Contract from "../../net/Contract.ts"
import * as Cache from "../internal/cache.ts"
import * as Directory from "../internal/directory.ts"
import { BreakingChanges, NotInstalled } from "../internal/errors.ts"
import { apply, readText } from "../internal/files.ts"
import * as Installing from "../internal/installing.ts"
import * as Lock from "../internal/lock.ts"
import { highest, problemsOf } from "../internal/remote.ts"
import * as Settings from "../internal/settings.ts"
import { directory, say, untilAsked } from "./shared.ts"

/** The contracts of the dependencies, and why some could not be had. */
const find = Effect.fnUntraced(function* (project: Settings.Project, flag: Option.Option<string>) {
  const { dependencies } = project.settings
  if (dependencies.length === 0) return { all: [], problems: [] }
  const asked = Effect.forEach(
    dependencies,
    (dependency) => Effect.result(Effect.mapError(highest(dependency), (error) => ({ dependency, error }))),
    { concurrency: "unbounded" }
  )
  const results = yield* Effect.provide(asked, Directory.layer(project, flag))
  return {
    all: results.filter(Result.isSuccess).map(({ success }) => success),
    problems: problemsOf(results.filter(Result.isFailure).map(({ failure }) => failure))
  }
})

/** What was installed for a dependency before, if anything was. */
const before = Effect.fnUntraced(function* (project: Settings.Project, lock: Lock.Lock, name: string) {
  const locked = lock.get(name)
  if (locked === undefined) return undefined
  const contract = yield* Cache.read(project, name, locked)
  return { locked, contract: Result.getOrUndefined(contract) }
})

/** Writes what was found in the place of what was before; answers which dependencies are gone. */
const write = Effect.fnUntraced(function* (
  project: Settings.Project,
  lock: Lock.Lock,
  all: ReadonlyArray<Installing.Found>
) {
  const paths = yield* Path.Path
  const fileOf = (name: string) => paths.join(project.folder, Cache.fileOf(name))
  // The lock comes first: where this ends between the two, it is the contracts that are fetched again.
  const wanted = [
    { path: yield* Lock.pathOf(project), text: Lock.print(Installing.lockOf(all)) },
    ...all.map(({ contract, dependency }) => ({ path: fileOf(dependency.name), text: Contract.print(contract) }))
  ]
  const changed = yield* Effect.filter(wanted, ({ path, text }) => Effect.map(readText(path), (now) => now !== text))
  const gone = [...lock.keys()].filter((name) => !all.some(({ dependency }) => dependency.name === name))
  const removed = yield* Effect.filter(gone, (name) =>
    Effect.map(before(project, lock, name), (old) => old?.contract !== undefined)
  )
  yield* apply({ write: changed, remove: removed.map(fileOf) })
  return gone
})

const run = Effect.fnUntraced(function* (options: {
  readonly directory: Option.Option<string>
  readonly acceptBreaking: boolean
}) {
  const project = yield* Settings.load
  const lock = (yield* Lock.load(project)) ?? new Map()
  const { all, problems } = yield* find(project, options.directory)
  const outcomes = yield* Effect.forEach(all, (found) =>
    Effect.map(before(project, lock, found.dependency.name), (old) => ({
      found,
      outcome: Installing.outcomeOf(found, old)
    }))
  )
  const breaking = outcomes.flatMap(({ found, outcome }) =>
    Installing.isBreaking(outcome) ? [found.dependency.name] : []
  )
  const refusal = isReadonlyArrayNonEmpty(problems)
    ? new NotInstalled({ problems })
    : isReadonlyArrayNonEmpty(breaking) && !options.acceptBreaking
      ? new BreakingChanges({ dependencies: breaking })
      : undefined
  const gone = refusal === undefined ? yield* write(project, lock, all) : []
  const isWritten = refusal === undefined
  yield* say(...outcomes.flatMap(({ found, outcome }) => Installing.report(found, outcome, isWritten)))
  if (refusal !== undefined) return yield* refusal
  yield* say(...gone.map((name) => `${name}: removed`))
  if (all.length === 0 && gone.length === 0) yield* say("There are no dependencies in troupe.json.")
})

export const command = Command.make(
  "install",
  {
    directory,
    acceptBreaking: Flag.Boolean("accept-breaking").pipe(
      Flag.withDefault(false),
      Flag.withDescription("Take breaking changes over, which are refused otherwise")
    )
  },
  (options) => untilAsked(run(options))
).pipe(
  Command.withDescription(
    "Fetch the contracts of the dependencies in troupe.json from the directory, keep them under contracts/remote/, and write troupe.lock.json. Tells which have changed since, and whether that breaks this program."
  ),
  Command.withShortDescription("Fetch and lock the contracts of the dependencies"),
  Command.withExamples([
    { command: "troupe install", description: "Install what troupe.json names" },
    { command: "troupe install --accept-breaking", description: "Take breaking changes over" }
  ])
)
