/**
 * How the two sides of a wire meet: the side that listens says what it speaks, the other who it is, and it is let in or not.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Accepted, Authenticator, Challenge, Claim, Credentials, Identity } from "../../Authentication.ts"
import { AuthenticationFailed, Refused } from "../../ConnectionError.ts"
import type { Wire } from "../../Transport.ts"
import { shown } from "../shown.ts"
import * as WebCrypto from "../webCrypto.ts"
import { decode, encode, Kind, type Packet, textOf } from "./packet.ts"

/** The version of what is said over a wire; both sides have the same. */
export const Version = 1

// How long each side waits for the other.
const Patience = "10 seconds"

// How long the first words of a stranger may be: certificates and tokens fit, and what fills the memory does not.
const Longest = 64 * 1024

const Bytes = Schema.Uint8ArrayFromBase64

/** How one of them is written and read. */
interface Words<A> {
  readonly write: (value: A) => string
  readonly read: (text: string) => Option.Option<A>
}

// Made once: a schema made anew for each connection would have its parts compiled anew.
const words = <A, I>(schema: Schema.Codec<A, I>): Words<A> => {
  const json = Schema.fromJsonString(schema)
  return { write: Schema.encodeSync(json), read: Schema.decodeUnknownOption(json) }
}

const Greeting = words(
  Schema.Struct({
    version: Schema.Number,
    protocol: Schema.String,
    instance: Schema.optionalKey(Schema.String),
    // Tells a server that was started anew from the one before.
    incarnation: Schema.String,
    nonce: Bytes
  })
)

const Hello = words(
  Schema.Struct({
    version: Schema.Number,
    protocol: Schema.String,
    instance: Schema.optionalKey(Schema.String),
    connection: Schema.String,
    claim: Schema.optionalKey(
      Schema.Struct({ method: Schema.String, account: Schema.String, nonce: Bytes, proof: Bytes })
    )
  })
)

const Welcome = words(
  Schema.Struct({
    identity: Schema.Struct({ account: Schema.String }),
    proof: Schema.optionalKey(Bytes)
  })
)

const Refusal = words(
  Schema.Union([
    Schema.Struct({ _tag: Schema.tag("Refused"), reason: Refused.fields.reason, detail: Schema.String }),
    Schema.Struct({ _tag: Schema.tag("AuthenticationFailed"), detail: Schema.String })
  ])
)

export type HandshakeError = Refused | AuthenticationFailed

/** What both sides have agreed upon. */
export interface Agreed {
  readonly connection: string
  readonly identity: Identity
  readonly incarnation: string
  /** What the other side has sent behind its part: it goes before all that comes. */
  readonly ahead: ReadonlyArray<Uint8Array>
}

const refused = (wire: Wire, reason: Refused["reason"], detail: string): Refused =>
  new Refused({ peer: wire.peer.address, reason, detail })

/** Takes the first frame, and what came with it. */
const first = (wire: Wire): Effect.Effect<readonly [Packet, ReadonlyArray<Uint8Array>], Refused> =>
  wire.receive.pipe(
    Effect.catch((error) => Effect.fail(refused(wire, "NoGreeting", `it ended before it was made (${error.message})`))),
    Effect.timeoutOrElse({
      duration: Patience,
      orElse: () => Effect.fail(refused(wire, "NoGreeting", "it said nothing for 10 s. Does it speak Troupe?"))
    }),
    Effect.flatMap(([frame, ...ahead]) => {
      const packet = frame.length > Longest ? undefined : decode(frame)
      return packet === undefined
        ? Effect.fail(refused(wire, "NoGreeting", "what it said is none of Troupe's"))
        : Effect.succeed([packet, ahead] as const)
    })
  )

const read = <A>(wire: Wire, words: Words<A>, packet: Packet, kind: number): Effect.Effect<A, Refused> => {
  const value = packet.kind === kind ? words.read(textOf(packet.body)) : Option.none<A>()
  return Option.isSome(value)
    ? Effect.succeed(value.value)
    : Effect.fail(refused(wire, "NoGreeting", "what it said is none of Troupe's"))
}

const say = <A>(wire: Wire, kind: number, words: Words<A>, value: NoInfer<A>): Effect.Effect<void, Refused> =>
  wire
    .send(encode(kind, 0, words.write(value)))
    .pipe(
      Effect.catch((error) =>
        Effect.fail(refused(wire, "NoGreeting", `it ended before it was made (${error.message})`))
      )
    )

const optional = <K extends string, A>(key: K, value: A | undefined): { readonly [P in K]?: A } =>
  (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: A }

/** What the side that connects says of itself. */
export interface Caller {
  readonly protocol: string
  readonly instance: string | undefined
  readonly connection: string
  readonly credentials: Credentials | undefined
}

/** The part of the side that connects. */
export const meet = (wire: Wire, caller: Caller): Effect.Effect<Agreed, HandshakeError> =>
  Effect.gen(function* () {
    const { connection, credentials, instance, protocol } = caller
    const { peer } = wire
    const [beginning] = yield* first(wire)
    if (beginning.kind === Kind.Refusal) return yield* refusalOf(wire, beginning)
    const greeting = yield* read(wire, Greeting, beginning, Kind.Greeting)
    const differs = differenceOf(wire, greeting, { version: Version, protocol, instance })
    if (differs !== undefined) return yield* differs
    const challenge: Challenge = { nonce: greeting.nonce, protocol }
    const claim = credentials === undefined ? undefined : yield* credentials.claim(challenge, peer)
    yield* say(wire, Kind.Hello, Hello, {
      version: Version,
      protocol,
      connection,
      ...optional("instance", instance),
      ...optional("claim", claim)
    })
    const [answer, ahead] = yield* first(wire)
    if (answer.kind === Kind.Refusal) return yield* refusalOf(wire, answer)
    const { identity, proof } = yield* read(wire, Welcome, answer, Kind.Welcome)
    if (claim !== undefined && credentials?.verify !== undefined) {
      yield* credentials.verify(challenge, claim, proof, peer)
    }
    return { connection, identity, incarnation: greeting.incarnation, ahead }
  })

const refusalOf = (wire: Wire, packet: Packet): Effect.Effect<never, HandshakeError> =>
  Effect.flatMap(read(wire, Refusal, packet, Kind.Refusal), (refusal) =>
    Effect.fail(
      refusal._tag === "Refused"
        ? refused(wire, refusal.reason, refusal.detail)
        : new AuthenticationFailed({ peer: wire.peer.address, detail: refusal.detail })
    )
  )

interface Spoken {
  readonly version: number
  readonly protocol: string
  readonly instance?: string | undefined
}

// What the two sides do not have in common.
const differenceOf = (wire: Wire, server: Spoken, client: Spoken): Refused | undefined => {
  if (server.version !== client.version) {
    return refused(
      wire,
      "WrongVersion",
      `the server speaks version ${server.version}, and the client ${client.version}`
    )
  }
  if (server.protocol !== client.protocol) {
    const [ours, theirs] = [shown(server.protocol), shown(client.protocol)]
    return refused(wire, "WrongProtocol", `the server speaks ${ours}, and the client ${theirs}`)
  }
  return server.instance === client.instance
    ? undefined
    : refused(
        wire,
        "WrongInstance",
        `the server is ${called(server.instance)}, and the client means ${called(client.instance)}`
      )
}

const called = (instance: string | undefined): string => (instance === undefined ? "no instance" : shown(instance))

/** What the side that listens says of itself. */
export interface Host {
  readonly protocol: string
  readonly instance: string | undefined
  readonly incarnation: string
  readonly authenticator: Authenticator
  /** Whether nobody is let in any more. */
  readonly isStopping: () => boolean
  /** Whether a connection of that id may be somebody's: of one that there is, it is the one who has it. */
  readonly isFree: (connection: string, identity: Identity) => boolean
}

/** The part of the side that listens: who is not let in has been told. */
export const receive = (wire: Wire, host: Host): Effect.Effect<Agreed, HandshakeError> =>
  Effect.gen(function* () {
    const { authenticator, incarnation, instance, isStopping, protocol } = host
    const stopping = () => refused(wire, "Stopping", "it stops. Try again later, or elsewhere")
    if (isStopping()) return yield* stopping()
    const nonce = yield* WebCrypto.nonce
    yield* say(wire, Kind.Greeting, Greeting, {
      version: Version,
      protocol,
      incarnation,
      nonce,
      ...optional("instance", instance)
    })
    const [packet, ahead] = yield* first(wire)
    const hello = yield* read(wire, Hello, packet, Kind.Hello)
    const differs = differenceOf(wire, { version: Version, protocol, instance }, hello)
    if (differs !== undefined) return yield* differs
    const claim: Claim | undefined = hello.claim
    const accepted: Accepted = yield* authenticator.authenticate({ nonce, protocol }, claim, wire.peer).pipe(
      Effect.timeoutOrElse({
        duration: Patience,
        orElse: () =>
          new AuthenticationFailed({
            peer: wire.peer.address,
            detail: "who it is could not be found in time. Try again"
          })
      })
    )
    if (isStopping()) return yield* stopping()
    if (!host.isFree(hello.connection, accepted.identity)) {
      return yield* new AuthenticationFailed({
        peer: wire.peer.address,
        detail: "the id of its connection is that of another account. Connect with one of its own"
      })
    }
    yield* say(wire, Kind.Welcome, Welcome, { identity: accepted.identity, ...optional("proof", accepted.proof) })
    return { connection: hello.connection, identity: accepted.identity, incarnation, ahead }
  }).pipe(Effect.tapError((error) => refuse(wire, error)))

const refuse = (wire: Wire, error: HandshakeError): Effect.Effect<void> =>
  Effect.ignore(
    say(
      wire,
      Kind.Refusal,
      Refusal,
      error._tag === "Refused"
        ? { _tag: "Refused", reason: error.reason, detail: error.detail }
        : { _tag: "AuthenticationFailed", detail: error.detail }
    )
  )
