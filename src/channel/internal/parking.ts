/**
 * How one waits in sources alone: one waiter is parked in all of them, and takes nothing.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { Selectable, Waiter } from "../Selectable.ts"
import { step } from "./step.ts"

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
): Effect.Effect<A, E | E2, R> =>
  // A signal has its price, and only a source that counts those who wait asks whether they do.
  sources.some(isCounting)
    ? Effect.callback((resume, signal) => new Parked(sources, waited, next, resume, signal).begin())
    : Effect.callback((resume) => new Parked(sources, waited, next, resume, undefined).begin())

/** Waits until one of the sources may be ready. */
export const untilReady = <E>(sources: Sources<E>, waited: boolean): Effect.Effect<void, E> =>
  step(() => (sources.some(isReady) ? Exit.void : park(sources, waited, Exit.void)))

const isCounting = (source: Selectable<unknown, unknown>): boolean => source.waiters !== undefined
const isReady = (source: Selectable<unknown, unknown>): boolean => source.isReadyUnsafe()

class Parked<A, E, R> implements Waiter {
  private readonly sources: Sources<E>
  readonly waited: boolean
  private readonly next: Effect.Effect<A, E, R>
  private readonly resume: (effect: Effect.Effect<A, E, R>) => void
  private readonly signal: AbortSignal | undefined

  constructor(
    sources: Sources<E>,
    waited: boolean,
    next: Effect.Effect<A, E, R>,
    resume: (effect: Effect.Effect<A, E, R>) => void,
    signal: AbortSignal | undefined
  ) {
    this.sources = sources
    this.waited = waited
    this.next = next
    this.resume = resume
    this.signal = signal
  }

  begin(): Effect.Effect<void> | undefined {
    for (const source of this.sources) {
      const refused = source.parkUnsafe(this)
      if (refused === undefined) continue
      this.leave()
      this.resume(refused)
      return undefined
    }
    return Effect.sync(() => this.leave())
  }

  wake(): void {
    this.leave()
    this.resume(this.next)
  }

  isLive(): boolean {
    return this.signal === undefined || !this.signal.aborted
  }

  private leave(): void {
    for (const source of this.sources) source.unparkUnsafe(this)
  }
}

/** What a poll answers, as an option. */
export const polled = <A, E>(exit: Exit.Exit<A, E> | undefined): Exit.Exit<Option.Option<A>, E> =>
  exit === undefined ? Exit.succeed(Option.none()) : Exit.map(exit, Option.some)
