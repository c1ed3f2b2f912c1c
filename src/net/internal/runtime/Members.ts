/**
 * The instances that there are now, for whoever follows them.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Pull from "effect/Pull"
import type * as Stream from "effect/Stream"
import type { Instance } from "../../Instance.ts"
import type { RuntimeError } from "../../RuntimeError.ts"
import { changesOf } from "../changes.ts"
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

  readonly stream: Stream.Stream<ReadonlyArray<Instance>, RuntimeError> = changesOf(
    this.changed,
    () => this.present,
    () => this.end
  )
}
