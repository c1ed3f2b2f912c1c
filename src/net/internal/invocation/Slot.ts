/**
 * A place for one invocation at one instance: it is given one, waits for one, or is told that there is none.
 */
import * as Effect from "effect/Effect"
import type { InvocationError } from "../../InvocationError.ts"
import { Bell } from "../../transport/internal/Bell.ts"
import type { Route } from "../session/codec.ts"
import type { Member } from "./Member.ts"

/** What is invoked, over all of its attempts. */
export interface Invoked {
  readonly id: string
  readonly name: string
  readonly route: Route
  readonly input: unknown
  readonly metadata: { readonly [key: string]: string }
  readonly isIdempotent: boolean
  /** By the clock, in milliseconds. */
  readonly deadline: number
  readonly milliseconds: number
  /** The instances that have not handled it, or may not have, and why. */
  readonly tried: Map<Member, string>
  /** Why it may have been handled, if it may. */
  uncertain: InvocationError | undefined
}

export class Slot {
  readonly invoked: Invoked
  /** The instance that it has a place at. */
  member: Member | undefined
  /** Fails with why there is none, when that is so. */
  refusal: Effect.Effect<never, InvocationError> = Effect.never
  private readonly settled = new Bell()

  constructor(invoked: Invoked) {
    this.invoked = invoked
  }

  get isSettled(): boolean {
    return this.member !== undefined || this.refusal !== Effect.never
  }

  give(member: Member): void {
    member.begin()
    this.member = member
    this.settled.ring()
  }

  /** What may have been handled before says that. */
  refuse(error: InvocationError): void {
    this.refusal = Effect.fail(this.invoked.uncertain ?? error)
    this.settled.ring()
  }

  /** No place could be chosen for it, by a fault of whoever chooses. */
  die(defect: unknown): void {
    this.refusal = Effect.die(defect)
    this.settled.ring()
  }

  /** Waits until it is settled; it takes nothing. */
  readonly wait: Effect.Effect<void> = this.settled.until(() => this.isSettled)
}
