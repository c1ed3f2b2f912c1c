import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Layer, Schema } from "effect"
import { Application, Process, TerminalHost } from "troupe"
import { Offer } from "troupe/net"
import { directory } from "../place.ts"
import { parse, usage } from "./arguments.ts"
import { StreamClient, type } from "./generated/local/stream-client.ts"
import * as Messages from "./messages.ts"
import * as Handlers from "./stream-client.ts"

// #region main
const Client = Process.make("app:client", { success: Schema.Int })

const exitCodes = { REFUSED: 1, NO_DIRECTORY: 3, NO_SERVER: 4 }

const ClientLive = Client.toLayer(
  Effect.fn(function* () {
    const terminal = yield* TerminalHost.TerminalHost
    const given = parse(yield* TerminalHost.args)
    if (given === undefined) return yield* Effect.as(terminal.writeError(usage), 2)

    const messages = yield* Messages.make(given.file)
    const { handlers, received } = yield* Handlers.make(messages)
    const service = yield* Offer.local(type, StreamClient, { handlers })
    const local = yield* service.connect()
    const {
      message,
      problem = "REFUSED",
      success
    } = yield* local.request("StartStream", given.wanted, { timeout: "1 minute" })
    if (!success) return yield* Effect.as(terminal.writeError(`${message}\n`), exitCodes[problem])
    yield* TerminalHost.print(`* ${message}`)
    yield* Effect.onInterrupt(received, () =>
      Effect.flatMap(messages.last, (last) => Effect.ignore(TerminalHost.print(`* Stopped behind message ${last}`)))
    )
    return 0
  })
)
// #endregion main

// #region app
const App = ClientLive.pipe(
  Layer.provideMerge(directory("stream-echo-client")),
  Layer.provideMerge(TerminalHost.layer("app:terminal")),
  Layer.provide(NodeServices.layer)
)

Application.runMain(App, { main: TerminalHost.main(Client) })
// #endregion app
