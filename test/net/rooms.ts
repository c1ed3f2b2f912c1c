/**
 * A server with rooms, and clients that hear what is said in them.
 */
import { Effect, Schedule, Schema, Stream } from "effect"
import { Rpc } from "effect/rpc"
import { Authentication, type Connection, IpcClient, IpcServer, Protocol } from "troupe/net"
import { join } from "node:path"
import type { Transport, Wire } from "../../src/net/Transport.ts"
import * as Unix from "../../src/net/transport/node/Unix.ts"
import { directory } from "../support/files.ts"

export const Rooms = Protocol.make("test:rooms", {
  server: [
    Rpc.make("enter", { payload: Schema.String, success: Schema.Int, error: Schema.String }),
    Rpc.make("leave", { payload: Schema.String, success: Schema.Boolean }),
    Rpc.make("rooms", { success: Schema.Array(Schema.String) }),
    Rpc.make("echo", { payload: Schema.String, success: Schema.String }),
    Rpc.make("who", { success: Schema.String }),
    Rpc.make("hold", { success: Schema.String }),
    Rpc.make("names", { payload: Schema.Int, success: Schema.String, stream: true })
  ],
  client: [
    Rpc.make("said", { payload: Schema.Int }),
    Rpc.make("bytes", { payload: Schema.Uint8Array }),
    Rpc.make("name", { success: Schema.String })
  ]
})

type Server = (typeof Rooms)["server"][number]
type Client = (typeof Rooms)["client"][number]

export type RoomServer = IpcServer.IpcServer<Client>
export type RoomClient = IpcClient.IpcClient<Server>

/** A unix socket of its own for the test. */
export const socket = Effect.map(directory, (folder) => Unix.make({ path: join(folder, "rooms.sock") }))

export interface ServerOptions extends Partial<Omit<IpcServer.Options<Server, Client, never, never>, "handlers">> {
  /** What is done before somebody is in a room. */
  readonly onEnter?: (room: string) => Effect.Effect<void, string>
  readonly hold?: Effect.Effect<string>
}

export const serve = (
  transport: Transport,
  { hold = Effect.never, onEnter = () => Effect.void, ...options }: ServerOptions = {}
) =>
  IpcServer.make(transport, Rooms, {
    authenticator: Authentication.open,
    ...options,
    handlers: {
      enter: (room, client) =>
        onEnter(room).pipe(
          Effect.andThen(client.join(room)),
          Effect.andThen(Effect.map(client.server.members(room), (members) => members.length))
        ),
      leave: (room, client) => client.leave(room),
      rooms: (_, client) => client.groups,
      echo: (text) => Effect.succeed(text),
      who: (_, client) => Effect.orDie(client.request("name")),
      hold: () => hold,
      names: (times, client) => Stream.fromEffectRepeat(Effect.orDie(client.request("name"))).pipe(Stream.take(times))
    }
  })

/** Tries again soon. */
export const soon = Schedule.spaced("10 millis")

/** One that hears; `onSaid` is what it does about what it hears. */
export const enter = Effect.fnUntraced(function* (
  transport: Transport,
  options: Connection.Options & {
    readonly name?: string
    readonly onSaid?: (said: number, connection: Connection.Connection<Server>) => Effect.Effect<void>
  } = {}
) {
  const { name = "Ada", onSaid = () => Effect.void, ...others } = options
  const heard: Array<number> = []
  const client = yield* IpcClient.connect(transport, Rooms, {
    reconnect: soon,
    ...others,
    handlers: {
      said: (said, connection) =>
        Effect.andThen(
          Effect.sync(() => heard.push(said)),
          onSaid(said, connection)
        ),
      bytes: () => Effect.void,
      name: () => Effect.succeed(name)
    }
  })
  return { client, heard }
})

/** The transport, with the wires that clients have, and the kinds of the frames that went over all of them. */
export const tapped = (transport: Transport) => {
  const wires: Array<Wire> = []
  const sent: Array<number> = []
  const tap = (wire: Wire): Wire => ({
    transport: wire.transport,
    peer: wire.peer,
    maxFrame: wire.maxFrame,
    send: (frame) => Effect.andThen(note([frame]), wire.send(frame)),
    sendAll: (frames) => Effect.andThen(note(frames), wire.sendAll(frames)),
    receive: wire.receive,
    closed: wire.closed,
    close: wire.close
  })
  const note = (frames: ReadonlyArray<Uint8Array>) =>
    Effect.sync(() => {
      for (const frame of frames) sent.push(frame[0]! & 0x7f)
    })
  const both: Transport = {
    ...transport,
    connect: Effect.map(transport.connect, (wire) => {
      wires.push(wire)
      return tap(wire)
    }),
    listen: (handle) =>
      Effect.map(
        transport.listen((wire) => handle(tap(wire))),
        (listening) => ({ ...listening, transport: both })
      )
  }
  return { transport: both, wires, sent, latest: () => wires.at(-1)! }
}
