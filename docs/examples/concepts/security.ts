import { Duration, Effect, Redacted, Schema, Stream } from "effect"
import { Rpc } from "effect/rpc"
import type { Tokens } from "troupe/command"
import { Acceptor, Authentication, Connection, Memory, Protocol, type Transport } from "troupe/net"
import * as Grpc from "troupe/net/grpc"
import * as Tls from "troupe/net/tls"

// #region meeting
const Jobs = Protocol.make("app:jobs", {
  server: [Rpc.make("take", { success: Schema.String }), Rpc.make("cancel", { payload: Schema.String })]
})

const listen = (transport: Transport.Transport, authenticator: Authentication.Authenticator) =>
  Acceptor.make(transport, Jobs, {
    authenticator,
    authorize,
    handlers: {
      take: (_, { identity }) => Effect.map(identity, (who) => `a job for ${who?.account}`),
      cancel: () => Effect.void
    }
  })

const connect = (transport: Transport.Transport, credentials?: Authentication.Credentials) =>
  Connection.connect(transport, Jobs, { credentials })
// #endregion meeting

// #region secret
/** A secret for each account, as a program gets them from where it keeps such things. */
const secrets = new Map([
  ["worker-1", Redacted.make("5b1d0f6e3c7a49d2b8e41f90a6c3d7e2")],
  ["worker-2", Redacted.make("c94e7a10f2b85d63a1e07c4d9f3b6a58")]
])

/** For the side that listens. */
const bySecret = Authentication.sharedSecret((account) => Effect.succeed(secrets.get(account)))

/** For the side that connects. */
const worker = Authentication.secret({
  account: "worker-1",
  secret: Redacted.make("5b1d0f6e3c7a49d2b8e41f90a6c3d7e2")
})
// #endregion secret

// #region rotation
/** While the new secret is handed out, both are good. */
const changing = (next: Redacted.Redacted<string>, old: Redacted.Redacted<string>) =>
  Authentication.any([Authentication.sharedSecret(next), Authentication.sharedSecret(old)])
// #endregion rotation

// #region token
/** The tokens of `Security`: what is told to a stranger is the program's choice. */
const byToken = (tokens: Tokens.Tokens["Service"]) =>
  Authentication.tokens((token) =>
    tokens.validate(token).pipe(
      Effect.map(({ actor }) => ({ account: actor.id })),
      Effect.mapError(({ reason }) => (reason._tag === "Expired" ? "the token has expired" : "the token is not valid"))
    )
  )

/** A token for each link, so that none is shown that has expired. */
const caller = (tokens: Tokens.Tokens["Service"]) =>
  Authentication.token({
    token: Effect.mapError(
      tokens.create({
        actor: { id: "ada", kind: "user", attributes: {} },
        scopes: ["jobs:run"],
        expiresIn: Duration.minutes(5)
      }),
      (error) => error.message
    )
  })
// #endregion token

// #region certificate
interface Certificates {
  readonly authority: string
  readonly service: Tls.Identity
  readonly client: Tls.Identity
}

const service = ({ authority, service }: Certificates) =>
  Tls.make({
    host: "127.0.0.1",
    port: 0,
    identity: service,
    authorities: [authority],
    clientCertificates: "required"
  })

const client = ({ authority, client }: Certificates, port: number) =>
  Tls.make({ host: "127.0.0.1", port, identity: client, authorities: [authority] })

const accounts = new Map([["CN=client, O=Troupe", "ada"]])
const byCertificate = Authentication.certificate((subject) => Effect.succeed(accounts.get(subject)))
// #endregion certificate

// #region authorize
const mayAsk = new Map([
  ["worker-1", ["take", "done"]],
  ["ada", ["take", "done", "cancel"]]
])

/** Asked before each request and tell; what it fails with is told to the other side. */
const authorize = (route: string, { identity }: Pick<Connection.Connection, "identity">) =>
  Effect.flatMap(identity, (who) => {
    const routes = mayAsk.get(who?.account ?? "") ?? []
    return routes.includes(route) ? Effect.void : Effect.fail("the account may not ask for it")
  })
// #endregion authorize

// #region calls
/** The metadata has no account, but the certificate has a subject that the authority vouches for. */
const calls = Grpc.serveCalls({
  authorize: ({ peer, route }) =>
    mayAsk.get(accounts.get(peer.certificate ?? "") ?? "")?.includes(route) === true
      ? Effect.void
      : new Grpc.CallFailed({ status: "PERMISSION_DENIED", detail: "the account may not ask for it" }),
  call: ({ payload }) => Effect.succeed(payload),
  watch: ({ payload }) => Stream.make(payload)
})
// #endregion calls

/** Serves calls over gRPC to who shows a certificate; gives its address. */
export const serveCalls = ({ authority, service }: Certificates) =>
  Effect.gen(function* () {
    const tls = { authority, identity: service }
    const transport = yield* Grpc.make({ host: "127.0.0.1", port: 0, tls, calls: yield* calls })
    const listening = yield* transport.listen((wire) => wire.close)
    return listening.transport.address
  })

interface Meeting {
  readonly listener?: Transport.Transport
  readonly dial?: (listening: Transport.Transport) => Transport.Transport
  readonly authenticator: Authentication.Authenticator
  readonly credentials?: Authentication.Credentials
}

const meet = ({ authenticator, credentials, dial = (there) => there, listener = Memory.make() }: Meeting) =>
  Effect.flatMap(listen(listener, authenticator), ({ transport }) => connect(dial(transport), credentials))

const jobOf = (meeting: Meeting) =>
  Effect.flatMap(meet(meeting), (connection) => connection.request("take")).pipe(Effect.scoped)

const refusalOf = (meeting: Meeting) =>
  Effect.map(Effect.flip(meet(meeting)), (error) => {
    const last = error._tag === "ConnectionFailed" ? error.attempts.at(-1)?.error : error
    return last?._tag === "AuthenticationFailed" ? last.detail : last
  }).pipe(Effect.scoped)

/** What the page says, as it comes about. */
export const program = (certificates: Certificates, tokens: Tokens.Tokens["Service"]) =>
  Effect.gen(function* () {
    const old = Redacted.make("5b1d0f6e3c7a49d2b8e41f90a6c3d7e2")
    const dial = ({ address }: Transport.Transport) => client(certificates, Number(address.split(":").at(-1)))
    const byCertificates = { listener: service(certificates), dial, authenticator: byCertificate }
    const cancelling = ({ request }: Connection.Connection<Rpcs>) => Effect.flip(request("cancel", "all of them"))
    return {
      secret: yield* jobOf({ authenticator: bySecret, credentials: worker }),
      rotation: yield* jobOf({ authenticator: changing(Redacted.make("new"), old), credentials: worker }),
      impostor: yield* refusalOf({ authenticator: Authentication.open, credentials: worker }),
      nothing: yield* refusalOf({ authenticator: bySecret }),
      closed: yield* refusalOf({ authenticator: Authentication.closed, credentials: worker }),
      token: yield* jobOf({ authenticator: byToken(tokens), credentials: caller(tokens) }),
      certificate: yield* jobOf(byCertificates),
      plain: yield* refusalOf({ authenticator: byCertificate }),
      cancel: yield* Effect.scoped(Effect.flatMap(meet({ authenticator: bySecret, credentials: worker }), cancelling))
    }
  })

type Rpcs = (typeof Jobs.server)[number]
