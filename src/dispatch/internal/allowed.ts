/**
 * What code may yield: a set of commands, which can be narrowed for what it runs and spawns, and never widened. The key is
 * nobody's but ours, so that a process can't provide itself with more.
 */
import * as Context from "effect/Context"
import type { AnyCommand } from "./command.ts"

export class Allowance {
  private readonly ids: ReadonlyMap<number, string>

  constructor(commands: Iterable<AnyCommand>) {
    this.ids = new Map(Array.from(commands, ({ _tag, id }) => [id, _tag]))
  }

  has(id: number): boolean {
    return this.ids.has(id)
  }

  get names(): ReadonlyArray<string> {
    return [...this.ids.values()]
  }

  /** What both allow. */
  narrow(within: Allowance | undefined): Allowance {
    if (within === undefined) return this
    const both = [...this.ids].filter(([id]) => within.has(id))
    return new Allowance(both.map(([id, _tag]) => ({ id, _tag }) as AnyCommand))
  }
}

/** What the code may yield; everything when there is none. */
export const Allowed = Context.Reference<Allowance | undefined>("troupe/dispatch/internal/Allowed", {
  defaultValue: () => undefined
})

/** The context, narrowed. */
export const narrowed = <R>(context: Context.Context<R>, allowance: Allowance): Context.Context<R> =>
  Context.add(context, Allowed, allowance.narrow(Context.get(context, Allowed)))
