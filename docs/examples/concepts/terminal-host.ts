import { Effect, Layer, Option, Sink, Stdio, Stream } from "effect"
import { Process, Select, TerminalHost } from "troupe"

// #region process
export const Sum = Process.make("app:sum")

export const SumLive = Sum.toLayer(
  Effect.fn(function* () {
    const lines = yield* TerminalHost.lines
    const events = yield* Sum.events
    let sum = 0
    while (true) {
      const next = yield* Select.any({ line: lines, event: events })
      if (next._tag === "event") {
        if (next.value._tag === "Cancel") break
      } else if (Option.isNone(next.value)) {
        break
      } else if (Number.isNaN(Number(next.value.value))) {
        yield* TerminalHost.print(`not a number: ${next.value.value}`)
        return 2
      } else {
        sum += Number(next.value.value)
      }
    }
    yield* TerminalHost.print(`sum: ${sum}`)
    return 0
  })
)
// #endregion process

// #region test
/** Runs the program on `input`; answers its exit code and output. */
const run = (input: string) => {
  const printed: Array<string> = []
  const bytes = new TextEncoder().encode(input)
  const stdio = Stdio.layerTest({
    stdin: Stream.make(bytes),
    stdout: () =>
      Sink.forEach((text) => {
        printed.push(String(text))
        return Effect.void
      })
  })
  const live = SumLive.pipe(Layer.provideMerge(TerminalHost.layer("app:terminal")), Layer.provide(stdio))
  return TerminalHost.main(Sum).pipe(
    Effect.provide(live, { local: true }),
    Effect.map((code) => ({ code, printed: printed.join("") }))
  )
}
// #endregion test

export const program = Effect.all({ good: run("1\n2\n3\n"), bad: run("1\ntwo\n") })
