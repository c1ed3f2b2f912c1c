/**
 * A schedule as a value: the seed of the program's own randomness, and where the run departs from the plain order of
 * steps. The plain order is Effect's own: no fiber is preempted, and who became ready first runs first.
 */

/** At the choice point `at`, counted from 0, option `option` was taken, which is never the plain one, 0. */
export interface Departure {
  readonly at: number
  readonly option: number
}

export interface Schedule {
  readonly seed: number
  readonly departures: ReadonlyArray<Departure>
}

// Increased whenever the same text would mean another run.
const version = "t1"

/** `t1:<seed>:<gap>[.<option>],…`, all numbers in base 36. */
export const print = ({ departures, seed }: Schedule): string => {
  const words: Array<string> = []
  let previous = -1
  for (const { at, option } of departures) {
    const gap = (at - previous - 1).toString(36)
    words.push(option === 1 ? gap : `${gap}.${option.toString(36)}`)
    previous = at
  }
  return `${version}:${seed.toString(36)}:${words.join(",")}`
}

const text = /^t1:([0-9a-z]+):((?:[0-9a-z]+(?:\.[0-9a-z]+)?(?:,|$))*)$/

/** Reads what `print` wrote, or answers `undefined`. */
export const parse = (input: string): Schedule | undefined => {
  const match = text.exec(input.trim())
  if (match === null) return undefined
  const departures: Array<Departure> = []
  let previous = -1
  for (const word of (match[2] ?? "").split(",").filter((word) => word !== "")) {
    const [gap = "", option = "1"] = word.split(".")
    previous += Number.parseInt(gap, 36) + 1
    departures.push({ at: previous, option: Number.parseInt(option, 36) })
  }
  return { seed: Number.parseInt(match[1] ?? "", 36), departures }
}
