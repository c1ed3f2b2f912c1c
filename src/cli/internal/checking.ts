/**
 * What `troupe check` makes of what it has found: a line for each thing, and whether it is well.
 */
import * as Contract from "../../net/Contract.ts"
import type { Installed } from "./cache.ts"
import type { Problem } from "./errors.ts"
import type { Plan } from "./generating.ts"
import { changeLines, compatibilityWords, type Found } from "./installing.ts"

/** One thing that was looked at. */
export interface Finding {
  readonly isWell: boolean
  readonly lines: readonly [string, ...Array<string>]
}

const well = (line: string): Finding => ({ isWell: true, lines: [line] })
const unwell = (line: string, ...more: ReadonlyArray<string>): Finding => ({ isWell: false, lines: [line, ...more] })

/** The settings, the lock and the contracts that are kept. */
export const ofLock = (dependencies: number, problems: ReadonlyArray<Problem>): ReadonlyArray<Finding> =>
  problems.length === 0
    ? [well(`lock: ${dependencies === 1 ? "1 dependency is" : `${dependencies} dependencies are`} as locked`)]
    : problems.map(({ at, detail }) => unwell(`lock: ${at}: ${detail}. Run troupe install.`))

/** The generated files, by what would be done if they were generated now. */
export const ofFiles = ({ left, refused, remove, unchanged, write }: Plan): ReadonlyArray<Finding> => {
  const findings = [
    ...write.map(({ path }) => unwell(`files: ${path} is not what would be generated now. Run troupe gen.`)),
    ...refused.map(({ at, detail }) => unwell(`files: ${at}: ${detail}. Move it away, and run troupe gen.`)),
    ...remove.map((path) => unwell(`files: nothing asks for ${path} any more. Run troupe gen.`)),
    ...left.map((path) => unwell(`files: nothing asks for ${path} any more, and it was changed by hand. Move it away.`))
  ]
  const count = unchanged.length
  return findings.length === 0
    ? [well(`files: ${count === 1 ? "1 file is" : `${count} files are`} as generated now`)]
    : findings
}

/** What runs, of a dependency. */
export const ofRunning = ({ contract, dependency, locked }: Installed, found: Found): Finding => {
  const what = `runs: ${dependency.name}: ${found.contract.type}`
  if (found.fingerprint === locked.fingerprint) return well(`${what} has the contract of the lock`)
  const comparison = Contract.compare(contract, found.contract)
  const line = `${what}, ${compatibilityWords[comparison.compatibility]} with the lock`
  const lines: Finding["lines"] = [line, ...changeLines(comparison)]
  return { isWell: comparison.compatibility !== "breaking", lines }
}

/** What runs, where that could not be found out. */
export const ofUnavailable = ({ at, detail }: Problem): Finding => unwell(`runs: ${at}: ${detail}`)
