/**
 * The objects of effect that fibers wait in, and who waits in them. Where effect has no public way to ask, the fields of
 * the object are read and an object that has others is taken for none of them: what is missing is missed in a verdict's
 * words, and nowhere else.
 */
import * as Deferred from "effect/Deferred"
import * as Fiber from "effect/Fiber"
import * as MutableList from "effect/MutableList"
import * as Queue from "effect/Queue"
import type { Waited, WaitReport } from "../../scheduler/internal/Waited.ts"

type Report = () => WaitReport

const kind = (what: string, ...waiting: WaitReport["waiting"]): WaitReport => ({ what, isKind: true, waiting })

/** What is read of a semaphore. */
export interface Permits {
  readonly taken: number
  readonly waiters: ReadonlySet<object>
}

export const isSemaphore = (object: object): object is Permits =>
  "withPermits" in object && "taken" in object && "waiters" in object && object.waiters instanceof Set

const isLatch = (object: object): object is { readonly waiters: ReadonlyArray<object> } =>
  "openUnsafe" in object && "waiters" in object && Array.isArray(object.waiters)

const isSubscription = (object: object): object is { readonly pollers: MutableList.MutableList<object> } =>
  "~effect/PubSub/Subscription" in object && "pollers" in object

const isWaited = (object: object): object is Waited => "waitReport" in object && typeof object.waitReport === "function"

const observers = (fiber: Fiber.Fiber<unknown, unknown>): Iterable<object> =>
  (fiber as { readonly _observers?: ReadonlyArray<object> })._observers ?? []

/** How to ask the object who waits in it; nothing if it is none that fibers wait in. */
export const reporterOf = (object: object): Report | undefined => {
  if (isWaited(object)) return () => object.waitReport()
  if (Deferred.isDeferred(object)) return () => kind("Deferred", ["on", object.resumes ?? []])
  if (Fiber.isFiber(object)) return () => kind("fiber", ["for", observers(object)])
  if (isSemaphore(object)) return () => kind("Semaphore", ["on", object.waiters])
  if (isLatch(object)) return () => kind("Latch", ["on", object.waiters])
  if (isSubscription(object)) return () => kind("Subscription", ["to take from", MutableList.toArray(object.pollers)])
  if (!Queue.isQueue(object)) return undefined
  return () => {
    const { state } = object
    if (state._tag === "Done") return kind("Queue")
    return kind(
      "Queue",
      ["to take from", state.takers],
      ["to offer to", state.offers],
      ["for the end of", state.awaiters]
    )
  }
}
