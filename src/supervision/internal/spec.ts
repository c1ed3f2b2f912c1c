/**
 * The specification of a child, and what its options come to.
 */
import * as Duration from "effect/Duration"
import type { Definition, Implementation } from "../../process/internal/definition.ts"
import type { ChildSpec, Options, Restart } from "../ChildSpec.ts"

const variance = { _R: (_: never): never => _ }

/** How a child is stopped: killed, or asked to end and killed when it has not done so in time. */
export type Shutdown = "brutal" | Duration.Duration

const workerShutdown = Duration.seconds(5)

export class ChildSpecImpl implements ChildSpec {
  readonly "~troupe/supervision/ChildSpec" = variance
  readonly id: string
  readonly definition: Definition
  /** The body of a supervisor, which comes with its definition. */
  readonly implementation: Implementation | undefined
  readonly args: unknown
  readonly options: Options

  constructor(
    definition: Definition,
    implementation: Implementation | undefined,
    args: unknown,
    options: Options<unknown>
  ) {
    this.definition = definition
    this.implementation = implementation
    this.args = args
    // Who starts the supervisor provides what they require.
    this.options = options as Options
    this.id = options.id ?? definition.name
  }

  get restart(): Restart {
    return this.options.restart ?? "permanent"
  }

  get kind(): "supervisor" | "worker" {
    return this.implementation === undefined ? "worker" : "supervisor"
  }

  get shutdown(): Shutdown {
    const { shutdown } = this.options
    if (shutdown === undefined) return this.kind === "worker" ? workerShutdown : Duration.infinity
    return shutdown === "brutal" ? shutdown : Duration.fromInputUnsafe(shutdown)
  }
}

export const isChildSpec = (u: unknown): u is ChildSpecImpl => u instanceof ChildSpecImpl
