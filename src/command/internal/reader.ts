/**
 * The outputs of child processes, read to their ends.
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as PlatformError from "effect/PlatformError"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

/** Begins to read an output: each piece is taken, and then it is told how the output ended. */
export type Read = (
  stream: Stream.Stream<Uint8Array, PlatformError.PlatformError>,
  take: (piece: Uint8Array) => Effect.Effect<unknown>,
  done: (exit: Exit.Exit<void, PlatformError.PlatformError>) => Effect.Effect<unknown>
) => Effect.Effect<void>

/**
 * To be made before the child is started, so that its finalizer runs after that of the child.
 *
 * The spawner keeps the pipe of an output open for as long as something in it was not read, also when the child has gone.
 * So reading is never interrupted: everything is taken, and has to be let pass once nobody wants it. What a child has left
 * behind may keep an output open for long, and is not waited for.
 */
export const makeReader: Effect.Effect<Read, never, Scope.Scope> = Effect.gen(function* () {
  const reading: Array<Fiber.Fiber<unknown>> = []
  yield* Effect.addFinalizer(() => Effect.timeoutOption(Fiber.awaitAll(reading), "1 second"))
  return (stream, take, done) =>
    Stream.runForEach(stream, take).pipe(
      Effect.exit,
      Effect.flatMap(done),
      Effect.forkDetach,
      Effect.map((fiber) => void reading.push(fiber))
    )
})
