/**
 * What `troupe gen` does with the files that are there: it writes and removes those alone that are as it wrote them.
 */
import type { Problem } from "./errors.ts"
import type { Owner } from "./header.ts"
import type { Written } from "./files.ts"

/** A file that is there. */
export interface Existing {
  readonly text: string
  readonly owner: Owner
}

/** The files that are to be there, and those that are, by their paths. */
export interface Files {
  readonly generated: ReadonlyArray<Written>
  /** Written once, for a person to go on with. */
  readonly scaffolds: ReadonlyArray<Written>
  readonly existing: ReadonlyMap<string, Existing>
}

export interface Plan {
  readonly write: ReadonlyArray<Written>
  readonly unchanged: ReadonlyArray<string>
  /** Scaffolds that are there. */
  readonly kept: ReadonlyArray<string>
  /** Generated ones that nothing asks for any more. */
  readonly remove: ReadonlyArray<string>
  /** Those that nothing asks for either, and that a person has changed. */
  readonly left: ReadonlyArray<string>
  /** Why nothing may be written. */
  readonly refused: ReadonlyArray<Problem>
}

export const plan = ({ existing, generated, scaffolds }: Files): Plan => {
  const write: Array<Written> = []
  const unchanged: Array<string> = []
  const refused: Array<Problem> = []
  for (const file of generated) {
    const now = existing.get(file.path)
    if (now === undefined) write.push(file)
    else if (now.owner === "changed") refused.push({ at: file.path, detail: "it was changed since it was generated" })
    else if (now.owner === "foreign") refused.push({ at: file.path, detail: "it was not generated" })
    else if (now.text === file.text) unchanged.push(file.path)
    else write.push(file)
  }
  const kept: Array<string> = []
  for (const file of scaffolds) {
    if (existing.has(file.path)) kept.push(file.path)
    else write.push(file)
  }
  const wanted = new Set([...generated, ...scaffolds].map(({ path }) => path))
  const stale = [...existing].filter(([path]) => !wanted.has(path))
  return {
    write,
    unchanged,
    kept,
    remove: stale.flatMap(([path, { owner }]) => (owner === "generated" ? [path] : [])),
    left: stale.flatMap(([path, { owner }]) => (owner === "changed" ? [path] : [])),
    refused
  }
}

/** What is said of it. */
export const report = ({ kept, left, remove, unchanged, write }: Plan): ReadonlyArray<string> => {
  const lines = [
    ...write.map(({ path }) => `wrote ${path}`),
    ...kept.map((path) => `kept ${path}, which is yours`),
    ...remove.map((path) => `removed ${path}, which nothing asks for any more`),
    ...left.map((path) => `left ${path}, which nothing asks for any more, since it was changed by hand`)
  ]
  const rest = unchanged.length
  if (rest > 0) return [...lines, `${rest} ${rest === 1 ? "file is as it was" : "files are as they were"}`]
  return lines.length > 0 ? lines : ["There are no dependencies and no contracts in troupe.json."]
}
