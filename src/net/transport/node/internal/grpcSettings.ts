/**
 * What both sides of a gRPC transport go by.
 */
import type * as Grpc from "@grpc/grpc-js"
import * as Duration from "effect/Duration"
import * as Redacted from "effect/Redacted"
import { Buffer } from "node:buffer"
import { isIP } from "node:net"
import { checkServerIdentity } from "node:tls"
import type { Tls } from "../Grpc.ts"
import type { Calls } from "../GrpcCalls.ts"
import type { Limits } from "./limits.ts"
import { subjectText } from "./subject.ts"

/** The package, once it is loaded. */
export type Module = Pick<typeof Grpc, "Client" | "credentials" | "Metadata" | "Server" | "ServerCredentials">

/** The options of a transport, with what is said where they say nothing. */
export interface Settings extends Limits {
  readonly host: string
  readonly port: number
  /** Host and port as grpc-js takes them. */
  readonly target: string
  readonly address: string
  /** How many bytes a message of gRPC may have. */
  readonly maxMessage: number
  readonly keepAlive: { readonly interval: Duration.Duration; readonly timeout: Duration.Duration }
  readonly tls: Tls | undefined
  readonly calls: Calls | undefined
}

export const connectPath = "/troupe.v1.Transport/Connect"
export const callPath = "/troupe.v1.Calls/Call"
export const watchPath = "/troupe.v1.Calls/Watch"

/** The bytes as grpc-js wants them, not copied. */
export const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

export const channelOptions = ({ keepAlive, maxMessage }: Settings): Grpc.ChannelOptions => ({
  "grpc.max_receive_message_length": maxMessage,
  "grpc.keepalive_time_ms": Duration.toMillis(keepAlive.interval),
  "grpc.keepalive_timeout_ms": Duration.toMillis(keepAlive.timeout),
  // Statistics that nobody can ask for here.
  "grpc.enable_channelz": 0
})

const pem = (text: string): Buffer => Buffer.from(text)

// An address in place of a name is no server name, which TLS has for names alone, and grpc-js gives it as one all the same:
// it is told of a name that nobody has, and the certificate is checked for the address.
const noName = "address.invalid"

export const serverName = ({ host, tls }: Settings): Grpc.ChannelOptions => {
  const name = tls?.serverName ?? (isIP(host) === 0 ? undefined : noName)
  return name === undefined ? {} : { "grpc.ssl_target_name_override": name }
}

export const clientCredentials = (grpc: Module, { host, tls }: Settings): Grpc.ChannelCredentials => {
  if (tls === undefined) return grpc.credentials.createInsecure()
  const { authority, identity } = tls
  return grpc.credentials.createSsl(
    authority === undefined ? null : pem(authority),
    identity === undefined ? null : pem(Redacted.value(identity.key)),
    identity === undefined ? null : pem(identity.certificate),
    {
      checkServerIdentity: (name, certificate) => checkServerIdentity(name === noName ? host : name, certificate)
    }
  )
}

export const serverCredentials = (grpc: Module, tls: Tls | undefined): Grpc.ServerCredentials => {
  if (tls === undefined) return grpc.ServerCredentials.createInsecure()
  const { authority, identity } = tls
  const pairs =
    identity === undefined
      ? []
      : [{ private_key: pem(Redacted.value(identity.key)), cert_chain: pem(identity.certificate) }]
  return grpc.ServerCredentials.createSsl(
    authority === undefined ? null : pem(authority),
    pairs,
    authority !== undefined
  )
}

/** Whom the certificate names that the other side has shown, and that was checked. */
export const subjectOf = (context: ReturnType<Grpc.ClientUnaryCall["getAuthContext"]>): string | undefined => {
  const subject = context?.sslPeerCertificate?.subject
  return subject === undefined ? undefined : subjectText(subject)
}
