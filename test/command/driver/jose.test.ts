import { createHmac, generateKeyPairSync } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Effect, Layer, Option, Redacted, Result, Schema } from "effect"
import { TestClock } from "effect/testing"
import * as Jose from "../../../src/command/driver/Jose.ts"
import { load } from "../../../src/command/driver/MissingPackage.ts"
import type { SecurityError } from "../../../src/command/SecurityError.ts"
import * as TokenKeys from "../../../src/command/TokenKeys.ts"
import { Grant, Tokens } from "../../../src/command/Tokens.ts"

const secret = (id: string, text = `a secret of thirty-two bytes: ${id}`): TokenKeys.SecretKey => ({
  id,
  algorithm: "HS256",
  secret: Redacted.make(text.padEnd(32, "."))
})

const pem = {
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" }
} as const

const pair = (id: string, algorithm: "ES256" | "EdDSA" | "RS256", bits = 2048): TokenKeys.KeyPair => {
  const { privateKey, publicKey } =
    algorithm === "ES256"
      ? generateKeyPairSync("ec", { namedCurve: "P-256", ...pem })
      : algorithm === "EdDSA"
        ? generateKeyPairSync("ed25519", pem)
        : generateKeyPairSync("rsa", { modulusLength: bits, ...pem })
  return { id, algorithm, publicKey, privateKey: Redacted.make(privateKey) }
}

const options: Jose.Options = { issuer: "https://issuer.test", audience: "shop" }

const tokens = (keys: ReadonlyArray<TokenKeys.TokenKey>, who: Partial<Jose.Options> = {}) =>
  Layer.provide(Jose.layer({ ...options, ...who }), TokenKeys.layer(keys))

const grant: Grant = {
  actor: { id: "ada", kind: "user", attributes: { team: "engines", level: 3 } },
  scopes: ["store:read", "store:write"],
  expiresIn: Duration.minutes(1)
}

const create = (keys: ReadonlyArray<TokenKeys.TokenKey>, given: Partial<Grant> = {}, who: Partial<Jose.Options> = {}) =>
  Effect.flatMap(Tokens, (service) => service.create({ ...grant, ...given })).pipe(Effect.provide(tokens(keys, who)))

const validate = (keys: ReadonlyArray<TokenKeys.TokenKey>, token: Redacted.Redacted<string>) =>
  Effect.flatMap(Tokens, (service) => service.validate(token)).pipe(Effect.provide(tokens(keys)))

/** Why the effect fails. */
const reason = <A, R>(effect: Effect.Effect<A, SecurityError | { readonly _tag: "MissingPackage" }, R>) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.strictEqual(error._tag, "SecurityError")
    return (error as SecurityError).reason
  })

const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url")

/** A token made by hand: signed with a secret, or not at all. */
const byHand = (header: unknown, payload: unknown, key?: string | Uint8Array) => {
  const signed = `${base64(header)}.${base64(payload)}`
  const signature = key === undefined ? "" : createHmac("sha256", key).update(signed).digest("base64url")
  return Redacted.make(`${signed}.${signature}`)
}

const keys = [secret("new"), secret("old")]
const payload = {
  jti: "1",
  sub: "ada",
  actor: { kind: "user", attributes: {} },
  scope: "a b",
  iss: options.issuer,
  aud: options.audience,
  iat: 0,
  exp: 60
}

describe("Jose", () => {
  for (const key of [secret("s"), pair("e", "ES256"), pair("d", "EdDSA"), pair("r", "RS256")]) {
    it.effect(`D18 security: a token signed with ${key.algorithm} says who may do what`, () =>
      Effect.gen(function* () {
        yield* TestClock.setTime(1_500)
        const claims = yield* validate([key], yield* create([key], { notBefore: DateTime.makeUnsafe(1_000) }))
        assert.match(claims.tokenId, /^[0-9a-f-]{36}$/)
        assert.deepStrictEqual(
          { ...claims, tokenId: "" },
          {
            tokenId: "",
            actor: grant.actor,
            scopes: grant.scopes,
            issuer: options.issuer,
            audience: [options.audience],
            issuedAt: DateTime.makeUnsafe(1_000),
            notBefore: Option.some(DateTime.makeUnsafe(1_000)),
            expiresAt: DateTime.makeUnsafe(62_000),
            keyId: key.id
          }
        )
      })
    )
  }

  it.effect("D18 security: a key is as good in JWK as in PEM", () =>
    Effect.gen(function* () {
      const { privateKey, publicKey } = generateKeyPairSync("ed25519")
      const key: TokenKeys.KeyPair = {
        id: "jwk",
        algorithm: "EdDSA",
        publicKey: JSON.stringify(publicKey.export({ format: "jwk" })),
        privateKey: Redacted.make(JSON.stringify(privateKey.export({ format: "jwk" })))
      }
      assert.strictEqual((yield* validate([key], yield* create([key]))).actor.id, "ada")
    })
  )

  it.effect("D18 security: a token expires by the clock of the program, not a millisecond early", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(900)
      const token = yield* create(keys)
      yield* TestClock.setTime(60_900)
      yield* validate(keys, token)
      yield* TestClock.setTime(61_000)
      const why = yield* reason(validate(keys, token))
      assert.strictEqual(why._tag, "Expired")
      assert.match(why.message, /expired at 1970-01-01T00:01:01\.000Z/)
    })
  )

  it.effect("D18 security: a token is refused until the time from which it is valid", () =>
    Effect.gen(function* () {
      const token = yield* create(keys, { notBefore: DateTime.makeUnsafe(30_000) })
      const why = yield* reason(validate(keys, token))
      assert.strictEqual(why._tag, "NotYetValid")
      assert.match(why.message, /not valid before 1970-01-01T00:00:30\.000Z/)
      yield* TestClock.adjust("30 seconds")
      yield* validate(keys, token)
    })
  )

  it.effect(
    "D18 security: after a rotation the new key signs, and the tokens of the old one stay valid until it goes",
    () =>
      Effect.gen(function* () {
        const [fresh, old] = [secret("new"), secret("old")]
        const before = yield* create([old])
        assert.strictEqual((yield* validate([fresh, old], before)).keyId, "old")
        assert.strictEqual((yield* validate([fresh, old], yield* create([fresh, old]))).keyId, "new")
        assert.strictEqual((yield* validate([fresh, old], yield* create([fresh, old], { keyId: "old" }))).keyId, "old")
        const why = yield* reason(validate([fresh], before))
        assert.strictEqual(why._tag, "UnknownKey")
        assert.match(why.message, /no key "old"; there are: "new"/)
        assert.strictEqual((yield* reason(create([fresh], { keyId: "old" })))._tag, "UnknownKey")
      })
  )

  it.effect("D18 security: keys may change while the program runs", () =>
    Effect.gen(function* () {
      let current: ReadonlyArray<TokenKeys.TokenKey> = [secret("old")]
      const Changing = Layer.succeed(TokenKeys.TokenKeys, { current: Effect.sync(() => current) })
      yield* Effect.gen(function* () {
        const service = yield* Tokens
        const token = yield* service.create(grant)
        current = [secret("new"), ...current]
        assert.strictEqual((yield* service.validate(token)).keyId, "old")
        assert.strictEqual((yield* service.validate(yield* service.create(grant))).keyId, "new")
      }).pipe(Effect.provide(Layer.provide(Jose.layer(options), Changing)))
    })
  )

  it.effect("D18 security: another key under the same id is a bad signature", () =>
    Effect.gen(function* () {
      const why = yield* reason(validate([secret("k")], yield* create([secret("k", "another secret")])))
      assert.strictEqual(why._tag, "BadSignature")
    })
  )

  it.effect("D18 security: a token of another issuer, or for others, is refused", () =>
    Effect.gen(function* () {
      const issued = yield* reason(validate(keys, yield* create(keys, {}, { issuer: "https://other.test" })))
      assert.strictEqual(issued._tag, "WrongIssuer")
      assert.match(issued.message, /issued by "https:\/\/other\.test"/)
      const meant = yield* reason(validate(keys, yield* create(keys, { audience: ["bank", "post"] })))
      assert.strictEqual(meant._tag, "WrongAudience")
      assert.match(meant.message, /meant for "bank", "post", and not for "shop"/)
      const both = yield* validate(keys, yield* create(keys, { audience: ["bank", "shop"] }))
      assert.deepStrictEqual(both.audience, ["bank", "shop"])
    })
  )

  it.effect("D18 security: neither none nor a public key taken for a secret passes", () =>
    Effect.gen(function* () {
      const rsa = pair("r", "RS256")
      const unsigned = yield* reason(validate([rsa], byHand({ alg: "none", kid: "r" }, payload)))
      assert.strictEqual(unsigned._tag, "AlgorithmNotAllowed")
      assert.match(unsigned.message, /names the algorithm "none"; allowed: "RS256"/)
      for (const kid of [{ kid: "r" }, {}]) {
        const why = yield* reason(validate([rsa], byHand({ alg: "HS256", ...kid }, payload, rsa.publicKey)))
        assert.strictEqual(why._tag, "AlgorithmNotAllowed")
      }
    })
  )

  it.effect("D18 security: a token without kid is tried with each key of its algorithm", () =>
    Effect.gen(function* () {
      const old = keys[1]!
      const claims = yield* validate(keys, byHand({ alg: "HS256" }, payload, Redacted.value(old.secret)))
      assert.deepStrictEqual([claims.keyId, claims.scopes], ["old", ["a", "b"]])
      const why = yield* reason(validate(keys, byHand({ alg: "HS256" }, payload, "yet another secret")))
      assert.deepStrictEqual(why._tag === "BadSignature" ? why.keyIds : why, ["new", "old"])
    })
  )

  const { exp: _exp, ...eternal } = payload
  const { sub: _sub, ...nobody } = payload
  const signedOnes: ReadonlyArray<readonly [name: string, token: Redacted.Redacted<string>]> = [
    ["no expiry", byHand({ alg: "HS256" }, eternal, Redacted.value(keys[0]!.secret))],
    ["no subject", byHand({ alg: "HS256" }, nobody, Redacted.value(keys[0]!.secret))],
    ["an expiry that is text", byHand({ alg: "HS256" }, { ...payload, exp: "never" }, Redacted.value(keys[0]!.secret))],
    [
      "an extension that nobody knows",
      byHand({ alg: "HS256", crit: ["x"], x: 1 }, payload, Redacted.value(keys[0]!.secret))
    ],
    ["an algorithm that is a number", byHand({ alg: 1 }, payload, Redacted.value(keys[0]!.secret))],
    ["a claims set that is a list", byHand({ alg: "HS256" }, [1], Redacted.value(keys[0]!.secret))],
    ["nothing", Redacted.make("")],
    ["dots alone", Redacted.make("..")],
    ["prose", Redacted.make("this is. not a. token")],
    ["a header that is no JSON", Redacted.make("YWJj.YWJj.YWJj")]
  ]
  for (const [name, token] of signedOnes) {
    it.effect(`D18 security: a token with ${name} is malformed`, () =>
      Effect.gen(function* () {
        assert.strictEqual((yield* reason(validate(keys, token)))._tag, "Malformed")
      })
    )
  }

  it.effect("D18 security: a time that no date can have does no harm", () =>
    Effect.gen(function* () {
      const signed = (claims: object) =>
        byHand({ alg: "HS256" }, { ...payload, ...claims }, Redacted.value(keys[0]!.secret))
      assert.strictEqual((yield* reason(validate(keys, signed({ exp: -1e300 }))))._tag, "Expired")
      assert.strictEqual((yield* reason(validate(keys, signed({ nbf: 1e300 }))))._tag, "NotYetValid")
      const claims = yield* validate(keys, signed({ exp: 1e300 }))
      assert.strictEqual(DateTime.toEpochMillis(claims.expiresAt), 8_640_000_000_000_000)
    })
  )

  it.effect("D18 security: keys without a private part validate, and sign nothing", () =>
    Effect.gen(function* () {
      const { privateKey: _private, ...shared } = pair("e", "ES256")
      const why = yield* reason(create([shared]))
      assert.strictEqual(why._tag, "NoSigningKey")
      assert.strictEqual((yield* reason(create([])))._tag, "NoSigningKey")
      // With another key beside it, that one signs.
      assert.strictEqual((yield* validate([shared, secret("s")], yield* create([shared, secret("s")]))).keyId, "s")
    })
  )

  const sensitive = "TOP-SECRET-MATERIAL"
  const unusable: ReadonlyArray<readonly [name: string, key: TokenKeys.TokenKey, why: RegExp]> = [
    [
      "a short secret",
      { id: "k", algorithm: "HS256", secret: Redacted.make(sensitive) },
      /19 bytes, and HS256 takes 32/
    ],
    [
      "text that is no key",
      { ...pair("k", "ES256"), privateKey: Redacted.make(`{"d": ${sensitive}`) },
      /privateKey is no ES256 key/
    ],
    ["a key of another algorithm", { ...pair("k", "RS256"), algorithm: "ES256" }, /publicKey is no ES256 key/],
    [
      "a secret as the public part",
      { id: "k", algorithm: "ES256", publicKey: JSON.stringify({ kty: "oct", k: "AAAA" }) },
      /publicKey is not a public key/
    ],
    ["a short RSA key", pair("k", "RS256", 1024), /1024 bits, and RS256 takes 2048/]
  ]
  for (const [name, key, why] of unusable) {
    it.effect(`D18 security: ${name} stops the start, and is not shown`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(Effect.scoped(Layer.build(tokens([key]))))
        assert.strictEqual(error._tag, "SecurityError")
        assert.match(error.message, why)
        assert.notInclude(JSON.stringify([error, String(error), error.stack, String(error.cause)]), sensitive)
      })
    )
  }

  it.effect("D18 security: neither token nor key shows in what is printed", () =>
    Effect.gen(function* () {
      const token = yield* create(keys)
      const error = yield* Effect.flip(validate([secret("new", "other")], token))
      const printed = [String(token), JSON.stringify({ token, keys, error }), String(error), error.stack].join("\n")
      for (const hidden of [Redacted.value(token), ...keys.map((key) => String(Redacted.value(key.secret)))]) {
        assert.notInclude(printed, hidden)
      }
    })
  )

  it.effect("D18 security: a driver without its package says what to install", () =>
    Effect.gen(function* () {
      const name = "troupe-no-such-package"
      const error = yield* Effect.flip(load(name, () => import(/* @vite-ignore */ name)))
      assert.strictEqual(error._tag, "MissingPackage")
      assert.match(error.message, /npm install troupe-no-such-package/)
    })
  )

  const pairs = [secret("s"), pair("e", "ES256")]
  it.effect.prop(
    "D18 security: what is granted is what is read, whatever it is",
    { given: Schema.toType(Grant), key: Schema.Literals([0, 1]) },
    ({ given, key }) =>
      Effect.gen(function* () {
        const { keyId: _keyId, notBefore: _notBefore, ...rest } = given
        const used = pairs[key]!
        const token = yield* create([used], { ...rest, expiresIn: Duration.hours(1), audience: ["shop", "x"] })
        const claims = yield* validate([used], token)
        assert.deepStrictEqual(claims.actor, JSON.parse(JSON.stringify(given.actor)))
        assert.deepStrictEqual(claims.scopes, given.scopes)
      })
  )

  it.effect.prop(
    "D18 security: a token with any character changed is refused",
    { at: Schema.Natural, to: Schema.Natural, key: Schema.Literals([0, 1]) },
    ({ at, key, to }) =>
      Effect.gen(function* () {
        const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.= \n"
        const token = Redacted.value(yield* create([pairs[key]!]))
        const place = at % token.length
        const others = [...alphabet].filter((character) => character !== token[place])
        const changed = token.slice(0, place) + others[to % others.length]! + token.slice(place + 1)
        const result = yield* Effect.result(validate([pairs[key]!], Redacted.make(changed)))
        assert.isTrue(Result.isFailure(result) && result.failure._tag === "SecurityError")
      }),
    { arbitrary: { runs: 300 } }
  )

  it.effect("D18 security: the last character of a signature, which has bits to spare, can't be changed either", () =>
    Effect.gen(function* () {
      const token = Redacted.value(yield* create(keys))
      const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
      const others = [...alphabet].filter((character) => character !== token.at(-1))
      const twins = others.map((character) => token.slice(0, -1) + character)
      for (const twin of [...twins, `${token}=`, `${token}\n`, ` ${token}`]) {
        yield* Effect.flip(validate(keys, Redacted.make(twin)))
      }
    })
  )
})
