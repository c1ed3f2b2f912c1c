/**
 * What the cases of a conformance suite say and wait with: a case is a guarantee in words, and a run that finds it broken.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"

/**
 * A guarantee was not kept. The message says what was promised, and what was found instead.
 *
 * @category errors
 */
export class NotKept extends Schema.TaggedError<NotKept>()("NotKept", {
  /** The guarantee, in the words of the case. */
  guarantee: Schema.String,
  /** What was seen instead. */
  found: Schema.String,
  /** The error that was not to be there, if it was one. */
  cause: Schema.Unknown
}) {
  override get message(): string {
    return `It is promised that ${this.guarantee}. But ${this.found}.`
  }
}

/** What a case has found. */
export class Found extends Schema.TaggedError<Found>()("Found", { found: Schema.String }) {}

/** How long a case waits for what is to happen. */
export const Patience = Context.Reference<Duration.Duration>("troupe/testing/conformance/Patience", {
  defaultValue: () => Duration.seconds(10)
})

/** Ends the case: this was found in place of what its guarantee says. */
export const broken = (found: string): Effect.Effect<never, Found> => Effect.fail(new Found({ found }))

/** Goes on if it holds. */
export const expect = (holds: boolean, found: () => string): Effect.Effect<void, Found> =>
  holds ? Effect.void : Effect.suspend(() => broken(found()))

/** Waits for what has to happen; the case is broken where it does not. */
export const soon = <A, E, R>(effect: Effect.Effect<A, E, R>, found: () => string): Effect.Effect<A, E | Found, R> =>
  Effect.flatMap(Effect.service(Patience), (duration) =>
    Effect.timeoutOrElse(effect, {
      duration,
      orElse: () => Effect.suspend(() => broken(`${found()} (waited for ${Duration.format(duration)})`))
    })
  )

/** Asks again and again until the answer is the one that has to come. */
export const eventually = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  holds: (a: A) => boolean,
  found: (a: A | undefined) => string
): Effect.Effect<A, E | Found, R> => {
  let last: A | undefined
  const asked = Effect.tap(effect, (a) => Effect.sync(() => (last = a)))
  const pause = Effect.sleep("2 millis")
  const loop: Effect.Effect<A, E, R> = Effect.flatMap(asked, (a) =>
    holds(a) ? Effect.succeed(a) : Effect.andThen(pause, loop)
  )
  return soon(loop, () => found(last))
}

/** Waits until a number no longer changes, or is above `most`; answers it. */
export const settled = Effect.fnUntraced(function* (count: () => number, most: number) {
  let seen = -1
  let same = 0
  while (same < 8) {
    yield* Effect.sleep("15 millis")
    const now = count()
    if (now > most) return now
    same = now === seen ? same + 1 : 0
    seen = now
  }
  return seen
})

/** The run of a case: what it found, or an error that it did not expect, becomes the guarantee that was not kept. */
export const keeps = <E>(
  guarantee: string,
  run: Effect.Effect<unknown, E, Scope.Scope>
): Effect.Effect<void, NotKept, Scope.Scope> =>
  Effect.mapError(Effect.asVoid(run), (error) =>
    error instanceof Found
      ? new NotKept({ guarantee, found: error.found, cause: undefined })
      : new NotKept({ guarantee, found: `it failed: ${messageOf(error)}`, cause: error })
  )

const messageOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "message" in error ? String(error.message) : String(error)
