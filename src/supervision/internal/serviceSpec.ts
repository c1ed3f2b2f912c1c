/**
 * The specification of a service, and what its options come to: a supervisor with one child.
 */
import type * as Duration from "effect/Duration"
import type { Rpc } from "effect/rpc"
import * as Schedule from "effect/Schedule"
import type * as Schema from "effect/Schema"
import type { Definition } from "../../process/Definition.ts"
import * as Backoff from "../Backoff.ts"
import * as ChildSpec from "../ChildSpec.ts"
import type { Options, Service } from "../Service.ts"
import * as Supervisor from "../Supervisor.ts"

/** What a service runs: a process, or a supervisor with all its children. */
export type Subject = Supervisor.Supervisor<unknown> | Definition<string, Rpc.Any, Schema.Top, Schema.Top, Schema.Top>

const variance = { _R: (_: never): never => _ }

export const defaultBackoff = { min: "1 second", max: "90 seconds", factor: 2, jitter: 0.1 } as const
export const defaultStableThreshold: Duration.Input = "5 seconds"
const defaultTimeout: Duration.Input = "10 seconds"

export class ServiceSpec implements Service {
  readonly "~troupe/supervision/Service" = variance
  readonly id: string
  readonly options: Options
  readonly dependsOn: ReadonlyArray<string>
  private readonly subject: Subject
  private readonly args: unknown

  constructor(id: string, subject: Subject, args: unknown, options: Options) {
    this.id = id
    this.subject = subject
    this.args = args
    this.options = options
    this.dependsOn = (options.dependsOn ?? []).map((one) => (typeof one === "string" ? one : one.id))
  }

  get isRequired(): boolean {
    return this.options.required ?? true
  }

  get stableThreshold(): Duration.Input {
    return this.options.stableThreshold ?? defaultStableThreshold
  }

  /** Lives as long as the service does: it ends when its child has ended and is not started again. */
  get supervisor(): Supervisor.Supervisor {
    return Supervisor.make(`service:${this.id}`, { strategy: "dynamic", autoShutdown: "any" })
  }

  get child(): ChildSpec.ChildSpec {
    const { inbox, name, startTimeout, stopTimeout } = this.options
    // Its layer requires what its process does.
    return ChildSpec.make(this.subject as Supervisor.Supervisor, this.args as undefined, {
      id: this.id,
      restart: "transient",
      significant: true,
      startFailure: this.isRequired ? undefined : "retry",
      startTimeout: startTimeout ?? defaultTimeout,
      shutdown: stopTimeout ?? defaultTimeout,
      backoff: this.backoff,
      resetAfter: this.stableThreshold,
      name,
      inbox
    })
  }

  private get backoff(): Schedule.Schedule<unknown, ChildSpec.Ended> {
    const { backoff, maxAttempts } = this.options
    const schedule = isSchedule(backoff) ? backoff : Backoff.exponential({ ...defaultBackoff, ...backoff })
    return maxAttempts === undefined ? schedule : Schedule.upTo(schedule, { times: maxAttempts })
  }
}

export const isSchedule = (backoff: Options["backoff"]): backoff is Schedule.Schedule<unknown, ChildSpec.Ended> =>
  Schedule.isSchedule(backoff)
