/**
 * The leases of a directory: who holds which announcement, and until when. It is told the time, and knows no clock.
 */
import type { ActorType } from "../../ActorType.ts"
import { type Announcement, type Health, keyOf } from "../../Announcement.ts"
import type { Asked } from "./documents.ts"

/** A lease, until a time of the directory's. */
export interface Lease {
  readonly key: string
  readonly announcement: Announcement
  /** Who has announced it: of two that were started under one name, each is another holder. */
  readonly holder: string
  /** As whom the directory knows the holder. */
  readonly account: string
  readonly milliseconds: number
  readonly deadline: number
  /** That of its contract, which was looked at when it came. */
  readonly document: string | undefined
}

/** Those whom a change concerns: all versions of a type. */
export const namesOf = ({ manufacturer, name }: { readonly manufacturer: string; readonly name: string }): string =>
  `${manufacturer}/${name}`

/** The shortest lease, in milliseconds. */
export const shortest = 1000

/** How often a directory looks at its leases while there are any: so that none ends unnoticed between two looks. */
export const lookEvery = shortest / 2

// A directory that has not looked for so long did not run: what was sent to it meanwhile it has not heard yet.
const standstill = 2 * lookEvery

export class Leases {
  private readonly byName = new Map<string, Map<string, Lease>>()
  private size = 0
  private looked = 0

  get count(): number {
    return this.size
  }

  get isEmpty(): boolean {
    return this.size === 0
  }

  /**
   * Ends the leases whose time is over, and answers them; to be called before anything else, with the time.
   *
   * The time in which the directory stood still counts for nobody: whoever renews does so in the moments after it.
   */
  look(now: number): ReadonlyArray<Lease> {
    const passed = now - this.looked
    this.looked = now
    const stood = passed > standstill ? passed : 0
    const ended: Array<Lease> = []
    for (const lease of this.all()) {
      if (stood > 0) this.set({ ...lease, deadline: lease.deadline + stood })
      else if (lease.deadline <= now) ended.push(lease)
    }
    for (const lease of ended) this.remove(lease)
    return ended
  }

  /** When the next one ends, if nobody renews. */
  get nextDeadline(): number {
    let next = Infinity
    for (const { deadline } of this.all()) next = Math.min(next, deadline)
    return next
  }

  /** Grants a lease, in place of an earlier one of the same account; answers whether it was granted. */
  grant(lease: Lease): boolean {
    const held = this.get(lease.key)
    if (held !== undefined && held.account !== lease.account) return false
    this.set(lease)
    return true
  }

  /** Renews a lease, with what its holder says of itself now; or answers why not. */
  renew(
    key: string,
    holder: string,
    account: string,
    now: number,
    said: {
      readonly health: Health
      readonly load: number
      readonly announcement: (held: Announcement) => Announcement
    }
  ): "Expired" | "Replaced" | "Renewed" | "Changed" {
    const held = this.get(key)
    if (held === undefined) return "Expired"
    if (held.holder !== holder || held.account !== account) return "Replaced"
    const { announcement, milliseconds } = held
    const isSame = announcement.health === said.health && announcement.load === said.load
    const deadline = now + milliseconds
    this.set({ ...held, deadline, announcement: isSame ? announcement : said.announcement(announcement) })
    return isSame ? "Renewed" : "Changed"
  }

  /** Ends a lease whose holder asks for it; answers whether it held one. */
  withdraw(key: string, holder: string, account: string): boolean {
    const held = this.get(key)
    if (held === undefined || held.holder !== holder || held.account !== account) return false
    this.remove(held)
    return true
  }

  get(key: string): Lease | undefined {
    return this.byName.get(nameOfKey(key))?.get(key)
  }

  /** What is announced of a type, in all versions; the same object as before where nothing is otherwise. */
  announced(names: string): ReadonlyMap<string, Announcement> {
    const announced = new Map<string, Announcement>()
    for (const { announcement, key } of this.byName.get(names)?.values() ?? []) announced.set(key, announcement)
    return announced
  }

  /** A document that is there already of the same type and fingerprint: however many announce it, it is kept once. */
  shared({ contract, type }: Announcement, document: string): string | undefined {
    for (const lease of this.keeping(type, contract)) if (lease.document === document) return lease.document
    return undefined
  }

  /** The document under a fingerprint: that of the lease, or else of another one of the very type. */
  document({ fingerprint, ...one }: Asked): string | undefined {
    const own = this.get(keyOf(one))
    if (own?.announcement.contract === fingerprint && own.document !== undefined) return own.document
    for (const { document } of this.keeping(one.type, fingerprint)) if (document !== undefined) return document
    return undefined
  }

  private *keeping(type: ActorType, fingerprint: string | undefined): Iterable<Lease> {
    const wanted = String(type)
    for (const lease of this.byName.get(namesOf(type))?.values() ?? []) {
      const { contract, type } = lease.announcement
      if (contract === fingerprint && String(type) === wanted) yield lease
    }
  }

  private *all(): Iterable<Lease> {
    for (const leases of this.byName.values()) yield* leases.values()
  }

  private set(lease: Lease): void {
    const names = namesOf(lease.announcement.type)
    const leases = this.byName.get(names) ?? new Map<string, Lease>()
    if (!leases.has(lease.key)) this.size++
    this.byName.set(names, leases.set(lease.key, lease))
  }

  private remove({ announcement, key }: Lease): void {
    const names = namesOf(announcement.type)
    const leases = this.byName.get(names)
    if (leases?.delete(key) !== true) return
    this.size--
    if (leases.size === 0) this.byName.delete(names)
  }
}

const nameOfKey = (key: string): string => key.slice(0, key.indexOf("@"))

/** The lease of an announcement, from now. */
export const leaseOf = (
  announcement: Announcement,
  holder: string,
  account: string,
  milliseconds: number,
  now: number,
  document: string | undefined
): Lease => ({
  key: keyOf(announcement),
  announcement,
  holder,
  account,
  milliseconds,
  deadline: now + milliseconds,
  document
})
