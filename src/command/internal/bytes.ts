/**
 * Bytes that come in pieces.
 */

/** The pieces as one, which has `size` bytes as they do together. */
export const concat = (pieces: ReadonlyArray<Uint8Array>, size: number): Uint8Array<ArrayBuffer> => {
  const whole = new Uint8Array(size)
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}
