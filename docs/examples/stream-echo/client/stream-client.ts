// The handlers of stream-client: this file is yours, and is not written again.

import { Deferred, Effect, Result, Schedule, Schema, Stream } from "effect"
import { TerminalHost } from "troupe"
import { DataStream } from "troupe/net"
import * as Tcp from "troupe/net/tcp"
import * as Unix from "troupe/net/unix"
import { credentials } from "../place.ts"
import type { Handlers, StartStreamRequest, StartStreamResponse } from "./generated/local/stream-client.ts"
import * as StreamEchoServer from "./generated/remote/stream-echo-server.ts"
import type { Messages } from "./messages.ts"

type Begun = Deferred.Deferred<StartStreamResponse>

const decoder = new TextDecoder()

/** The server does not produce the stream. */
class Refused extends Schema.TaggedError<Refused>()("Refused", { detail: Schema.String }) {
  override get message(): string {
    return `The server refuses the stream: ${this.detail}`
  }
}

// #region receive
/** Asks a server for the messages that are not here yet, and takes them; `begun` is told what it says. */
const receive = Effect.fnUntraced(function* (wanted: StartStreamRequest, messages: Messages, begun: Begun) {
  const { message_count, stream_id } = wanted
  const streams = yield* DataStream.make()
  const server = yield* StreamEchoServer.connect({
    dialers: [Unix.dialer(), Tcp.dialer()],
    credentials: yield* credentials("stream-echo-client"),
    handlers: streams.handlers,
    reconnect: soon
  })

  // First the stream, then the request: not even a message that overtakes the answer is missed.
  const after = yield* messages.last
  const chunks = yield* streams.toStream(server, stream_id, { after })
  const { message, success } = yield* server.request("RegisterStream", { stream_id, message_count, after })
  if (!success) return yield* new Refused({ detail: message })
  yield* Deferred.succeed(begun, { success, message })
  yield* Effect.raceFirst(
    Stream.runForEach(chunks, ({ payload }) => messages.add(decoder.decode(payload))),
    Effect.flatMap(server.closed, Effect.fail)
  )
}, Effect.scoped)

/** For how long a link that was lost is made again, before another server is looked for. */
const soon = Schedule.max([Schedule.spaced("200 millis"), Schedule.recurs(10)])
// #endregion receive

// #region all
/** Receives all messages, from one server after the other; or none, when nobody has them at first. */
const receiveAll = Effect.fnUntraced(function* (wanted: StartStreamRequest, messages: Messages, begun: Begun) {
  let lostBehind = -1
  while (true) {
    const outcome = yield* Effect.result(receive(wanted, messages, begun))
    if (Result.isSuccess(outcome)) return
    const error = outcome.failure
    const { _tag, message } = error
    // What this side can't take it can't take from another server either.
    if (_tag === "TerminalClosed" || _tag === "TerminalFailed" || _tag === "PlatformError") return yield* error
    if (yield* Deferred.succeed(begun, { success: false, message, problem: problemOf(_tag) })) return
    const last = yield* messages.last
    if (last !== lostBehind) yield* TerminalHost.print(`* The server is gone behind message ${last}; looking for one`)
    lostBehind = last
    yield* Effect.sleep("200 millis")
  }
})
// #endregion all

const problemOf = (tag: string) =>
  tag === "Refused" ? "REFUSED" : tag === "DirectoryUnavailable" ? "NO_DIRECTORY" : "NO_SERVER"

// #region handlers
/** The handlers, and what waits until all messages are here. */
export const make = Effect.fnUntraced(function* (messages: Messages) {
  const scope = yield* Effect.scope
  const received = yield* Deferred.make<void, Effect.Error<ReturnType<typeof receiveAll>>>()
  const handlers = {
    StartStream: Effect.fnUntraced(function* (wanted) {
      const begun: Begun = yield* Deferred.make<StartStreamResponse>()
      yield* receiveAll(wanted, messages, begun).pipe(Deferred.into(received), Effect.forkIn(scope))
      return yield* Deferred.await(begun)
    })
  } satisfies Handlers
  return { handlers, received: Deferred.await(received) }
})
// #endregion handlers
