/**
 * Whole numbers as bytes: seven bits in each, the lowest first, and a mark on all but the last (LEB128).
 */

/** How many bytes a number has. */
export const widthOf = (value: number): number => {
  let width = 1
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) width++
  return width
}

/** Writes a number to where there is room for it, and answers where it ends. */
export const writeNumber = (value: number, bytes: Uint8Array, at: number): number => {
  let rest = value
  let next = at
  while (rest >= 0x80) {
    bytes[next++] = (rest % 0x80) | 0x80
    rest = Math.floor(rest / 0x80)
  }
  bytes[next++] = rest
  return next
}
