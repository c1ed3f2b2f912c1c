/**
 * What checks say of each other: those on bounds and lengths are compared, all others are only the same or not.
 */
import type { Check } from "./graph.ts"

/** What is between a least and a greatest value, each in it or not. */
interface Interval {
  readonly of: string
  readonly least: number | bigint
  readonly withLeast: boolean
  readonly most: number | bigint
  readonly withMost: boolean
}

const families: Readonly<Record<string, readonly [of: string, least: string | undefined, most: string | undefined]>> = {
  isGreaterThan: ["value", "exclusiveMinimum", undefined],
  isGreaterThanOrEqualTo: ["value", "minimum", undefined],
  isLessThan: ["value", undefined, "exclusiveMaximum"],
  isLessThanOrEqualTo: ["value", undefined, "maximum"],
  isBetween: ["value", "minimum", "maximum"],
  isMinLength: ["length", "minLength", undefined],
  isMaxLength: ["length", undefined, "maxLength"],
  isBetweenLength: ["length", "minimum", "maximum"],
  isMinCodePoints: ["code points", "minCodePoints", undefined],
  isMaxCodePoints: ["code points", undefined, "maxCodePoints"],
  isBetweenCodePoints: ["code points", "minimum", "maximum"],
  isMinSize: ["size", "minSize", undefined],
  isMaxSize: ["size", undefined, "maxSize"],
  isBetweenSize: ["size", "minimum", "maximum"]
}

/** The name of a check, when it is one of Schema's own. */
export const ownName = ({ id }: Pick<Check, "id">): string | undefined =>
  id.startsWith("effect/schema/") ? id.slice("effect/schema/".length) : undefined

const intervalOf = (check: Pick<Check, "id" | "payload">): Interval | undefined => {
  const name = ownName(check) ?? ""
  // A date is compared as its text is, which is in order from year 0 to 9999 alone: it is no interval here.
  const family = families[name.replace(/BigInt$/, "")]
  if (family === undefined || typeof check.payload !== "object" || check.payload === null) return undefined
  const payload: Readonly<Record<string, unknown>> = { ...check.payload }
  const [of, least, most] = family
  const bound = (key: string | undefined, none: number): number | bigint | undefined => {
    if (key === undefined) return none
    const value = payload[key]
    if (typeof value === "number") return value
    return typeof value === "string" && /^-?\d+$/.test(value) ? BigInt(value) : undefined
  }
  const [from, to] = [bound(least, -Infinity), bound(most, Infinity)]
  if (from === undefined || to === undefined) return undefined
  const isOut = (key: string) => payload[key] !== undefined && payload[key] !== false
  return { of, least: from, most: to, withLeast: !isOut("exclusiveMinimum"), withMost: !isOut("exclusiveMaximum") }
}

/** Between which values all checks leave a number; what has no bound is infinite. */
export const rangeOf = (
  checks: ReadonlyArray<Pick<Check, "id" | "payload">>
): { readonly least: number | bigint; readonly most: number | bigint } =>
  checks
    .flatMap((check) => intervalOf(check) ?? [])
    .filter(({ of }) => of === "value")
    .reduce<{ readonly least: number | bigint; readonly most: number | bigint }>(
      (range, { least, most }) => ({
        least: least > range.least ? least : range.least,
        most: most < range.most ? most : range.most
      }),
      { least: -Infinity, most: Infinity }
    )

const isAbove = (a: Interval, b: Interval): boolean =>
  a.least > b.least || (a.least === b.least && (b.withLeast || !a.withLeast))

const isBelow = (a: Interval, b: Interval): boolean =>
  a.most < b.most || (a.most === b.most && (b.withMost || !a.withMost))

/** Whether what satisfies all of the checks satisfies the others too, as far as can be told. */
export const impliesAll = (given: ReadonlyArray<Check>, wanted: ReadonlyArray<Check>): boolean => {
  const intervals = given.flatMap((check) => intervalOf(check) ?? [])
  return wanted.every((check) => {
    const interval = intervalOf(check)
    if (interval === undefined) {
      return ownName(check) === "isFinite" && given.some((other) => ownName(other) === "isInt")
    }
    const alike = intervals.filter(({ of }) => of === interval.of)
    return (
      (interval.least === -Infinity || alike.some((other) => isAbove(other, interval))) &&
      (interval.most === Infinity || alike.some((other) => isBelow(other, interval)))
    )
  })
}
