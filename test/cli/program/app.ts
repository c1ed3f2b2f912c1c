/**
 * An application for `troupe run`.
 */
import * as NodeStdio from "@effect/platform-node/NodeStdio"
import { Effect, Layer, Option } from "effect"
import { Process, ProcessHost, Selectable, TerminalHost } from "troupe"

const Code = Process.make("test:code")
const Fails = Process.make("test:fails")
const Waits = Process.make("test:waits")
const Says = Process.make("test:says")
const Hidden = Process.make("test:hidden")

const processes = Layer.mergeAll(
  Code.toLayer(() => Effect.succeed(3)),
  Fails.toLayer(() => Effect.fail(new Error("no luck"))),
  Waits.toLayer(
    Effect.fn(function* () {
      const events = yield* Waits.events
      yield* TerminalHost.print("waits")
      const event = yield* Selectable.take(events)
      yield* TerminalHost.print(event._tag === "Cancel" ? `asked by ${event.reason}` : event._tag)
      return 4
    })
  ),
  Says.toLayer(
    Effect.fn(function* () {
      const line = yield* TerminalHost.readLine
      yield* TerminalHost.print(JSON.stringify([yield* TerminalHost.args, Option.getOrNull(line)]))
    })
  )
)

// Starts and stops with the application, and tells.
const Told = Layer.effectDiscard(
  Effect.acquireRelease(TerminalHost.print("started"), () => Effect.ignore(TerminalHost.print("stopped")))
)

export default Layer.merge(processes, Told).pipe(
  Layer.provide(Hidden.toLayer(() => Effect.void)),
  Layer.provideMerge(ProcessHost.layer("test:processes")),
  Layer.provideMerge(TerminalHost.layer("test:terminal")),
  Layer.provide(NodeStdio.layer)
)
