/** How starts fail: with what is known of the instance and its program. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"
import * as InstanceId from "../../../InstanceId.ts"
import { StartFailed } from "../../../RuntimeError.ts"

/** Makes the errors of one start. */
export type Failing = (
  reason: StartFailed["reason"],
  detail: string,
  end?: Partial<Pick<StartFailed, "exitCode" | "signal" | "stderr">>
) => StartFailed

interface Identified {
  readonly id: InstanceId.InstanceId
  /** The path of its program. */
  readonly path: string
  readonly failing: Failing
}

/** Names an instance, and finds its program. */
export const identified = Effect.fnUntraced(function* (
  runtime: InstanceId.RuntimeType,
  namespace: string,
  instance: string,
  program: string | URL
): Effect.fn.Return<Identified, StartFailed> {
  const found = program instanceof URL ? Result.try(() => fileURLToPath(program)) : Result.succeed(program)
  const path = Result.getOrElse(found, () => String(program))
  const failing: Failing = (reason, detail, end) =>
    new StartFailed({
      instance: `${runtime}/${namespace}/${instance}`,
      program: path,
      reason,
      detail,
      stderr: [],
      ...end
    })
  if (Result.isFailure(found))
    return yield* failing("Invalid", "the URL of its program is none of a file of this machine")
  const id = yield* Effect.mapError(InstanceId.make({ runtime, namespace, instance }), ({ message }) =>
    failing("Invalid", message.slice(0, -1))
  )
  if (!existsSync(path)) return yield* failing("NotFound", "there is no such file")
  return { id, path, failing }
})
