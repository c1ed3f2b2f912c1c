/**
 * The keys that tokens are signed and validated with. They stay in this service: commands name the id of a key.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"

/**
 * One secret for signing and validating: whoever can validate tokens can make them.
 *
 * **Details**
 *
 * `secret` has 32 bytes at least; text counts as its UTF-8 bytes.
 *
 * @category models
 */
export interface SecretKey {
  readonly id: string
  readonly algorithm: "HS256"
  readonly secret: Redacted.Redacted<string | Uint8Array>
}

/**
 * A pair of keys: the private one signs, the public one validates. Without the private one, it validates only.
 *
 * **Details**
 *
 * Each part is PEM (PKCS #8 and SPKI) or a JWK as JSON text. An RSA key has 2048 bits at least.
 *
 * @category models
 */
export interface KeyPair {
  readonly id: string
  readonly algorithm: "ES256" | "EdDSA" | "RS256"
  readonly publicKey: string
  readonly privateKey?: Redacted.Redacted<string> | undefined
}

/**
 * A key, under the id that tokens name as their `kid`.
 *
 * @category models
 */
export type TokenKey = SecretKey | KeyPair

/**
 * The keys, newest first: the first that can sign does, and each of them validates.
 *
 * **Details**
 *
 * To rotate, put a new key before the old one, and take the old one away when the last token that it signed has expired.
 * The keys are asked for with every token, so that a service of one's own can change them while the program runs.
 *
 * **Example** (A new key, and the one before it)
 *
 * ```ts import.meta.vitest
 * import { Effect, Redacted } from "effect"
 * import { TokenKeys } from "troupe/command"
 *
 * const KeysLive = TokenKeys.layer([
 *   { id: "2026-11", algorithm: "HS256", secret: Redacted.make("a secret of thirty-two bytes, new") },
 *   { id: "2026-10", algorithm: "HS256", secret: Redacted.make("a secret of thirty-two bytes, old") }
 * ])
 *
 * const ids = Effect.gen(function*() {
 *   const keys = yield* TokenKeys.TokenKeys
 *   return (yield* keys.current).map((key) => key.id)
 * })
 * Effect.runSync(Effect.provide(ids, KeysLive)) // => ["2026-11", "2026-10"]
 * ```
 *
 * @category services
 */
export class TokenKeys extends Context.Service<
  TokenKeys,
  { readonly current: Effect.Effect<ReadonlyArray<TokenKey>> }
>()("troupe/command/TokenKeys") {}

/**
 * Keys that stay the same while the program runs, newest first.
 *
 * @category layers
 */
export const layer = (keys: ReadonlyArray<TokenKey>): Layer.Layer<TokenKeys> =>
  Layer.succeed(TokenKeys, { current: Effect.succeed(keys) })
