/**
 * How the body of a process begins: in a step of its own, so that whoever spawns goes on first, and may monitor, link or send.
 */
import type * as Effect from "effect/Effect"
import { Wait, waitIn } from "../../channel/internal/wait.ts"
import type { Newborn } from "../../scheduler/internal/Broods.ts"
import { bodyOf, type Implementation } from "./definition.ts"

export class Beginning extends Wait implements Newborn {
  next: Newborn | undefined = undefined
  order = 0
  private readonly implementation: Implementation
  // Let go of when it begins, since the fiber keeps what it has waited in.
  private args: unknown
  private hasBegun = false

  constructor(implementation: Implementation, args: unknown) {
    super()
    this.implementation = implementation
    this.args = args
  }

  /** Has the fiber come here again, or for the first time: a scheduler may not have let it wait yet. */
  begin(): void {
    this.hasBegun = true
    this.resume(waitIn(this))
  }

  protected override get known(): Effect.Effect<unknown, unknown> | undefined {
    return this.hasBegun ? this.body() : undefined
  }

  private body(): Effect.Effect<unknown, unknown> {
    const { args, implementation } = this
    this.args = undefined
    return bodyOf(implementation, args)
  }

  // Who was interrupted before does not begin.
  protected onInterrupted(): void {}
}
