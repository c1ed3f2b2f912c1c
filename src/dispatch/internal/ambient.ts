/**
 * What belongs to the place where code runs: it comes from whoever runs the code, and never from the layer in which the
 * code was built.
 */
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as Scheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import { Allowed } from "./allowed.ts"

/** How a place speaks: logs and spans; and what may be done there. */
export const ofTheCaller: ReadonlySet<string> = new Set([
  References.CurrentLogAnnotations.key,
  References.CurrentLogSpans.key,
  References.CurrentLogLevel.key,
  References.MinimumLogLevel.key,
  References.TracerSpanAnnotations.key,
  References.TracerSpanLinks.key,
  Tracer.ParentSpan.key,
  Allowed.key
])

/** What a running fiber has: where its steps run, and what ends with it. */
export const ofTheFiber: ReadonlySet<string> = new Set([
  Scope.Scope.key,
  // The process that the fiber belongs to, whose service is defined on the floor above.
  "troupe/process/CurrentProcess",
  // A stack begins with what is run: frames of those who run it would pile up along a chain of spawns.
  References.CurrentStackFrame.key,
  Scheduler.Scheduler.key,
  Layer.CurrentMemoMap.key
])
