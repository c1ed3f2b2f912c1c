/**
 * The contracts that servers have announced for the dependencies of a project.
 */
import * as Effect from "effect/Effect"
import * as Order from "effect/Order"
import * as SemVer from "effect/SemVer"
import type { Announcement } from "../../net/Announcement.ts"
import * as Contract from "../../net/Contract.ts"
import { Directory } from "../../net/Directory.ts"
import type { ContractUnavailable, DirectoryUnavailable, NoCandidate, UnknownType } from "../../net/DirectoryError.ts"
import type { Problem } from "./errors.ts"
import type { Found } from "./installing.ts"
import type { Dependency } from "./settings.ts"

/** Why a contract could not be had. */
export type Unavailable = UnknownType | NoCandidate | DirectoryUnavailable | ContractUnavailable

const fetched = Effect.fnUntraced(function* (dependency: Dependency, announcement: Announcement) {
  const contract = yield* (yield* Directory).contract(announcement)
  return { dependency, contract, fingerprint: yield* Contract.fingerprint(contract) }
})

// The best first; of what is alike the better one stays in front.
const highestVersion = Order.mapInput(Order.flip(SemVer.Order), ({ type }: Announcement) => type.version)

/**
 * The contract of the highest version that is there: which one is well, and has less to do, changes from moment to moment.
 */
export const highest = Effect.fnUntraced(function* (
  dependency: Dependency
): Effect.fn.Return<Found, Unavailable, Directory> {
  const [best, ...rest] = yield* (yield* Directory).discover(dependency.range)
  const announcement = rest.reduce((one, other) => (highestVersion(other, one) < 0 ? other : one), best)
  return yield* fetched(dependency, announcement)
})

/** The contracts of all that this program may be given: each once, the highest version first. */
export const every = Effect.fnUntraced(function* (
  dependency: Dependency
): Effect.fn.Return<ReadonlyArray<Found>, Unavailable, Directory> {
  const announcements = yield* (yield* Directory).discover(dependency.range)
  const distinct = new Map(announcements.map((one) => [`${one.type} ${one.contract}`, one]))
  return yield* Effect.forEach([...distinct.values()].toSorted(highestVersion), (one) => fetched(dependency, one), {
    concurrency: "unbounded"
  })
})

const wordsOf = (error: Unavailable): string =>
  error._tag === "DirectoryUnavailable"
    ? `The directory is not available. ${error.detail} Look at whether it runs, at its address (--directory), and at the credentials (TROUPE_DIRECTORY_ACCOUNT with _SECRET, or _TOKEN).`
    : error.message

/** What is wrong with several dependencies at once is told once. */
export const problemsOf = (
  failures: ReadonlyArray<{ readonly dependency: Dependency; readonly error: Unavailable }>
): ReadonlyArray<Problem> => {
  const details = [...new Set(failures.map(({ error }) => wordsOf(error)))]
  return details.map((detail) => ({
    at: failures.flatMap(({ dependency, error }) => (wordsOf(error) === detail ? [dependency.name] : [])).join(", "),
    detail
  }))
}
