/**
 * The way of signals between two nodes over a connection: as many in a message as have come together.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type { RemoteNode } from "../../../process/internal/remoteLink.ts"
import { decode, type Signal } from "../../../process/internal/remoteSignal.ts"
import type { Connection } from "../../Connection.ts"
import type { TellError } from "../../ConnectionError.ts"
import type { Outgoing } from "./Outgoing.ts"

// A message is begun anew at so many characters, so that nothing waits long behind a large one.
const MaxLength = 64 * 1024

interface Written {
  readonly signal: Signal
  readonly text: string
}

const isSmall = (length: number, text: string): boolean => length === 0 || length + text.length < MaxLength

const send = (
  connection: Connection,
  remote: RemoteNode,
  written: ReadonlyArray<Written>
): Effect.Effect<void, TellError> =>
  Effect.catchTag(connection.send(`[${written.map(({ text }) => text).join()}]`), "FrameTooLarge", (error) => {
    const [first] = written
    if (first === undefined) return Effect.void
    if (written.length === 1) return Effect.sync(() => remote.refuse(first.signal, "TooLarge", error.message))
    return Effect.forEach(written, (one) => send(connection, remote, [one]), { discard: true })
  })

const sendAll = (
  connection: Connection,
  remote: RemoteNode,
  signals: ReadonlyArray<Signal>
): Effect.Effect<void, TellError> =>
  Effect.gen(function* () {
    let written: Array<Written> = []
    let length = 0
    for (const signal of signals) {
      const text = write(signal)
      if (text === undefined) {
        remote.refuse(signal, "InvalidPayload", "it can't be written as JSON")
        continue
      }
      if (!isSmall(length, text)) {
        yield* send(connection, remote, written)
        written = []
        length = 0
      }
      written.push({ signal, text })
      length += text.length
    }
    if (written.length > 0) yield* send(connection, remote, written)
  })

// `undefined` when a schema that takes anything has let something pass that is no JSON.
const write = (signal: Signal): string | undefined => Result.getOrUndefined(Result.try(() => JSON.stringify(signal)))

// `undefined` when the text is no JSON.
const read = (text: string): unknown => Result.getOrUndefined(Result.try((): unknown => JSON.parse(text)))

const take = (remote: RemoteNode, message: Uint8Array | string): Effect.Effect<void, string> =>
  Effect.suspend(() => {
    const signals = typeof message === "string" ? decode(read(message)) : undefined
    if (signals === undefined || Exit.isFailure(signals)) return Effect.fail("it does not speak as this node does")
    for (const signal of signals.value) remote.receive(signal)
    return Effect.void
  })

/** Carries signals in both directions until the connection is closed, or the other side is not understood. */
export const carrying = (
  connection: Connection,
  remote: RemoteNode,
  outgoing: Outgoing
): Effect.Effect<string, never, Scope.Scope> =>
  Effect.gen(function* () {
    const sending = Effect.forever(Effect.flatMap(outgoing.takeAll, (signals) => sendAll(connection, remote, signals)))
    yield* Effect.forkScoped(Effect.ignore(sending))
    const receiving = Effect.forever(Effect.flatMap(connection.receive, (message) => take(remote, message)))
    return yield* Effect.match(receiving, {
      onFailure: (error) => (typeof error === "string" ? error : error.message),
      onSuccess: (never) => never
    })
  })
