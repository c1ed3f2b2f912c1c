/**
 * Makes what `jose` signs and validates with of the keys of the application, once for each.
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Package from "jose"
import { InvalidKey, SecurityError } from "../../SecurityError.ts"
import type { KeyPair, SecretKey, TokenKey } from "../../TokenKeys.ts"

export interface ImportedKey {
  readonly validating: Package.CryptoKey | Uint8Array
  readonly signing: Package.CryptoKey | Uint8Array | undefined
}

const invalid = (keyId: string, detail: string): Effect.Effect<never, SecurityError> =>
  Effect.fail(new SecurityError({ reason: new InvalidKey({ keyId, detail }) }))

const importSecret = ({ id, secret }: SecretKey): Effect.Effect<ImportedKey, SecurityError> => {
  const value = Redacted.value(secret)
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value
  return bytes.length < 32
    ? invalid(id, `its secret has ${bytes.length} bytes, and HS256 takes 32 at least.`)
    : Effect.succeed({ validating: bytes, signing: bytes })
}

const importPart = Effect.fnUntraced(function* (
  jose: typeof Package,
  { algorithm, id }: KeyPair,
  text: string,
  part: "public" | "private"
) {
  const pem = part === "public" ? "PUBLIC KEY" : "PRIVATE KEY"
  const read = (): Promise<Package.CryptoKey | Uint8Array> => {
    if (!text.trimStart().startsWith("-----BEGIN")) return jose.importJWK(JSON.parse(text), algorithm)
    return part === "public" ? jose.importSPKI(text, algorithm) : jose.importPKCS8(text, algorithm)
  }
  // What the parsers say is not passed on: it may quote the key.
  const key = yield* Effect.matchEffect(
    Effect.tryPromise(() => read()),
    {
      onFailure: () =>
        invalid(id, `its ${part}Key is no ${algorithm} key: give PEM with "BEGIN ${pem}", or a JWK as JSON.`),
      onSuccess: Effect.succeed
    }
  )
  if (key instanceof Uint8Array || key.type !== part) return yield* invalid(id, `its ${part}Key is not a ${part} key.`)
  const bits = "modulusLength" in key.algorithm ? key.algorithm.modulusLength : undefined
  if (typeof bits === "number" && bits < 2048) {
    return yield* invalid(id, `it has ${bits} bits, and ${algorithm} takes 2048 at least.`)
  }
  return key
})

const importPair = Effect.fnUntraced(function* (jose: typeof Package, pair: KeyPair) {
  const validating = yield* importPart(jose, pair, pair.publicKey, "public")
  const signing =
    pair.privateKey === undefined
      ? undefined
      : yield* importPart(jose, pair, Redacted.value(pair.privateKey), "private")
  return { validating, signing }
})

/** Imports keys, each value once. */
export const importing = (jose: typeof Package): ((key: TokenKey) => Effect.Effect<ImportedKey, SecurityError>) => {
  const known = new WeakMap<TokenKey, ImportedKey>()
  return (key) =>
    Effect.suspend(() => {
      const imported = known.get(key)
      if (imported !== undefined) return Effect.succeed(imported)
      const fresh: Effect.Effect<ImportedKey, SecurityError> =
        key.algorithm === "HS256" ? importSecret(key) : importPair(jose, key)
      return Effect.tap(fresh, (made) => Effect.sync(() => known.set(key, made)))
    })
}
