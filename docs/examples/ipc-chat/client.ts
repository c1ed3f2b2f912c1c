import * as NodeStdio from "@effect/platform-node/NodeStdio"
import { Effect, Layer, Option } from "effect"
import { Application, Process, Select, TerminalHost } from "troupe"
import { Delegate, IpcClient } from "troupe/net"
import * as Unix from "troupe/net/unix"
import { Chat, defaultPath, Entered, Left, Said } from "./chat.ts"

// #region definition
/** What is pushed to the client are messages to its process. */
const Guest = Process.make("app:guest", { protocol: [Said, Entered, Left] })
// #endregion definition

// #region body
const GuestLive = Guest.toLayer(
  Effect.fn(function* () {
    const [name = "somebody", room = "lobby", path = defaultPath] = yield* TerminalHost.args
    const self = yield* Guest.self
    const client = yield* IpcClient.make(Unix.make({ path }), Chat, {
      handlers: {
        said: Delegate.send(self, "said"),
        entered: Delegate.send(self, "entered"),
        left: Delegate.send(self, "left")
      }
    })

    const links = yield* client.events
    const pushes = yield* Guest.inbox
    const lines = yield* TerminalHost.lines
    const events = yield* Guest.events
    yield* Process.fork(enter(client, name, room))

    while (true) {
      const next = yield* Select.priority({ event: events, link: links, push: pushes, line: lines })
      if (next._tag === "event") {
        if (next.value._tag === "Cancel") break
      } else if (next._tag === "line") {
        if (Option.isNone(next.value)) break
        const said = yield* Effect.result(client.request("say", next.value.value, { timeout: "2 seconds" }))
        if (said._tag === "Failure") yield* TerminalHost.print(`* not said: ${String(said.failure)}`)
      } else if (next._tag === "link") {
        yield* TerminalHost.print(`* ${next.value._tag.toLowerCase()}`)
      } else if (next.value.topic === "said") {
        yield* TerminalHost.print(`${next.value.payload.name}: ${next.value.payload.text}`)
      } else {
        yield* TerminalHost.print(`* ${next.value.payload} has ${next.value.topic}`)
      }
    }
    yield* TerminalHost.print("Goodbye!")
  })
)
// #endregion body

// #region enter
/** Enters the room, once there is a server; over each new link the client does it again. */
const enter = (client: IpcClient.IpcClient<(typeof Chat)["server"][number]>, name: string, room: string) =>
  Effect.gen(function* () {
    const others = yield* client.subscribe("enter", { name, room }, { timeout: "1 hour" })
    yield* TerminalHost.print(`* you are in ${room} with ${others.length === 0 ? "nobody" : others.join(", ")}`)
  })
// #endregion enter

// #region app
const App = GuestLive.pipe(Layer.provideMerge(TerminalHost.layer("app:terminal")), Layer.provide(NodeStdio.layer))

Application.runMain(App, { main: TerminalHost.main(Guest) })
// #endregion app
