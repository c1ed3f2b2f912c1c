/**
 * What a side proves that it knows a secret about: everything that tells this meeting from all others.
 */
import type { Challenge, Claim } from "../Authentication.ts"

/** Whose proof it is: one side's can't be shown as the other's. */
type Side = "client" | "server"

/** What the proofs are of, and in which form. */
const purpose = "troupe/net/Authentication secret 1"

const utf8 = new TextEncoder()

/**
 * The bytes that a side makes its proof of. Each part has its length before it, four bytes with the highest first, so that
 * no other parts have the same bytes; texts are UTF-8.
 */
export const transcript = (
  side: Side,
  challenge: Challenge,
  claim: Pick<Claim, "account" | "nonce">
): Uint8Array<ArrayBuffer> => {
  const texts = [purpose, side, challenge.protocol, claim.account].map((text) => utf8.encode(text))
  const parts = [...texts, challenge.nonce, claim.nonce]
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + 4 + part.length, 0))
  const lengths = new DataView(bytes.buffer)
  let at = 0
  for (const part of parts) {
    lengths.setUint32(at, part.length)
    bytes.set(part, at + 4)
    at += 4 + part.length
  }
  return bytes
}
