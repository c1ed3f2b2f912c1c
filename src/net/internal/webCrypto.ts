/**
 * What connections need of WebCrypto, which browsers, workers and Node have alike.
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"

/** Browsers keep it from pages that came over a connection that anybody can change. */
export class NoWebCrypto extends Data.TaggedError("NoWebCrypto") {
  override readonly message = "there is no WebCrypto here (crypto.subtle): serve the page over https"
}

const subtle: Effect.Effect<SubtleCrypto, NoWebCrypto> = Effect.suspend(() => {
  const found: SubtleCrypto | undefined = globalThis.crypto.subtle
  return found === undefined ? Effect.fail(new NoWebCrypto()) : Effect.succeed(found)
})

/** Random bytes that come once, and that nobody can guess. */
export const nonce: Effect.Effect<Uint8Array> = Effect.sync(() => globalThis.crypto.getRandomValues(new Uint8Array(32)))

const utf8 = new TextEncoder()

/** The SHA-256 of a text. */
export const sha256 = Effect.fnUntraced(function* (text: string): Effect.fn.Return<Uint8Array, NoWebCrypto> {
  const crypto = yield* subtle
  return new Uint8Array(yield* Effect.promise(() => crypto.digest("SHA-256", utf8.encode(text))))
})

const hmac = { name: "HMAC", hash: "SHA-256" }

// The key is the hash of the secret: HMAC itself takes a secret for the same one with a zero at its end.
const keyOf = Effect.fnUntraced(function* (secret: Redacted.Redacted<string>, use: "sign" | "verify") {
  const crypto = yield* subtle
  const digest = new Uint8Array(yield* sha256(Redacted.value(secret)))
  const key = yield* Effect.promise(() => crypto.importKey("raw", digest, hmac, false, [use]))
  return { crypto, key }
})

/** The HMAC-SHA-256 of a message under a secret. */
export const sign = Effect.fnUntraced(function* (
  secret: Redacted.Redacted<string>,
  message: Uint8Array<ArrayBuffer>
): Effect.fn.Return<Uint8Array, NoWebCrypto> {
  const { crypto, key } = yield* keyOf(secret, "sign")
  return new Uint8Array(yield* Effect.promise(() => crypto.sign(hmac.name, key, message)))
})

/** Whether a proof is what {@link sign} makes of the message, in a time that does not tell how much of it is right. */
export const verify = Effect.fnUntraced(function* (
  secret: Redacted.Redacted<string>,
  proof: Uint8Array,
  message: Uint8Array<ArrayBuffer>
): Effect.fn.Return<boolean, NoWebCrypto> {
  const { crypto, key } = yield* keyOf(secret, "verify")
  return yield* Effect.promise(() => crypto.verify(hmac.name, key, new Uint8Array(proof), message))
})
