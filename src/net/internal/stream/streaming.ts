/**
 * Makes the streams of a program.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Pull from "effect/Pull"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { step } from "../../../channel/internal/step.ts"
import type { Chunk, DataStreams, Options, ReceiveError, Receiver, Sender, Side } from "../../DataStream.ts"
import type { Connection } from "../../Connection.ts"
import type { Arrival, Receiving } from "./Receiving.ts"
import type { Route } from "./routes.ts"
import { Streams } from "./Streams.ts"

// Whoever has these routes on its other side is a connection, under whichever name.
const connectionOf = (side: Side): Connection<Route> => side as Connection<Route>

type Handle = (chunk: Chunk, caller: Connection<Route>) => Effect.Effect<unknown, unknown>

/** Makes them; they end with the scope. */
export const streaming = ({ patience = "1 minute" }: Options): Effect.Effect<DataStreams, never, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const clock = yield* Clock.Clock
    const streams = new Streams({ clock, scope, patience: Duration.toMillis(Duration.fromInputUnsafe(patience)) })
    yield* Effect.addFinalizer(() => streams.end)

    const register = Effect.fnUntraced(function* (
      from: Side,
      streamId: string,
      handler: Handle,
      options: Parameters<DataStreams["register"]>[3] = {}
    ) {
      const { before, receiving } = yield* streams.receive(connectionOf(from), streamId, options)
      const turn = before === undefined ? Effect.void : Effect.ignore(before.ended)
      const worker = yield* Effect.forkScoped(Effect.andThen(turn, handling(streams, receiving, handler)))
      const interrupted = Effect.sync(() => worker.interruptUnsafe())
      const receiver: Receiver = {
        streamId,
        unregister: Effect.andThen(streams.unregister(receiving), Effect.ignore(receiving.ended)),
        cancel: Effect.andThen(interrupted, streams.cancel(receiving)),
        ended: receiving.ended,
        stats: Effect.sync(() => receiving.stats)
      }
      return receiver
    })

    const open = (to: Side, streamId: string, options: Parameters<DataStreams["open"]>[2] = {}) =>
      Effect.map(streams.open(connectionOf(to), streamId, options), ({ sender }) => sender)

    return {
      handlers: {
        "@stream.chunks": (payload, caller) => streams.onChunks(payload, connectionOf(caller)),
        "@stream.chunk": (payload, caller) => streams.onChunk(payload, connectionOf(caller)),
        "@stream.attach": (payload, caller) => streams.onAttach(payload, connectionOf(caller)),
        "@stream.close": (payload, caller) => streams.onClose(payload, connectionOf(caller))
      },
      // Whoever is on the other side of a connection is so on the one that follows it.
      register: register as DataStreams["register"],
      toStream: (from, streamId, options = {}) =>
        Effect.map(streams.receive(connectionOf(from), streamId, options), ({ before, receiving }) => {
          const pull = pulling(streams, receiving)
          const turn = before === undefined ? pull : Effect.andThen(Effect.ignore(before.ended), pull)
          // Who consumes no further receives no further.
          return Stream.ensuring(Stream.fromPull(Effect.succeed(turn)), streams.cancel(receiving))
        }),
      open,
      fromStream: (to, streamId, payloads, options) =>
        Effect.scoped(Effect.flatMap(open(to, streamId, options), (sender) => sendAll(sender, payloads))),
      events: streams.topic.subscribe(),
      stats: Effect.sync(() => streams.stats)
    }
  })

// One chunk after the other, whatever becomes of each.
const handling = (streams: Streams, receiving: Receiving, handler: Handle): Effect.Effect<void> => {
  const turn = Effect.suspend(() => {
    const arrival = receiving.shift()
    return arrival === undefined ? receiving.due : handled(receiving, arrival, handler)
  })
  return Effect.whileLoop({ while: () => !streams.settle(receiving), body: () => turn, step: () => {} })
}

const handled = (receiving: Receiving, { caller, chunk }: Arrival, handler: Handle): Effect.Effect<void> =>
  Effect.matchCauseEffect(
    Effect.suspend(() => handler(chunk, caller)),
    {
      onSuccess: () => Effect.sync(() => receiving.onHandled(true)),
      onFailure: (cause) => {
        receiving.onHandled(false)
        return Effect.logError(`The handler of the stream "${chunk.streamId}" failed at chunk ${chunk.sequence}`, cause)
      }
    }
  )

const pulling = (streams: Streams, receiving: Receiving): Pull.Pull<NonEmptyReadonlyArray<Chunk>, ReceiveError> =>
  Effect.andThen(
    receiving.due,
    step(() => {
      const chunks: Array<Chunk> = []
      for (let next = receiving.shift(); next !== undefined; next = receiving.shift()) {
        receiving.onHandled(true)
        chunks.push(next.chunk)
      }
      if (isSome(chunks)) return Exit.succeed(chunks)
      if (!streams.settle(receiving)) return pulling(streams, receiving)
      return Effect.andThen(receiving.ended, Cause.done())
    })
  )

const isSome = <A>(values: Array<A>): values is [A, ...Array<A>] => values.length > 0

const sendAll = <E, R>(sender: Sender, payloads: Stream.Stream<Uint8Array, E, R>) => {
  const sending = Effect.flatMap(
    Effect.exit(Stream.runForEach(payloads, (payload) => sender.send(payload))),
    (exit) => {
      if (Exit.isSuccess(exit)) return sender.end
      const failed = Cause.hasInterruptsOnly(exit.cause)
        ? Effect.void
        : Effect.ignore(sender.fail(Cause.pretty(exit.cause)))
      return Effect.andThen(failed, Effect.failCause(exit.cause))
    }
  )
  // A source that has nothing to send is interrupted as well.
  return Effect.raceFirst(sending, Effect.andThen(sender.ended, Effect.never))
}
