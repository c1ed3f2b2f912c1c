/**
 * Where a request stands in a trace, on its way to the other side.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Tracer from "effect/Tracer"
import type { Body } from "./packet.ts"

const pattern = /^([!-~]+) ([!-~]+) ([01])$/

// Its length goes ahead of it, as one character of ASCII.
const Longest = 127

/** The span that a fiber is in, as text; `undefined` when it is in none. */
export const traceOf = (fiber: Fiber.Fiber<unknown, unknown>): string | undefined => {
  const span = Context.getOrUndefined(fiber.context, Tracer.ParentSpan)
  if (span === undefined) return undefined
  const trace = `${span.traceId} ${span.spanId} ${span.sampled ? 1 : 0}`
  // Ours are a third of that; others that are longer, or no ASCII, go without.
  return pattern.test(trace) && trace.length <= Longest ? trace : undefined
}

/** Runs an effect in a span of its own, below one of the other side. */
export const inTraceOf = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  route: string,
  trace: string
): Effect.Effect<A, E, R> => {
  const [, traceId, spanId, sampled] = pattern.exec(trace) ?? []
  if (traceId === undefined || spanId === undefined) return effect
  const parent = Tracer.externalSpan({ traceId, spanId, sampled: sampled === "1" })
  return Effect.withSpan(effect, route, { parent, kind: "server" }) as Effect.Effect<A, E, R>
}

const encoder = new TextEncoder()

/** A body with the trace ahead of it: its length, and the trace. */
export const behindTrace = (trace: string, body: Body): Body => {
  if (typeof body === "string") return `${String.fromCharCode(trace.length)}${trace}${body}`
  const bytes = new Uint8Array(1 + trace.length + body.length)
  bytes[0] = trace.length
  encoder.encodeInto(trace, bytes.subarray(1))
  bytes.set(body, 1 + trace.length)
  return bytes
}
