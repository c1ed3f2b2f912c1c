/**
 * A child process from its start to its end.
 */
import * as Effect from "effect/Effect"
import type * as PlatformError from "effect/PlatformError"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Stream from "effect/Stream"
import * as ExecError from "../ExecError.ts"
import { ended, failure, spawn, type Start } from "./child.ts"

interface Output {
  readonly code: number
  readonly stdout: Uint8Array<ArrayBuffer>
  readonly stderr: Uint8Array<ArrayBuffer>
}

/** Runs a child, and collects up to `limit` bytes of each of its outputs. */
export const runChild = (
  start: Omit<Start, "stdin">,
  stdin: Uint8Array | undefined,
  limit: number
): Effect.Effect<Output, ExecError.ExecError, ChildProcessSpawner> => {
  const { command } = start
  const collect = (output: "stdout" | "stderr", stream: Stream.Stream<Uint8Array, PlatformError.PlatformError>) => {
    const pieces: Array<Uint8Array> = []
    let size = 0
    const take = (piece: Uint8Array) => {
      size += piece.length
      if (size > limit) return Effect.fail(failure(new ExecError.OutputTooLarge({ command, output, limit, size })))
      pieces.push(piece)
      return Effect.void
    }
    return stream.pipe(
      Stream.mapError(({ reason: { _tag } }) =>
        failure(new ExecError.SystemRefused({ command, action: "read", detail: _tag }))
      ),
      Stream.runForEach(take),
      Effect.map(() => concat(pieces, size))
    )
  }
  return Effect.gen(function* () {
    // The spawner closes the input when the stream ends, and does not mind a child that ends before.
    const handle = yield* spawn({ ...start, stdin: stdin === undefined ? "ignore" : Stream.succeed(stdin) })
    const [stdout, stderr, how] = yield* Effect.all(
      [collect("stdout", handle.stdout), collect("stderr", handle.stderr), ended(command, handle)],
      { concurrency: "unbounded" }
    )
    if (how._tag === "Exited") return { code: how.code, stdout, stderr }
    return yield* failure(new ExecError.EndedBySignal({ command, signal: how.signal }))
  }).pipe(Effect.scoped)
}

const concat = (pieces: ReadonlyArray<Uint8Array>, size: number): Uint8Array<ArrayBuffer> => {
  const whole = new Uint8Array(size)
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}
