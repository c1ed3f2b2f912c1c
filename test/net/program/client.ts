/**
 * A program that connects, asks for what never ends, and says what happens to it.
 */
import { Effect, Schedule, Stream } from "effect"
import { Connection } from "troupe/net"
import { transportAt, type Place } from "./programs.ts"
import { Work } from "./work.ts"

const { heartbeat, place }: { readonly place: Place; readonly heartbeat?: Connection.Heartbeat } = JSON.parse(
  process.argv[2]!
)
const say = (line: string) => Effect.sync(() => void process.stdout.write(`${line}\n`))

const connects = Effect.gen(function* () {
  const connection = yield* Connection.make(transportAt(place), Work, {
    heartbeat,
    reconnect: Schedule.spaced("50 millis"),
    handlers: { asked: (n) => Effect.as(say(`asked ${n}`), n) }
  })
  yield* Effect.forkScoped(Stream.runForEach(connection.changes, (state) => say(state._tag)))
  yield* Effect.forkScoped(Effect.ignore(Stream.runDrain(connection.stream("ticks"))))
  yield* Effect.forEach(
    [1, 2, 3],
    (n) => Effect.flatMap(Effect.flip(connection.request("never", n, { timeout: "1 hour" })), ({ _tag }) => say(_tag)),
    { concurrency: "unbounded" }
  )
  yield* Effect.never
})

Effect.runFork(Effect.scoped(connects))
