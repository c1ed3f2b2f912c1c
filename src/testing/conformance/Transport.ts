/**
 * What every transport has to keep, as cases that run against one: for those who write a transport. It needs no test
 * runner; for vitest there is `it.conforms`.
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Transport, Wire } from "../../net/Transport.ts"
import { caseOf } from "./internal/caseOf.ts"
import { ends } from "./internal/ends.ts"
import { frames } from "./internal/frames.ts"
import type { NotKept } from "./internal/keeping.ts"
import { listening } from "./internal/listening.ts"

export { NotKept } from "./internal/keeping.ts"

/**
 * What is tested: how to make a transport, and what else can be done with it.
 *
 * **Details**
 *
 * A few small frames may be underway before the other side takes them; a transport that has each send wait until its frame is
 * taken is not one for these cases.
 *
 * @category models
 */
export interface Subject {
  /** Makes a transport on which nobody listens yet, as on port 0 or in a folder of its own. */
  readonly make: Effect.Effect<Transport, unknown, Scope.Scope>
  /**
   * Breaks the connection beneath a wire, of whichever side, as a killed program does: its other side sees it lost.
   * Without it the cases about loss do not apply.
   */
  readonly lose?: ((wire: Wire) => Effect.Effect<void>) | undefined
  /**
   * The same address, with another limit for frames, as a peer has it that does not keep to ours. Without it the case
   * about frames that come in too large does not apply.
   */
  readonly withMaxFrame?: ((transport: Transport, maxFrame: number) => Transport) | undefined
  /** How many bytes may be underway to a side that takes nothing: 16 MiB. */
  readonly underway?: number | undefined
  /** How long a case waits for what has to happen: 10 seconds. */
  readonly patience?: Duration.Input | undefined
}

/**
 * A guarantee, and how to see whether a transport keeps it.
 *
 * @category models
 */
export interface Case {
  /** The number of the case in the project's list of guarantees, where it has one. */
  readonly id?: string | undefined
  /** The guarantee, in words. */
  readonly name: string
  /** What the subject must be able to do for it. */
  readonly needs?: "lose" | "withMaxFrame" | undefined
  /** Fails if the transport does not keep it. Time has to pass: not for a clock that stands still. */
  readonly run: (subject: Subject) => Effect.Effect<void, NotKept, Scope.Scope>
}

/**
 * Every guarantee of a transport.
 *
 * **Example** (Testing a transport of one's own without a test runner)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Network, TransportConformance } from "troupe/testing"
 *
 * const subject: TransportConformance.Subject = {
 *   make: Effect.map(Network.make(), (network) => network.transport("near", "far"))
 * }
 *
 * const tested = Effect.forEach(
 *   TransportConformance.cases.filter((one) => one.id === "K45" && TransportConformance.applies(one, subject)),
 *   (one) =>
 *     Effect.match(Effect.scoped(one.run(subject)), {
 *       onSuccess: () => `kept: ${one.name}`,
 *       onFailure: (error) => error.message
 *     })
 * )
 *
 * await Effect.runPromise(tested) // => ["kept: a frame may have any bytes"]
 * ```
 *
 * @category cases
 */
export const cases: ReadonlyArray<Case> = [...frames, ...ends, ...listening].map(caseOf)

/**
 * Whether a subject can do what a case needs.
 *
 * @category cases
 */
export const applies = (one: Case, subject: Subject): boolean =>
  one.needs === undefined || subject[one.needs] !== undefined
