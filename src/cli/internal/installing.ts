/**
 * What `troupe install` makes of the contracts that it has found: what to report, and what to write.
 */
import * as Contract from "../../net/Contract.ts"
import type { Lock, Locked } from "./lock.ts"
import type { Dependency } from "./settings.ts"

/** A contract that was found for a dependency. */
export interface Found {
  readonly dependency: Dependency
  readonly contract: Contract.Contract
  readonly fingerprint: string
}

/** The contract that was installed before: its document may be gone. */
export interface Before {
  readonly locked: Locked
  readonly contract: Contract.Contract | undefined
}

/**
 * What a contract is to this project: the first of that type, one that says the same as before, one that says something else,
 * or one that says something else than what nobody knows any more.
 */
export type Outcome =
  | { readonly _tag: "New" }
  | { readonly _tag: "Same"; readonly before: Locked }
  | { readonly _tag: "Changed"; readonly before: Locked; readonly comparison: Contract.Comparison }
  | { readonly _tag: "Incomparable"; readonly before: Locked }

export const outcomeOf = ({ contract, dependency, fingerprint }: Found, before: Before | undefined): Outcome => {
  const { manufacturer, name } = dependency.range
  const isOfType = before?.locked.type.manufacturer === manufacturer && before.locked.type.name === name
  if (before === undefined || !isOfType) return { _tag: "New" }
  if (before.locked.fingerprint === fingerprint) return { _tag: "Same", before: before.locked }
  return before.contract === undefined
    ? { _tag: "Incomparable", before: before.locked }
    : { _tag: "Changed", before: before.locked, comparison: Contract.compare(before.contract, contract) }
}

/** Whether this project may not work with it as it is. */
export const isBreaking = (outcome: Outcome): boolean =>
  outcome._tag === "Incomparable" || (outcome._tag === "Changed" && outcome.comparison.compatibility === "breaking")

/** What a compatibility means, in a word or two. */
export const compatibilityWords: { readonly [C in Contract.Compatibility]: string } = {
  full: "compatible",
  backward: "compatible (backward)",
  breaking: "BREAKING"
}

/** The changes of a comparison, a line each. */
export const changeLines = ({ changes }: Contract.Comparison): ReadonlyArray<string> =>
  changes.map((change) => `  ${change}`)

/** What is said of a dependency, whose contract was written, or was not. */
export const report = (
  { contract, dependency }: Found,
  outcome: Outcome,
  isWritten: boolean
): ReadonlyArray<string> => {
  const { name } = dependency
  const { type } = contract
  if (outcome._tag === "New") return [`${name}: ${isWritten ? "installed" : "found"} ${type}`]
  const from = String(outcome.before.type)
  const step = from === String(type) ? from : `${from} -> ${type}`
  switch (outcome._tag) {
    case "Same":
      return [from === String(type) ? `${name}: unchanged, ${type}` : `${name}: ${step}, with the same contract`]
    case "Changed": {
      const { comparison } = outcome
      return [`${name}: ${step}, ${compatibilityWords[comparison.compatibility]}`, ...changeLines(comparison)]
    }
    case "Incomparable":
      return [
        `${name}: ${step}, BREAKING`,
        "  its contract is another one, and the one before is not under contracts/remote any more to be compared with"
      ]
  }
}

/** The lock of what was found. */
export const lockOf = (all: ReadonlyArray<Found>): Lock =>
  new Map(
    all.map(({ contract, dependency, fingerprint }) => [
      dependency.name,
      { range: String(dependency.range), type: contract.type, protocol: contract.protocol, fingerprint }
    ])
  )
