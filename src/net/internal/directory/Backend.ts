/**
 * What stands behind a directory: the leases of this program, or a server of another one.
 */
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { Range } from "../../ActorType.ts"
import type { Announcement, Health } from "../../Announcement.ts"
import type { AnnouncementRefused, ContractRefused, LeaseLost } from "../../DirectoryError.ts"
import type { Batch } from "./batches.ts"
import type { Asked } from "./documents.ts"

/** A type, in whatever version. */
export type Names = Pick<Range, "manufacturer" | "name">

/** `E`: how it may be unavailable. */
export interface Backend<out E> {
  /** `document`: that of its contract. */
  readonly announce: (
    announcement: Announcement,
    holder: string,
    milliseconds: number,
    document?: string
  ) => Effect.Effect<void, AnnouncementRefused | ContractRefused | E>
  readonly renew: (
    held: Held,
    report: { readonly health: Health; readonly load: number }
  ) => Effect.Effect<void, LeaseLost | E>
  /** Ends a lease if it is still held. */
  readonly withdraw: (held: Held) => Effect.Effect<void, E>
  readonly list: (names: Names) => Effect.Effect<ReadonlyArray<Announcement>, E>
  readonly document: (asked: Asked) => Effect.Effect<string | undefined, E>
  readonly watch: (names: Names) => Stream.Stream<Batch, E>
  /** Waits until there is a new link to it. */
  readonly linked: Effect.Effect<void>
}

/** Which lease, and who says to hold it. */
export interface Held extends Pick<Announcement, "type" | "instanceId"> {
  readonly holder: string
}
