/**
 * How one waits in sources alone: one waiter is parked in all of them, and takes nothing.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { Selectable, Waiter } from "../Selectable.ts"

/** Waits until one of the sources may be ready; fails when one of them refuses. */
export const park = <E>(sources: ReadonlyArray<Selectable<unknown, E>>, waited: boolean): Effect.Effect<void, E> =>
  // A signal has its price, and only a source that counts those who wait asks whether they do.
  sources.some((source) => source.waiters !== undefined)
    ? Effect.callback<void, E>((resume, signal) => new Parked(sources, waited, resume, signal).begin())
    : Effect.callback<void, E>((resume) => new Parked(sources, waited, resume, undefined).begin())

class Parked<E> implements Waiter {
  private readonly sources: ReadonlyArray<Selectable<unknown, E>>
  private readonly resume: (exit: Exit.Exit<void, E>) => void
  private readonly signal: AbortSignal | undefined
  readonly waited: boolean

  constructor(
    sources: ReadonlyArray<Selectable<unknown, E>>,
    waited: boolean,
    resume: (exit: Exit.Exit<void, E>) => void,
    signal: AbortSignal | undefined
  ) {
    this.sources = sources
    this.waited = waited
    this.resume = resume
    this.signal = signal
  }

  begin(): Effect.Effect<void> | undefined {
    // Readiness is checked in the step that parks the waiter; between an earlier poll and now the fiber may have yielded.
    if (this.sources.some((source) => source.isReadyUnsafe())) {
      this.resume(Exit.void)
      return undefined
    }
    for (const source of this.sources) {
      const refused = source.parkUnsafe(this)
      if (refused !== undefined) {
        this.end(refused)
        return undefined
      }
    }
    return Effect.sync(() => this.leave())
  }

  wake(): void {
    this.end(Exit.void)
  }

  isLive(): boolean {
    return this.signal === undefined || !this.signal.aborted
  }

  private end(exit: Exit.Exit<void, E>): void {
    this.leave()
    this.resume(exit)
  }

  private leave(): void {
    for (const source of this.sources) source.unparkUnsafe(this)
  }
}

/** What a poll answers, as an option. */
export const polled = <A, E>(exit: Exit.Exit<A, E> | undefined): Exit.Exit<Option.Option<A>, E> =>
  exit === undefined ? Exit.succeed(Option.none()) : Exit.map(exit, Option.some)
