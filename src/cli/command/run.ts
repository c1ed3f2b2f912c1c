/**
 * `troupe run`: runs the application of a module.
 */
import { Argument, Command, Flag } from "effect/cli"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import { argv } from "node:process"
import { ProgramEnded } from "../internal/errors.ts"
import * as Running from "../internal/running.ts"
import { untilAsked } from "./shared.ts"

const run = Effect.fnUntraced(function* (options: {
  readonly module: string
  readonly execute: Option.Option<string>
  readonly args: ReadonlyArray<string>
}) {
  const paths = yield* Path.Path
  const path = paths.resolve(options.module)
  const target = Option.isSome(options.execute) ? yield* Running.parseTarget(options.execute.value) : undefined
  // The module sees what it would see if Node had been started with it.
  yield* Effect.sync(() => argv.splice(1, argv.length, path, ...options.args))
  const application = yield* untilAsked(Running.load(options.module, path))
  const code = yield* Running.run(application, target)
  if (code !== 0) return yield* new ProgramEnded({ code })
})

export const command = Command.make(
  "run",
  {
    execute: Flag.String("execute").pipe(
      Flag.withAlias("x"),
      Flag.withMetavar("<host>/<process>"),
      Flag.optional,
      Flag.withDescription("The process that is the main program, and the host it runs on")
    ),
    module: Argument.String("module").pipe(
      Argument.withDescription("The module whose default export is the layer of the application")
    ),
    args: Argument.String("args").pipe(
      Argument.variadic(),
      Argument.withDescription("Arguments of the program; those that begin with - behind --")
    )
  },
  run
).pipe(
  Command.withDescription(
    "Run the application that is the default export of a module. With -x one of its processes is the main program, whose end is the end of the application; without, it runs until it is asked to end. The exit code is that of the program."
  ),
  Command.withShortDescription("Run an application"),
  Command.withExamples([
    { command: "troupe run ./app.ts", description: "Run it until it is asked to end" },
    { command: "troupe run ./app.ts -x app:terminal/app:cli", description: "Run the process app:cli at the terminal" },
    { command: "troupe run ./app.ts -x app:terminal/app:cli -- --loud", description: "Give it an argument" }
  ])
)
