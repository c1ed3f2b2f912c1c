/**
 * Who the two sides of a connection are: what one shows, and what the other makes of it.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { AuthenticationFailed } from "./ConnectionError.ts"
import { shown } from "./internal/shown.ts"
import { transcript } from "./internal/transcript.ts"
import * as WebCrypto from "./internal/webCrypto.ts"
import type { Peer } from "./Transport.ts"

/**
 * Who somebody is, as the side that listens has found.
 *
 * @category models
 */
export interface Identity {
  /** The account, by which it is known there. */
  readonly account: string
}

/**
 * What the side that listens says first, anew for each connection, so that what is answered fits no other.
 *
 * @category models
 */
export interface Challenge {
  /** Random bytes of the side that listens. */
  readonly nonce: Uint8Array
  /** The name of the protocol. */
  readonly protocol: string
}

/**
 * What the side that connects shows.
 *
 * @category models
 */
export interface Claim {
  /** How it is to be checked: `"secret"`, `"token"`, … */
  readonly method: string
  /** Who it says it is; empty when that is for the other side to find. */
  readonly account: string
  /** Random bytes of the side that connects. */
  readonly nonce: Uint8Array
  /** What is checked. Of a token it is the token: keep claims out of logs. */
  readonly proof: Uint8Array
}

/**
 * What a side that connects has to show for itself.
 *
 * @category models
 */
export interface Credentials {
  /** Asked for each link anew. */
  readonly claim: (challenge: Challenge, peer: Peer) => Effect.Effect<Claim, AuthenticationFailed>
  /**
   * Checks what the side that listens shows for itself in turn, `undefined` when that is nothing; where there is no
   * `verify`, it need show nothing. Nothing may be sent before it has succeeded.
   */
  readonly verify?:
    | ((
        challenge: Challenge,
        claim: Claim,
        proof: Uint8Array | undefined,
        peer: Peer
      ) => Effect.Effect<void, AuthenticationFailed>)
    | undefined
}

/**
 * What a side that listens makes of what is shown to it.
 *
 * @category models
 */
export interface Authenticator {
  /** The methods of the claims that it judges; `"none"` is that of who shows nothing. */
  readonly methods: ReadonlyArray<string>
  /** `undefined` is what somebody claims who shows nothing. */
  readonly authenticate: (
    challenge: Challenge,
    claim: Claim | undefined,
    peer: Peer
  ) => Effect.Effect<Accepted, AuthenticationFailed>
}

/**
 * Who it is, and what this side shows for itself.
 *
 * @category models
 */
export interface Accepted {
  readonly identity: Identity
  readonly proof?: Uint8Array | undefined
}

/**
 * Shows that it knows a secret without sending it, and connects to those alone who know it too.
 *
 * **Details**
 *
 * - `account`: the name that it is known by on the other side.
 * - `secret`: what the other side has for that account. Who reads what is said on the wire, or is connected to in place of the
 *   right one, can try out secrets at leisure, so let it be long and random, such as 32 bytes of a random generator in hex, and
 *   no password.
 *
 * Each side proves it with an HMAC-SHA-256 over the random bytes of both, the protocol and the account. A recorded proof fits
 * no other connection, and that of one side is none of the other's. A side that listens and is told to let everybody in does
 * not know the secret, and is not connected to.
 *
 * The frames after that are not protected by it: whoever can change what is on the wire can take the connection over. Between
 * machines, use it over TLS.
 *
 * **Errors**
 *
 * `AuthenticationFailed` when the other side does not accept it, or does not know the secret; when the secret is empty; and
 * in a page that has no WebCrypto, since it did not come over https.
 *
 * **Example** (A server that knows its workers by secrets)
 *
 * ```ts import.meta.vitest
 * import { Effect, Redacted, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Acceptor, Authentication, Connection, Memory, Protocol } from "troupe/net"
 *
 * const Jobs = Protocol.make("app:jobs", { server: [Rpc.make("take", { success: Schema.String })] })
 * const secrets = new Map([["worker-1", Redacted.make("6b0d5e8f9c1a4b7d8e2f3a5c6d7e8f90")]])
 *
 * const program = Effect.gen(function* () {
 *   const { transport } = yield* Acceptor.make(Memory.make(), Jobs, {
 *     authenticator: Authentication.sharedSecret((account) => Effect.succeed(secrets.get(account))),
 *     handlers: { take: (_, { identity }) => Effect.map(identity, (who) => `a job for ${who?.account}`) }
 *   })
 *   const connect = (secret: string) =>
 *     Connection.connect(transport, Jobs, {
 *       credentials: Authentication.secret({ account: "worker-1", secret: Redacted.make(secret) })
 *     })
 *   const worker = yield* connect("6b0d5e8f9c1a4b7d8e2f3a5c6d7e8f90")
 *   const { attempts } = yield* Effect.flip(connect("guessed"))
 *   return [yield* worker.request("take"), attempts[0].error.message]
 * })
 * await Effect.runPromise(Effect.scoped(program))
 * // => [
 * //   "a job for worker-1",
 * //   "Authentication with memory failed: the account or the secret is wrong."
 * // ]
 * ```
 *
 * @category credentials
 */
export const secret = (options: {
  readonly account: string
  readonly secret: Redacted.Redacted<string>
}): Credentials => {
  const { account, secret } = options
  return {
    claim: Effect.fnUntraced(
      function* (challenge, peer) {
        if (Redacted.value(secret) === "") return yield* refuse(peer, `the secret of ${shown(account)} is empty`)
        const nonce = yield* WebCrypto.nonce
        const proof = yield* WebCrypto.sign(secret, transcript("client", challenge, { account, nonce }))
        return { method: "secret", account, nonce, proof }
      },
      (claim, _challenge, peer) => withoutCrypto(claim, peer)
    ),
    verify: Effect.fnUntraced(
      function* (challenge, claim, proof, peer) {
        const isProven =
          proof !== undefined && (yield* WebCrypto.verify(secret, proof, transcript("server", challenge, claim)))
        if (!isProven) return yield* refuse(peer, "the other side has not shown that it knows the secret")
      },
      (verified, _challenge, _claim, _proof, peer) => withoutCrypto(verified, peer)
    )
  }
}

/**
 * Shows a token, which the other side validates.
 *
 * **Details**
 *
 * - `account`: whose token it is; the other side refuses the token of another. When absent, the token alone says it.
 * - `token`: the token, or an effect that gets one; it is run for each link, so that an expired token can be replaced. What
 *   it fails with is the detail of the error, and ends the connection: have it try again what may pass.
 *
 * The token itself goes over the wire, and whoever reads it there can show it until it expires. The other side proves nothing
 * either. Use it over TLS, where both hold no longer, or within one machine.
 *
 * **Errors**
 *
 * `AuthenticationFailed` when the other side does not accept it, and when there is no token.
 *
 * **Example** (A token for each link)
 *
 * ```ts import.meta.vitest
 * import { Effect, Redacted } from "effect"
 * import { Acceptor, Authentication, Connection, Memory, Protocol } from "troupe/net"
 *
 * const Nothing = Protocol.make("app:nothing", {})
 * let issued = 0
 * const issue = Effect.sync(() => Redacted.make(`token-${++issued}`))
 *
 * const program = Effect.gen(function* () {
 *   const { transport } = yield* Acceptor.make(Memory.make(), Nothing, {
 *     authenticator: Authentication.tokens((token) => Effect.succeed({ account: `who has ${Redacted.value(token)}` })),
 *     handlers: {}
 *   })
 *   const connect = Connection.connect(transport, Nothing, { credentials: Authentication.token({ token: issue }) })
 *   const [one, other] = [yield* connect, yield* connect]
 *   return [yield* one.identity, yield* other.identity]
 * })
 * await Effect.runPromise(Effect.scoped(program)) // => [{ account: "who has token-1" }, { account: "who has token-2" }]
 * ```
 *
 * @category credentials
 */
export const token = (options: {
  readonly account?: string | undefined
  readonly token: Redacted.Redacted<string> | Effect.Effect<Redacted.Redacted<string>, string>
}): Credentials => {
  const { account = "", token } = options
  const get = Redacted.isRedacted(token) ? Effect.succeed(token) : token
  return {
    claim: Effect.fnUntraced(function* (_challenge, peer) {
      const got = yield* Effect.catch(get, (detail) => refuse(peer, detail))
      const value = Redacted.value(got)
      if (value === "") return yield* refuse(peer, "the token is empty")
      const nonce = yield* WebCrypto.nonce
      return { method: "token", account, nonce, proof: utf8.encode(value) }
    })
  }
}

/**
 * Refuses everybody: what a side that listens does when it is not told whom to let in.
 *
 * @category authenticators
 */
export const closed: Authenticator = {
  methods: [],
  authenticate: (_challenge, _claim, peer) =>
    refuse(peer, "the side that listens has no authenticator, and lets nobody in; to let everybody in it has to say so")
}

/**
 * Lets everybody in, as the account `anonymous`, whatever they show or say they are.
 *
 * **Details**
 *
 * For a transport that strangers can't reach: memory, a thread's port, a unix socket of one's own user. Elsewhere whoever
 * finds the address may do what the protocol offers.
 *
 * Those who connect with {@link secret} are let in and go away again, since this side can't show that it knows the secret.
 *
 * @category authenticators
 */
export const open: Authenticator = {
  methods: ["none"],
  authenticate: () => Effect.succeed({ identity: { account: "anonymous" } })
}

/**
 * Lets in who proves to know the secret of its account, and proves it in turn; see {@link secret}.
 *
 * **Details**
 *
 * - `secret`: the secret of all accounts, or an effect that gets the one of an account, `undefined` when there is none. An
 *   empty secret is none. With one secret for all, those who know it can say that they are any account.
 *
 * An account that there is not is refused with the same words and after the same work as a wrong secret; how long your effect
 * takes is your affair. To change a secret without an interruption, accept both for a while: {@link any}.
 *
 * **Errors**
 *
 * `AuthenticationFailed`; which of account and secret is wrong it does not say.
 *
 * @category authenticators
 */
export const sharedSecret = (
  secret: Redacted.Redacted<string> | ((account: string) => Effect.Effect<Redacted.Redacted<string> | undefined>)
): Authenticator => {
  const secretOf = Redacted.isRedacted(secret) ? () => Effect.succeed(secret) : secret
  return judge(
    "secret",
    Effect.fnUntraced(
      function* (challenge, claim, peer) {
        const found = yield* secretOf(claim.account)
        const isKnown = found !== undefined && Redacted.value(found) !== ""
        const secret = isKnown ? found : nobodys
        const isProven = yield* WebCrypto.verify(secret, claim.proof, transcript("client", challenge, claim))
        if (!isKnown || !isProven) return yield* refuse(peer, "the account or the secret is wrong")
        const proof = yield* WebCrypto.sign(secret, transcript("server", challenge, claim))
        return { identity: { account: claim.account }, proof }
      },
      (accepted, _challenge, _claim, peer) => withoutCrypto(accepted, peer)
    )
  )
}

/**
 * Lets in who shows a token that is found valid; see {@link token}.
 *
 * **Details**
 *
 * - `validate`: answers whose token it is. It gets the token, and where it comes from: `peer.certificate` is there for tokens
 *   that are bound to one. What it fails with is told to the other side as the detail, so let it say no more than a stranger
 *   may know. It is not asked about an empty token.
 *
 * A claim that names another account than the token is refused.
 *
 * **Errors**
 *
 * `AuthenticationFailed`. The token is in no error; it is for `validate` alone, as a `Redacted`.
 *
 * **Example** (Tokens of this shop)
 *
 * ```ts import.meta.vitest
 * import { Duration, Effect, Layer, Redacted } from "effect"
 * import { TokenKeys, Tokens } from "troupe/command"
 * import * as Jose from "troupe/command/jose"
 * import { Acceptor, Authentication, Connection, Memory, Protocol } from "troupe/net"
 *
 * const Nothing = Protocol.make("app:nothing", {})
 * const TokensLive = Jose.layer({ issuer: "https://shop.example", audience: "shop" }).pipe(
 *   Layer.provide(
 *     TokenKeys.layer([
 *       { id: "2026-11", algorithm: "HS256", secret: Redacted.make("a secret of at least thirty-two bytes") }
 *     ])
 *   )
 * )
 *
 * const program = Effect.gen(function* () {
 *   const tokens = yield* Tokens.Tokens
 *   const authenticator = Authentication.tokens((token) =>
 *     tokens.validate(token).pipe(
 *       Effect.map(({ actor }) => ({ account: actor.id })),
 *       Effect.mapError(({ reason }) => (reason._tag === "Expired" ? "the token has expired" : "the token is not valid"))
 *     )
 *   )
 *
 *   const { transport } = yield* Acceptor.make(Memory.make(), Nothing, { authenticator, handlers: {} })
 *   const connect = (token: Redacted.Redacted<string>) =>
 *     Connection.connect(transport, Nothing, { credentials: Authentication.token({ token }) })
 *
 *   const token = yield* tokens.create({
 *     actor: { id: "ada", kind: "user", attributes: {} },
 *     scopes: [],
 *     expiresIn: Duration.minutes(10)
 *   })
 *   const ada = yield* connect(token)
 *   const { attempts } = yield* Effect.flip(connect(Redacted.make("forged")))
 *   return [(yield* ada.identity)?.account, attempts[0].error.message]
 * }).pipe(Effect.scoped)
 * await Effect.runPromise(Effect.provide(program, TokensLive))
 * // => ["ada", "Authentication with memory failed: the token is not valid."]
 * ```
 *
 * @category authenticators
 */
export const tokens = (
  validate: (token: Redacted.Redacted<string>, peer: Peer) => Effect.Effect<Identity, string>
): Authenticator =>
  judge(
    "token",
    Effect.fnUntraced(function* (_challenge, claim, peer) {
      const value = decoder.decode(claim.proof)
      if (value === "") return yield* refuse(peer, "the token is empty")
      const identity = yield* Effect.catch(validate(Redacted.make(value), peer), (detail) => refuse(peer, detail))
      if (claim.account !== "" && claim.account !== identity.account) {
        return yield* refuse(peer, `the token is not one of ${shown(claim.account)}`)
      }
      return { identity }
    })
  )

/**
 * Lets in who has connected with a certificate that the transport has checked, and that is somebody's.
 *
 * **Details**
 *
 * - `accountOf`: the account that a certificate is for, by its subject as the transport has it in `peer.certificate`, such as
 *   `CN=ada, O=Example`; `undefined` when it is nobody's. Compare the whole subject: a part of it may stand in one of
 *   another, and what stands in it is as true as the authorities are careful.
 *
 * The transport has to require certificates: `clientCertificates: "required"` with TLS. The side that connects needs no
 * credentials besides, and shows none.
 *
 * **Errors**
 *
 * `AuthenticationFailed` when there is no certificate, as over any transport without TLS, or it is nobody's.
 *
 * **Example** (An account for each certificate)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Authentication } from "troupe/net"
 *
 * const accounts = new Map([["CN=ada, O=Example", "ada"]])
 * const authenticator = Authentication.certificate((subject) => Effect.succeed(accounts.get(subject)))
 *
 * // What a connection does of its own accord.
 * const challenge = { nonce: new Uint8Array(32), protocol: "app:jobs" }
 * const meet = (certificate: string) =>
 *   authenticator.authenticate(challenge, undefined, { address: "10.0.0.7:40112", certificate })
 *
 * Effect.runSync(meet("CN=ada, O=Example")).identity.account // => "ada"
 * Effect.runSync(Effect.flip(meet("CN=bob, O=Example"))).detail // => 'the certificate of "CN=bob, O=Example" is nobody\'s here'
 * ```
 *
 * @category authenticators
 */
export const certificate = (accountOf: (subject: string) => Effect.Effect<string | undefined>): Authenticator => ({
  methods: ["none"],
  authenticate: Effect.fnUntraced(function* (_challenge, claim, peer) {
    if (methodOf(claim) !== "none") return yield* notTaken(["none"], claim, peer)
    const subject = peer.certificate
    if (subject === undefined) return yield* refuse(peer, "no certificate was shown that could be checked")
    const account = yield* accountOf(subject)
    if (account === undefined) return yield* refuse(peer, `the certificate of ${shown(subject)} is nobody's here`)
    return { identity: { account } }
  })
})

/**
 * Lets in whom one of them lets in, of those that judge claims of the method that is shown.
 *
 * **Details**
 *
 * The others are not asked: a token is never tried as a secret. Of several for one method each is asked in turn until one
 * accepts, as for an old and a new secret; when none does, the last one's error tells.
 *
 * Who shows nothing is judged by {@link certificate} and {@link open}. With {@link open} among them, who can show something
 * wrong can show nothing instead.
 *
 * **Errors**
 *
 * `AuthenticationFailed`, also when none of them judges the method.
 *
 * **Example** (A secret that is replaced by a new one)
 *
 * ```ts import.meta.vitest
 * import { Effect, Redacted } from "effect"
 * import { Acceptor, Authentication, Connection, Memory, Protocol } from "troupe/net"
 *
 * const Nothing = Protocol.make("app:nothing", {})
 * const [old, next] = [Redacted.make("a secret that was told around"), Redacted.make("a secret that nobody has yet")]
 *
 * const program = Effect.gen(function* () {
 *   const { transport } = yield* Acceptor.make(Memory.make(), Nothing, {
 *     authenticator: Authentication.any([Authentication.sharedSecret(next), Authentication.sharedSecret(old)]),
 *     handlers: {}
 *   })
 *   const connect = (account: string, secret: Redacted.Redacted<string>) =>
 *     Connection.connect(transport, Nothing, { credentials: Authentication.secret({ account, secret }) })
 *   const [one, other] = [yield* connect("worker-1", old), yield* connect("worker-2", next)]
 *   return [yield* one.identity, yield* other.identity]
 * })
 * await Effect.runPromise(Effect.scoped(program)) // => [{ account: "worker-1" }, { account: "worker-2" }]
 * ```
 *
 * @category authenticators
 */
export const any = (authenticators: NonEmptyReadonlyArray<Authenticator>): Authenticator => {
  const methods = [...new Set(authenticators.flatMap((authenticator) => authenticator.methods))]
  return {
    methods,
    authenticate: (challenge, claim, peer) => {
      const asked = authenticators.filter((authenticator) => authenticator.methods.includes(methodOf(claim)))
      return asked.length === 0
        ? notTaken(methods, claim, peer)
        : Effect.firstSuccessOf(asked.map(({ authenticate }) => authenticate(challenge, claim, peer)))
    }
  }
}

const judge = (
  method: string,
  judges: (challenge: Challenge, claim: Claim, peer: Peer) => Effect.Effect<Accepted, AuthenticationFailed>
): Authenticator => ({
  methods: [method],
  authenticate: (challenge, claim, peer) =>
    claim?.method === method ? judges(challenge, claim, peer) : notTaken([method], claim, peer)
})

const methodOf = (claim: Claim | undefined): string => claim?.method ?? "none"

const notTaken = (methods: ReadonlyArray<string>, claim: Claim | undefined, peer: Peer) => {
  const [was, ...taken] = [methodOf(claim), ...methods].map((method) => (method === "none" ? "nothing" : shown(method)))
  return refuse(peer, `what was shown is ${was}, and what is taken is ${taken.join(", ")}`)
}

const refuse = (peer: Peer, detail: string) => Effect.fail(new AuthenticationFailed({ peer: peer.address, detail }))

/** Where there is no WebCrypto, nothing is proven. */
const withoutCrypto = <A>(
  proven: Effect.Effect<A, AuthenticationFailed | WebCrypto.NoWebCrypto>,
  peer: Peer
): Effect.Effect<A, AuthenticationFailed> =>
  Effect.catchTag(proven, "NoWebCrypto", ({ message }) => refuse(peer, message))

// The work for an account that there is not is done with it; its outcome counts for nothing.
const nobodys = Redacted.make("nobody's")

const utf8 = new TextEncoder()
// As it came: without the mark that a text may begin with, which a decoder leaves out otherwise.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true })
