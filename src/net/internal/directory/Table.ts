/**
 * The leases of a directory as time passes: they end when their time is over, are kept in its store, and are watched.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import { monotonicMillis } from "../../../scheduler/internal/monotonic.ts"
import { Announcement, keyOf } from "../../Announcement.ts"
import { AnnouncementRefused, type ContractRefused, type DirectoryStoreError, LeaseLost } from "../../DirectoryError.ts"
import type { DirectoryStore } from "../../DirectoryStore.ts"
import type { Backend } from "./Backend.ts"
import { type Batch, between, type Known, whole } from "./batches.ts"
import { accepted } from "./documents.ts"
import { type Lease, leaseOf, Leases, lookEvery, namesOf } from "./Leases.ts"

export class Table {
  private readonly leases = new Leases()
  private readonly clock: Clock.Clock
  private readonly store: DirectoryStore["Service"] | undefined
  /** What the store has not been told yet. */
  private readonly unsaved = new Set<string>()
  private readonly saving = Semaphore.makeUnsafe(1)
  private isSaved = true
  private readonly watchers = new Map<string, Set<Latch.Latch>>()
  /** Open while there are leases. */
  private readonly occupied = Latch.makeUnsafe()

  private constructor(clock: Clock.Clock, store: DirectoryStore["Service"] | undefined) {
    this.clock = clock
    this.store = store
  }

  /** The leases that the store has, and whose time is not over; they end by the clock that is found here. */
  static readonly make = (
    store: DirectoryStore["Service"] | undefined
  ): Effect.Effect<Table, DirectoryStoreError, Scope.Scope> =>
    Effect.gen(function* () {
      const table = new Table(yield* Clock.Clock, store)
      if (store !== undefined) table.restore(yield* store.load)
      yield* Effect.addFinalizer(() => table.save)
      yield* Effect.forkScoped(table.looking)
      return table
    })

  private get now(): number {
    return monotonicMillis(this.clock)
  }

  private restore(stored: Effect.Success<DirectoryStore["Service"]["load"]>): void {
    const { now } = this
    this.leases.look(now)
    for (const { account, announcement, document, expires, holder, milliseconds } of stored) {
      // A clock that was set back gives nobody more than a lease.
      const left = Math.min(expires - this.clock.currentTimeMillisUnsafe(), milliseconds)
      const granted = leaseOf(announcement, holder, account, milliseconds, now, this.once(announcement, document))
      const lease = { ...granted, deadline: now + left }
      if (left > 0) this.leases.grant(lease)
      else this.unsaved.add(lease.key)
    }
    if (!this.leases.isEmpty) this.occupied.openUnsafe()
  }

  /** What those who are known as `account` can do. */
  backend(account: string): Backend<never> {
    return {
      announce: (announcement, holder, milliseconds, document) =>
        Effect.andThen(
          this.accepted(announcement, document),
          Effect.suspend(() => {
            const now = this.look()
            const kept = this.once(announcement, document)
            const lease = leaseOf(announcement, holder, account, milliseconds, now, kept)
            if (!this.leases.grant(lease)) {
              const { instanceId, type } = announcement
              return Effect.fail(new AnnouncementRefused({ type, instanceId }))
            }
            this.changed(lease)
            this.occupied.openUnsafe()
            return this.save
          })
        ),
      renew: ({ holder, ...one }, { health, load }) =>
        Effect.suspend(() => {
          const now = this.look()
          const key = keyOf(one)
          const renewed = this.leases.renew(key, holder, account, now, {
            health,
            load,
            announcement: (held) => new Announcement({ ...held, health, load })
          })
          if (renewed === "Expired" || renewed === "Replaced") {
            return Effect.fail(new LeaseLost({ type: one.type, instanceId: one.instanceId, reason: renewed }))
          }
          // It is saved with the next look: what is lost with the program till then is half a second of a lease.
          this.unsaved.add(key)
          if (renewed === "Changed") this.ring(namesOf(one.type))
          return Effect.void
        }),
      withdraw: ({ holder, ...one }) =>
        Effect.suspend(() => {
          this.look()
          const key = keyOf(one)
          const lease = this.leases.get(key)
          if (lease === undefined || !this.leases.withdraw(key, holder, account)) return Effect.void
          this.changed(lease)
          return this.save
        }),
      list: (names) =>
        Effect.sync(() => {
          this.look()
          return [...this.leases.announced(namesOf(names)).values()]
        }),
      document: (asked) =>
        Effect.sync(() => {
          this.look()
          return this.leases.document(asked)
        }),
      watch: (names) => this.watch(namesOf(names)),
      linked: Effect.never
    }
  }

  // What another lease has was looked at: of many that announce one contract, only the first takes long.
  private accepted(announcement: Announcement, document: string | undefined): Effect.Effect<void, ContractRefused> {
    return Effect.suspend(() =>
      document === undefined || this.leases.shared(announcement, document) !== undefined
        ? Effect.void
        : accepted(announcement, document)
    )
  }

  private once(announcement: Announcement, document: string | undefined): string | undefined {
    return document === undefined ? undefined : (this.leases.shared(announcement, document) ?? document)
  }

  /** How many leases there are. */
  readonly count: Effect.Effect<number> = Effect.sync(() => {
    this.look()
    return this.leases.count
  })

  // A latch wakes on the stack of who opens it: whoever waits for one yields first, so that nobody runs in another's step.
  //
  // Whoever is slow is told what is there when it looks, and not what was there in between: so little waits for it.
  private watch(names: string): Stream.Stream<Batch> {
    return Stream.unwrap(
      Effect.map(
        Effect.acquireRelease(
          Effect.sync(() => {
            const bell = Latch.makeUnsafe()
            this.watchers.set(names, (this.watchers.get(names) ?? new Set()).add(bell))
            return bell
          }),
          (bell) =>
            Effect.sync(() => {
              const bells = this.watchers.get(names)
              bells?.delete(bell)
              if (bells?.size === 0) this.watchers.delete(names)
            })
        ),
        (bell) =>
          Stream.paginate(undefined as Known | undefined, (before) =>
            Effect.map(before === undefined ? Effect.void : Effect.andThen(bell.await, Effect.yieldNow), () => {
              bell.closeUnsafe()
              this.look()
              const now = this.leases.announced(names)
              const batch = before === undefined ? whole(now) : between(before, now)
              return [batch === undefined ? [] : [batch], Option.some(now)]
            })
          )
      )
    )
  }

  private look(): number {
    const { now } = this
    for (const lease of this.leases.look(now)) this.changed(lease)
    return now
  }

  private changed({ announcement, key }: Lease): void {
    this.unsaved.add(key)
    this.ring(namesOf(announcement.type))
  }

  private ring(names: string): void {
    for (const bell of this.watchers.get(names) ?? []) bell.openUnsafe()
  }

  private readonly looking: Effect.Effect<never> = Effect.forever(
    Effect.gen({ self: this }, function* () {
      yield* Effect.andThen(this.occupied.await, Effect.yieldNow)
      yield* this.save
      if (this.leases.isEmpty) return void this.occupied.closeUnsafe()
      const left = this.leases.nextDeadline - this.look()
      yield* Effect.sleep(Math.min(lookEvery, Math.max(1, Math.ceil(left))))
      return void this.look()
    })
  )

  // The leases go on where the store does not: what is lost then is what a restart of the directory would have kept.
  private readonly save: Effect.Effect<void> = Effect.suspend(() => {
    const { store } = this
    // Who waits for its turn is saved by the one before it, or saves itself.
    if (store !== undefined)
      return Semaphore.withPermit(
        this.saving,
        Effect.suspend(() => this.saveTo(store))
      )
    this.unsaved.clear()
    return Effect.void
  })

  private saveTo(store: DirectoryStore["Service"]): Effect.Effect<void> {
    if (this.unsaved.size === 0) return Effect.void
    const keys = [...this.unsaved]
    this.unsaved.clear()
    const ahead = this.clock.currentTimeMillisUnsafe() - this.now
    const leases = keys.map((key) => ({ key, lease: this.leases.get(key) }))
    const saved = store.save({
      put: leases.flatMap(({ lease }) =>
        lease === undefined ? [] : [{ ...lease, expires: Math.round(lease.deadline + ahead) }]
      ),
      remove: leases.flatMap(({ key, lease }) => (lease === undefined ? [key] : []))
    })
    return saved.pipe(
      Effect.onError(() => Effect.sync(() => keys.forEach((key) => this.unsaved.add(key)))),
      Effect.matchEffect({
        onSuccess: () => Effect.sync(() => void (this.isSaved = true)),
        onFailure: (error) => {
          const wasSaved = this.isSaved
          this.isSaved = false
          return wasSaved
            ? Effect.logWarning("A restart of the directory would forget what is announced now", error)
            : Effect.void
        }
      })
    )
  }
}
