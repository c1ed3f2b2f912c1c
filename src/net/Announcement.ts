/**
 * Announcements: what a server says of itself to those who look for it.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SemVer from "effect/SemVer"
import { ActorType } from "./ActorType.ts"
import { Address } from "./Address.ts"
import { InvalidAnnouncement } from "./AnnouncementError.ts"
import { InstanceId } from "./InstanceId.ts"

/**
 * How a server is, as it says itself: `degraded` ones are taken when no healthy one is there, `unhealthy` ones never.
 *
 * @category models
 */
export const Health = Schema.Literals(["healthy", "degraded", "unhealthy"])

/**
 * The type of {@link Health}.
 *
 * @category models
 */
export type Health = typeof Health.Type

/**
 * How much a server has to do, as it says itself: 0 is nothing. It is compared with that of other servers of the type alone.
 *
 * @category models
 */
export const Load = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))

const maxMetadata = 16 * 1024

const Metadata = Schema.Record(Schema.String, Schema.String).check(
  Schema.makeFilter(
    (metadata: Readonly<Record<string, string>>) =>
      Object.entries(metadata).reduce((length, [key, value]) => length + key.length + value.length, 0) <= maxMetadata,
    { expected: `${maxMetadata} characters at most` }
  )
)

/**
 * What a server says of itself: which type it is of, which instance it is, and where it listens. It compares by value.
 *
 * **Details**
 *
 * - `addresses`: in the order in which they are to be tried; 16 at most.
 * - `contract`: the fingerprint of the contract that it keeps, whose document may be in the directory too.
 * - `metadata`: whatever else there is to know of it, in 16,384 characters at most.
 *
 * It is its own schema, by which it travels. The constructor is for parts that are known to be good, and throws at others;
 * {@link make} fails.
 *
 * @category models
 */
export class Announcement extends Schema.Class<Announcement>("troupe/net/Announcement")({
  type: ActorType,
  instanceId: InstanceId,
  addresses: Schema.NonEmptyArray(Address).check(Schema.isMaxLength(16)),
  health: Health,
  load: Load,
  contract: Schema.UndefinedOr(Schema.NonEmptyString.check(Schema.isMaxLength(256))),
  metadata: Metadata
}) {
  override toString(): string {
    return `${this.type} at ${this.instanceId}`
  }
}

/**
 * Makes an announcement.
 *
 * **Details**
 *
 * - `health` and `load`: healthy and 0 when absent.
 * - `contract` and `metadata`: none when absent.
 *
 * **Errors**
 *
 * `InvalidAnnouncement` when it has no address, or something is larger than it may be.
 *
 * **Example** (An announcement without an address)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { ActorType, Announcement, InstanceId } from "troupe/net"
 *
 * const program = Effect.gen(function* () {
 *   const type = yield* ActorType.parse("acme/Echo@1.0.0")
 *   const instanceId = yield* InstanceId.parse("process/echo/1")
 *   return yield* Effect.flip(Announcement.make({ type, instanceId, addresses: [] }))
 * })
 * Effect.runSync(program)._tag // => "InvalidAnnouncement"
 * ```
 *
 * @category constructors
 */
export const make = (parts: {
  readonly type: ActorType
  readonly instanceId: InstanceId
  readonly addresses: ReadonlyArray<Address>
  readonly health?: Health | undefined
  readonly load?: number | undefined
  readonly contract?: string | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
}): Effect.Effect<Announcement, InvalidAnnouncement> => {
  const { contract, health = "healthy", load = 0, metadata = {}, ...rest } = parts
  return checked(`${parts.type} at ${parts.instanceId}`, { ...rest, health, load, contract, metadata })
}

/**
 * What it says once it is otherwise: its health, its load, or both.
 *
 * @category combinators
 */
export const report = (
  announcement: Announcement,
  { health = announcement.health, load = announcement.load }: Report
): Effect.Effect<Announcement, InvalidAnnouncement> => checked(String(announcement), { ...announcement, health, load })

/**
 * What a server says when it is otherwise than before.
 *
 * @category models
 */
export interface Report {
  readonly health?: Health | undefined
  readonly load?: number | undefined
}

const check = Schema.decodeUnknownEffect(Schema.toType(Schema.Struct(Announcement.fields)))

const checked = (subject: string, parts: object): Effect.Effect<Announcement, InvalidAnnouncement> =>
  Effect.matchEffect(check(parts), {
    onFailure: ({ message }) => Effect.fail(new InvalidAnnouncement({ subject, detail: message })),
    onSuccess: (fields) => Effect.succeed(new Announcement(fields))
  })

/**
 * What tells announcements apart: one instance announces each version of each type once.
 *
 * @category accessors
 */
export const keyOf = ({ instanceId, type }: Pick<Announcement, "type" | "instanceId">): string =>
  `${type.manufacturer}/${type.name}@${SemVer.format(type.version)} ${instanceId}`
