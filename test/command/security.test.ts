import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Layer, Option, Redacted, Schema } from "effect"
import { TestClock } from "effect/testing"
import type { Process } from "troupe"
import * as Jose from "../../src/command/driver/Jose.ts"
import * as Security from "../../src/command/Security.ts"
import * as SecurityError from "../../src/command/SecurityError.ts"
import * as TokenKeys from "../../src/command/TokenKeys.ts"
import { Claims } from "../../src/command/Tokens.ts"
import { throughJson } from "../support/codecs.ts"
import { host, inProcess } from "../support/processes.ts"

const secret = "a secret of at least thirty-two bytes"
const live = Security.layer.pipe(
  Layer.provide(Jose.layer({ issuer: "https://issuer.test", audience: "shop" })),
  Layer.provide(TokenKeys.layer([{ id: "k", algorithm: "HS256", secret: Redacted.make(secret) }]))
)

const run = <A, E>(body: Effect.Effect<A, E, Process.CurrentProcess | Layer.Success<typeof live>>) =>
  Effect.provide(inProcess(body), Layer.mergeAll(host, live))

const ada = {
  actor: { id: "ada", kind: "user", attributes: { team: "engines" } },
  scopes: ["store:read", "store:list"]
}

describe("Security", () => {
  it.effect("D18 security: a process creates a token, and another learns from it who may do what", () =>
    Effect.gen(function* () {
      const token = yield* run(Security.create({ ...ada, expiresIn: "1 minute" }))
      const claims = yield* run(Security.validate(Redacted.value(token)))
      assert.deepStrictEqual([claims.actor, claims.scopes], [ada.actor, ada.scopes])
      assert.deepStrictEqual(yield* run(Security.authorize(token, "store:read", "store:list")), claims)
    })
  )

  it.effect("D18 security: who lacks a scope is told which, and what is granted", () =>
    run(
      Effect.gen(function* () {
        const token = yield* Security.create({ ...ada, expiresIn: "1 minute" })
        const error = yield* Effect.flip(Security.authorize(token, "store:read", "store:write"))
        assert.strictEqual(error._tag, "SecurityError")
        assert.match(error.message, /"ada" lacks the scope "store:write"; granted: "store:read", "store:list"/)
        // A scope is not had by having a part of it.
        const claims = yield* Security.validate(token)
        for (const scope of ["store", "store:", "store:rea", "store:read ", "*", ""]) {
          yield* Effect.flip(Security.requires(claims, scope))
        }
        yield* Security.requires(claims)
      })
    )
  )

  it.effect(
    "D18 security: a token that has expired is a typed failure of the yield, which the process may handle",
    () =>
      run(
        Effect.gen(function* () {
          const token = yield* Security.create({ ...ada, expiresIn: "1 minute" })
          yield* TestClock.adjust("1 minute")
          const expired = yield* Security.validate(token).pipe(
            Effect.as("valid"),
            Effect.catchReason("SecurityError", "Expired", (reason) =>
              Effect.succeed(DateTime.formatIso(reason.expiredAt))
            )
          )
          assert.strictEqual(expired, "1970-01-01T00:01:00.000Z")
        })
      )
  )

  it.effect("D18 security: what is no grant does not reach the keys", () =>
    run(
      Effect.gen(function* () {
        for (const wrong of [
          { ...ada, expiresIn: 0 },
          { ...ada, expiresIn: "Infinity" as const },
          { ...ada, expiresIn: "1 minute" as const, scopes: ["two words"] },
          { ...ada, expiresIn: "1 minute" as const, actor: { ...ada.actor, id: "" } }
        ]) {
          const error = yield* Effect.flip(Security.create(wrong))
          assert.strictEqual(error._tag, "InvalidCommandPayload")
        }
        const error = yield* Effect.flip(Security.create({ ...ada, expiresIn: "1 minute", keyId: "other" }))
        assert.strictEqual(error._tag === "SecurityError" && error.reason._tag, "UnknownKey")
      })
    )
  )

  it.effect("D18 security: what crosses a recording comes out as it went in, and no key is in it", () =>
    Effect.gen(function* () {
      const { create, validate } = Security.commands
      const at = DateTime.makeUnsafe(1_000)
      const grant = yield* Schema.decodeEffect(Schema.toCodecJson(create.payloadSchema))(
        yield* Schema.encodeEffect(Schema.toCodecJson(create.payloadSchema))({
          ...ada,
          expiresIn: yield* Schema.decodeEffect(Schema.DurationFromMillis)(60_000),
          notBefore: at,
          audience: ["a", "b"],
          keyId: "k"
        })
      )
      yield* throughJson(create.payloadSchema, grant)
      assert.notInclude(JSON.stringify(grant), secret)
      const token = Redacted.make("header.payload.signature")
      yield* throughJson(create.successSchema, token)
      yield* throughJson(validate.payloadSchema, { token })
      const { expiresIn: _expiresIn, ...rest } = grant
      yield* throughJson(Claims, {
        ...rest,
        tokenId: "1",
        issuer: "i",
        audience: ["a"],
        issuedAt: at,
        notBefore: Option.some(at),
        expiresAt: at,
        keyId: "k"
      })
      const { Expired, InvalidKey, MissingScope, UnknownKey } = SecurityError
      for (const reason of [
        new Expired({ tokenId: "1", expiredAt: at }),
        new MissingScope({ scope: "a", actorId: "b", granted: ["c"] }),
        new UnknownKey({ keyId: "k", known: [] }),
        new InvalidKey({ keyId: "k", detail: "d" })
      ]) {
        yield* throughJson(validate.errorSchema, new SecurityError.SecurityError({ reason }))
      }
    })
  )
})
