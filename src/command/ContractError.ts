/**
 * The typed errors of contracts.
 */
import * as Schema from "effect/Schema"

const listed = (names: ReadonlyArray<string>): string => (names.length === 0 ? "none" : names.join(", "))

/**
 * Nothing is bound to a contract.
 *
 * @category errors
 */
export class ContractNotBound extends Schema.TaggedError<ContractNotBound>()("ContractNotBound", {
  contract: Schema.String,
  known: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `Nothing is bound to the contract "${this.contract}"; bound are: ${listed(this.known)}. Give Contracts.layer a binding for it.`
  }
}

/**
 * Two bindings are for one contract.
 *
 * @category errors
 */
export class DuplicateBinding extends Schema.TaggedError<DuplicateBinding>()("DuplicateBinding", {
  contract: Schema.String
}) {
  override get message(): string {
    return `The contract "${this.contract}" is bound twice. Bind it to one service.`
  }
}

/**
 * A contract is not open: it was closed, or another process opened it.
 *
 * @category errors
 */
export class ContractClosed extends Schema.TaggedError<ContractClosed>()("ContractClosed", {
  handle: Schema.Int,
  process: Schema.String
}) {
  override get message(): string {
    return `The process ${this.process} has no open contract ${this.handle}: it was closed, or another process opened it. Open one with Contracts.open.`
  }
}

/**
 * The service behind a contract can't answer.
 *
 * **Details**
 *
 * `reason` says why: `NotFound`, no process has its name; `Stopping`, it is ending; `Restarting`, it will be back; `Exited`,
 * it ended before it answered, and may have done what it was asked to.
 *
 * @category errors
 */
export class ServiceDown extends Schema.TaggedError<ServiceDown>()("ServiceDown", {
  contract: Schema.String,
  service: Schema.String,
  reason: Schema.Literals(["NotFound", "Stopping", "Restarting", "Exited"]),
  detail: Schema.String
}) {
  override get message(): string {
    return `The service ${this.service}, which the contract "${this.contract}" is bound to, can't answer: ${this.detail}`
  }
}

/**
 * The service behind a contract has no room for a call.
 *
 * @category errors
 */
export class ServiceOverloaded extends Schema.TaggedError<ServiceOverloaded>()("ServiceOverloaded", {
  contract: Schema.String,
  service: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `The service ${this.service}, which the contract "${this.contract}" is bound to, has too much to do: ${this.detail}`
  }
}

/**
 * The service behind a contract did not answer in time.
 *
 * @category errors
 */
export class ContractTimeout extends Schema.TaggedError<ContractTimeout>()("ContractTimeout", {
  contract: Schema.String,
  topic: Schema.String,
  milliseconds: Schema.Number
}) {
  override get message(): string {
    return `"${this.topic}" of the contract "${this.contract}" was not answered within ${this.milliseconds} ms. The service may still handle it; its answer will be dropped.`
  }
}

/**
 * A call does not fit the contract, or the service that it is bound to.
 *
 * @category errors
 */
export class InvalidContractCall extends Schema.TaggedError<InvalidContractCall>()("InvalidContractCall", {
  contract: Schema.String,
  topic: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `"${this.topic}" of the contract "${this.contract}" was not called: ${this.detail}`
  }
}

/**
 * What a service answered does not fit the contract; it has handled the call.
 *
 * @category errors
 */
export class InvalidAnswer extends Schema.TaggedError<InvalidAnswer>()("InvalidAnswer", {
  contract: Schema.String,
  topic: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `What the service answered to "${this.topic}" does not fit the contract "${this.contract}": ${this.detail}. Make sure that caller and service share one contract.`
  }
}

/**
 * A service answered with the topic's typed error, which is here as it was written down; `Contracts.call` gives the error
 * itself.
 *
 * @category errors
 */
export class TopicFailed extends Schema.TaggedError<TopicFailed>()("TopicFailed", {
  contract: Schema.String,
  topic: Schema.String,
  error: Schema.Json
}) {
  override get message(): string {
    return `"${this.topic}" of the contract "${this.contract}" failed: ${JSON.stringify(this.error)}`
  }
}

/**
 * A call was cancelled while its answer was waited for.
 *
 * @category errors
 */
export class ContractCallCancelled extends Schema.TaggedError<ContractCallCancelled>()("ContractCallCancelled", {
  call: Schema.Int,
  process: Schema.String
}) {
  override get message(): string {
    return `The call ${this.call} of the process ${this.process} was cancelled before it was answered. The service may handle it all the same.`
  }
}

/**
 * There is no such call: it was cancelled, its answer was given already, or another process made it.
 *
 * @category errors
 */
export class ContractCallNotFound extends Schema.TaggedError<ContractCallNotFound>()("ContractCallNotFound", {
  call: Schema.Int,
  process: Schema.String
}) {
  override get message(): string {
    return `The process ${this.process} has no call ${this.call}: it was cancelled, its answer was given already, or another process made it. Make one with Contracts.start.`
  }
}

/**
 * The schema of {@link CallFailure}.
 *
 * @category schemas
 */
export const CallFailure = Schema.Union([
  ContractClosed,
  ServiceDown,
  ServiceOverloaded,
  ContractTimeout,
  InvalidContractCall,
  InvalidAnswer,
  TopicFailed
])

/**
 * Why a call by contract has no answer.
 *
 * @category errors
 */
export type CallFailure = typeof CallFailure.Type
