/**
 * How one waits in sources alone: one waiter is parked in all of them, and takes nothing.
 */
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { Selectable, Waiter } from "../Selectable.ts"
import { effectOf, Step, step } from "./step.ts"
import { Wait, waitIn } from "./wait.ts"

type Sources<E> = ReadonlyArray<Selectable<unknown, E>>

/**
 * Waits in the sources, of which none is ready, and goes on with `next` when one of them may be; fails when one of them
 * refuses. To be answered by the step that has looked: what it looked at is as it was when the waiter is parked.
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

/** Takes from one source, and waits in it until it can. */
export class Taking<A, E> extends Step {
  private readonly source: Selectable<A, E>

  constructor(source: Selectable<A, E>) {
    super()
    this.source = source
  }

  override now(): Exit.Exit<A, E> | undefined {
    return this.source.pollUnsafe()
  }

  run(): Effect.Effect<A, E> {
    return this.source.pollUnsafe() ?? new Taker(this.source).wait()
  }
}

// One that waits in turn is another step than the one that it waits for, since that may be taken by several at once.
class Taker<A, E> extends Wait implements Waiter {
  waited = false
  private readonly source: Selectable<A, E>
  private readonly look = effectOf(new Looking(this))

  constructor(source: Selectable<A, E>) {
    super()
    this.source = source
  }

  wait(): Effect.Effect<A, E> {
    return this.source.parkUnsafe(this) ?? waitIn(this)
  }

  wake(): void {
    this.waited = true
    this.resume(this.look)
  }

  again(): Effect.Effect<A, E> {
    return this.source.pollUnsafe() ?? this.wait()
  }

  isLive(): boolean {
    return this.fiber !== undefined
  }

  protected onInterrupted(): void {
    this.source.unparkUnsafe(this)
  }
}

class Looking<A, E> extends Step {
  private readonly taker: Taker<A, E>

  constructor(taker: Taker<A, E>) {
    super()
    this.taker = taker
  }

  run(): Effect.Effect<A, E> {
    return this.taker.again()
  }
}

/** What a poll answers, as an option. */
export const polled = <A, E>(exit: Exit.Exit<A, E> | undefined): Exit.Exit<Option.Option<A>, E> =>
  exit === undefined ? Exit.succeed(Option.none()) : Exit.map(exit, Option.some)
