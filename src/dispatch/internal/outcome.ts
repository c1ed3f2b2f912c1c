/**
 * How something ends, as a source that stays ready once it is.
 */
import type * as Exit from "effect/Exit"
import { Source } from "../../channel/internal/Source.ts"

/** When those who wait are told. */
export type Tell = "in this step" | "in a later step"

export abstract class Outcome extends Source<unknown, unknown> {
  abstract readonly exit: Exit.Exit<unknown, unknown> | undefined

  isReadyUnsafe(): boolean {
    return this.exit !== undefined
  }

  pollUnsafe(): Exit.Exit<unknown, unknown> | undefined {
    return this.exit
  }

  onEnd(tell: Tell): void {
    if (tell === "in a later step") this.wakeSoon()
    else this.wakeBehind()
  }
}
