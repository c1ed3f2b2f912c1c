/**
 * `troupe init`: begins a project.
 */
import { CliError, Command, Flag, Prompt, TerminalCapabilities } from "effect/cli"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as ActorType from "../../net/ActorType.ts"
import { InvalidSettings, SettingsExist } from "../internal/errors.ts"
import { apply, makeFolder, readText } from "../internal/files.ts"
import * as Settings from "../internal/settings.ts"
import { say, untilAsked } from "./shared.ts"

const nextSteps = [
  "Next:",
  '  1. Name the directory and the dependencies in troupe.json, as in "directory": "unix:./directory.sock" and',
  '     "dependencies": { "echo": "acme/Echo@^1.0.0" }, and the contracts of your own under contracts/local/.',
  "  2. troupe install   fetches the contracts of the dependencies, and locks them",
  "  3. troupe gen       writes clients for them, and scaffolds for your own"
]

/** What a flag says, or else whoever sits at the terminal. */
const told = Effect.fnUntraced(function* (flag: string, value: Option.Option<string>, prompt: Prompt.Prompt<string>) {
  if (Option.isSome(value)) return value.value
  if ((yield* TerminalCapabilities.TerminalCapabilities).canPrompt) return yield* Prompt.run(prompt)
  const errors = [new CliError.MissingOption({ option: flag })]
  return yield* new CliError.ShowHelp({ commandPath: ["troupe", "init"], errors })
})

const isType = (text: string): Effect.Effect<string, string> =>
  Effect.mapBoth(ActorType.parse(text), { onSuccess: () => text, onFailure: ({ message }) => message })

const run = Effect.fnUntraced(function* (flags: {
  readonly name: Option.Option<string>
  readonly type: Option.Option<string>
}) {
  const paths = yield* Path.Path
  const path = paths.resolve(Settings.fileName)
  if ((yield* readText(path)) !== undefined) return yield* new SettingsExist({ path })
  const name = yield* told("name", flags.name, Prompt.String({ message: "Name of the project" }))
  const message = "Its type, as in acme/StreamEchoClient@1.0.0"
  const type = yield* told("type", flags.type, Prompt.String({ message, validate: isType }))
  const settings = yield* Effect.mapError(
    Settings.parse(JSON.stringify({ name, type })),
    (problems) => new InvalidSettings({ path: Settings.fileName, problems })
  )
  yield* makeFolder(paths.resolve("contracts/local"))
  yield* apply({ write: [{ path, text: Settings.print(settings) }], remove: [] })
  yield* say(`Wrote ${Settings.fileName}, and made contracts/local/.`, ...nextSteps)
})

export const command = Command.make(
  "init",
  {
    name: Flag.String("name").pipe(
      Flag.optional,
      Flag.withDescription("The name of the project; asked for at a terminal when absent")
    ),
    type: Flag.String("type").pipe(
      Flag.withMetavar("<manufacturer>/<name>@<version>"),
      Flag.optional,
      Flag.withDescription("What it is to others, as in acme/StreamEchoClient@1.0.0; asked for when absent")
    )
  },
  (flags) => untilAsked(run(flags))
).pipe(
  Command.withDescription(
    "Begin a project in this folder: write troupe.json, and make contracts/local/. A file that is there is left as it is."
  ),
  Command.withShortDescription("Begin a project in this folder"),
  Command.withExamples([
    {
      command: "troupe init --name stream-echo-client --type acme/StreamEchoClient@1.0.0",
      description: "Begin without questions"
    }
  ])
)
