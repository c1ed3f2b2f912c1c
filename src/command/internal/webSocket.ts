/**
 * WebSockets of processes, over effect's socket.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Url from "effect/http/Url"
import * as Socket from "effect/socket/Socket"
import type { Yielder } from "../../dispatch/Yielded.ts"
import type { Connect, Message, Received, State } from "../WebSocketMessage.ts"
import { WebSocketError, type WebSocketErrorReason } from "../WebSocketError.ts"
import * as Handles from "../../dispatch/Handles.ts"
import { networkFailure } from "./networkFailure.ts"
import { shownUrl } from "./shownUrl.ts"

/** The limits of a connection, in bytes. */
export interface Limits {
  readonly maxMessageBytes: number
  readonly maxBufferedBytes: number
}

type Frame = string | Uint8Array

const encoder = new TextEncoder()

const sizeOf = (data: unknown): number => {
  if (typeof data === "string") return encoder.encode(data).length
  return data instanceof ArrayBuffer || ArrayBuffer.isView(data) ? data.byteLength : 0
}

const notOpen = (operation: string, handle: number) =>
  new WebSocketError({ operation, url: `#${handle}`, reason: { _tag: "NotOpen" } })

/** One connection: what has come and was not received, and how it ended. */
class Connection {
  readonly url: string
  /** Receivers take turns: each message goes to one of them. */
  readonly turns = Semaphore.makeUnsafe(1)
  readonly ws: Socket.WebSocketLike
  private readonly limits: Limits
  private readonly frames: Array<Frame> = []
  /** The bytes which have come and were not received, here and in the socket. */
  private unreceived = 0
  private overflowed = false
  private end: { readonly code: number; readonly reason: string } | undefined

  constructor(url: string, ws: Socket.WebSocketLike, limits: Limits) {
    this.url = url
    this.ws = ws
    this.limits = limits
    const pausable = "pause" in ws
    // A client without a listener for errors may throw them where nobody catches them.
    ws.addEventListener("error", () => {})
    ws.addEventListener("message", ({ data }) => {
      const size = sizeOf(data)
      this.unreceived += size
      // Nothing more comes out of a socket that is closing, so that what waits stops growing.
      if (size > limits.maxMessageBytes) ws.close(4009, "message too large")
      else if (!pausable && this.unreceived > limits.maxBufferedBytes) {
        this.overflowed = true
        ws.close(4008, "messages not received")
      }
    })
    ws.addEventListener("close", ({ code, reason }) => {
      this.end ??= { code: code ?? 1006, reason: reason ?? "" }
    })
  }

  /** The next message, or how the connection ended; waits for it in `pull`, the socket's. */
  receive(pull: Socket.Reader["pull"]): Effect.Effect<Received, WebSocketErrorReason> {
    const next = Effect.suspend(() => this.next(pull))
    return Semaphore.withPermit(this.turns, next)
  }

  private next(pull: Socket.Reader["pull"]): Effect.Effect<Received, WebSocketErrorReason> {
    const frame = this.frames.shift()
    if (frame !== undefined) return this.received(frame)
    // What was pulled is kept even when the receiver is interrupted in this moment.
    const pulled = Effect.uninterruptibleMask((restore) =>
      Effect.map(restore(pull), (batch) => {
        for (const one of batch) this.frames.push(one)
      })
    )
    return Effect.matchEffect(pulled, {
      onSuccess: () => this.next(pull),
      onFailure: (error) => this.ended(error)
    })
  }

  private received(frame: Frame): Effect.Effect<Received, WebSocketErrorReason> {
    const size = sizeOf(frame)
    const limit = this.limits.maxMessageBytes
    this.unreceived -= size
    if (size > limit) return Effect.fail({ _tag: "MessageTooLarge", size, limit })
    return Effect.succeed(
      typeof frame === "string" ? { _tag: "Text", text: frame } : { _tag: "Bytes", bytes: new Uint8Array(frame) }
    )
  }

  private ended(error: Socket.SocketError): Effect.Effect<Received, WebSocketErrorReason> {
    if (this.overflowed) return Effect.fail({ _tag: "Overflow", limit: this.limits.maxBufferedBytes })
    const { reason } = error
    if (reason._tag === "SocketCloseError") this.end ??= { code: reason.code, reason: reason.closeReason ?? "" }
    // A socket that fails says so before it closes; the code of such an end is always 1006.
    return Effect.succeed({ _tag: "Closed", ...(this.end ?? { code: 1006, reason: networkFailure(error).detail }) })
  }

  /** Gives a message to the socket, which sends it when it can. */
  send(writer: Socket.Writer, message: Message): Effect.Effect<void, WebSocketErrorReason> {
    return Effect.suspend((): Effect.Effect<void, WebSocketErrorReason> => {
      const closed = { _tag: "Closed", ...(this.end ?? { code: 1005, reason: "" }) } as const
      if (this.ws.readyState !== 1) return Effect.fail(closed)
      const frame = message._tag === "Text" ? message.text : message.bytes
      const size = sizeOf(frame)
      const { maxBufferedBytes, maxMessageBytes } = this.limits
      if (size > maxMessageBytes) return Effect.fail({ _tag: "MessageTooLarge", size, limit: maxMessageBytes })
      const waiting = "bufferedAmount" in this.ws ? Number(this.ws.bufferedAmount) : 0
      if (waiting > 0 && waiting + size > maxBufferedBytes)
        return Effect.fail({ _tag: "Congested", waiting, limit: maxBufferedBytes })
      return Effect.mapError(writer.write(frame), () => closed)
    })
  }

  close(code: number, reason: string): Effect.Effect<void, WebSocketErrorReason> {
    if (code !== 1000 && (code < 3000 || code > 4999))
      return Effect.fail({ _tag: "InvalidClose", detail: `the code ${code} is neither 1000 nor one of 3000 to 4999` })
    const size = encoder.encode(reason).length
    if (size > 123)
      return Effect.fail({
        _tag: "InvalidClose",
        detail: `the reason has ${size} bytes, and may have no more than 123`
      })
    return Effect.sync(() => this.ws.close(code, reason))
  }

  get state(): State {
    const status = this.ws.readyState === 1 ? "open" : this.ws.readyState === 3 ? "closed" : "closing"
    return { status, protocol: "protocol" in this.ws ? String(this.ws.protocol) : "" }
  }
}

interface Open {
  readonly connection: Connection
  readonly pull: Socket.Reader["pull"]
  readonly writer: Socket.Writer
}

/** Why no connection was opened: what the client says, as far as it says something. */
const connectReason = (error: Socket.SocketError): WebSocketErrorReason => {
  const { reason } = error
  if (reason._tag === "SocketOpenError" && reason.kind === "Timeout")
    return { _tag: "Unreachable", detail: "the handshake took more than 10 seconds" }
  const { detail, kind } = networkFailure(reason)
  switch (kind) {
    case "HostNotFound":
      return { _tag: "HostNotFound" }
    case "ConnectionClosed":
      return { _tag: "Rejected", detail: "it closed the connection" }
    case "Other":
      return { _tag: /server|sec-websocket|upgrade/i.test(detail) ? "Rejected" : "ConnectFailed", detail }
    default:
      return { _tag: kind, detail }
  }
}

const urlRefusal = (text: string): WebSocketErrorReason | undefined => {
  const url = Url.fromString(text)
  if (Result.isFailure(url)) return { _tag: "InvalidUrl", detail: "the url is none" }
  const { hash, password, protocol, username } = url.success
  if (protocol !== "ws:" && protocol !== "wss:")
    return { _tag: "InvalidUrl", detail: `the url begins with ${protocol} and must begin with ws: or wss:` }
  if (username !== "" || password !== "")
    return {
      _tag: "InvalidUrl",
      detail: "the url holds a user or password, which belong into the header authorization"
    }
  return hash === "" ? undefined : { _tag: "InvalidUrl", detail: "the url has a fragment" }
}

/** The connections of processes. */
export class Connections {
  private readonly handles = Handles.make<Open>()
  private readonly construct: Socket.WebSocketConstructor["Service"]
  private readonly limits: Limits

  constructor(construct: Socket.WebSocketConstructor["Service"], limits: Limits) {
    this.construct = construct
    this.limits = limits
  }

  connect(process: Yielder, request: Connect): Effect.Effect<number, WebSocketError> {
    const url = shownUrl(request.url)
    return Effect.mapError(
      this.handles.open(process, this.acquire(request, url)),
      (reason) => new WebSocketError({ operation: "connect", url, reason })
    )
  }

  private acquire(request: Connect, url: string): Effect.Effect<Open, WebSocketErrorReason, Scope.Scope> {
    return Effect.gen({ self: this }, function* () {
      const refused = urlRefusal(request.url)
      if (refused !== undefined) return yield* Effect.fail(refused)
      const protocols = [...(request.protocols ?? [])]
      const options = request.headers === undefined ? protocols : { protocols, headers: request.headers }
      const connection = yield* Effect.acquireRelease(
        Effect.try({
          // In the step in which it is made, so that nothing it says is missed.
          try: () => new Connection(url, this.construct(request.url, options), this.limits),
          catch: (cause): WebSocketErrorReason => ({ _tag: "InvalidRequest", detail: networkFailure(cause).detail })
        }),
        ({ ws }) => Effect.sync(() => ws.close(1000))
      )
      const socket = yield* Socket.fromWebSocket(Effect.succeed(connection.ws), {
        highWaterMark: this.limits.maxBufferedBytes
      })
      const { pull } = yield* Effect.mapError(socket.reader, connectReason)
      return { connection, pull, writer: yield* socket.writer }
    })
  }

  send(process: Yielder, handle: number, message: Message): Effect.Effect<void, WebSocketError> {
    return this.use(process, handle, "send", ({ connection, writer }) => connection.send(writer, message))
  }

  receive(process: Yielder, handle: number): Effect.Effect<Received, WebSocketError> {
    return this.use(process, handle, "receive", ({ connection, pull }) => connection.receive(pull))
  }

  /** Begins to close the connection, and forgets it: what has come and was not received is dropped. */
  close(process: Yielder, handle: number, code: number, reason: string): Effect.Effect<void, WebSocketError> {
    return Effect.andThen(
      this.use(process, handle, "close", ({ connection }) => connection.close(code, reason)),
      Effect.asVoid(this.handles.close(process, handle))
    )
  }

  state(process: Yielder, handle: number): Effect.Effect<State, WebSocketError> {
    return this.use(process, handle, "state", ({ connection }) => Effect.sync(() => connection.state))
  }

  private use<A>(
    process: Yielder,
    handle: number,
    operation: string,
    f: (open: Open) => Effect.Effect<A, WebSocketErrorReason>
  ): Effect.Effect<A, WebSocketError> {
    return Effect.suspend(() => {
      const open = this.handles.find(process, handle)
      if (open === undefined) return Effect.fail(notOpen(operation, handle))
      const { url } = open.connection
      return Effect.mapError(f(open), (reason) => new WebSocketError({ operation, url, reason }))
    })
  }
}
