/**
 * How one waits in sources alone: one waiter is parked in all of them, and takes nothing.
 */
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { Selectable, Waiter } from "../Selectable.ts"
import { step, Wait, waitIn } from "./step.ts"

type Sources<E> = ReadonlyArray<Selectable<unknown, E>>

/**
 * Waits in the sources, of which none is ready, and goes on with `next` when one of them may be; fails when one of them
 * refuses. To be answered by the step that has looked: what it looked at is as it was when the waiter is parked.
 *
 * What `next` waits for in turn it waits for inside of this wait; so whoever may look again and again gets `Exit.void`.
 */
export const park = <A, E, E2, R>(
  sources: Sources<E>,
  waited: boolean,
  next: Effect.Effect<A, E2, R>
): Effect.Effect<A, E | E2, R> => new Parked(sources, waited, next).begin()

/** Waits until one of the sources may be ready. */
export const untilReady = <E>(sources: Sources<E>, waited: boolean): Effect.Effect<void, E> =>
  step(() => (sources.some(isReady) ? Exit.void : park(sources, waited, Exit.void)))

const isReady = (source: Selectable<unknown, unknown>): boolean => source.isReadyUnsafe()

class Parked<A, E, E2, R> extends Wait implements Waiter {
  private readonly sources: Sources<E>
  readonly waited: boolean
  private readonly next: Effect.Effect<A, E2, R>
  private isInterrupted = false

  constructor(sources: Sources<E>, waited: boolean, next: Effect.Effect<A, E2, R>) {
    super()
    this.sources = sources
    this.waited = waited
    this.next = next
  }

  begin(): Effect.Effect<A, E | E2, R> {
    for (const source of this.sources) {
      const refused = source.parkUnsafe(this)
      if (refused === undefined) continue
      this.unpark()
      return refused
    }
    return waitIn(this)
  }

  wake(): void {
    this.unpark()
    this.resume(this.next)
  }

  isLive(): boolean {
    return !this.isInterrupted
  }

  protected onInterrupted(): void {
    this.isInterrupted = true
    this.unpark()
  }

  private unpark(): void {
    for (const source of this.sources) source.unparkUnsafe(this)
  }
}

/** What a poll answers, as an option. */
export const polled = <A, E>(exit: Exit.Exit<A, E> | undefined): Exit.Exit<Option.Option<A>, E> =>
  exit === undefined ? Exit.succeed(Option.none()) : Exit.map(exit, Option.some)
