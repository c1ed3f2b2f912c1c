/** What most samples stay below. */

/** The sample that the share of all samples, from 0 to 1, does not exceed. */
export const percentile = (samples: ReadonlyArray<number>, share: number): number =>
  samples.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(samples.length * share) - 1)] ?? Number.NaN
