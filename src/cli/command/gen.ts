/**
 * `troupe gen`: writes clients for the dependencies, and servers for the contracts of the project.
 */
import { isReadonlyArrayNonEmpty } from "effect/Array"
import { Command } from "effect/cli"
import * as Effect from "effect/Effect"
import * as Path from "effect/Path"
import * as Cache from "../internal/cache.ts"
import { FilesChanged } from "../internal/errors.ts"
import { apply } from "../internal/files.ts"
import * as Generated from "../internal/generated.ts"
import * as Generating from "../internal/generating.ts"
import * as Local from "../internal/local.ts"
import * as Settings from "../internal/settings.ts"
import { say, untilAsked } from "./shared.ts"

const run = Effect.gen(function* () {
  const paths = yield* Path.Path
  const project = yield* Settings.load
  const installed = yield* Cache.installed(project)
  const locals = yield* Local.load(project)
  const wanted = yield* Generated.wanted(project, installed, locals)
  const plan = Generating.plan({ ...wanted, existing: yield* Generated.existing(project, wanted.scaffolds) })
  const { refused, remove, write } = plan
  if (isReadonlyArrayNonEmpty(refused)) return yield* new FilesChanged({ problems: refused })
  const at = (path: string) => paths.join(project.folder, path)
  yield* apply({ write: write.map(({ path, text }) => ({ path: at(path), text })), remove: remove.map(at) })
  yield* say(...Generating.report(plan))
})

export const command = Command.make("gen", {}, () => untilAsked(run)).pipe(
  Command.withDescription(
    "Write a typed client for each dependency (generated/remote/), the types of each contract of this project (generated/local/), and once, beside troupe.json, a file with its handlers to go on with. What a person has written is never written over."
  ),
  Command.withShortDescription("Generate clients and servers from contracts"),
  Command.withExamples([{ command: "troupe gen", description: "Generate what troupe.json and troupe.lock.json name" }])
)
