/**
 * A guarantee of transports, or of connections over them, as the files beside this one list them.
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Transport, Wire } from "../../../net/Transport.ts"

/** What can be done with the transport beside what every transport can: see `Subject`. */
export interface Able {
  readonly lose?: ((wire: Wire) => Effect.Effect<void>) | undefined
  readonly withMaxFrame?: ((transport: Transport, maxFrame: number) => Transport) | undefined
  readonly underway?: number | undefined
}

/** What is tested: see `Subject`. */
export interface Tested extends Able {
  readonly make: Effect.Effect<Transport, unknown, Scope.Scope>
  readonly patience?: Duration.Input | undefined
}

export interface Guarantee {
  readonly id?: string
  /** Fits into "It is promised that …". */
  readonly name: string
  readonly needs?: "lose" | "withMaxFrame"
  readonly run: (transport: Transport, tested: Tested) => Effect.Effect<unknown, unknown, Scope.Scope>
}
