/** The examples of the page on security do what it says. */
import { assert, describe, it } from "@effect/vitest"
import * as grpc from "@grpc/grpc-js"
import { Effect, Layer, Redacted } from "effect"
import { TokenKeys, Tokens } from "troupe/command"
import * as Jose from "troupe/command/jose"
import { program, serveCalls } from "../../docs/examples/concepts/security.ts"
import { PermissionDenied } from "../../src/net/ConnectionError.ts"
import type { Identity } from "../../src/net/transport/node/Tls.ts"
import { certificates } from "../net/certificates.ts"
import { published } from "../net/peers/published.ts"

const KeysLive = TokenKeys.layer([
  { id: "2026-11", algorithm: "HS256", secret: Redacted.make("a secret of at least thirty-two bytes") }
])
const TokensLive = Layer.provide(Jose.layer({ issuer: "https://shop.example", audience: "shop" }), KeysLive)

const { path, requestSerialize, responseDeserialize } = published.Calls.Call

/** A call of a program that is not ours, which shows a certificate of `who`; what came back, or the status. */
const callOver = (address: string, who: Identity, route: string) =>
  Effect.callback<unknown>((resume) => {
    const pem = [certificates.authority, Redacted.value(who.key), who.certificate].map((text) => Buffer.from(text))
    const client = new grpc.Client(
      address.replace("grpcs://127.0.0.1", "localhost"),
      grpc.credentials.createSsl(...pem)
    )
    const payload = Buffer.from("job 1")
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { route, payload }, (error, answer) => {
      client.close()
      resume(Effect.succeed(error === null ? answer : { status: error.code, detail: error.details }))
    })
  })

describe("docs/examples/concepts about security", () => {
  it.live("security", () =>
    Effect.gen(function* () {
      const { authority, client, server } = certificates
      const tokens = yield* Tokens.Tokens
      assert.deepStrictEqual(yield* program({ authority, service: server, client }, tokens), {
        secret: "a job for worker-1",
        rotation: "a job for worker-1",
        impostor: "the other side has not shown that it knows the secret",
        nothing: 'what was shown is nothing, and what is taken is "secret"',
        closed: "the side that listens has no authenticator, and lets nobody in; to let everybody in it has to say so",
        token: "a job for ada",
        certificate: "a job for ada",
        plain: "no certificate was shown that could be checked",
        cancel: new PermissionDenied({ peer: "memory", route: "cancel", detail: "the account may not ask for it" })
      })
    }).pipe(Effect.provide(TokensLive))
  )

  it.live("calls over gRPC are allowed by the certificate", () =>
    Effect.gen(function* () {
      const { authority, client, elsewhere, server } = certificates
      const address = yield* serveCalls({ authority, service: server, client })
      assert.deepStrictEqual(yield* callOver(address, client, "cancel"), { payload: Buffer.from("job 1") })
      const denied = { status: grpc.status.PERMISSION_DENIED, detail: "the account may not ask for it" }
      assert.deepStrictEqual(yield* callOver(address, client, "shutdown"), denied)
      assert.deepStrictEqual(yield* callOver(address, elsewhere, "cancel"), denied)
    })
  )
})
