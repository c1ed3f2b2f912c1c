/**
 * What a client has subscribed to: it is asked for once over each link, before anything else.
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { step } from "../../../channel/internal/step.ts"
import { Timeout, Unavailable } from "../../ConnectionError.ts"
import type { ConnectionImpl } from "../session/ConnectionImpl.ts"

interface Subscription {
  readonly route: string
  readonly payload: unknown
  readonly timeout: Duration.Input
  /** The first answer. */
  readonly answer: Deferred.Deferred<unknown, unknown>
  /** Why it had to be asked for again before the first answer. */
  lost: Unavailable | undefined
}

export class Subscriptions {
  private readonly standing = new Set<Subscription>()
  private readonly connection: () => ConnectionImpl
  private readonly onRefused: (route: string, error: unknown) => void

  /** `onRefused`: something was not granted again, and is not asked for any more. */
  constructor(connection: () => ConnectionImpl, onRefused: (route: string, error: unknown) => void) {
    this.connection = connection
    this.onRefused = onRefused
  }

  /** Asks for all of it over a new link, side by side and in order. */
  readonly renewal = (): Effect.Effect<void> | undefined =>
    this.standing.size === 0
      ? undefined
      : Effect.forEach([...this.standing], (one) => this.ask(one), { concurrency: "unbounded", discard: true })

  /** Asks for something until it is there, and over each new link as long as the scope is open. */
  readonly subscribe = (
    route: string,
    payload: unknown,
    timeout: Duration.Input
  ): Effect.Effect<unknown, unknown, Scope.Scope> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.suspend(() => {
        const answer = Deferred.makeUnsafe<unknown, unknown>()
        const one: Subscription = { route, payload, timeout, answer, lost: undefined }
        const forget = Effect.sync(() => this.standing.delete(one))
        return Effect.addFinalizer(() => forget).pipe(
          Effect.andThen(Effect.onError(restore(this.first(one)), () => forget))
        )
      })
    )

  private first(one: Subscription): Effect.Effect<unknown, unknown> {
    const { answer, route, timeout } = one
    const connection = this.connection()
    const answered = Effect.raceFirst(Deferred.await(answer), Effect.flatMap(connection.closed, Effect.fail))
    // One that is no time at all is refused by the request.
    const limit = Option.getOrElse(Duration.fromInput(timeout), () => Duration.infinity)
    const error = () =>
      one.lost ?? new Timeout({ peer: connection.peerName, route, milliseconds: Duration.toMillis(limit) })
    return Effect.timeoutOrElse(Effect.andThen(this.ask(one), answered), {
      duration: limit,
      orElse: () => Effect.suspend(() => Effect.fail(error()))
    })
  }

  // It stands in the step in which it is asked for, so that it is asked for over each link once.
  private ask(one: Subscription): Effect.Effect<void> {
    const { payload, route, timeout } = one
    const asking = step((fiber) => {
      this.standing.add(one)
      return this.connection().askHere(fiber, route, payload, { timeout })
    })
    return Effect.flatMap(Effect.exit(asking), (exit) => this.settle(one, exit))
  }

  private settle(one: Subscription, exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> {
    return Effect.sync(() => {
      const error = Exit.findErrorOption(exit)
      if (Option.isNone(error)) {
        if (Exit.isSuccess(exit)) Deferred.doneUnsafe(one.answer, exit)
        return
      }
      const { value } = error
      // The next link is another chance.
      if (value instanceof Unavailable) {
        if (one.lost?.delivery !== "uncertain") one.lost = value
        return
      }
      const stood = this.standing.delete(one)
      if (!Deferred.isDoneUnsafe(one.answer)) Deferred.doneUnsafe(one.answer, Exit.fail(value))
      else if (stood) this.onRefused(one.route, value)
    })
  }
}
