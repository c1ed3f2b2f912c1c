/**
 * How the two sides of a wire meet: the side that listens says what it speaks, the other who it is, and it is let in or not.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { Accepted, Authenticator, Challenge, Claim, Credentials, Identity } from "../../Authentication.ts"
import { AuthenticationFailed, Refused } from "../../ConnectionError.ts"
import type { Transport, Wire } from "../../Transport.ts"
import type { FrameTooLarge, TransportError, WireClosed } from "../../TransportError.ts"
import { connectWith } from "../../transport/internal/early.ts"
import { shown } from "../shown.ts"
import { within } from "../within.ts"
import * as WebCrypto from "../webCrypto.ts"
import { decode, encode, Kind, type Packet, textOf } from "./packet.ts"

/** The version of what is said over a wire; both sides have the same. */
export const Version = 1

// How long each side waits for the other.
const Patience = Duration.seconds(10)

// How long the first words of a stranger may be: certificates and tokens fit, and what fills the memory does not.
const Longest = 64 * 1024

const Bytes = Schema.Uint8ArrayFromBase64

/** How one of them is written and read. */
interface Words<A> {
  readonly write: (value: A) => string
  readonly read: (text: string) => Option.Option<A>
}

const parse = Option.liftThrowable((text: string): unknown => JSON.parse(text))

// Made once: a schema made anew for each connection would have its parts compiled anew. With `Schema.fromJsonString` each
// connection would take twice as long for its words.
const words = <A, I>(schema: Schema.Codec<A, I>): Words<A> => {
  const encode = Schema.encodeSync(schema)
  const decode = Schema.decodeUnknownOption(schema)
  return {
    write: (value) => JSON.stringify(encode(value)),
    read: (text) => Option.flatMap(parse(text), (json) => decode(json))
  }
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

/** What the other side says, a packet at a time. */
class Hearing {
  /** What has come and was not taken: it goes before all that comes. */
  ahead: ReadonlyArray<Uint8Array> = []
  private readonly wire: Wire

  constructor(wire: Wire) {
    this.wire = wire
  }

  readonly next: Effect.Effect<Packet, Refused> = Effect.suspend(() =>
    this.ahead.length > 0 ? this.take(this.ahead) : this.wait
  )

  private readonly wait: Effect.Effect<Packet, Refused> = Effect.suspend(() =>
    Effect.matchEffect(within(this.wire.receive, Patience, silent), {
      onFailure: (error) =>
        error === "silent"
          ? this.fail("it said nothing for 10 s. Does it speak Troupe?")
          : endedBefore(this.wire.peer.address, error),
      onSuccess: (frames) => this.take(frames)
    })
  )

  private take([frame, ...ahead]: ReadonlyArray<Uint8Array>): Effect.Effect<Packet, Refused> {
    this.ahead = ahead
    const packet = frame === undefined || frame.length > Longest ? undefined : decode(frame)
    return packet === undefined ? this.fail("what it said is none of Troupe's") : Effect.succeed(packet)
  }

  private fail(detail: string): Effect.Effect<never, Refused> {
    return Effect.fail(refused(this.wire, "NoGreeting", detail))
  }
}

const silent = Effect.fail("silent" as const)

const endedBefore = (peer: string, error: WireClosed | FrameTooLarge): Effect.Effect<never, Refused> =>
  Effect.fail(new Refused({ peer, reason: "NoGreeting", detail: `it ended before it was made (${error.message})` }))

const send = (wire: Wire, frame: Uint8Array): Effect.Effect<void, Refused> =>
  Effect.catch(wire.send(frame), (error) => endedBefore(wire.peer.address, error))

const read = <A>(wire: Wire, words: Words<A>, packet: Packet, kind: number): Effect.Effect<A, Refused> => {
  const value = packet.kind === kind ? words.read(textOf(packet.body)) : Option.none<A>()
  return Option.isSome(value)
    ? Effect.succeed(value.value)
    : Effect.fail(refused(wire, "NoGreeting", "what it said is none of Troupe's"))
}

const say = <A>(wire: Wire, kind: number, words: Words<A>, value: NoInfer<A>): Effect.Effect<void, Refused> =>
  send(wire, encode(kind, 0, words.write(value)))

const optional = <K extends string, A>(key: K, value: A | undefined): { readonly [P in K]?: A } =>
  (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: A }

/** What the side that connects says of itself. */
export interface Caller {
  readonly protocol: string
  readonly instance: string | undefined
  readonly connection: string
  readonly credentials: Credentials | undefined
}

const helloOf = ({ connection, instance, protocol }: Caller, claim: Claim | undefined): Uint8Array =>
  encode(
    Kind.Hello,
    0,
    Hello.write({
      version: Version,
      protocol,
      connection,
      ...optional("instance", instance),
      ...optional("claim", claim)
    })
  )

/**
 * Connects. One without credentials has nothing to wait for, and says who it is with that: it is let in a round trip sooner.
 */
export const reach = (
  transport: Transport,
  caller: Caller
): Effect.Effect<Wire, TransportError | Refused, Scope.Scope> =>
  caller.credentials === undefined
    ? Effect.catchTag(connectWith(transport, helloOf(caller, undefined)), "FrameTooLarge", (error) =>
        endedBefore(transport.address, error)
      )
    : transport.connect

/** The part of the side that connects, over the wire by which it has reached the other side. */
export const meet = Effect.fnUntraced(function* (wire: Wire, caller: Caller): Effect.fn.Return<Agreed, HandshakeError> {
  const { connection, credentials, instance, protocol } = caller
  const hearing = new Hearing(wire)
  const beginning = yield* hearing.next
  if (beginning.kind === Kind.Refusal) return yield* refusalOf(wire, beginning)
  const greeting = yield* read(wire, Greeting, beginning, Kind.Greeting)
  const differs = differenceOf(wire, greeting, { version: Version, protocol, instance })
  if (differs !== undefined) return yield* differs
  const challenge: Challenge = { nonce: greeting.nonce, protocol }
  const claim = credentials === undefined ? undefined : yield* credentials.claim(challenge, wire.peer)
  if (claim !== undefined) yield* send(wire, helloOf(caller, claim))
  const answer = yield* hearing.next
  if (answer.kind === Kind.Refusal) return yield* refusalOf(wire, answer)
  const { identity, proof } = yield* read(wire, Welcome, answer, Kind.Welcome)
  if (claim !== undefined && credentials?.verify !== undefined) {
    yield* credentials.verify(challenge, claim, proof, wire.peer)
  }
  return { connection, identity, incarnation: greeting.incarnation, ahead: hearing.ahead }
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
  Effect.tapError(letIn(wire, host), (error) => refuse(wire, error))

const letIn = Effect.fnUntraced(function* (wire: Wire, host: Host): Effect.fn.Return<Agreed, HandshakeError> {
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
  const hearing = new Hearing(wire)
  const hello = yield* read(wire, Hello, yield* hearing.next, Kind.Hello)
  const differs = differenceOf(wire, { version: Version, protocol, instance }, hello)
  if (differs !== undefined) return yield* differs
  const claim: Claim | undefined = hello.claim
  const accepted: Accepted = yield* within(
    authenticator.authenticate({ nonce, protocol }, claim, wire.peer),
    Patience,
    Effect.suspend(() => {
      const detail = "who it is could not be found in time. Try again"
      return Effect.fail(new AuthenticationFailed({ peer: wire.peer.address, detail }))
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
  return { connection: hello.connection, identity: accepted.identity, incarnation, ahead: hearing.ahead }
})

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
