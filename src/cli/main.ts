#!/usr/bin/env node
/**
 * The `troupe` command.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { load } from "../command/driver/MissingPackage.ts"
import { runMain } from "../process/TerminalHost.ts"

// What needs the package is loaded after it, so that it can be said when it is not installed.
const program = Effect.gen(function* () {
  const { layer } = yield* load("@effect/platform-node", () => import("@effect/platform-node/NodeServices"))
  const { main } = yield* Effect.promise(() => import("./command/troupe.ts"))
  return yield* Effect.provide(main, layer)
})

runMain(Effect.catch(program, ({ message }) => Effect.as(Console.error(message), 1)))
