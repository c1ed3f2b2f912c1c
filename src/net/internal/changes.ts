/**
 * What there is now of something that changes: whoever looks sees it at once, and again after each change. Who looks slowly sees
 * the latest.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Effect from "effect/Effect"
import type * as Pull from "effect/Pull"
import * as Stream from "effect/Stream"
import type { Bell } from "../transport/internal/Bell.ts"

/**
 * `changed` rings after each change; `end` answers how the stream ends once nothing changes any more, and who has not seen the
 * latest sees it before.
 */
export const changesOf = <A, E = never>(
  changed: Bell,
  present: () => A,
  end: () => Pull.Pull<never, E> | undefined
): Stream.Stream<A, E> =>
  Stream.suspend(() => {
    let seen: A | undefined
    const pull: Pull.Pull<NonEmptyReadonlyArray<A>, E> = Effect.flatMap(
      changed.until(() => present() !== seen || end() !== undefined),
      (): Pull.Pull<NonEmptyReadonlyArray<A>, E> => {
        const now = present()
        const over = now === seen ? end() : undefined
        if (over !== undefined) return over
        seen = now
        return Effect.succeed([now])
      }
    )
    return Stream.fromPull(Effect.succeed(pull))
  })
