/**
 * What can be wrong with services, and with what is asked of them: each error names the service and the next step.
 */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"

const chain = (path: ReadonlyArray<string>): string => path.map((id) => `"${id}"`).join(" -> ")

/**
 * Two services of an application have the same id.
 *
 * @category specifications
 */
export class DuplicateService extends Schema.TaggedError<DuplicateService>()("DuplicateService", {
  service: Schema.String
}) {
  override get message(): string {
    return `The application has two services with the id "${this.service}". Give each service an id of its own.`
  }
}

/**
 * A service depends on one that the application does not have; `path` leads to it.
 *
 * @category specifications
 */
export class UnknownDependency extends Schema.TaggedError<UnknownDependency>()("UnknownDependency", {
  service: Schema.String,
  dependency: Schema.String,
  path: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `The service "${this.service}" depends on "${this.dependency}", which the application does not have (${chain(this.path)}). Add that service to the same Application.layer, provide the layer that has it, or correct dependsOn.`
  }
}

/**
 * Services depend on each other in a circle; `path` begins and ends with the same one.
 *
 * @category specifications
 */
export class DependencyCycle extends Schema.TaggedError<DependencyCycle>()("DependencyCycle", {
  path: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `The services ${chain(this.path)} depend on each other in a circle, so that none can be the first to start. Remove one of these dependencies.`
  }
}

/**
 * An option of a service has a value that it can't have.
 *
 * @category specifications
 */
export class InvalidService extends Schema.TaggedError<InvalidService>()("InvalidService", {
  service: Schema.String,
  option: Schema.String,
  value: Schema.String,
  expected: Schema.String
}) {
  override get message(): string {
    return `The option "${this.option}" of the service "${this.service}" is ${this.value}; it must be ${this.expected}.`
  }
}

/**
 * What is wrong with the services of an application; nothing was started.
 *
 * @category specifications
 */
export type ServiceSpecError = DuplicateService | UnknownDependency | DependencyCycle | InvalidService

/**
 * A service did not come up; `reason` is its own error: a `StartFailed` with the exit of its process, a `StartTimeout`, or
 * one of the others of a start.
 *
 * @category starting
 */
export class ServiceStartFailed extends Schema.TaggedError<ServiceStartFailed>()("ServiceStartFailed", {
  service: Schema.String,
  reason: Schema.Any
}) {
  override get message(): string {
    const { reason } = this
    return `The service "${this.service}" could not be started: ${reason instanceof Error ? reason.message : String(reason)}`
  }
}

/**
 * A service was not started, since one that it depends on has failed for good.
 *
 * @category starting
 */
export class DependencyFailed extends Schema.TaggedError<DependencyFailed>()("DependencyFailed", {
  service: Schema.String,
  dependency: Schema.String
}) {
  // The failure of the dependency is reported, and is what can be mended.
  override readonly [Runtime.errorReported] = false

  override get message(): string {
    return `The service "${this.service}" was not started, since "${this.dependency}", which it depends on, has failed. Mend that one, and start this one with Service.start("${this.service}").`
  }
}

/**
 * An application has no service of this id.
 *
 * @category administration
 */
export class ServiceNotFound extends Schema.TaggedError<ServiceNotFound>()("ServiceNotFound", {
  service: Schema.String,
  known: Schema.Array(Schema.String)
}) {
  override get message(): string {
    const known = this.known.length === 0 ? "It has none" : `It has ${this.known.join(", ")}`
    return `The application has no service "${this.service}". ${known}: use one of them, or build the layer of this one first.`
  }
}

/**
 * A service is not started any more, since its application stops.
 *
 * @category administration
 */
export class ServiceClosed extends Schema.TaggedError<ServiceClosed>()("ServiceClosed", {
  service: Schema.String
}) {
  override get message(): string {
    return `The service "${this.service}" is not started, since its application stops. Ask before the scope of its layer closes.`
  }
}

/**
 * A required service has failed for good while the application ran; `exit` is how it ended.
 *
 * @category running
 */
export class ServiceFailed extends Schema.TaggedError<ServiceFailed>()("ServiceFailed", {
  service: Schema.String,
  exit: Schema.Any
}) {
  override get message(): string {
    const exit: Exit.Exit<unknown, unknown> = this.exit
    const how = Exit.isSuccess(exit) ? "it returned" : Cause.pretty(exit.cause)
    return `The application ends, since its required service "${this.service}" has failed for good: ${how}. Raise maxAttempts, or set required: false if the application can do without it.`
  }
}
