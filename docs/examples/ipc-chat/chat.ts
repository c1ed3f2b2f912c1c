import { Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Protocol } from "troupe/net"
import { tmpdir } from "node:os"

// #region protocol
/** What the server handles. */
export const Enter = Rpc.make("enter", {
  payload: { name: Schema.NonEmptyString, room: Schema.NonEmptyString },
  success: Schema.Array(Schema.String)
})
export const Say = Rpc.make("say", { payload: Schema.String, success: Schema.Int, error: Schema.String })

/** What is pushed to clients. */
export const Said = Rpc.make("said", { payload: { name: Schema.String, text: Schema.String } })
export const Entered = Rpc.make("entered", { payload: Schema.String })
export const Left = Rpc.make("left", { payload: Schema.String })

export const Chat = Protocol.make("app:chat", { server: [Enter, Say], client: [Said, Entered, Left] })
// #endregion protocol

/** Where the server is when nobody says otherwise. */
export const defaultPath = `${tmpdir()}/troupe-chat.sock`
