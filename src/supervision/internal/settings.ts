/**
 * What the options of a supervisor come to.
 */
import * as Duration from "effect/Duration"
import type { AutoShutdown, Options, Strategy } from "../Supervisor.ts"

export interface Settings {
  readonly strategy: Strategy
  readonly intensity: number
  readonly periodMillis: number
  readonly autoShutdown: AutoShutdown
  readonly maxChildren: number
}

export const settingsOf = (options: Options): Settings => ({
  strategy: options.strategy ?? "one_for_one",
  intensity: options.intensity ?? 1,
  periodMillis: Duration.toMillis(Duration.fromInputUnsafe(options.period ?? "5 seconds")),
  autoShutdown: options.autoShutdown ?? "never",
  maxChildren: options.maxChildren ?? Infinity
})
