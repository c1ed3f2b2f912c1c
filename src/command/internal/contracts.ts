/**
 * What the commands of the module `contract` do.
 */
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Rpc } from "effect/rpc"
import * as RpcSchema from "effect/rpc/RpcSchema"
import type * as Schema from "effect/Schema"
import { cellAt } from "../../process/internal/delivery.ts"
import { withHost } from "../../process/internal/services.ts"
import * as Messaging from "../../process/Messaging.ts"
import type { Address } from "../../process/Name.ts"
import * as ProcessError from "../../process/ProcessError.ts"
import {
  type CallFailure,
  ContractTimeout,
  InvalidAnswer,
  InvalidContractCall,
  ServiceDown,
  ServiceOverloaded,
  TopicFailed
} from "../ContractError.ts"
import type { Binding } from "../Contracts.ts"
import { asCaller } from "./caller.ts"
import { decode, encode } from "./json.ts"

type Protocols = ReadonlyArray<Rpc.AnyWithProps>

export const topicOf = (protocol: ReadonlyArray<Rpc.Any>, topic: string): Rpc.AnyWithProps | undefined =>
  (protocol as Protocols).find(({ _tag }) => _tag === topic)

export const namesOf = (protocol: ReadonlyArray<Rpc.Any>): string =>
  (protocol as Protocols).map(({ _tag }) => `"${_tag}"`).join(", ")

/** A contract that a process has open. */
export interface Open {
  readonly contract: string
  readonly service: Address
  readonly protocol: ReadonlyArray<Rpc.Any>
  readonly closed: Deferred.Deferred<void>
}

export const opened = ({ contract, protocol, service }: Binding) =>
  Effect.acquireRelease(
    Effect.map(Deferred.make<void>(), (closed): Open => ({ contract, service, protocol, closed })),
    ({ closed }) => Deferred.succeed(closed, undefined)
  )

export const present = ({ contract, service }: Binding) =>
  withHost((host): Effect.Effect<void, ServiceDown> =>
    cellAt(host, service) === undefined
      ? Effect.fail(
          new ServiceDown({
            contract,
            service: String(service),
            reason: "NotFound",
            detail: "no process has the name. Start the service before its callers, or open the contract again later."
          })
        )
      : Effect.void
  )

// Fails at once where the call does not fit the contract; what is answered makes it.
export const callOf = (
  { contract, protocol, service }: Open,
  topic: string,
  json: Schema.Json,
  timeout: Duration.Duration | undefined
): Effect.Effect<Effect.Effect<Schema.Json, CallFailure>, InvalidContractCall> =>
  Effect.gen(function* () {
    const invalid = (detail: string) => new InvalidContractCall({ contract, topic, detail })
    const rpc = topicOf(protocol, topic)
    if (rpc === undefined) return yield* invalid(`the contract has ${namesOf(protocol)}.`)
    if (RpcSchema.isStreamSchema(rpc.successSchema)) {
      return yield* invalid("it is answered with a stream, which can't be written down. Use Process.stream.")
    }
    const payload = yield* Effect.mapError(decode(rpc.payloadSchema, json), (detail) =>
      invalid(`its payload does not fit its schema: ${detail}`)
    )
    const wrong = (detail: string) => new InvalidAnswer({ contract, topic, detail })
    const answer: Effect.Effect<unknown, unknown> = asCaller(
      Messaging.call(service, topic as never, payload as never, { timeout } as never)
    )
    return Effect.matchEffect(answer, {
      onSuccess: (value) => Effect.mapError(encode(rpc.successSchema, value), wrong),
      onFailure: (error) => {
        const failure = failureOf({ contract, service: String(service), topic }, error)
        if (failure !== undefined) return Effect.fail(failure)
        return Effect.flatMap(Effect.mapError(encode(rpc.errorSchema, error), wrong), (error) =>
          Effect.fail(new TopicFailed({ contract, topic, error }))
        )
      }
    })
  })

const downFor = (error: unknown): ServiceDown["reason"] | undefined => {
  if (error instanceof ProcessError.ProcessNotFound || error instanceof ProcessError.NoConnection) return "NotFound"
  if (error instanceof ProcessError.ProcessClosed || error instanceof ProcessError.HostStopped) return "Stopping"
  if (error instanceof ProcessError.ProcessRestarting) return "Restarting"
  return error instanceof ProcessError.CalleeExited ? "Exited" : undefined
}

// Nothing where the error is the topic's own.
const failureOf = (
  about: { readonly contract: string; readonly service: string; readonly topic: string },
  error: unknown
): CallFailure | undefined => {
  const reason = downFor(error)
  if (reason !== undefined) return new ServiceDown({ ...about, reason, detail: String((error as Error).message) })
  if (error instanceof ProcessError.CallTimeout) {
    return new ContractTimeout({ ...about, milliseconds: error.milliseconds })
  }
  if (error instanceof ProcessError.InboxFull || error instanceof ProcessError.MessageDropped) {
    return new ServiceOverloaded({ ...about, detail: error.message })
  }
  return error instanceof ProcessError.CallingSelf || error instanceof ProcessError.InvalidMessage
    ? new InvalidContractCall({ ...about, detail: error.message })
    : undefined
}
