/**
 * The way of a process's exit to another node: who watches from there need not know its definition.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Pid } from "../Pid.ts"
import { NoConnection, NoProcess, RemoteFailure, Shutdown } from "../ProcessError.ts"
import { isKilled, Killed, Requester, requesterOf } from "../ProcessEvent.ts"
import { fromWire, toWire } from "./pid.ts"
import { crossing, type NodeId } from "./remoteCrossing.ts"
import type { ExitWire, Failure, Reason } from "./remoteSignal.ts"

const isJson = Schema.is(Schema.Json)

const codecs = new WeakMap<Schema.Top, Schema.Codec<unknown, Schema.Json>>()

/** The JSON of a schema; schemas of what crosses need no services. */
export const jsonCodec = (schema: Schema.Top): Schema.Codec<unknown, Schema.Json> => {
  let codec = codecs.get(schema)
  if (codec === undefined) {
    codec = Schema.toCodecJson(schema as Schema.Codec<unknown>)
    codecs.set(schema, codec)
  }
  return codec
}

/** Encodes a value at the border of a node. */
export const encode = (schema: Schema.Top, value: unknown, self: NodeId): Exit.Exit<Schema.Json, Schema.SchemaError> =>
  crossing(self, Schema.encodeUnknownEffect(jsonCodec(schema))(value))

/** Decodes a value at the border of a node. */
export const decode = (schema: Schema.Top, json: unknown, self: NodeId): Exit.Exit<unknown, Schema.SchemaError> =>
  crossing(self, Schema.decodeUnknownEffect(jsonCodec(schema))(json))

/** What an exit says of why a codec failed. */
export const detailOf = (exit: Exit.Failure<unknown, unknown>): string => {
  const error = Cause.squash(exit.cause)
  return error instanceof Error ? error.message : String(error)
}

/** `success`: the schema of what the process returns. */
export const exitToWire = (exit: Exit.Exit<unknown, unknown>, success: Schema.Top, self: NodeId): ExitWire => {
  if (Exit.isSuccess(exit)) {
    if (exit.value === undefined) return { _tag: "Success" }
    const value = encode(success, exit.value, self)
    return Exit.isSuccess(value) ? { _tag: "Success", value: value.value } : { _tag: "Success" }
  }
  const requester = requesterOf(exit)
  return {
    _tag: "Failure",
    reasons: exit.cause.reasons.map((reason) => reasonToWire(reason, self)),
    ...(requester === undefined ? {} : { requester: toWire(requester, self) }),
    ...(isKilled(exit) ? { killed: true } : {})
  }
}

const reasonToWire = (reason: Cause.Reason<unknown>, self: NodeId): Reason => {
  switch (reason._tag) {
    case "Fail":
      return { _tag: "Fail", error: failureToWire(reason.error, self) }
    case "Die":
      return { _tag: "Die", defect: defectToWire(reason.defect) }
    case "Interrupt":
      return { _tag: "Interrupt" }
  }
}

const failureToWire = (error: unknown, self: NodeId): Failure => {
  if (error instanceof Shutdown) {
    return { _tag: "Shutdown", reason: isJson(error.reason) ? error.reason : textOf(error.reason) }
  }
  if (error instanceof NoProcess) return { _tag: "NoProcess", target: error.target }
  if (error instanceof NoConnection) {
    const { node, reason, target } = error
    return { _tag: "NoConnection", node, target, reason }
  }
  if (error instanceof RemoteFailure) {
    const { detail, error: json, kind } = error
    return { _tag: "Other", kind, detail, ...(json === undefined ? {} : { error: json }) }
  }
  if (isJson(error)) return { _tag: "Value", value: error }
  const json = ownJsonOf(error, self)
  const kind = error instanceof Error ? error.name : typeof error
  const detail = error instanceof Error ? error.message : textOf(error)
  return { _tag: "Other", kind, detail, ...(json === undefined ? {} : { error: json }) }
}

// An object may have no text, and say so by a throw.
const textOf = (value: unknown): string =>
  Result.getOrElse(
    Result.try(() => String(value)),
    () => `a value of type ${typeof value}`
  )

// The class of an error that was made with a schema is that schema.
const ownJsonOf = (error: unknown, self: NodeId): Schema.Json | undefined => {
  const own: unknown = typeof error === "object" && error !== null ? error.constructor : undefined
  if (!Schema.isSchema(own)) return undefined
  const json = encode(own, error, self)
  return Exit.isSuccess(json) ? json.value : undefined
}

const Defect = Schema.Defect()
const encodeDefect = Schema.encodeUnknownExit(Defect)
const decodeDefect = Schema.decodeUnknownExit(Defect)

const defectToWire = (defect: unknown): Schema.Json => {
  const json = encodeDefect(defect)
  return Exit.isSuccess(json) ? json.value : textOf(defect)
}

export const exitFromWire = (wire: ExitWire, self: NodeId): Exit.Exit<unknown, unknown> => {
  if (wire._tag === "Success") return Exit.succeed(wire.value)
  let annotations: Context.Context<never> = Context.empty()
  const requester: Pid | undefined = wire.requester === undefined ? undefined : fromWire(wire.requester, self)
  if (requester !== undefined) annotations = Context.add(annotations, Requester, requester)
  if (wire.killed === true) annotations = Context.add(annotations, Killed, true)
  return Exit.failCause(Cause.annotate(Cause.fromReasons(wire.reasons.map(reasonFromWire)), annotations))
}

const reasonFromWire = (reason: Reason): Cause.Reason<unknown> => {
  switch (reason._tag) {
    case "Fail":
      return Cause.makeFailReason(failureFromWire(reason.error))
    case "Die": {
      const defect = decodeDefect(reason.defect)
      return Cause.makeDieReason(Exit.isSuccess(defect) ? defect.value : reason.defect)
    }
    case "Interrupt":
      return Cause.makeInterruptReason()
  }
}

const remoteFailure = ({ detail, error, kind }: Extract<Failure, { readonly _tag: "Other" }>): RemoteFailure =>
  new RemoteFailure({ kind, detail, error })

const failureFromWire = (failure: Failure): unknown => {
  switch (failure._tag) {
    case "Shutdown":
      return new Shutdown({ reason: failure.reason })
    case "NoProcess":
      return new NoProcess({ target: failure.target })
    case "NoConnection":
      return new NoConnection(failure)
    case "Value":
      return failure.value
    case "Other":
      return remoteFailure(failure)
  }
}
