/**
 * `troupe`: its commands, and what its end is to whoever started it.
 */
import { Command } from "effect/cli"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Schema from "effect/Schema"
import { fileURLToPath } from "node:url"
import { endingOf } from "../internal/exitCode.ts"
import { printable } from "../internal/printable.ts"
import { command as check } from "./check.ts"
import { command as gen } from "./gen.ts"
import { command as init } from "./init.ts"
import { command as install } from "./install.ts"
import { command as run } from "./run.ts"

const troupe = Command.make("troupe").pipe(
  Command.withDescription(
    "Begins, runs and generates projects of Troupe. Exit codes: 0 all is well; 1 what was asked for failed; 2 it was asked for wrongly, or troupe.json can't be used; 130 it was interrupted; those of a program that it runs."
  ),
  Command.withSubcommands([init, run, install, gen, check])
)

// The package that this file is of, be it the source or what is built of it.
const packageFile = fileURLToPath(new URL("../../../package.json", import.meta.url))

const versionOf = Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.Struct({ version: Schema.String })))

const version = FileSystem.FileSystem.use((files) => files.readFileString(packageFile)).pipe(
  Effect.flatMap(versionOf),
  Effect.map(({ version }) => version),
  Effect.orDie
)

/** Runs the command that the arguments name, and answers the exit code of the program. */
export const main = Effect.flatMap(version, (version) => Command.run(troupe, { version })).pipe(
  Effect.as(0),
  Effect.catch((error: unknown) => {
    const { code, message } = endingOf(error)
    return Effect.as(message === undefined ? Effect.void : Console.error(printable(message)), code)
  })
)
