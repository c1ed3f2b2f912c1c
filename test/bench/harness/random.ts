/** The random numbers of the Savina suite: every language gets the same ones from the same seed. */

/** The number after this one, from 0 to 65535; the first one is the seed. */
export const next = (number: number): number => (number * 1309 + 13849) & 65535
