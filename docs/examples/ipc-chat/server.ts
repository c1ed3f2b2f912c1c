import * as NodeStdio from "@effect/platform-node/NodeStdio"
import { Context, Effect, Layer } from "effect"
import { Application, Process, Select, TerminalHost } from "troupe"
import { Authentication, IpcServer } from "troupe/net"
import * as Unix from "troupe/net/unix"
import { Chat, defaultPath, type Entered, type Left, type Said } from "./chat.ts"

// #region service
type Pushed = typeof Said | typeof Entered | typeof Left

class ChatServer extends Context.Service<ChatServer, IpcServer.IpcServer<Pushed>>()("app:chat-server") {}
// #endregion service

// #region handlers
interface Guest {
  readonly name: string
  readonly room: string
}

/** Who is who, as long as they are connected. */
const guests = new WeakMap<IpcServer.Client<Pushed>, Guest>()

const path = Effect.map(TerminalHost.args, ([given = defaultPath]) => given)

const ChatServerLive = Layer.unwrap(
  Effect.map(path, (path) =>
    IpcServer.layer(ChatServer, Unix.make({ path, mode: 0o600 }), Chat, {
      // Whoever may open the socket may come in, and that is this user.
      authenticator: Authentication.open,
      handlers: {
        enter: (guest, client) =>
          Effect.gen(function* () {
            guests.set(client, guest)
            yield* client.server.pushToGroup(guest.room, "entered", guest.name)
            const others = yield* client.server.members(guest.room)
            yield* client.join(guest.room)
            return others.flatMap((other) => guests.get(other)?.name ?? [])
          }).pipe(Effect.orDie),
        say: (text, client) => {
          const guest = guests.get(client)
          if (guest === undefined) return Effect.fail("enter a room first")
          return Effect.orDie(client.server.pushToGroup(guest.room, "said", { name: guest.name, text }))
        }
      },
      stopTimeout: "2 seconds"
    })
  )
)
// #endregion handlers

// #region doorman
/** Says who comes and goes, until the program is asked to end. */
const Doorman = Process.make("app:doorman")

const DoormanLive = Doorman.toLayer(
  Effect.fn(function* () {
    const server = yield* ChatServer
    const arrivals = yield* server.events
    const events = yield* Doorman.events
    yield* TerminalHost.print(`Listening at ${yield* path}. Ctrl+C to stop.`)

    while (true) {
      const next = yield* Select.priority({ event: events, arrival: arrivals })
      if (next._tag === "event") {
        if (next.value._tag === "Cancel") break
      } else if (next.value._tag === "Disconnected") {
        const guest = guests.get(next.value.client)
        if (guest === undefined) continue
        yield* server.pushToGroup(guest.room, "left", guest.name)
        yield* TerminalHost.print(`${guest.name} has left ${guest.room}: ${next.value.reason}`)
      }
    }
    const { accepted, pushes } = yield* server.stats
    yield* TerminalHost.print(`Stopping after ${accepted} connections and ${pushes.sent} pushes.`)
  })
)
// #endregion doorman

// #region app
const App = DoormanLive.pipe(
  Layer.provideMerge(ChatServerLive),
  Layer.provideMerge(TerminalHost.layer("app:terminal")),
  Layer.provide(NodeStdio.layer)
)

Application.runMain(App, { main: TerminalHost.main(Doorman) })
// #endregion app
