/**
 * A child process from its start to its end.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { ChildProcessHandle, ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Stream from "effect/Stream"
import * as ExecError from "../ExecError.ts"
import { concat } from "./bytes.ts"
import { ended, failure, spawn, type Start, unreadable } from "./child.ts"
import { makeReader, type Read } from "./reader.ts"

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
): Effect.Effect<Output, ExecError.ExecError, ChildProcessSpawner> =>
  Effect.gen(function* () {
    const { command } = start
    const read = yield* makeReader
    // The spawner closes the input when the stream ends, and does not mind a child that ends before.
    const handle = yield* spawn({ ...start, stdin: stdin === undefined ? "ignore" : Stream.succeed(stdin) })
    const stdout = yield* collect(command, "stdout", handle, read, limit)
    const stderr = yield* collect(command, "stderr", handle, read, limit)
    const [out, err, how] = yield* Effect.all(
      [Deferred.await(stdout), Deferred.await(stderr), ended(command, handle)],
      { concurrency: "unbounded" }
    )
    if (how._tag === "Exited") return { code: how.code, stdout: out, stderr: err }
    return yield* failure(new ExecError.EndedBySignal({ command, signal: how.signal }))
  }).pipe(Effect.scoped)

const collect = (
  command: string,
  output: "stdout" | "stderr",
  handle: ChildProcessHandle,
  read: Read,
  limit: number
): Effect.Effect<Deferred.Deferred<Uint8Array<ArrayBuffer>, ExecError.ExecError>> =>
  Effect.gen(function* () {
    const whole = yield* Deferred.make<Uint8Array<ArrayBuffer>, ExecError.ExecError>()
    let pieces: Array<Uint8Array> = []
    let size = 0
    const take = (piece: Uint8Array) => {
      size += piece.length
      if (size <= limit) return Effect.sync(() => pieces.push(piece))
      pieces = []
      return Deferred.fail(whole, failure(new ExecError.OutputTooLarge({ command, output, limit, size })))
    }
    yield* read(
      handle[output],
      take,
      Exit.match({
        onFailure: (cause) => Deferred.fail(whole, unreadable(command, cause)),
        onSuccess: () => Deferred.sync(whole, () => concat(pieces, size))
      })
    )
    return whole
  })
