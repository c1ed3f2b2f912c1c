/**
 * The typed errors of directories.
 */
import * as Schema from "effect/Schema"
import { ActorType, Range } from "./ActorType.ts"
import { NotDialable } from "./AddressError.ts"
import { Announcement } from "./Announcement.ts"
import { ConnectionFailed } from "./ConnectionError.ts"
import { Rejected } from "./Discovery.ts"
import { InstanceId } from "./InstanceId.ts"
import { sentence } from "./internal/shown.ts"

/**
 * No server of the type is there, in whatever version.
 *
 * @category errors
 */
export class UnknownType extends Schema.TaggedError<UnknownType>()("UnknownType", { wanted: Range }) {
  override get message(): string {
    const { manufacturer, name } = this.wanted
    return `No server has announced ${manufacturer}/${name}. Start one that exports it, or compare the name with what servers announce.`
  }
}

/**
 * Servers of the type are there, and the client can't do with any of them: each, and why not.
 *
 * @category errors
 */
export class NoCandidate extends Schema.TaggedError<NoCandidate>()("NoCandidate", {
  wanted: Range,
  rejected: Schema.NonEmptyArray(Rejected)
}) {
  override get message(): string {
    const [shown, rest] = [this.rejected.slice(0, 10), this.rejected.length - 10]
    const each = shown.map(
      ({ instanceId, reason, type }) =>
        `${type} at ${instanceId} ${reason === "Version" ? "is of another version" : "says that it is unhealthy"}`
    )
    const more = rest > 0 ? `, and ${rest} more` : ""
    const next = this.rejected.every(({ reason }) => reason === "Version")
      ? "Accept one of these versions, or start a server of one that is accepted."
      : "Wait until one is well, or start another."
    return `No server is a candidate for ${this.wanted}: ${each.join("; ")}${more}. ${next}`
  }
}

/**
 * What a client had been told last, and how long ago.
 *
 * @category models
 */
export const LastKnown = Schema.Struct({ candidates: Schema.Array(Announcement), milliseconds: Schema.Number })

/**
 * The directory can't be reached, does not answer in time, or does not let this program in.
 *
 * **Details**
 *
 * `lastKnown`: for who looked for servers, and was answered before: the candidates of then, the best first. They may be gone
 * since. Connecting to one tells; so use them where a try costs little, and the directory otherwise.
 *
 * @category errors
 */
export class DirectoryUnavailable extends Schema.TaggedError<DirectoryUnavailable>()("DirectoryUnavailable", {
  detail: Schema.String,
  lastKnown: Schema.UndefinedOr(LastKnown)
}) {
  override get message(): string {
    const last =
      this.lastKnown === undefined
        ? ""
        : ` ${this.lastKnown.candidates.length} candidates are known from ${this.lastKnown.milliseconds} ms ago.`
    return `The directory is not available: ${this.detail}${last} Servers that were found before are not concerned: try again later.`
  }
}

/**
 * Servers were found, and none of them takes a connection: each, the best first, and why not.
 *
 * @category errors
 */
export class NoneReachable extends Schema.TaggedError<NoneReachable>()("NoneReachable", {
  wanted: Range,
  attempts: Schema.NonEmptyArray(
    Schema.Struct({ type: ActorType, instanceId: InstanceId, error: Schema.Union([NotDialable, ConnectionFailed]) })
  )
}) {
  override get message(): string {
    const [shown, rest] = [this.attempts.slice(0, 10), this.attempts.length - 10]
    const each = shown.map(({ error, instanceId, type }) => `${type} at ${instanceId}: ${error.message}`)
    const more = rest > 0 ? ` And ${rest} more.` : ""
    return `No server for ${this.wanted} takes the connection. ${each.join(" ")}${more} Those that have died are gone when their leases end: try again then, or start one.`
  }
}

/**
 * The directory does not take an announcement: another account holds that instance's lease.
 *
 * @category errors
 */
export class AnnouncementRefused extends Schema.TaggedError<AnnouncementRefused>()("AnnouncementRefused", {
  type: ActorType,
  instanceId: InstanceId
}) {
  override get message(): string {
    return `${this.type} at ${this.instanceId} is announced by another account. Give the instance a name of its own, or wait until the other lease has ended.`
  }
}

/**
 * What is wrong with the document of a contract.
 *
 * @category models
 */
export const Flaw = Schema.Struct({
  /** It is longer than it may be, no contract at all, or another one than was announced. */
  reason: Schema.Literals(["TooLarge", "Invalid", "Different"]),
  detail: Schema.String
})

/**
 * The type of {@link Flaw}.
 *
 * @category models
 */
export type Flaw = typeof Flaw.Type

const remedies: { readonly [R in Flaw["reason"]]: string } = {
  TooLarge: "Split the protocol, or announce its fingerprint alone, without the contract.",
  Invalid: "Announce what Contract.make has made, and use one version of Troupe on both sides.",
  Different: "Announce the fingerprint of that very contract, by Contract.fingerprint, under its type."
}

/**
 * The directory does not take the contract that a server announces, and so has not announced the server.
 *
 * @category errors
 */
export class ContractRefused extends Schema.TaggedError<ContractRefused>()("ContractRefused", {
  type: ActorType,
  instanceId: InstanceId,
  ...Flaw.fields
}) {
  override get message(): string {
    return `${this.type} at ${this.instanceId} is not announced with its contract: ${sentence(this.detail)} ${remedies[this.reason]}`
  }
}

const distrust =
  "Take it from nobody who has this directory: somebody has changed it, or has another version of Troupe."

const advice: { readonly [R in Flaw["reason"] | "NotAnnounced" | "Gone"]: string } = {
  NotAnnounced: "Have the server announce its contract, as Offer.exported does.",
  Gone: "Look for the server again: it has ended, keeps another contract by now, or announces the fingerprint alone.",
  TooLarge: distrust,
  Invalid: distrust,
  Different: distrust
}

/**
 * The contract of an announced server can't be had.
 *
 * **Details**
 *
 * `reason`: `NotAnnounced`, the announcement names no contract. `Gone`, the directory does not have the document, or no longer.
 * With the others it has one that is not what was announced: `Different`, `Invalid`, `TooLarge`.
 *
 * @category errors
 */
export class ContractUnavailable extends Schema.TaggedError<ContractUnavailable>()("ContractUnavailable", {
  type: ActorType,
  instanceId: InstanceId,
  reason: Schema.Literals(["NotAnnounced", "Gone", ...Flaw.fields.reason.literals]),
  detail: Schema.String
}) {
  override get message(): string {
    return `There is no contract of ${this.type} at ${this.instanceId}: ${sentence(this.detail)} ${advice[this.reason]}`
  }
}

/**
 * A lease is not held any more.
 *
 * **Details**
 *
 * `reason`: `Expired`, it was not renewed in time, or the directory has forgotten it; a server announces itself again then,
 * by itself. `Replaced`, one that was started later has announced itself under the same name; the earlier one gives way.
 *
 * @category errors
 */
export class LeaseLost extends Schema.TaggedError<LeaseLost>()("LeaseLost", {
  type: ActorType,
  instanceId: InstanceId,
  reason: Schema.Literals(["Expired", "Replaced"])
}) {
  override get message(): string {
    const why =
      this.reason === "Expired"
        ? "was not renewed in time. Announce it again"
        : "was taken over by one that was started later under the same name. Give each instance a name of its own, or end the earlier one"
    return `The lease of ${this.type} at ${this.instanceId} ${why}.`
  }
}

/**
 * A lease has a length that no directory grants: it has to be between a second and an hour.
 *
 * @category errors
 */
export class InvalidLease extends Schema.TaggedError<InvalidLease>()("InvalidLease", { milliseconds: Schema.Number }) {
  override get message(): string {
    return `A lease of ${this.milliseconds} ms is not granted. Ask for one between a second and an hour.`
  }
}

/**
 * What a directory keeps on a disk could not be read or written.
 *
 * @category errors
 */
export class DirectoryStoreError extends Schema.TaggedError<DirectoryStoreError>()("DirectoryStoreError", {
  operation: Schema.Literals(["open", "load", "save"]),
  detail: Schema.String
}) {
  override get message(): string {
    return `The store of the directory could not ${this.operation}: ${sentence(this.detail)} Look at its database, and who may write to it.`
  }
}
