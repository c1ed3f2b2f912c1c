/**
 * Limits that layers are given. One that is no number would be none at all, or one that nothing ever fits: every comparison
 * with NaN is false, and whoever waits for one of no places waits for ever.
 */
import * as Effect from "effect/Effect"
import { InvalidOption } from "../../process/ProcessError.ts"

/** Bytes of so many MiB. */
export const mebibytes = (count: number): number => count * 1024 * 1024

/** Makes the limits of a subject, such as `Http.layer`. */
export const limitsOf = (
  subject: string
): {
  /** A whole number from `least` on, and `fallback` when absent. */
  readonly count: (
    option: string,
    value: number | undefined,
    fallback: number,
    least?: number
  ) => Effect.Effect<number, InvalidOption>
  /** A finite number above 0, and `fallback` when absent. */
  readonly amount: (option: string, value: number | undefined, fallback: number) => Effect.Effect<number, InvalidOption>
} => {
  const checked = (option: string, value: number, isValid: boolean, expected: string) =>
    isValid
      ? Effect.succeed(value)
      : Effect.fail(new InvalidOption({ subject, option, value: String(value), expected }))
  return {
    count: (option, value, fallback, least = 0) => {
      const limit = value ?? fallback
      return checked(option, limit, Number.isSafeInteger(limit) && limit >= least, `a whole number from ${least} on`)
    },
    amount: (option, value, fallback) => {
      const limit = value ?? fallback
      return checked(option, limit, Number.isFinite(limit) && limit > 0, "a finite number above 0")
    }
  }
}
