import * as NodeStdio from "@effect/platform-node/NodeStdio"
import { Effect, Layer } from "effect"
import { Process, ProcessHost, TerminalHost } from "troupe"
import { Cli, CliLive } from "./cli.ts"
import { Relay, RelayLive } from "./relay.ts"
import { WorkerLive } from "./worker.ts"

// #region app
const RelayService = Layer.effectDiscard(Process.spawn(Relay)).pipe(Layer.provide(RelayLive))

const EchoApp = Layer.merge(RelayService, CliLive).pipe(
  Layer.provide(WorkerLive),
  Layer.provideMerge(ProcessHost.layer("app:processes")),
  Layer.provideMerge(TerminalHost.layer("app:terminal")),
  Layer.provide(NodeStdio.layer)
)

TerminalHost.main(Cli).pipe(Effect.provide(EchoApp), TerminalHost.runMain)
// #endregion app
