/**
 * The scopes that a run has come to see. One that was made in the run, is nobody's child and is still open when nothing
 * is left to do will never be closed.
 */
import type * as Scope from "effect/Scope"
import type { Tracked } from "./Tracked.ts"

interface Seen {
  readonly scope: Scope.Scope
  readonly by: Tracked | undefined
  readonly step: number
  readonly place: string
}

/** A scope that was left open. */
export interface LeftScope extends Seen {
  readonly finalizers: number
}

const TypeId = "~effect/Scope"

export const isScope = (object: object): object is Scope.Scope => TypeId in object

const finalizersOf = ({ state }: Scope.Scope): number =>
  state._tag !== "Open" ? 0 : (state.finalizers?.size ?? (state.finalizer === undefined ? 0 : 1))

export class Scopes {
  private readonly outside: Scope.Scope | undefined
  private readonly seen = new Map<Scope.Scope, Seen>()

  /** Whoever gave the program a scope closes it. */
  constructor(outside: Scope.Scope | undefined) {
    this.outside = outside
  }

  /** A scope that was used before it is seen for the first time may come from outside of the run. */
  see(scope: Scope.Scope, by: Tracked | undefined, step: number, place: string): void {
    if (scope === this.outside || scope.parent !== undefined || scope.state._tag !== "Empty" || this.seen.has(scope))
      return
    this.seen.set(scope, { scope, by, step, place })
  }

  /** Those that are open and have something to close. */
  get left(): ReadonlyArray<LeftScope> {
    const left: Array<LeftScope> = []
    for (const seen of this.seen.values()) {
      const finalizers = finalizersOf(seen.scope)
      if (finalizers > 0) left.push({ ...seen, finalizers })
    }
    return left
  }
}
