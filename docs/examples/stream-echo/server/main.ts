import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Layer } from "effect"
import { Application, Process, Selectable, TerminalHost } from "troupe"
import { Authentication, InstanceId, Offer } from "troupe/net"
import * as Tcp from "troupe/net/tcp"
import * as Unix from "troupe/net/unix"
import { directory, folder, secret } from "../place.ts"
import { StreamServer, type } from "./generated/local/stream-server.ts"
import { handlers } from "./stream-server.ts"

// #region offer
/** Others find it in the directory, as long as it runs. */
const offer = Effect.gen(function* () {
  return yield* Offer.exported(type, StreamServer, {
    instanceId: yield* InstanceId.make({ runtime: "process", namespace: "stream-echo", instance: "1" }),
    transports: [Unix.make({ path: `${yield* folder}/server.sock` }), Tcp.make({ host: "127.0.0.1", port: 0 })],
    authenticator: Authentication.sharedSecret(yield* secret),
    handlers: yield* handlers,
    stopTimeout: "2 seconds"
  })
})
// #endregion offer

// #region main
const Server = Process.make("app:server")

const ServerLive = Server.toLayer(
  Effect.fn(function* () {
    const events = yield* Server.events
    const { announcement } = yield* offer
    yield* TerminalHost.print(`${type} listens at ${announcement.addresses.join(" and ")}. Ctrl+C to stop.`)
    yield* Effect.repeat(Selectable.take(events), { until: ({ _tag }) => _tag === "Cancel" })
    yield* TerminalHost.print("Goodbye!")
  })
)
// #endregion main

// #region app
const App = ServerLive.pipe(
  Layer.provideMerge(directory("stream-echo-server")),
  Layer.provideMerge(TerminalHost.layer("app:terminal")),
  Layer.provide(NodeServices.layer)
)

Application.runMain(App, { main: TerminalHost.main(Server) })
// #endregion app
