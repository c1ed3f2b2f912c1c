/**
 * The choice among servers: which of those that are there a client can do with, the best first, and why it can't with others.
 */
import * as Order from "effect/Order"
import * as Schema from "effect/Schema"
import * as SemVer from "effect/SemVer"
import * as SemVerRange from "effect/SemVerRange"
import * as ActorType from "./ActorType.ts"
import type { Announcement } from "./Announcement.ts"
import { InstanceId } from "./InstanceId.ts"

/**
 * One that is there and was not taken, and why not: its version is not one that the client accepts, or it says that it is not
 * well.
 *
 * @category models
 */
export const Rejected = Schema.Struct({
  type: ActorType.ActorType,
  instanceId: InstanceId,
  reason: Schema.Literals(["Version", "Unhealthy"])
})

/**
 * The type of {@link Rejected}.
 *
 * @category models
 */
export type Rejected = typeof Rejected.Type

/**
 * Those that were taken, the best first, and those that were not.
 *
 * @category models
 */
export interface Selection {
  readonly candidates: ReadonlyArray<Announcement>
  readonly rejected: ReadonlyArray<Rejected>
}

/**
 * Sorts announcements, the best first: the healthy ones, of these the highest version, of these the least load.
 *
 * **Details**
 *
 * Where all of it is the same, the names of the instances decide: the order is the same for everybody, whatever order the
 * announcements came in.
 *
 * @category ordering
 */
export const BestFirst: Order.Order<Announcement> = Order.combineAll([
  Order.mapInput(Order.Number, ({ health }: Announcement) => ["healthy", "degraded", "unhealthy"].indexOf(health)),
  Order.mapInput(Order.flip(SemVer.Order), ({ type }: Announcement) => type.version),
  Order.mapInput(Order.Number, ({ load }: Announcement) => load),
  Order.mapInput(Order.String, ({ instanceId }: Announcement) => String(instanceId)),
  // Versions that differ in their build alone have no order of their own.
  Order.mapInput(Order.String, ({ type }: Announcement) => String(type))
])

/**
 * Chooses among announcements; those of other types are neither taken nor rejected.
 *
 * **Details**
 *
 * - `range`: what the client accepts.
 *
 * **Example** (The best of three)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { ActorType, Address, Announcement, Discovery, InstanceId, Memory } from "troupe/net"
 *
 * const server = Effect.fnUntraced(function* (type: string, instance: string, load: number) {
 *   return yield* Announcement.make({
 *     type: yield* ActorType.parse(type),
 *     instanceId: yield* InstanceId.make({ runtime: "process", namespace: "echo", instance }),
 *     addresses: [Address.of(Memory.make())],
 *     load
 *   })
 * })
 *
 * const program = Effect.gen(function* () {
 *   const range = yield* ActorType.parseRange("acme/Echo@^1.0.0")
 *   const announcements = yield* Effect.all([
 *     server("acme/Echo@1.0.0", "idle", 0),
 *     server("acme/Echo@1.1.0", "busy", 9),
 *     server("acme/Echo@2.0.0", "new", 0)
 *   ])
 *   const { candidates, rejected } = Discovery.select(range, announcements)
 *   return [candidates.map(({ instanceId }) => instanceId.instance), rejected.map(({ reason }) => reason)]
 * })
 * Effect.runSync(program) // => [["busy", "idle"], ["Version"]]
 * ```
 *
 * @category choosing
 */
export const select = (range: ActorType.Range, announcements: ReadonlyArray<Announcement>): Selection => {
  const candidates: Array<Announcement> = []
  const rejected: Array<Rejected> = []
  for (const one of announcements.toSorted(BestFirst)) {
    const { instanceId, type } = one
    if (type.manufacturer !== range.manufacturer || type.name !== range.name) continue
    if (!SemVerRange.matches(range.versions, type.version)) rejected.push({ type, instanceId, reason: "Version" })
    else if (one.health === "unhealthy") rejected.push({ type, instanceId, reason: "Unhealthy" })
    else candidates.push(one)
  }
  return { candidates, rejected }
}

/**
 * What happens to the servers that a client may take: one comes, says something else than before, or is gone.
 *
 * **Details**
 *
 * - `Announced`: it was not there, as far as this client knew.
 * - `Changed`: what it says of itself now.
 * - `Gone`: what it had said last. It was withdrawn, or its lease has ended.
 *
 * @category models
 */
export type Change =
  | { readonly _tag: "Announced"; readonly announcement: Announcement }
  | { readonly _tag: "Changed"; readonly announcement: Announcement }
  | { readonly _tag: "Gone"; readonly announcement: Announcement }
