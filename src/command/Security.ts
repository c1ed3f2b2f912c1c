/**
 * Tokens, as a process asks for them: one that says who may do what, and what one says that somebody came with.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Command from "../dispatch/Command.ts"
import * as Dispatcher from "../dispatch/Dispatcher.ts"
import * as Process from "../process/Yielding.ts"
import { MissingScope, SecurityError } from "./SecurityError.ts"
import { Claims, Grant, Tokens } from "./Tokens.ts"

/**
 * The schema of a token: it is `Redacted`, so that it does not get into logs by being shown.
 *
 * @category schemas
 */
export const Token: Schema.Redacted<Schema.String> = Schema.Redacted(Schema.String)

/**
 * The commands of the module `security`.
 *
 * **Details**
 *
 * They name keys by their ids and never carry one. The tokens that processes create and validate are in the recordings of
 * these processes: keep a recording as safe as the tokens in it, until they expire.
 *
 * @category commands
 */
export const commands = Command.module("security", {
  create: Command.make(130, { payload: Grant, success: Token, error: SecurityError }),
  validate: Command.make(131, { payload: { token: Token }, success: Claims, error: SecurityError })
})

/**
 * Handles the module with the service {@link Tokens}, which `Jose.layer` provides.
 *
 * @category layers
 */
export const layer: Layer.Layer<
  Dispatcher.Handles<"security"> | Dispatcher.Dispatcher,
  Dispatcher.RegistrationError,
  Tokens
> = Dispatcher.layer(
  commands,
  Effect.map(Tokens, (tokens) =>
    commands.of({ create: (grant) => tokens.create(grant), validate: ({ token }) => tokens.validate(token) })
  )
)

/**
 * Signs a token that says who may do what, for a time.
 *
 * **Errors**
 *
 * `SecurityError` with the reason `UnknownKey` for a `keyId` that there is not, and `NoSigningKey` where no key can sign.
 *
 * **Example** (A token, and what it lets its actor do)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Layer, Redacted } from "effect"
 * import { Process, ProcessHost } from "troupe"
 * import { Security, TokenKeys } from "troupe/command"
 * import * as Jose from "troupe/command/jose"
 *
 * const KeysLive = TokenKeys.layer([
 *   { id: "2026-11", algorithm: "HS256", secret: Redacted.make("a secret of at least thirty-two bytes") }
 * ])
 * const SecurityLive = Security.layer.pipe(
 *   Layer.provide(Jose.layer({ issuer: "https://shop.example", audience: "shop" })),
 *   Layer.provide(KeysLive)
 * )
 *
 * const Gate = Process.make("app:gate")
 * const GateLive = Gate.toLayer(Effect.fn(function*() {
 *   const token = yield* Security.create({
 *     actor: { id: "ada", kind: "user", attributes: {} },
 *     scopes: ["store:read"],
 *     expiresIn: "10 minutes"
 *   })
 *   const claims = yield* Security.authorize(token, "store:read")
 *   const refusal = yield* Effect.flip(Security.authorize(token, "store:write"))
 *   return [String(token), claims.actor.id, refusal.message]
 * })).pipe(Layer.provide(SecurityLive))
 *
 * const program = Effect.flatMap(Process.spawn(Gate), Process.await)
 * await Effect.runPromise(Effect.provide(program, [GateLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed([
 * //   "<redacted>",
 * //   "ada",
 * //   'The actor "ada" lacks the scope "store:write"; granted: "store:read". Create its token with this scope.'
 * // ])
 * ```
 *
 * @category yielding
 */
export const create = (grant: Omit<Grant, "expiresIn"> & { readonly expiresIn: Duration.Input }) =>
  Process.yield(commands.create, { ...grant, expiresIn: Duration.fromInputUnsafe(grant.expiresIn) })

/**
 * Answers what a token says, if it is to be trusted: signed with one of the keys, by this issuer, for this audience, and
 * valid now.
 *
 * **Errors**
 *
 * `SecurityError`, whose reason tells what is wrong with the token.
 *
 * @category yielding
 */
export const validate = (token: string | Redacted.Redacted<string>) =>
  Process.yield(commands.validate, { token: typeof token === "string" ? Redacted.make(token) : token })

/**
 * Goes on if the actor of a valid token may do all of this.
 *
 * **Errors**
 *
 * `SecurityError` with the reason `MissingScope`, which names the first that is missing.
 *
 * @category checks
 */
export const requires = (claims: Claims, ...scopes: ReadonlyArray<string>): Effect.Effect<void, SecurityError> => {
  const missing = scopes.find((scope) => !claims.scopes.includes(scope))
  return missing === undefined
    ? Effect.void
    : Effect.fail(
        new SecurityError({
          reason: new MissingScope({ scope: missing, actorId: claims.actor.id, granted: claims.scopes })
        })
      )
}

/**
 * Validates a token and goes on, with what it says, if its actor may do all of this.
 *
 * **Errors**
 *
 * Those of {@link validate} and {@link requires}.
 *
 * @category yielding
 */
export const authorize = (token: string | Redacted.Redacted<string>, ...scopes: ReadonlyArray<string>) =>
  Effect.tap(validate(token), (claims) => requires(claims, ...scopes))
