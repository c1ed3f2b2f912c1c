/**
 * What commands have in common.
 */
import { Flag } from "effect/cli"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { Shutdown } from "../../process/TerminalHost.ts"
import { Interrupted } from "../internal/errors.ts"
import { printable } from "../internal/printable.ts"

/** `--directory`. */
export const directory = Flag.String("directory").pipe(
  Flag.optional,
  Flag.withMetavar("<address>"),
  Flag.withDescription("Where the directory is, as in unix:./directory.sock, instead of what troupe.json says")
)

/** Says something on standard output, a line each. */
export const say = (...lines: ReadonlyArray<string>): Effect.Effect<void> =>
  Effect.forEach(lines, (line) => Console.log(printable(line)), { discard: true })

/** Ends a command when the program is asked to: what it was about to write it has written, or has left alone. */
export const untilAsked = <A, E, R>(command: Effect.Effect<A, E, R>): Effect.Effect<A, E | Interrupted, R> =>
  Effect.flatMap(Shutdown, (request) =>
    Effect.raceFirst(
      command,
      Effect.flatMap(request, (signal) => new Interrupted({ signal }))
    )
  )
