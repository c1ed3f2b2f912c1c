import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Redacted, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { createHash, createHmac, randomBytes } from "node:crypto"
import { inspect } from "node:util"
import { vi } from "vitest"
import * as Acceptor from "../../src/net/Acceptor.ts"
import * as Authentication from "../../src/net/Authentication.ts"
import { AuthenticationFailed } from "../../src/net/ConnectionError.ts"
import * as Connection from "../../src/net/Connection.ts"
import { Kind } from "../../src/net/internal/session/packet.ts"
import * as Protocol from "../../src/net/Protocol.ts"
import type { Peer, Transport, Wire } from "../../src/net/Transport.ts"
import * as Memory from "../../src/net/transport/Memory.ts"

const peer: Peer = { address: "10.0.0.7:4000" }
const challenge = (protocol = "app:chat"): Authentication.Challenge => ({ nonce: randomBytes(32), protocol })

const secret = (value: string, account = "ada") => Authentication.secret({ account, secret: Redacted.make(value) })
const shared = (value: string) => Authentication.sharedSecret(Redacted.make(value))

/** What both sides come to over one challenge, as a connection has them meet. */
const meet = Effect.fnUntraced(function* (
  credentials: Authentication.Credentials,
  authenticator: Authentication.Authenticator,
  about = challenge()
) {
  const claim = yield* credentials.claim(about, peer)
  const { identity, proof } = yield* authenticator.authenticate(about, claim, peer)
  if (credentials.verify !== undefined) yield* credentials.verify(about, claim, proof, peer)
  return identity.account
})

const refusal = <A>(effect: Effect.Effect<A, AuthenticationFailed>) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.strictEqual(error.peer, peer.address)
    return error.detail
  })

/** A proof as another implementation makes it. */
const proofBy = (
  side: string,
  secret: string,
  { nonce, protocol }: Authentication.Challenge,
  claim: Pick<Authentication.Claim, "account" | "nonce">
): Uint8Array => {
  const hmac = createHmac("sha256", createHash("sha256").update(secret).digest())
  const texts = ["troupe/net/Authentication secret 1", side, protocol, claim.account].map((text) => Buffer.from(text))
  for (const part of [...texts, nonce, claim.nonce]) {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(part.length)
    hmac.update(length).update(part)
  }
  return hmac.digest()
}

const wrong = "the account or the secret is wrong"
const unproven = "the other side has not shown that it knows the secret"

const certified: Peer = { ...peer, certificate: "CN=ada, O=Example" }
const authenticators = {
  secret: shared("right"),
  token: Authentication.tokens(() => Effect.succeed({ account: "ada" })),
  certificate: Authentication.certificate(() => Effect.succeed("ada"))
}

describe("a shared secret", () => {
  it.effect("K40 lets in who knows it, and shows that it is known on the other side too", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* meet(secret("right"), shared("right")), "ada")
      const ofEach = Authentication.sharedSecret((account) => Effect.succeed(Redacted.make(`${account}'s`)))
      assert.strictEqual(yield* meet(secret("bob's", "bob"), ofEach), "bob")
      assert.strictEqual(yield* refusal(meet(secret("ada's", "bob"), ofEach)), wrong)
    })
  )

  it.effect("proofs are the HMAC of what the parts of the meeting say, as another implementation makes it", () =>
    Effect.gen(function* () {
      const about = challenge("app:chät")
      const claim = yield* secret("sécret", "ädä").claim(about, peer)
      const { proof } = yield* shared("sécret").authenticate(about, claim, peer)
      const by = (side: string) => [...proofBy(side, "sécret", about, claim)]
      assert.deepStrictEqual([...claim.proof], by("client"))
      assert.deepStrictEqual([...proof!], by("server"))
    })
  )

  it.effect("K40 a wrong secret, an account that there is not and a secret that is empty are refused alike", () =>
    Effect.gen(function* () {
      const subtle = ["digest", "importKey", "sign", "verify"] as const
      const spies = subtle.map((name) => vi.spyOn(globalThis.crypto.subtle, name))
      yield* Effect.addFinalizer(() => Effect.sync(() => spies.forEach((spy) => spy.mockRestore())))

      const secrets = new Map([
        ["ada", "right"],
        ["nil", ""]
      ])
      const authenticator = Authentication.sharedSecret((account) => {
        const found = secrets.get(account)
        return Effect.succeed(found === undefined ? undefined : Redacted.make(found))
      })
      const outcomes = []
      for (const account of ["ada", "bob", "nil"]) {
        const about = challenge()
        const claim = yield* secret("wrong", account).claim(about, peer)
        spies.forEach((spy) => spy.mockClear())
        const detail = yield* refusal(authenticator.authenticate(about, claim, peer))
        outcomes.push({ detail, work: spies.map((spy) => spy.mock.calls.length) })
      }
      assert.deepStrictEqual(outcomes[0], { detail: wrong, work: [1, 1, 0, 1] })
      assert.deepStrictEqual(outcomes[1], outcomes[0])
      assert.deepStrictEqual(outcomes[2], outcomes[0])
    })
  )

  it.effect("K40 what is compared for an account that there is not, and an empty secret, let nobody in", () =>
    Effect.gen(function* () {
      const nobody = Authentication.sharedSecret(() => Effect.succeed(undefined))
      assert.strictEqual(yield* refusal(meet(secret("nobody's"), nobody)), wrong)
      const about = challenge()
      const claimed = { method: "secret", account: "ada", nonce: randomBytes(32) }
      const claim = { ...claimed, proof: proofBy("client", "", about, claimed) }
      assert.strictEqual(yield* refusal(shared("").authenticate(about, claim, peer)), wrong)
    })
  )

  it.effect("K40 a recorded claim fits no other connection, protocol or account", () =>
    Effect.gen(function* () {
      const about = challenge()
      const recorded = yield* secret("right").claim(about, peer)
      const { authenticate } = shared("right")
      assert.strictEqual((yield* authenticate(about, recorded, peer)).identity.account, "ada")
      assert.strictEqual(yield* refusal(authenticate(challenge(), recorded, peer)), wrong)
      assert.strictEqual(yield* refusal(authenticate({ ...about, protocol: "app:admin" }, recorded, peer)), wrong)
      assert.strictEqual(yield* refusal(authenticate(about, { ...recorded, account: "root" }, peer)), wrong)
    })
  )

  it.effect("K40 a proof that is cut short, or goes on, is none", () =>
    Effect.gen(function* () {
      const about = challenge()
      const claim = yield* secret("right").claim(about, peer)
      assert.lengthOf(claim.proof, 32)
      const lengths = Array.from({ length: 32 }, (_, length) => claim.proof.slice(0, length))
      for (const proof of [...lengths, Uint8Array.of(...claim.proof, 0)]) {
        assert.strictEqual(yield* refusal(shared("right").authenticate(about, { ...claim, proof }, peer)), wrong)
      }
    })
  )

  it.effect("K40 who connects goes on with nobody that does not know it", () =>
    Effect.gen(function* () {
      const credentials = secret("right")
      assert.strictEqual(yield* refusal(meet(credentials, Authentication.open)), unproven)
      const impostor: Authentication.Authenticator = {
        methods: ["secret"],
        authenticate: (_challenge, claim) => Effect.succeed({ identity: { account: "ada" }, proof: claim?.proof })
      }
      assert.strictEqual(yield* refusal(meet(credentials, impostor)), unproven)

      const about = challenge()
      const [first, second] = [yield* credentials.claim(about, peer), yield* credentials.claim(about, peer)]
      assert.notDeepEqual(first.nonce, second.nonce)
      const { proof } = yield* shared("right").authenticate(about, first, peer)
      yield* credentials.verify!(about, first, proof, peer)
      assert.strictEqual(yield* refusal(credentials.verify!(about, second, proof, peer)), unproven)
    })
  )

  const Bytes = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 })))
  const Change = Schema.Struct({
    at: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1000 })),
    how: Schema.Literals(["put in", "take out", "change"]),
    by: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 255 }))
  })
  const Given = Schema.Struct({
    secret: Schema.NonEmptyString,
    account: Schema.String,
    protocol: Schema.String,
    theirs: Bytes,
    ours: Bytes
  })
  const Part = Schema.Literals(["secret", "account", "protocol", "theirs", "ours", "proof"])

  const changed = (bytes: Uint8Array, { at, by, how }: typeof Change.Type): Uint8Array => {
    const all = [...bytes]
    const index = at % (all.length + 1)
    if (how === "put in" || all[index] === undefined) all.splice(index, 0, by)
    else if (how === "take out") all.splice(index, 1)
    else all[index] = (all[index] + by) % 256
    return Uint8Array.from(all)
  }
  const changedText = (text: string, change: typeof Change.Type): string =>
    String.fromCharCode(
      ...changed(
        Uint8Array.from(text, (char) => char.charCodeAt(0) % 256),
        change
      )
    )
  const latin = (text: string): string => String.fromCharCode(...Array.from(text, (char) => char.charCodeAt(0) % 256))

  it.effect.prop(
    "K40 a proof of either side holds for what it was made of, and for nothing that differs by a byte",
    [Given, Part, Change],
    ([given, part, change]) =>
      Effect.gen(function* () {
        const about = { nonce: Uint8Array.from(given.theirs), protocol: latin(given.protocol) }
        const account = latin(given.account)
        const value = latin(given.secret)
        // The nonce of the claim is the property's own, so that it can be changed as everything else can.
        const nonce = Uint8Array.from(given.ours)
        const random = vi.spyOn(globalThis.crypto, "getRandomValues").mockReturnValue(nonce)
        const claim = yield* Effect.ensuring(
          secret(value, account).claim(about, peer),
          Effect.sync(() => random.mockRestore())
        )
        const { proof } = yield* shared(value).authenticate(about, claim, peer)
        yield* secret(value, account).verify!(about, claim, proof, peer)

        const other = {
          secret: part === "secret" ? changedText(value, change) : value,
          about: {
            nonce: part === "theirs" ? changed(about.nonce, change) : about.nonce,
            protocol: part === "protocol" ? changedText(about.protocol, change) : about.protocol
          },
          claim: {
            method: "secret",
            account: part === "account" ? changedText(account, change) : account,
            nonce: part === "ours" ? changed(nonce, change) : nonce,
            proof: part === "proof" ? changed(claim.proof, change) : claim.proof
          },
          proof: part === "proof" ? changed(proof!, change) : proof
        }
        assert.strictEqual(yield* refusal(shared(other.secret).authenticate(other.about, other.claim, peer)), wrong)
        const verified = secret(other.secret).verify!(other.about, other.claim, other.proof, peer)
        assert.strictEqual(yield* refusal(verified), unproven)
      }),
    { arbitrary: { runs: 300 } }
  )

  it.effect("an empty one is not shown, and none without WebCrypto", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* refusal(secret("").claim(challenge(), peer)), 'the secret of "ada" is empty')
      const claim = yield* secret("right").claim(challenge(), peer)

      const { crypto } = globalThis
      const insecure = { getRandomValues: <A extends Uint8Array<ArrayBuffer>>(into: A) => crypto.getRandomValues(into) }
      vi.stubGlobal("crypto", insecure)
      yield* Effect.addFinalizer(() => Effect.sync(() => vi.unstubAllGlobals()))
      const none = "there is no WebCrypto here (crypto.subtle): serve the page over https"
      assert.strictEqual(yield* refusal(secret("right").claim(challenge(), peer)), none)
      assert.strictEqual(yield* refusal(secret("right").verify!(challenge(), claim, claim.proof, peer)), none)
      assert.strictEqual(yield* refusal(shared("right").authenticate(challenge(), claim, peer)), none)
    })
  )
})

describe("tokens", () => {
  const validated: Array<readonly [string, Peer]> = []
  const authenticator = Authentication.tokens((token, from) => {
    const value = Redacted.value(token)
    validated.push([value, from])
    return value === "ada's" ? Effect.succeed({ account: "ada" }) : Effect.fail("the token has expired")
  })
  const token = (value: string, account?: string) => Authentication.token({ account, token: Redacted.make(value) })

  it.effect("K40 are validated with where they come from, and refused with what the validation says", () =>
    Effect.gen(function* () {
      validated.length = 0
      assert.strictEqual(yield* meet(token("ada's"), authenticator), "ada")
      assert.strictEqual(yield* refusal(meet(token("old"), authenticator)), "the token has expired")
      // Which a decoder of texts leaves out when it is not told to keep it.
      assert.strictEqual(yield* refusal(meet(token("\uFEFFada's"), authenticator)), "the token has expired")
      assert.deepStrictEqual(validated, [
        ["ada's", peer],
        ["old", peer],
        ["\uFEFFada's", peer]
      ])
    })
  )

  it.effect("K40 are refused to who says to be another", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* meet(token("ada's", "ada"), authenticator), "ada")
      const detail = yield* refusal(meet(token("ada's", "root"), authenticator))
      assert.strictEqual(detail, 'the token is not one of "root"')
    })
  )

  it.effect("K40 an empty one is neither shown nor validated", () =>
    Effect.gen(function* () {
      validated.length = 0
      assert.strictEqual(yield* refusal(token("").claim(challenge(), peer)), "the token is empty")
      const claim = { method: "token", account: "", nonce: new Uint8Array(32), proof: new Uint8Array(0) }
      assert.strictEqual(yield* refusal(authenticator.authenticate(challenge(), claim, peer)), "the token is empty")
      assert.deepStrictEqual(validated, [])
    })
  )

  it.effect("are got for each link, and who gets none is told why", () =>
    Effect.gen(function* () {
      const values = ["old", "ada's"]
      const credentials = Authentication.token({
        token: Effect.suspend(() => {
          const next = values.shift()
          return next === undefined ? Effect.fail("no more tokens") : Effect.succeed(Redacted.make(next))
        })
      })
      assert.strictEqual(yield* refusal(meet(credentials, authenticator)), "the token has expired")
      assert.strictEqual(yield* meet(credentials, authenticator), "ada")
      assert.strictEqual(yield* refusal(meet(credentials, authenticator)), "no more tokens")
    })
  )
})

describe("certificates", () => {
  const accounts = new Map([["CN=ada, O=Example", "ada"]])
  const authenticator = Authentication.certificate((subject) => Effect.succeed(accounts.get(subject)))

  it.effect("K40 let in whom they are for, and nobody without one", () =>
    Effect.gen(function* () {
      const accepted = yield* authenticator.authenticate(challenge(), undefined, certified)
      assert.deepStrictEqual(accepted, { identity: { account: "ada" } })
      const from = (certificate: string | undefined) =>
        refusal(authenticator.authenticate(challenge(), undefined, { ...peer, certificate }))
      assert.strictEqual(yield* from(undefined), "no certificate was shown that could be checked")
      assert.strictEqual(
        yield* from("CN=ada, O=Example, O=Other"),
        'the certificate of "CN=ada, O=Example, O=Other" is nobody\'s here'
      )
    })
  )
})

describe("authenticators", () => {
  it.effect("K40 who shows nothing is refused, unless everybody is let in", () =>
    Effect.gen(function* () {
      const showing = (authenticator: Authentication.Authenticator) =>
        authenticator.authenticate(challenge(), undefined, peer)
      assert.strictEqual(
        yield* refusal(showing(authenticators.secret)),
        'what was shown is nothing, and what is taken is "secret"'
      )
      assert.strictEqual(
        yield* refusal(showing(authenticators.token)),
        'what was shown is nothing, and what is taken is "token"'
      )
      assert.include(yield* refusal(showing(authenticators.certificate)), "no certificate")
      assert.include(yield* refusal(showing(Authentication.closed)), "lets nobody in")
      assert.deepStrictEqual(yield* showing(Authentication.open), { identity: { account: "anonymous" } })
    })
  )

  it.effect("K40 a method that is not taken is refused, whatever stands in it", () =>
    Effect.gen(function* () {
      const claim = { method: `m${"x".repeat(1000)}`, account: "", nonce: new Uint8Array(0), proof: new Uint8Array(0) }
      for (const [method, authenticator] of Object.entries(authenticators)) {
        const detail = yield* refusal(authenticator.authenticate(challenge(), claim, certified))
        const taken = method === "certificate" ? "nothing" : `"${method}"`
        assert.strictEqual(detail, `what was shown is "m${"x".repeat(79)}…", and what is taken is ${taken}`)
      }
    })
  )

  it.effect("K40 without an authenticator nobody is let in, whatever is shown", () =>
    Effect.gen(function* () {
      assert.include(yield* refusal(meet(secret("right"), Authentication.closed)), "lets nobody in")
      const token = Authentication.token({ token: Redacted.make("ada's") })
      assert.include(yield* refusal(meet(token, Authentication.closed)), "lets nobody in")
    })
  )

  it.effect("open takes nobody's word for who it is", () =>
    Effect.gen(function* () {
      const claim = yield* secret("right", "root").claim(challenge(), peer)
      const accepted = yield* Authentication.open.authenticate(challenge(), claim, peer)
      assert.deepStrictEqual(accepted, { identity: { account: "anonymous" } })
    })
  )

  it.effect("any: K40 those alone judge that are for the method", () =>
    Effect.gen(function* () {
      const seen: Array<string> = []
      const all = Authentication.any([
        Authentication.sharedSecret((account) => {
          seen.push("secret")
          return Effect.succeed(account === "ada" ? Redacted.make("right") : undefined)
        }),
        Authentication.any([
          Authentication.tokens(() => {
            seen.push("token")
            return Effect.fail("no such token")
          }),
          Authentication.certificate((subject) => {
            seen.push("certificate")
            return Effect.succeed(subject)
          })
        ])
      ])
      assert.deepStrictEqual(all.methods, ["secret", "token", "none"])
      assert.strictEqual(yield* meet(secret("right"), all), "ada")
      // What is a good secret is no token.
      const token = Authentication.token({ account: "ada", token: Redacted.make("right") })
      assert.strictEqual(yield* refusal(meet(token, all)), "no such token")
      const accepted = yield* all.authenticate(challenge(), undefined, certified)
      assert.strictEqual(accepted.identity.account, "CN=ada, O=Example")
      assert.deepStrictEqual(seen, ["secret", "token", "certificate"])

      const magic = { method: "magic", account: "", nonce: new Uint8Array(0), proof: new Uint8Array(0) }
      const detail = yield* refusal(all.authenticate(challenge(), magic, certified))
      assert.strictEqual(detail, 'what was shown is "magic", and what is taken is "secret", "token", nothing')
    })
  )

  it.effect("any: K40 an old secret is good beside the new one, and no third; both sides hold the same", () =>
    Effect.gen(function* () {
      const both = Authentication.any([shared("new"), shared("old")])
      assert.strictEqual(yield* meet(secret("new"), both), "ada")
      assert.strictEqual(yield* meet(secret("old"), both), "ada")
      assert.strictEqual(yield* refusal(meet(secret("other"), both)), wrong)
    })
  )

  it.effect("any: with open among them, who shows something wrong is refused all the same", () =>
    Effect.gen(function* () {
      const both = Authentication.any([shared("right"), Authentication.open])
      const accepted = yield* both.authenticate(challenge(), undefined, peer)
      assert.strictEqual(accepted.identity.account, "anonymous")
      assert.strictEqual(yield* refusal(meet(secret("wrong"), both)), wrong)
    })
  )
})

/** A way to the transport that keeps what passes, of both sides in order. */
const tapped = (transport: Transport) => {
  const sent: Array<Uint8Array> = []
  const received: Array<Uint8Array> = []
  const tap = (wire: Wire): Wire => ({
    ...wire,
    transport: wire.transport,
    peer: wire.peer,
    maxFrame: wire.maxFrame,
    send: (frame) =>
      Effect.andThen(
        Effect.sync(() => sent.push(frame)),
        wire.send(frame)
      ),
    sendAll: (frames) =>
      Effect.andThen(
        Effect.sync(() => sent.push(...frames)),
        wire.sendAll(frames)
      ),
    receive: Effect.tap(wire.receive, (frames) => Effect.sync(() => received.push(...frames))),
    closed: wire.closed,
    close: wire.close
  })
  return { transport: { ...transport, connect: Effect.map(transport.connect, tap) }, sent, received }
}

describe("connections", () => {
  const Doors = Protocol.make("test:doors", { server: [Rpc.make("enter", { success: Schema.String })] })

  const start = (authenticator?: Authentication.Authenticator) =>
    Effect.gen(function* () {
      const entered: Array<string> = []
      const acceptor = yield* Acceptor.make(Memory.make(), Doors, {
        authenticator,
        handlers: {
          enter: (_: void, { identity }: Connection.Connection) =>
            Effect.map(identity, (who) => {
              entered.push(who?.account ?? "nobody")
              return "welcome"
            })
        }
      })
      const connect = (credentials?: Authentication.Credentials, transport = acceptor.transport) =>
        Connection.connect(transport, Doors, { credentials })
      return { acceptor, connect, entered }
    })

  const kinds = (frames: ReadonlyArray<Uint8Array>) => frames.map((frame) => frame[0])

  it.effect("K40 who is wrong, or shows nothing, is told so and disconnected, and no handler runs", () =>
    Effect.gen(function* () {
      const { acceptor, connect, entered } = yield* start(shared("right"))
      const shows: ReadonlyArray<readonly [Authentication.Credentials | undefined, string]> = [
        [secret("wrong"), wrong],
        [undefined, 'what was shown is nothing, and what is taken is "secret"'],
        [
          Authentication.token({ token: Redacted.make("right") }),
          'what was shown is "token", and what is taken is "secret"'
        ]
      ]
      for (const [credentials, detail] of shows) {
        const { received, transport } = tapped(acceptor.transport)
        const { attempts } = yield* Effect.flip(connect(credentials, transport))
        assert.deepStrictEqual(
          attempts.map(({ error }) => error),
          [new AuthenticationFailed({ peer: "memory", detail })]
        )
        assert.deepStrictEqual(kinds(received), [Kind.Greeting, Kind.Refusal])
      }
      const { accepted, connections, refused } = yield* acceptor.stats
      assert.deepStrictEqual(
        { accepted, connections, refused },
        {
          accepted: 0,
          connections: 0,
          refused: { unauthenticated: 3, other: 0, tooMany: 0 }
        }
      )
      assert.deepStrictEqual(entered, [])
    })
  )

  it.effect("K40 without an authenticator nobody is let in", () =>
    Effect.gen(function* () {
      const { connect, entered } = yield* start()
      for (const credentials of [undefined, secret("right")]) {
        const { attempts } = yield* Effect.flip(connect(credentials))
        assert.instanceOf(attempts[0].error, AuthenticationFailed)
      }
      assert.deepStrictEqual(entered, [])
    })
  )

  it.effect("K40 what was recorded opens no other connection, and nothing that comes with it is handled", () =>
    Effect.gen(function* () {
      const { acceptor, connect, entered } = yield* start(shared("right"))
      const { sent, received, transport } = tapped(acceptor.transport)
      const connection = yield* connect(secret("right"), transport)
      assert.strictEqual(yield* connection.request("enter"), "welcome")
      yield* connection.close
      assert.deepStrictEqual(entered, ["ada"])
      const [hello, request, ...rest] = sent.filter((frame) => frame[0] === Kind.Hello || frame[0] === Kind.Request)
      assert.isEmpty(rest)
      for (const said of [...sent, ...received].map((frame) => Buffer.from(frame).toString("latin1"))) {
        assert.notInclude(said, "right")
        assert.notInclude(said, btoa("right").replaceAll("=", ""))
      }

      const wire = yield* acceptor.transport.connect
      yield* wire.sendAll([hello!, request!])
      const answers: Array<Uint8Array> = []
      const closed = yield* Effect.flip(
        Effect.forever(Effect.tap(wire.receive, (frames) => Effect.sync(() => answers.push(...frames))))
      )
      assert.deepStrictEqual([closed._tag, closed._tag === "WireClosed" && closed.by], ["WireClosed", "the other side"])
      assert.deepStrictEqual(kinds(answers), [Kind.Greeting, Kind.Refusal])
      assert.include(Buffer.from(answers[1]!).toString(), wrong)
      assert.deepStrictEqual(entered, ["ada"])
    })
  )

  it.effect("K40 one that connects asks nothing of a listener that does not know the secret", () =>
    Effect.gen(function* () {
      const { acceptor, connect, entered } = yield* start(Authentication.open)
      const { sent, transport } = tapped(acceptor.transport)
      const connection = yield* Connection.make(transport, Doors, { credentials: secret("right") })
      const error = yield* Effect.flip(connection.request("enter"))
      assert.strictEqual(error._tag, "ConnectionClosed")
      assert.include(error.message, unproven)
      assert.deepStrictEqual(kinds(sent), [Kind.Hello])
      const { attempts } = yield* Effect.flip(connect(secret("right")))
      assert.deepStrictEqual(attempts[0].error, new AuthenticationFailed({ peer: "memory", detail: unproven }))
      assert.deepStrictEqual(entered, [])
    })
  )

  it.effect("K40 an authenticator that dies lets nobody in, and the next one is judged all the same", () =>
    Effect.gen(function* () {
      const { acceptor, connect, entered } = yield* start(
        Authentication.sharedSecret((account) =>
          account === "ada" ? Effect.succeed(Redacted.make("right")) : Effect.die("the store is gone")
        )
      )
      const { received, transport } = tapped(acceptor.transport)
      yield* Effect.flip(connect(secret("right", "bob"), transport))
      assert.notInclude(kinds(received), Kind.Welcome)
      assert.deepStrictEqual(yield* acceptor.connections, [])
      const connection = yield* connect(secret("right"))
      yield* connection.request("enter")
      assert.deepStrictEqual(entered, ["ada"])
    })
  )

  it.effect("each side knows who was let in", () =>
    Effect.gen(function* () {
      const { acceptor, connect, entered } = yield* start(shared("right"))
      const connection = yield* connect(secret("right", "bob"))
      yield* connection.request("enter")
      assert.deepStrictEqual(yield* connection.identity, { account: "bob" })
      assert.deepStrictEqual(entered, ["bob"])
      const [other] = yield* acceptor.connections
      assert.deepStrictEqual(yield* other!.identity, { account: "bob" })
    })
  )
})

it.effect("K40 neither secrets nor tokens are in what is shown of values and errors", () =>
  Effect.gen(function* () {
    const hidden = "hunter2-hunter2"
    const redacted = Redacted.make(hidden)
    const credentials = [
      Authentication.secret({ account: "ada", secret: redacted }),
      Authentication.token({ token: redacted })
    ]
    const judges = [Authentication.sharedSecret(redacted), Authentication.tokens(() => Effect.fail("no"))]
    const errors: Array<Exit.Exit<string, AuthenticationFailed>> = []
    for (const one of credentials) {
      for (const judge of [...judges, shared("other"), Authentication.open, Authentication.closed]) {
        errors.push(yield* Effect.exit(meet(one, judge)))
      }
    }
    assert.isAbove(errors.filter(Exit.isFailure).length, 7)
    const claim = yield* credentials[0]!.claim(challenge(), peer)
    const shownThings = [...credentials, ...judges, ...errors, { ...claim, proof: Buffer.from(claim.proof).toString() }]
    for (const thing of shownThings) {
      assert.notInclude(inspect(thing, { depth: Infinity, showHidden: true }), hidden)
      assert.notInclude(JSON.stringify(thing), hidden)
      assert.notInclude(String(thing), hidden)
    }
  })
)
