/**
 * Keeps a server announced: its lease is renewed, asked for again when it was lost, and ended with the scope.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { type Announcement, report } from "../../Announcement.ts"
import type { Announced, AnnounceError, AnnounceOptions, State } from "../../Directory.ts"
import { type DirectoryUnavailable, InvalidLease, type LeaseLost } from "../../DirectoryError.ts"
import type { Backend } from "./Backend.ts"
import { written } from "./documents.ts"
import { shortest } from "./Leases.ts"

const defaultLease = Duration.seconds(15)
const maxLease = Duration.toMillis("1 hour")

/** How long a lease is, if a directory grants one of that length. */
export const leaseMillis = (lease: Duration.Input): Effect.Effect<number, InvalidLease> => {
  const milliseconds = Option.match(Duration.fromInput(lease), { onNone: () => NaN, onSome: Duration.toMillis })
  return milliseconds >= shortest && milliseconds <= maxLease
    ? Effect.succeed(milliseconds)
    : Effect.fail(new InvalidLease({ milliseconds }))
}

export const announcing = Effect.fnUntraced(function* (
  backend: Backend<DirectoryUnavailable>,
  announcement: Announcement,
  options: AnnounceOptions | undefined
): Effect.fn.Return<Announced, AnnounceError, Scope.Scope> {
  const milliseconds = yield* leaseMillis(options?.lease ?? defaultLease)
  const document = options?.contract && written(options.contract)
  const { instanceId, type } = announcement
  const held = { type, instanceId, holder: globalThis.crypto.randomUUID() }
  const state = yield* SubscriptionRef.make<State>({ _tag: "Announced" })
  const early = Latch.makeUnsafe()
  let current = announcement

  // What was asked for and not answered may be held all the same.
  yield* Effect.addFinalizer(() => Effect.ignore(backend.withdraw(held)))
  yield* backend.announce(announcement, held.holder, milliseconds, document)

  const told = (next: State) => SubscriptionRef.set(state, next)
  const isAnnounced = Effect.suspend(() =>
    SubscriptionRef.getUnsafe(state)._tag === "Announced" ? Effect.void : told({ _tag: "Announced" })
  )
  const waits = (error: Extract<State, { readonly _tag: "Waiting" }>["error"]) => told({ _tag: "Waiting", error })
  const beAnnounced = Effect.matchEffect(
    Effect.suspend(() => backend.announce(current, held.holder, milliseconds, document)),
    {
      onSuccess: () => isAnnounced,
      onFailure: (error) =>
        Effect.andThen(
          error._tag === "DirectoryUnavailable"
            ? Effect.void
            : Effect.logWarning("A server is not announced again", error),
          waits(error)
        )
    }
  )
  const giveWay = (error: LeaseLost) =>
    Effect.andThen(Effect.logWarning("A server is not announced any more", error), told({ _tag: "Lost", error }))

  const beat = Effect.gen(function* () {
    yield* Effect.raceAllFirst([Effect.sleep(milliseconds / 3), early.await, backend.linked])
    // Not on the stack of who has reported.
    yield* Effect.yieldNow
    // Before it is said how it is: a report that comes meanwhile has its own turn.
    early.closeUnsafe()
    const { health, load } = current
    return yield* Effect.matchEffect(backend.renew(held, { health, load }), {
      onSuccess: () => Effect.as(isAnnounced, true),
      onFailure: (error) => {
        if (error._tag === "DirectoryUnavailable") return Effect.as(waits(error), true)
        return error.reason === "Expired" ? Effect.as(beAnnounced, true) : Effect.as(giveWay(error), false)
      }
    })
  })
  yield* Effect.forkScoped(Effect.repeat(beat, { while: (goesOn) => goesOn }))

  return {
    report: (said) =>
      Effect.map(report(current, said), (next) => {
        const isUrgent = next.health !== current.health
        current = next
        if (isUrgent) early.openUnsafe()
      }),
    state: SubscriptionRef.get(state),
    changes: SubscriptionRef.changes(state)
  }
})
