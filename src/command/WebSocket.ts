/**
 * WebSockets: connecting, sending, receiving.
 *
 * A connection is a handle, which belongs to the process that connected, and is closed when that process ends. Messages
 * are pulled: those that come meanwhile wait, and where the client can, the other side is kept from sending more.
 */
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Socket from "effect/socket/Socket"
import * as Command from "../dispatch/Command.ts"
import * as Dispatcher from "../dispatch/Dispatcher.ts"
import type { InvalidOption } from "../process/ProcessError.ts"
import * as Process from "../process/Yielding.ts"
import { limitsOf, mebibytes } from "./internal/limits.ts"
import { Connections } from "./internal/webSocket.ts"
import { WebSocketError } from "./WebSocketError.ts"
import { Connect, Handle, Message, Received, State } from "./WebSocketMessage.ts"

export * from "./WebSocketError.ts"
export * from "./WebSocketMessage.ts"

const handle = Handle
const error = WebSocketError

/**
 * The commands of the module `websocket`, by name.
 *
 * @category commands
 */
export const commands = Command.module("websocket", {
  connect: Command.make(80, { payload: Connect, success: Handle, error }),
  send: Command.make(81, { payload: { handle, message: Message }, error }),
  receive: Command.make(82, { payload: { handle }, success: Received, error }),
  close: Command.make(83, { payload: { handle, code: Schema.Int, reason: Schema.String }, error }),
  state: Command.make(84, { payload: { handle }, success: State, error })
})

/**
 * How much goes over a WebSocket at most, in bytes.
 *
 * @category models
 */
export interface Options {
  /** The most that a message may have, in either direction: 1 MiB when absent. */
  readonly maxMessageBytes?: number | undefined
  /** The most that may wait to be received, or to be sent, of one connection: 4 MiB when absent. */
  readonly maxBufferedBytes?: number | undefined
}

/**
 * Handles the module with effect's `WebSocketConstructor`, such as that of `Socket.layerWebSocketConstructorGlobal`.
 *
 * **Details**
 *
 * When more messages wait to be received than `maxBufferedBytes`, a client that can pause, such as that of the package
 * `ws`, pauses: it reads no further until they have been received, and what is kept stays within twice that limit. A
 * client that can't, such as the global `WebSocket`, closes the connection with the code 4008: `receive` gives what has
 * come, and then fails with the reason `Overflow`.
 *
 * The global `WebSocket` does not say why there is no connection, as no browser does; the reason is `ConnectFailed` then.
 * A handshake may take 10 seconds.
 *
 * **Errors**
 *
 * `InvalidOption` for a limit that is no whole number.
 *
 * @category layers
 */
export const layer = (
  options?: Options
): Layer.Layer<
  Dispatcher.Handles<"websocket"> | Dispatcher.Dispatcher,
  Dispatcher.RegistrationError | InvalidOption,
  Socket.WebSocketConstructor
> =>
  Dispatcher.layer(
    commands,
    Effect.gen(function* () {
      const { count } = limitsOf("WebSocket.layer")
      const connections = new Connections(yield* Socket.WebSocketConstructor, {
        maxMessageBytes: yield* count("maxMessageBytes", options?.maxMessageBytes, mebibytes(1)),
        maxBufferedBytes: yield* count("maxBufferedBytes", options?.maxBufferedBytes, mebibytes(4))
      })
      return commands.of({
        connect: (connect, { process }) => Effect.map(connections.connect(process, connect), (id) => Handle.make(id)),
        send: ({ handle, message }, { process }) => connections.send(process, handle, message),
        receive: ({ handle }, { process }) => connections.receive(process, handle),
        close: ({ code, handle, reason }, { process }) => connections.close(process, handle, code, reason),
        state: ({ handle }, { process }) => connections.state(process, handle)
      })
    })
  )

/**
 * Connects this process to a server, and answers when the handshake is done.
 *
 * **Details**
 *
 * - `options.protocols`: the subprotocols to offer; `state` tells which one the server chose.
 * - `options.headers`: headers of the handshake; browsers, and the global `WebSocket`, can't send any.
 *
 * **Errors**
 *
 * `WebSocketError`, with the reason `InvalidUrl`, `InvalidRequest`, `HostNotFound`, `Unreachable`, `Tls`, `Rejected` or
 * `ConnectFailed`.
 *
 * **Example** (A server that says everything back)
 *
 * ```ts import.meta.vitest
 * import { createServer } from "node:http"
 * import * as NodeWS from "@effect/platform-node/NodeWS"
 * import { Effect, Exit, Layer, Schema } from "effect"
 * import { Process, ProcessHost } from "troupe"
 * import { WebSocket } from "troupe/command"
 *
 * const Guest = Process.make("app:guest", { args: Schema.String })
 * const GuestLive = Guest.toLayer(Effect.fn(function*(url) {
 *   const handle = yield* WebSocket.connect(url)
 *   yield* WebSocket.send(handle, "hello")
 *   const received = yield* WebSocket.receive(handle)
 *   yield* WebSocket.close(handle)
 *   return received
 * })).pipe(Layer.provide(WebSocket.layer()), Layer.provide(NodeWS.layerWebSocketConstructor))
 *
 * const program = Effect.gen(function*() {
 *   const server = createServer()
 *   new NodeWS.WebSocketServer({ server }).on("connection", (socket) => {
 *     socket.on("message", (message) => socket.send(String(message)))
 *   })
 *   const url = yield* Effect.promise(() =>
 *     new Promise<string>((resolve) =>
 *       server.listen(0, "127.0.0.1", () => resolve(`ws://127.0.0.1:${(server.address() as { port: number }).port}`))
 *     )
 *   )
 *   const exit = yield* Effect.flatMap(Process.spawn(Guest, url), Process.await)
 *   server.close()
 *   return exit
 * })
 * await Effect.runPromise(Effect.provide(program, [GuestLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed({ _tag: "Text", text: "hello" })
 * ```
 *
 * @category yielding
 */
export const connect = (url: string, options?: Omit<Connect, "url">) =>
  Process.yield(commands.connect, { url, ...options })

/**
 * Sends a text, or bytes: gives it to the client, which sends it as the other side takes it.
 *
 * @category yielding
 */
export const send = (handle: Handle, message: string | Uint8Array) =>
  Process.yield(commands.send, {
    handle,
    message: typeof message === "string" ? { _tag: "Text", text: message } : { _tag: "Bytes", bytes: message }
  })

/**
 * Waits for the next message. A connection that was closed, by whichever side, is an answer, again and again: `Closed`,
 * with its code and reason.
 *
 * @category yielding
 */
export const receive = (handle: Handle) => Process.yield(commands.receive, { handle })

/**
 * Closes the connection, and gives the handle back. The close is sent behind the messages that were sent before; what has
 * come and was not received is dropped. It does not wait for the answer of the other side.
 *
 * **Details**
 *
 * - `code`: 1000, or one of 3000 to 4999.
 * - `reason`: no more than 123 bytes.
 *
 * @category yielding
 */
export const close = (handle: Handle, code: number = 1000, reason: string = "") =>
  Process.yield(commands.close, { handle, code, reason })

/**
 * Whether the connection is open, and its subprotocol.
 *
 * @category yielding
 */
export const state = (handle: Handle) => Process.yield(commands.state, { handle })
