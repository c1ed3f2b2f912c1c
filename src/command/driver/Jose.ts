/**
 * Signs and validates tokens with the package `jose`: signed JSON Web Tokens (RFC 7519) that OAuth's resource servers
 * understand, with `sub` for the actor's id and `scope` for its scopes.
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Package from "jose"
import * as SecurityError from "../SecurityError.ts"
import { TokenKeys, type TokenKey } from "../TokenKeys.ts"
import { Actor, Tokens, type Claims, type Grant } from "../Tokens.ts"
import { importing, type ImportedKey } from "./internal/joseKeys.ts"
import { load, type MissingPackage } from "./MissingPackage.ts"

/**
 * Who issues the tokens, and for whom.
 *
 * @category models
 */
export interface Options {
  /** Who issues the tokens that are created, and has issued those that are valid. */
  readonly issuer: string
  /** Whom tokens are meant for unless their grant says otherwise; those that are not meant for it are refused. */
  readonly audience: string
}

const fail = (reason: SecurityError.Reason): Effect.Effect<never, SecurityError.SecurityError> =>
  Effect.fail(new SecurityError.SecurityError({ reason }))

const malformed = (detail: string): Effect.Effect<never, SecurityError.SecurityError> =>
  fail(new SecurityError.Malformed({ detail }))

/** What a header says of itself; nothing of it is trusted. */
const Header = Schema.Struct({ alg: Schema.String, kid: Schema.optionalKey(Schema.String) })

/** The claims as they are in the token, signature and times being right. */
const Payload = Schema.Struct({
  jti: Schema.String,
  sub: Actor.fields.id,
  actor: Schema.Struct({ kind: Actor.fields.kind, attributes: Actor.fields.attributes }),
  scope: Schema.String,
  iss: Schema.String,
  aud: Schema.Union([Schema.String, Schema.Array(Schema.String)]),
  iat: Schema.Finite,
  nbf: Schema.optionalKey(Schema.Finite),
  exp: Schema.Finite
})

const lastMillis = 8_640_000_000_000_000

/** A time of a token, brought within what a date can be. */
const time = (seconds: number): DateTime.Utc =>
  DateTime.makeUnsafe(Math.max(-lastMillis, Math.min(seconds * 1000, lastMillis)))

const seconds = (at: DateTime.Utc): number => Math.ceil(DateTime.toEpochMillis(at) / 1000)

const read = (payload: unknown, keyId: string): Effect.Effect<Claims, SecurityError.SecurityError> =>
  Effect.matchEffect(Schema.decodeUnknownEffect(Payload)(payload), {
    onFailure: (error) => malformed(`its claims do not fit (${error.message.split("\n")[0]!.slice(0, 200)})`),
    onSuccess: (claims) =>
      Effect.succeed({
        tokenId: claims.jti,
        actor: { id: claims.sub, ...claims.actor },
        scopes: claims.scope.split(" ").filter((scope) => scope !== ""),
        issuer: claims.iss,
        audience: typeof claims.aud === "string" ? [claims.aud] : claims.aud,
        issuedAt: time(claims.iat),
        notBefore: Option.map(Option.fromNullishOr(claims.nbf), time),
        expiresAt: time(claims.exp),
        keyId
      })
  })

/** Whether each part is written the one way that base64url has; otherwise some characters could be changed unnoticed. */
const isCanonical = (jose: typeof Package, part: string): boolean =>
  /^[\w-]*$/.test(part) && part.length % 4 !== 1 && jose.base64url.encode(jose.base64url.decode(part)) === part

const create = (
  jose: typeof Package,
  keys: TokenKeys["Service"],
  imported: (key: TokenKey) => Effect.Effect<ImportedKey, SecurityError.SecurityError>,
  options: Options
): Tokens["Service"]["create"] =>
  Effect.fnUntraced(function* (grant: Grant) {
    const current = yield* keys.current
    const named = grant.keyId === undefined ? current : current.filter((key) => key.id === grant.keyId)
    if (grant.keyId !== undefined && named.length === 0) {
      return yield* fail(new SecurityError.UnknownKey({ keyId: grant.keyId, known: current.map((key) => key.id) }))
    }
    const key = named.find((candidate) => candidate.algorithm === "HS256" || candidate.privateKey !== undefined)
    const signing = key === undefined ? undefined : (yield* imported(key)).signing
    if (key === undefined || signing === undefined) {
      return yield* fail(new SecurityError.NoSigningKey({ keyIds: named.map((candidate) => candidate.id) }))
    }
    const now = yield* DateTime.now
    const { actor, notBefore, scopes } = grant
    const claims: Package.JWTPayload = {
      jti: globalThis.crypto.randomUUID(),
      iss: options.issuer,
      sub: actor.id,
      aud: grant.audience === undefined ? options.audience : [...grant.audience],
      iat: Math.floor(DateTime.toEpochMillis(now) / 1000),
      exp: seconds(DateTime.addDuration(now, grant.expiresIn)),
      scope: scopes.join(" "),
      actor: { kind: actor.kind, attributes: actor.attributes },
      ...(notBefore === undefined ? {} : { nbf: seconds(notBefore) })
    }
    const jwt = new jose.SignJWT(claims).setProtectedHeader({ alg: key.algorithm, kid: key.id, typ: "JWT" })
    const token = yield* Effect.tryPromise({
      try: () => jwt.sign(signing),
      catch: () => new SecurityError.InvalidKey({ keyId: key.id, detail: "signing with it failed." })
    }).pipe(Effect.mapError((reason) => new SecurityError.SecurityError({ reason })))
    return Redacted.make(token)
  })

/** What the package's error means; `undefined` if the signature is not one of this key. */
const refusal = (
  jose: typeof Package,
  error: unknown,
  options: Options
): Effect.Effect<undefined, SecurityError.SecurityError> => {
  const { errors } = jose
  if (error instanceof errors.JWSSignatureVerificationFailed) return Effect.undefined
  const claim =
    error instanceof errors.JWTExpired || error instanceof errors.JWTClaimValidationFailed ? error : undefined
  if (claim === undefined || claim.reason !== "check_failed") {
    return malformed(error instanceof errors.JOSEError ? error.message : "its signature can't be checked")
  }
  // The signature is right, and yet these are what somebody wrote who signed more than this program does.
  const { aud, exp, iss, jti, nbf } = claim.payload
  switch (claim.claim) {
    case "exp":
      return fail(new SecurityError.Expired({ tokenId: String(jti), expiredAt: time(exp ?? 0) }))
    case "nbf":
      return fail(new SecurityError.NotYetValid({ tokenId: String(jti), validFrom: time(nbf ?? 0) }))
    case "iss":
      return fail(new SecurityError.WrongIssuer({ expected: options.issuer, received: String(iss) }))
    case "aud":
      return fail(
        new SecurityError.WrongAudience({ expected: options.audience, received: [aud ?? []].flat().map(String) })
      )
    default:
      return malformed(claim.message)
  }
}

const validate = (
  jose: typeof Package,
  keys: TokenKeys["Service"],
  imported: (key: TokenKey) => Effect.Effect<ImportedKey, SecurityError.SecurityError>,
  options: Options
): Tokens["Service"]["validate"] => {
  const header = (token: string) =>
    Effect.try({ try: (): unknown => jose.decodeProtectedHeader(token), catch: () => undefined }).pipe(
      Effect.flatMap(Schema.decodeUnknownEffect(Header)),
      Effect.catch(() => malformed("its header names no algorithm"))
    )

  /** The keys that may have signed the token: what a key is for is never what the token says of it. */
  const candidates = Effect.fnUntraced(function* ({ alg, kid }: typeof Header.Type) {
    const current = yield* keys.current
    const named = kid === undefined ? current : current.filter((key) => key.id === kid)
    if (kid !== undefined && named.length === 0) {
      return yield* fail(new SecurityError.UnknownKey({ keyId: kid, known: current.map((key) => key.id) }))
    }
    const fitting = named.filter((key) => key.algorithm === alg)
    if (fitting.length > 0) return fitting
    const allowed = [...new Set(named.map((key) => key.algorithm))]
    return yield* fail(new SecurityError.AlgorithmNotAllowed({ algorithm: alg, allowed }))
  })

  const verify = Effect.fnUntraced(function* (token: string, key: TokenKey) {
    const { validating } = yield* imported(key)
    const currentDate = yield* DateTime.nowAsDate
    const { audience, issuer } = options
    return yield* Effect.matchEffect(
      Effect.tryPromise({
        try: () =>
          jose.jwtVerify(token, validating, {
            algorithms: [key.algorithm],
            audience,
            currentDate,
            issuer,
            requiredClaims: ["exp"]
          }),
        catch: (error) => error
      }),
      {
        onFailure: (error) => refusal(jose, error, options),
        onSuccess: ({ payload }) => read(payload, key.id)
      }
    )
  })

  return Effect.fnUntraced(function* (redacted) {
    const token = Redacted.value(redacted)
    const parts = token.split(".")
    if (parts.length !== 3) return yield* malformed(`it has ${parts.length} parts, and not three`)
    if (!parts.every((part) => isCanonical(jose, part))) return yield* malformed("it is not written in base64url")
    const fitting = yield* candidates(yield* header(token))
    for (const key of fitting) {
      const claims = yield* verify(token, key)
      if (claims !== undefined) return claims
    }
    return yield* fail(new SecurityError.BadSignature({ keyIds: fitting.map((key) => key.id) }))
  })
}

/**
 * Signs and validates tokens with `jose`, by the keys of {@link TokenKeys}.
 *
 * **Details**
 *
 * The keys that are there at the start are imported then, so that one which can't be used stops the start. A token without
 * `kid` is tried with each key of its algorithm. Times go by effect's `Clock`, without leeway.
 *
 * **Errors**
 *
 * `MissingPackage` without the package `jose`; `SecurityError` with the reason `InvalidKey` for a key that can't be used.
 *
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<Tokens, MissingPackage | SecurityError.SecurityError, TokenKeys> =>
  Layer.effect(
    Tokens,
    Effect.gen(function* () {
      const jose = yield* load("jose", () => import("jose"))
      const keys = yield* TokenKeys
      const imported = importing(jose)
      yield* Effect.forEach(yield* keys.current, imported, { discard: true })
      return {
        create: create(jose, keys, imported, options),
        validate: validate(jose, keys, imported, options)
      }
    })
  )
