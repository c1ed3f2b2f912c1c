import * as NodeStdio from "@effect/platform-node/NodeStdio"
import { Layer } from "effect"
import { ProcessHost, Service, TerminalHost } from "troupe"
import { CliLive } from "./cli.ts"
import { Relay, RelayLive } from "./relay.ts"
import { WorkerLive } from "./worker.ts"

// #region app
const RelayService = Service.layer(Relay, { id: "relay-service", host: "app:processes", autoStart: true }).pipe(
  Layer.provide(RelayLive)
)

const EchoApp = Layer.merge(RelayService, CliLive).pipe(
  Layer.provide(WorkerLive),
  Layer.provideMerge(ProcessHost.layer("app:processes")),
  Layer.provideMerge(TerminalHost.layer("app:terminal")),
  Layer.provide(NodeStdio.layer)
)

export default EchoApp
// #endregion app
