import { Effect, Option } from "effect"
import { TerminalCapabilities } from "effect/cli"
import { Inbox, Process, Registry, Select, Selectable, Service, TerminalHost, Timer } from "troupe"
import { relay } from "./relay.ts"
import { EchoResponse } from "./worker.ts"

// #region definition
export const Cli = Process.make("app:cli", { protocol: [EchoResponse] })
// #endregion definition

// #region body
export const CliLive = Cli.toLayer(
  Effect.fn(function* () {
    const { cyan, dim, green, yellow } = yield* colors
    const self = yield* Cli.self
    const inbox = yield* Cli.inbox
    const lines = yield* TerminalHost.lines
    const events = yield* Cli.events
    const interactive = yield* TerminalHost.isInteractive

    yield* TerminalHost.print(cyan("Echo Client"))
    yield* TerminalHost.print(`${dim("Type messages to echo, /kill to kill the relay. Ctrl+C to exit.")}\n`)

    for (let line = 1; true; line++) {
      if (interactive) yield* TerminalHost.write(yellow("> "))
      const input = yield* Select.priority({ event: events, line: lines })
      if (input._tag === "event" || Option.isNone(input.value) || input.value.value === "") break
      if (input.value.value === "/kill") {
        yield* TerminalHost.print(dim(`  ${yield* killRelay}`))
        continue
      }

      const sent = yield* Effect.result(Process.send(relay, "echo", { sender: self, line, data: input.value.value }))
      if (sent._tag === "Failure") {
        yield* TerminalHost.print(dim("  error: relay not available"))
        continue
      }
      const response = Inbox.where(inbox, (message) => message.payload.line === line)
      const timeout = yield* Timer.after("2 seconds")
      const answer = yield* Select.priority({ event: events, response, timeout })
      if (answer._tag === "event") break
      if (answer._tag === "timeout") {
        yield* TerminalHost.print(dim("  timeout"))
      } else {
        const { data, worker } = answer.value.payload
        yield* TerminalHost.print(green(`  ${data}`))
        yield* TerminalHost.print(dim(`  from worker: ${worker}`))
      }
    }

    yield* TerminalHost.print("\nGoodbye!")
  })
)
// #endregion body

// #region kill
/** Kills the relay, and waits until its service has started another one. */
const killRelay = Effect.gen(function* () {
  const changes = yield* Service.changes
  const killed = yield* Registry.lookup(relay)
  yield* Process.kill(killed)
  while (true) {
    const { id, pid, state } = yield* Selectable.take(changes)
    if (id === "relay-service" && state === "running") return `relay ${killed} was killed, ${pid} took its place`
  }
}).pipe(
  Effect.scoped,
  Effect.timeout("5 seconds"),
  Effect.catch(() => Effect.succeed("error: relay not available"))
)
// #endregion kill

// #region colors
const colors = Effect.map(TerminalCapabilities.TerminalCapabilities, ({ canColor }) => {
  const color = (code: number) => (text: string) => (canColor ? `\u001b[${code}m${text}\u001b[0m` : text)
  return { dim: color(2), green: color(32), yellow: color(33), cyan: color(36) }
})
// #endregion colors
