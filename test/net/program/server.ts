/**
 * A program that listens, and says what happens to it.
 */
import { Effect, Exit, Stream } from "effect"
import { Acceptor, Authentication, type Connection } from "troupe/net"
import { placeOf, transportAt, type Place } from "./programs.ts"
import { Work } from "./work.ts"

const { heartbeat, place }: { readonly place: Place; readonly heartbeat?: Connection.Heartbeat } = JSON.parse(
  process.argv[2]!
)
const say = (line: string) => Effect.sync(() => void process.stdout.write(`${line}\n`))
let handled = 0

const listens = Effect.gen(function* () {
  const acceptor = yield* Acceptor.make(transportAt(place), Work, {
    authenticator: Authentication.open,
    heartbeat,
    handlers: {
      echo: (text) => Effect.succeed(text),
      add: (n) => Effect.as(say(`adds ${n}`), ++handled),
      never: (n) =>
        Effect.andThen(
          say(`waits ${n}`),
          Effect.onInterrupt(Effect.never, () => say(`interrupted ${n}`))
        ),
      note: (n) => say(`notes ${n}`),
      ticks: () => Stream.fromEffectRepeat(Effect.as(Effect.sleep("5 millis"), 1))
    }
  })
  const events = yield* acceptor.events
  yield* say(`listens ${placeOf(place, acceptor.transport).at}`)
  while (true) {
    const event = events.pollUnsafe()
    if (event === undefined) yield* Effect.sleep("5 millis")
    else if (Exit.isSuccess(event)) yield* say(event.value._tag)
  }
})

Effect.runFork(
  Effect.scoped(listens).pipe(
    Effect.catch((error) => say(error._tag === "TransportError" ? `fails ${error.reason}` : `fails ${error._tag}`))
  )
)
