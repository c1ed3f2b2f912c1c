import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Layer } from "effect"
import { Application, Process, Selectable, TerminalHost } from "troupe"
import * as Sqlite from "troupe/command/sqlite"
import { Authentication, DirectoryServer, DirectoryStore } from "troupe/net"
import * as Unix from "troupe/net/unix"
import { folder, secret } from "../place.ts"

// #region directory
const DirectoryLive = Layer.unwrap(
  Effect.gen(function* () {
    const at = yield* folder
    return DirectoryServer.layer(Unix.make({ path: `${at}/directory.sock` }), {
      authenticator: Authentication.sharedSecret(yield* secret)
    }).pipe(
      Layer.provide(DirectoryStore.layerSql()),
      Layer.provide(Sqlite.layer({ filename: `${at}/directory.sqlite` }))
    )
  })
)
// #endregion directory

// #region main
const Keeper = Process.make("app:keeper")

const KeeperLive = Keeper.toLayer(
  Effect.fn(function* () {
    const { leases, transport } = yield* DirectoryServer.DirectoryServer
    const events = yield* Keeper.events
    yield* TerminalHost.print(`Directory at ${transport.address}, leases: ${yield* leases}. Ctrl+C to stop.`)
    yield* Effect.repeat(Selectable.take(events), { until: ({ _tag }) => _tag === "Cancel" })
    yield* TerminalHost.print(`Goodbye! Leases: ${yield* leases}.`)
  })
)

const App = KeeperLive.pipe(
  Layer.provideMerge(DirectoryLive),
  Layer.provideMerge(TerminalHost.layer("app:terminal")),
  Layer.provide(NodeServices.layer)
)

Application.runMain(App, { main: TerminalHost.main(Keeper) })
// #endregion main
