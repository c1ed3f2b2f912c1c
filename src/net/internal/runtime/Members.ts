/**
 * The instances that there are now, which whoever looks sees at once, and again after each change. Who looks slowly sees the
 * latest.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Pull from "effect/Pull"
import * as Stream from "effect/Stream"
import type { Instance } from "../../Instance.ts"
import type { RuntimeError } from "../../RuntimeError.ts"
import { Bell } from "../../transport/internal/Bell.ts"

export class Members {
  private present: ReadonlyArray<Instance>
  private end: Pull.Pull<never, RuntimeError> | undefined
  private readonly changed = new Bell()

  constructor(instances: ReadonlyArray<Instance>) {
    this.present = instances
  }

  set(instances: ReadonlyArray<Instance>): void {
    this.present = instances
    this.changed.ring()
  }

  /** Nothing changes any more; who has not seen the latest sees it before. */
  over(error?: RuntimeError): void {
    this.end ??= error === undefined ? Cause.done() : Effect.fail(error)
    this.changed.ring()
  }

  readonly stream: Stream.Stream<ReadonlyArray<Instance>, RuntimeError> = Stream.suspend(() => {
    let seen: ReadonlyArray<Instance> | undefined
    const pull: Pull.Pull<NonEmptyReadonlyArray<ReadonlyArray<Instance>>, RuntimeError> = Effect.andThen(
      this.changed.until(() => this.present !== seen || this.end !== undefined),
      Effect.suspend(() => {
        if (this.present === seen && this.end !== undefined) return this.end
        seen = this.present
        return Effect.succeed([seen] as const)
      })
    )
    return Stream.fromPull(Effect.succeed(pull))
  })
}
