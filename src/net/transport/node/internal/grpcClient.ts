/**
 * The client of a gRPC transport: one connection for each wire.
 */
import type { ChannelCredentials, ClientOptions, StatusObject } from "@grpc/grpc-js"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type { Wire } from "../../../Transport.ts"
import type { TransportError } from "../../../TransportError.ts"
import { ClientSockets } from "./clientSockets.ts"
import { type Begin, connecting } from "./connecting.ts"
import { codes, connectReason, showStatus } from "./grpcErrors.ts"
import {
  asBuffer,
  channelOptions,
  clientCredentials,
  serverName,
  connectPath,
  type Module,
  type Settings,
  subjectOf
} from "./grpcSettings.ts"
import { GrpcWire } from "./grpcWire.ts"
import { hostFault } from "./hosts.ts"
import { Failures } from "./reasons.ts"

/** Opens a wire. An attempt that fails, or is interrupted, leaves nothing open. */
export const connect = (grpc: Module, settings: Settings): Effect.Effect<Wire, TransportError, Scope.Scope> => {
  const failures = new Failures("grpc", settings.address)
  const fault = hostFault("connect", settings.host, settings.port)
  return fault === undefined
    ? connecting(settings.connectTimeout, failures, begin(grpc, settings, failures))
    : Effect.fail(failures.of("connect", "InvalidAddress", fault))
}

const begin =
  (grpc: Module, settings: Settings, failures: Failures): Begin =>
  ({ failed, opened }) => {
    const fails = (reason: TransportError["reason"], detail: string) => {
      failed(failures.of("connect", reason, detail))
      return () => undefined
    }
    const credentials = Result.try(() => clientCredentials(grpc, settings))
    if (Result.isFailure(credentials)) return fails("Untrusted", String(credentials.failure))
    const sockets = new ClientSockets()
    const dialled = Result.try(() => sockets.during(() => dial(grpc, credentials.success, settings)))
    if (Result.isFailure(dialled)) {
      sockets.destroy()
      return fails("InvalidAddress", String(dialled.failure))
    }
    const [client, call] = dialled.success
    const connection = new GrpcWire(call, settings.maxFrame, {
      saysClosing: true,
      peer: () => ({ address: settings.address, certificate: subjectOf(call.getAuthContext()) }),
      // The status that it has then is this side's own: there is no other way for a client to say why.
      refuse: () => call.cancel(),
      abort: () => call.cancel()
    })
    // Its status says it all; without a listener it would be thrown.
    call.on("error", () => {})
    call.once("metadata", () => opened(connection))
    call.on("status", (status: StatusObject) => {
      const large = largeMessage(status, settings)
      if (large !== undefined) connection.onTooLarge(large)
      const by = status.code === codes.OK ? "the other side" : "loss"
      connection.onOver(by, by === "loss" ? showStatus(status) : "", "ends")
      client.close()
      sockets.destroy()
      fails(connectReason(status, settings.tls === undefined ? "plain" : "TLS"), showStatus(status))
    })
    return () => connection.abort()
  }

const dial = (grpc: Module, credentials: ChannelCredentials, settings: Settings) => {
  const client = new grpc.Client(`dns:///${settings.target}`, credentials, clientOptions(settings))
  const received = (bytes: Uint8Array): Uint8Array => bytes
  return [client, client.makeBidiStreamRequest(connectPath, asBuffer, received, new grpc.Metadata(), {})] as const
}

// grpc-js cuts a message off that is longer than any piece of a frame may be, and says so in the text of the status. The
// server may say the same of ours, with a limit of its own.
const largeMessage = ({ code, details }: StatusObject, settings: Settings): number | undefined => {
  const found = code === codes.RESOURCE_EXHAUSTED ? /message larger than max \((\d+) vs (\d+)\)/.exec(details) : null
  return found !== null && Number(found[2]) === settings.maxMessage ? Number(found[1]) : undefined
}

const clientOptions = (settings: Settings): ClientOptions => ({
  ...channelOptions(settings),
  // A connection of its own: on one that is shared, a wire that is not read would stop the others, since HTTP/2 counts what
  // is on its way for the whole connection too.
  "grpc.use_local_subchannel_pool": 1,
  // A retry keeps what was sent, and says that it was sent when it is kept: nobody would wait for the other side.
  "grpc.enable_retries": 0,
  // The address is the one to connect to, whatever proxies the environment names, or settings the name's server has.
  "grpc.enable_http_proxy": 0,
  "grpc.service_config_disable_resolution": 1,
  ...serverName(settings)
})
