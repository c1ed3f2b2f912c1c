/**
 * The first line of a generated file, by which it is told whether a person has changed the file since.
 */
import * as Effect from "effect/Effect"
import * as WebCrypto from "../../net/internal/webCrypto.ts"

const begin = "// troupe gen, with the SHA-256 of what follows: "

// What version control makes of the ends of lines is nobody's change.
const digest = (body: string): Effect.Effect<string> =>
  Effect.map(Effect.orDie(WebCrypto.sha256(body.replaceAll("\r\n", "\n"))), (bytes) =>
    Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
  )

/** A generated file: the header, and the body. */
export const sealed = (body: string): Effect.Effect<string> =>
  Effect.map(digest(body), (hash) => `${begin}${hash}\n${body}`)

/** Whose a file is: as it was generated, changed since, or somebody's own. */
export type Owner = "generated" | "changed" | "foreign"

/** Whose a file is, by its text. */
export const ownerOf = Effect.fnUntraced(function* (text: string): Effect.fn.Return<Owner> {
  const [, hash, body = ""] = /^\/\/ troupe gen, [^\n]* ([0-9a-f]{64})\r?\n([\s\S]*)$/.exec(text) ?? []
  if (hash === undefined) return "foreign"
  return hash === (yield* digest(body)) ? "generated" : "changed"
})
