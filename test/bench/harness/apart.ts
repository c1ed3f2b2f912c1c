/** An arm in an OS process of its own (`program.ts`), which runs it as often as it is asked to. */
import { Effect, type Scope } from "effect"
import { fork } from "node:child_process"
import { join } from "node:path"
import type { Run } from "./measure.ts"
import { ask, endOf } from "./talking.ts"

/** Starts it, and answers how to have it run. */
export const apart = (bench: string, arm: string): Effect.Effect<Effect.Effect<Run>, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => fork(join(import.meta.dirname, "program.ts"), [bench, arm])),
    (child) => Effect.promise(() => endOf(child))
  ).pipe(Effect.map((child) => Effect.promise(async () => (await ask(child, "run")) as Run)))
