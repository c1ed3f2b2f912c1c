/**
 * Signs tokens that say who may do what, and tells whether a token is one of its own: the service behind the commands of
 * `Security`.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type { SecurityError } from "./SecurityError.ts"

/**
 * The schema of {@link Actor}.
 *
 * @category schemas
 */
export const Actor = Schema.Struct({
  id: Schema.NonEmptyString,
  kind: Schema.NonEmptyString,
  attributes: Schema.JsonObject
})

/**
 * Who acts: a user, a service, a device; `kind` says which. What is in `attributes` can be read by all who hold the
 * token.
 *
 * @category models
 */
export type Actor = typeof Actor.Type

/**
 * A permission, such as `store:read`: printable ASCII without space, quote and backslash, as OAuth has it.
 *
 * @category schemas
 */
export const Scope: Schema.String = Schema.String.check(
  Schema.isPattern(/^[\x21\x23-\x5B\x5D-\x7E]+$/, {
    expected: "a scope: printable ASCII without space, quote and backslash"
  })
)

/**
 * The schema of {@link Grant}.
 *
 * @category schemas
 */
export const Grant = Schema.Struct({
  actor: Actor,
  scopes: Schema.Array(Scope),
  expiresIn: Schema.Duration.check(
    Schema.makeFilter((duration) => Duration.isFinite(duration) && Duration.isPositive(duration), {
      expected: "a finite duration that is greater than zero"
    })
  ),
  notBefore: Schema.optionalKey(Schema.DateTimeUtc),
  audience: Schema.optionalKey(Schema.NonEmptyArray(Schema.NonEmptyString)),
  keyId: Schema.optionalKey(Schema.String)
})

/**
 * What a token is to say.
 *
 * **Details**
 *
 * The token is valid for `expiresIn`, up to the next whole second; from `notBefore` on, if that is given. Without
 * `audience` it is meant for the audience of the service; without `keyId` it is signed with the newest key that can
 * sign.
 *
 * @category models
 */
export type Grant = typeof Grant.Type

/**
 * The schema of {@link Claims}.
 *
 * @category schemas
 */
export const Claims = Schema.Struct({
  tokenId: Schema.String,
  actor: Actor,
  scopes: Schema.Array(Schema.String),
  issuer: Schema.String,
  audience: Schema.Array(Schema.String),
  issuedAt: Schema.DateTimeUtc,
  notBefore: Schema.Option(Schema.DateTimeUtc),
  expiresAt: Schema.DateTimeUtc,
  keyId: Schema.String
})

/**
 * What a token says, after it was found valid; its times are whole seconds. `keyId` is the key that it was signed with.
 *
 * @category models
 */
export type Claims = typeof Claims.Type

/**
 * Creates and validates tokens.
 *
 * **Details**
 *
 * A token is whoever's who holds it, until it expires: it is therefore `Redacted`, so that it does not get into logs and
 * traces by being shown.
 *
 * @category services
 */
export class Tokens extends Context.Service<
  Tokens,
  {
    /** Signs a token. */
    readonly create: (grant: Grant) => Effect.Effect<Redacted.Redacted<string>, SecurityError>
    /** Answers what a token says, if it is signed with one of the keys, of this issuer, for this audience, and valid now. */
    readonly validate: (token: Redacted.Redacted<string>) => Effect.Effect<Claims, SecurityError>
  }
>()("troupe/command/Tokens") {}
