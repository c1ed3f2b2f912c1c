/**
 * What instances in the tests of runtimes and those tests say to each other.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Rpc from "effect/rpc/Rpc"
import * as Protocol from "../../../src/net/Protocol.ts"

/** What an instance has heard: how much of it was meant for it and came in order, how much was not, and did not. */
export const Heard = Schema.Struct({ mine: Schema.Int, others: Schema.Int, unordered: Schema.Int })

export const Kept = Protocol.make("test:kept", {
  server: [
    Rpc.make("pid", { success: Schema.Int }),
    // Answers who has heard it.
    Rpc.make("ask", { payload: { to: Schema.String, n: Schema.Int }, success: Schema.String }),
    Rpc.make("note", { payload: { to: Schema.String, n: Schema.Int } }),
    Rpc.make("heard", { success: Heard }),
    Rpc.make("slow", { payload: Schema.Int, success: Schema.String }),
    Rpc.make("exit", { payload: Schema.Int }),
    Rpc.make("throw", {})
  ]
})

/** What handles it in the instance `self`; `exit` ends its program. */
export const handlers = (self: string, pid: number, exit: (code: number) => void) => {
  const heard = { mine: 0, others: 0, unordered: 0 }
  let last = 0
  const hear = ({ n, to }: { readonly to: string; readonly n: number }) => {
    if (to === self) heard.mine++
    else heard.others++
    return n
  }
  return {
    pid: () => Effect.succeed(pid),
    ask: (asked: { readonly to: string; readonly n: number }) => Effect.sync(() => `${self} ${hear(asked)}`),
    note: (told: { readonly to: string; readonly n: number }) =>
      Effect.sync(() => {
        if (hear(told) <= last) heard.unordered++
        last = told.n
      }),
    heard: () => Effect.sync(() => ({ ...heard })),
    slow: (millis: number) => Effect.as(Effect.sleep(millis), "done"),
    exit: (code: number) => Effect.sync(() => exit(code)),
    throw: () =>
      Effect.sync(() => {
        setImmediate(() => {
          throw new Error("uncaught in the instance")
        })
      })
  }
}
