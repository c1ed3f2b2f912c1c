/**
 * How the body of a process begins: in a step of its own, so that whoever spawns goes on first, and may monitor, link or send.
 */
import * as Effect from "effect/Effect"
import { Wait } from "../../channel/internal/wait.ts"
import type { Newborn } from "../../scheduler/internal/Broods.ts"

export class Beginning extends Wait implements Newborn {
  next: Newborn | undefined = undefined
  order = 0
  // Let go of when it begins, since the fiber keeps what it has waited in.
  private body: Effect.Effect<unknown, unknown>
  private hasBegun = false

  constructor(body: Effect.Effect<unknown, unknown>) {
    super()
    this.body = body
  }

  begin(): void {
    this.hasBegun = true
    if (this.fiber === undefined) return
    const { body } = this
    this.body = Effect.void
    this.resume(body)
  }

  // A scheduler may have the fiber come here only when the body is to begin already.
  protected override get known(): Effect.Effect<unknown, unknown> | undefined {
    return this.hasBegun ? this.body : undefined
  }

  // Who was interrupted before does not begin.
  protected onInterrupted(): void {}
}
