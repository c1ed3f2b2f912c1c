// The handlers of stream-server: this file is yours, and is not written again.

import { Config, Effect, Schedule, Stream } from "effect"
import { TerminalHost } from "troupe"
import { DataStream } from "troupe/net"
import type { Handlers } from "./generated/local/stream-server.ts"

/** How long it waits before each message. */
const interval = Config.withDefault(Config.Duration("STREAM_ECHO_INTERVAL"), "1 second")

const encoder = new TextEncoder()

// #region handlers
export const handlers = Effect.gen(function* () {
  const streams = yield* DataStream.make()
  const scope = yield* Effect.scope
  const pace = Schedule.spaced(yield* interval)

  /** The messages behind those that the client has. */
  const messages = (streamId: string, after: number, count: number) =>
    Stream.range(after + 1, count).pipe(
      Stream.schedule(pace),
      Stream.map((n) => encoder.encode(`[server] Stream message ${n} for ${streamId}`))
    )

  return {
    ...streams.handlers,
    RegisterStream: Effect.fnUntraced(function* ({ after = 0, message_count, stream_id }, client) {
      if (stream_id === "" || message_count === 0) {
        return { success: false, message: "A stream has an id, and one message at least." }
      }
      const { account } = (yield* client.identity) ?? {}
      yield* say(`${stream_id}: messages ${after + 1} to ${message_count} for ${account}`)
      yield* streams.fromStream(client, stream_id, messages(stream_id, after, message_count), { after }).pipe(
        Effect.matchEffect({
          onSuccess: () => say(`${stream_id}: all have arrived`),
          onFailure: ({ message }) => say(`${stream_id}: ${message}`)
        }),
        Effect.forkIn(scope)
      )
      return { success: true, message: `Stream ${stream_id} registered successfully` }
    })
  } satisfies Handlers
})
// #endregion handlers

// Where nobody reads what is printed, streams go on.
const say = (line: string) => Effect.ignore(TerminalHost.print(line))
