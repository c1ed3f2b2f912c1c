/**
 * Spawning on behalf of the process that has yielded: what is spawned sees what that process sees, as if it had spawned it
 * itself, and not the services of the handler.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { Dispatcher } from "../../dispatch/internal/services.ts"
import { TypeId } from "../../process/Definition.ts"
import { type CurrentProcess, withCell } from "../../process/internal/services.ts"
import type { Spawnable } from "../Processes.ts"

/**
 * Runs a spawn in the context of the process that has yielded, to which the implementation is added.
 *
 * **Details**
 *
 * - `services`: those of the handler, which has the implementation.
 */
export const asSpawner = <A, E, R>(
  services: Context.Context<never>,
  definition: Spawnable,
  spawn: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R | CurrentProcess> =>
  withCell((cell) =>
    Effect.updateContext(spawn, (context: Context.Context<R>): Context.Context<R> => {
      const entries = new Map(context.mapUnsafe)
      const own = cell.context.mapUnsafe
      for (const [key, value] of services.mapUnsafe) {
        // The dispatcher through which the command came is that of the process.
        if (entries.get(key) !== value || key === Dispatcher.key) continue
        if (own.has(key)) entries.set(key, own.get(key))
        else entries.delete(key)
      }
      const { key } = definition[TypeId].key
      entries.set(key, services.mapUnsafe.get(key))
      return Context.makeUnsafe(entries)
    })
  )
