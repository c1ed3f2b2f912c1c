/**
 * The client of a gRPC transport: one connection for each wire.
 */
import type { ChannelCredentials, ClientOptions, StatusObject } from "@grpc/grpc-js"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Wire } from "../../../Transport.ts"
import { TransportError } from "../../../TransportError.ts"
import { ClientSockets } from "./clientSockets.ts"
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

/** Opens a wire. An attempt that fails, or is interrupted, leaves nothing open. */
export const connect = (grpc: Module, settings: Settings): Effect.Effect<Wire, TransportError, Scope.Scope> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const { connection, opened } = yield* open(grpc, settings)
      yield* Effect.addFinalizer(() => connection.close)
      const limit = Duration.max(settings.connectTimeout, Duration.zero)
      yield* restore(opened).pipe(
        Effect.timeoutOrElse({
          duration: limit,
          orElse: () => failed(settings, "TimedOut", `no answer in ${Duration.format(limit)}`)
        }),
        Effect.onError(() => Effect.sync(() => connection.abort()))
      )
      return connection
    })
  )

const failed = (settings: Settings, reason: TransportError["reason"], detail: string) =>
  new TransportError({ transport: "grpc", address: settings.address, doing: "connect", reason, detail })

const open = (grpc: Module, settings: Settings) =>
  Effect.gen(function* () {
    const { port } = settings
    if (!(port >= 1 && port <= 65535)) return yield* failed(settings, "InvalidAddress", `there is no port ${port}`)
    const credentials = yield* Effect.try({
      try: () => clientCredentials(grpc, settings),
      catch: (error) => failed(settings, "Untrusted", String(error))
    })
    const sockets = new ClientSockets()
    const [client, call] = yield* Effect.try({
      try: () => sockets.during(() => dial(grpc, credentials, settings)),
      catch: (error) => failed(settings, "InvalidAddress", String(error))
    }).pipe(Effect.onError(() => Effect.sync(() => sockets.destroy())))
    const connection = new GrpcWire(call, settings.maxFrame, {
      saysClosing: true,
      peer: () => ({ address: settings.address, certificate: subjectOf(call.getAuthContext()) }),
      // The status that it has then is this side's own: there is no other way for a client to say why.
      refuse: () => call.cancel(),
      abort: () => call.cancel()
    })
    // Its status says it all; without a listener it would be thrown.
    call.on("error", () => {})
    call.on("status", (status: StatusObject) => {
      const large = largeMessage(status, settings)
      if (large !== undefined) connection.onTooLarge(large)
      const by = status.code === codes.OK ? "the other side" : "loss"
      connection.onOver(by, by === "loss" ? showStatus(status) : "", "ends")
      client.close()
      sockets.destroy()
    })
    const opened = Effect.callback<void, TransportError>((resume) => {
      call.once("metadata", () => resume(Effect.void))
      call.once("status", (status: StatusObject) =>
        resume(
          failed(settings, connectReason(status, settings.tls === undefined ? "plain" : "TLS"), showStatus(status))
        )
      )
    })
    return { connection, opened }
  })

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
