/**
 * `troupe check`: compares what is locked with what is kept, what is generated, and what runs.
 */
import { Command } from "effect/cli"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Cache from "../internal/cache.ts"
import * as Checking from "../internal/checking.ts"
import * as Directory from "../internal/directory.ts"
import { CheckFailed, LockNotFound } from "../internal/errors.ts"
import * as Generated from "../internal/generated.ts"
import * as Generating from "../internal/generating.ts"
import * as Local from "../internal/local.ts"
import * as Lock from "../internal/lock.ts"
import { every, problemsOf } from "../internal/remote.ts"
import * as Settings from "../internal/settings.ts"
import { directory, say, untilAsked } from "./shared.ts"

/** What runs, compared with what this program was made for. */
const running = Effect.fnUntraced(function* (installed: ReadonlyArray<Cache.Installed>) {
  const results = yield* Effect.forEach(
    installed,
    (one) =>
      Effect.result(
        Effect.mapBoth(every(one.dependency), {
          onSuccess: (all) => all.map((found) => Checking.ofRunning(one, found)),
          onFailure: (error) => ({ dependency: one.dependency, error })
        })
      ),
    { concurrency: "unbounded" }
  )
  const problems = problemsOf(results.filter(Result.isFailure).map(({ failure }) => failure))
  return [
    ...results.filter(Result.isSuccess).flatMap(({ success }) => success),
    ...problems.map(Checking.ofUnavailable)
  ]
})

const run = Effect.fnUntraced(function* (options: { readonly directory: Option.Option<string> }) {
  const project = yield* Settings.load
  const lock = yield* Lock.load(project)
  if (lock === undefined) return yield* new LockNotFound({ path: yield* Lock.pathOf(project) })
  const { installed, problems } = yield* Cache.compare(project, lock)
  const findings = [...Checking.ofLock(project.settings.dependencies.length, problems)]
  // What would be generated is known only when all is installed.
  if (problems.length === 0) {
    const { generated } = yield* Generated.wanted(project, installed, yield* Local.load(project))
    const existing = yield* Generated.existing(project, [])
    findings.push(...Checking.ofFiles(Generating.plan({ generated, scaffolds: [], existing })))
  }
  if (installed.length > 0) {
    findings.push(...(yield* Effect.provide(running(installed), Directory.layer(project, options.directory))))
  }
  for (const { lines } of findings) yield* say(...lines)
  const count = findings.filter(({ isWell }) => !isWell).length
  if (count > 0) return yield* new CheckFailed({ count })
})

export const command = Command.make("check", { directory }, (options) => untilAsked(run(options))).pipe(
  Command.withDescription(
    "Compare troupe.lock.json with troupe.json, with the contracts under contracts/remote/, with the generated files, and with the servers that run. Changes nothing; the exit code is 1 when something does not fit."
  ),
  Command.withShortDescription("Compare the lock with what is generated, and with what runs"),
  Command.withExamples([{ command: "troupe check", description: "Look whether all fits together" }])
)
