/**
 * What code may yield: a set of commands, which can be narrowed for what it runs and spawns, and never widened. A process
 * that puts something else under the key, by its name, has no more than before: what it was spawned with bounds that.
 */
import * as Context from "effect/Context"
import type { AnyCommand } from "./command.ts"

export class Allowance {
  // By tag, which names one command alone; an id may be that of another one elsewhere.
  private readonly tags: ReadonlySet<string>
  // Those that are spawned from one place under one policy share what they see.
  private readonly contexts = new WeakMap<Context.Context<never>, Context.Context<never>>()

  constructor(tags: Iterable<string>) {
    this.tags = new Set(tags)
  }

  has({ _tag }: AnyCommand): boolean {
    return this.tags.has(_tag)
  }

  get names(): ReadonlyArray<string> {
    return [...this.tags]
  }

  /** What both allow. */
  narrow(within: Allowance | undefined): Allowance {
    return within === undefined ? this : new Allowance(this.names.filter((tag) => within.tags.has(tag)))
  }

  /** The context, in which no more is allowed than this. */
  narrowed(context: Context.Context<never>): Context.Context<never> {
    let narrow = this.contexts.get(context)
    if (narrow === undefined) {
      narrow = Context.add(context, Allowed, this.narrow(Context.get(context, Allowed)))
      this.contexts.set(context, narrow)
    }
    return narrow
  }
}

/** What the code may yield; everything when there is none. */
export const Allowed = Context.Reference<Allowance | undefined>("troupe/dispatch/internal/Allowed", {
  defaultValue: () => undefined
})

/** The context, narrowed. */
export const narrowed = <R>(context: Context.Context<R>, allowance: Allowance): Context.Context<R> =>
  allowance.narrowed(context as Context.Context<never>) as Context.Context<R>
