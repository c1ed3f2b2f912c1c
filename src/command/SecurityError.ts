/**
 * What can be wrong with a token, or with the keys it is signed with.
 */
import * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"

/** What comes out of a foreign token is shown as JSON, and not at length: who made it chose it. */
const shown = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)

const list = (items: ReadonlyArray<string>): string => (items.length === 0 ? "none" : items.map(shown).join(", "))

/**
 * The token was valid until a time that is over.
 *
 * @category errors
 */
export class Expired extends Schema.TaggedError<Expired>()("Expired", {
  tokenId: Schema.String,
  expiredAt: Schema.DateTimeUtc
}) {
  override get message(): string {
    return `The token ${shown(this.tokenId)} expired at ${DateTime.formatIso(this.expiredAt)}. Ask for a new one.`
  }
}

/**
 * The token is valid from a time that has not come.
 *
 * @category errors
 */
export class NotYetValid extends Schema.TaggedError<NotYetValid>()("NotYetValid", {
  tokenId: Schema.String,
  validFrom: Schema.DateTimeUtc
}) {
  override get message(): string {
    return `The token ${shown(this.tokenId)} is not valid before ${DateTime.formatIso(this.validFrom)}. Use it then, or compare the clocks.`
  }
}

/**
 * The token was changed after it was signed, or signed with another key.
 *
 * @category errors
 */
export class BadSignature extends Schema.TaggedError<BadSignature>()("BadSignature", {
  keyIds: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `The signature of the token is not one of the key ${list(this.keyIds)}: the token was changed, or signed with another key. Do not trust it.`
  }
}

/**
 * The text is not a signed token, or lacks what a token of an actor has.
 *
 * @category errors
 */
export class Malformed extends Schema.TaggedError<Malformed>()("Malformed", { detail: Schema.String }) {
  override get message(): string {
    return `This is not a token of an actor: ${this.detail}. Pass on the whole token as security.create answered it.`
  }
}

/**
 * The token was issued by somebody else.
 *
 * @category errors
 */
export class WrongIssuer extends Schema.TaggedError<WrongIssuer>()("WrongIssuer", {
  expected: Schema.String,
  received: Schema.String
}) {
  override get message(): string {
    return `The token was issued by ${shown(this.received)}, and tokens of ${shown(this.expected)} alone are accepted.`
  }
}

/**
 * The token is meant for others.
 *
 * @category errors
 */
export class WrongAudience extends Schema.TaggedError<WrongAudience>()("WrongAudience", {
  expected: Schema.String,
  received: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `The token is meant for ${list(this.received)}, and not for ${shown(this.expected)}. Ask for one with this audience.`
  }
}

/**
 * The token names an algorithm that its key is not for: `none`, or one that would take a public key for a secret.
 *
 * @category errors
 */
export class AlgorithmNotAllowed extends Schema.TaggedError<AlgorithmNotAllowed>()("AlgorithmNotAllowed", {
  algorithm: Schema.String,
  allowed: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `The token names the algorithm ${shown(this.algorithm)}; allowed: ${list(this.allowed)}. Do not trust it.`
  }
}

/**
 * There is no key of this id.
 *
 * @category errors
 */
export class UnknownKey extends Schema.TaggedError<UnknownKey>()("UnknownKey", {
  keyId: Schema.String,
  known: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `There is no key ${shown(this.keyId)}; there are: ${list(this.known)}. Keep a key for as long as tokens signed with it are valid.`
  }
}

/**
 * A token can't be signed: the key has no private part, or no key has one.
 *
 * @category errors
 */
export class NoSigningKey extends Schema.TaggedError<NoSigningKey>()("NoSigningKey", {
  keyIds: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `No token can be signed with the key ${list(this.keyIds)}: there is no private part. Give the key its privateKey, or create tokens where it is.`
  }
}

/**
 * A key can't be used. The message never shows the key.
 *
 * @category errors
 */
export class InvalidKey extends Schema.TaggedError<InvalidKey>()("InvalidKey", {
  keyId: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `The key ${shown(this.keyId)} can't be used: ${this.detail}`
  }
}

/**
 * The actor of a token may not do this.
 *
 * @category errors
 */
export class MissingScope extends Schema.TaggedError<MissingScope>()("MissingScope", {
  scope: Schema.String,
  actorId: Schema.String,
  granted: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `The actor ${shown(this.actorId)} lacks the scope ${shown(this.scope)}; granted: ${list(this.granted)}. Create its token with this scope.`
  }
}

/**
 * The schema of {@link Reason}.
 *
 * @category schemas
 */
export const Reason = Schema.Union([
  Expired,
  NotYetValid,
  BadSignature,
  Malformed,
  WrongIssuer,
  WrongAudience,
  AlgorithmNotAllowed,
  UnknownKey,
  NoSigningKey,
  InvalidKey,
  MissingScope
])

/**
 * Why a token was not made or not accepted.
 *
 * @category models
 */
export type Reason = typeof Reason.Type

/**
 * A token was not made or not accepted; `reason` says why. Neither it nor its message has the token or a key in it.
 *
 * **Example** (One reason of several)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { SecurityError } from "troupe/command"
 *
 * const refused = Effect.fail(
 *   new SecurityError.SecurityError({
 *     reason: new SecurityError.MissingScope({ scope: "store:write", actorId: "ada", granted: ["store:read"] })
 *   })
 * )
 * Effect.runSync(Effect.catchReason(refused, "SecurityError", "MissingScope", (reason) => Effect.succeed(reason.scope)))
 * // => "store:write"
 * ```
 *
 * @category errors
 */
export class SecurityError extends Schema.TaggedError<SecurityError>()("SecurityError", { reason: Reason }) {
  override get message(): string {
    return this.reason.message
  }
}
