/** What the arms of a bench of the Savina suite decide alike, in every language. */

/** The random number after this one, from 0 to 65535; the first one is the seed. */
export const next = (number: number): number => (number * 1309 + 13849) & 65535

/** Whom a member of `big` pings, by its last random number: any but itself. */
export const other = (number: number, random: number, members: number): number =>
  (number + 1 + (random % (members - 1))) % members

/** The color, from 0 to 2, of a chameneo that has met another one: its own if they are alike, or else the third. */
export const complement = (one: number, other: number): number => (one === other ? one : 3 - one - other)

/** An account pays another one. */
export interface Transaction {
  readonly from: number
  readonly to: number
  readonly amount: number
}

/** Each account pays only those that come after it, so that none wait for each other in a ring. */
export const transactionsOf = (count: number, accounts: number): ReadonlyArray<Transaction> => {
  let random = 1
  return Array.from({ length: count }, () => {
    random = next(random)
    const from = (random % (accounts / 10)) * 8
    random = next(random)
    const to = from + Math.max(1, random % (accounts - from))
    random = next(random)
    return { from, to, amount: 1 + (random % 1000) }
  })
}
