/**
 * Makes a host in a scope: checks what was asked for, enters the host into the application's table, and stops it when
 * the scope closes.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Scheduler from "effect/Scheduler"
import type * as Scope from "effect/Scope"
import * as RunQueue from "../../scheduler/RunQueue.ts"
import { HostAlreadyExists, InvalidOption } from "../ProcessError.ts"
import type { Options } from "../ProcessHost.ts"
import { HostImpl } from "./host.ts"
import { policyOf, unlimited } from "./inbox.ts"
import { Node } from "./node.ts"
import { isHostName } from "./pid.ts"

const defaultStopTimeout = Duration.seconds(5)

// A program that runs on any other one chose it.
const defaultScheduler = Context.get(Context.empty(), Scheduler.Scheduler)

export const makeHost = Effect.fnUntraced(function* (
  name: string,
  options: Options | undefined
): Effect.fn.Return<HostImpl, HostAlreadyExists | InvalidOption, Node | Scope.Scope> {
  const subject = `the host ${name}`
  const invalid = (option: string, value: string, expected: string) =>
    new InvalidOption({ subject, option, value, expected })
  if (!isHostName(name)) {
    return yield* invalid("name", JSON.stringify(name), "a text without white space and without any of @ { | }")
  }
  const inbox = policyOf(subject, options?.inbox, unlimited)
  if (inbox instanceof InvalidOption) return yield* inbox
  const timeSlice = Duration.fromInputUnsafe(options?.timeSlice ?? RunQueue.defaultTimeSlice)
  if (!Duration.isFinite(timeSlice) || !Duration.isPositive(timeSlice)) {
    return yield* invalid("timeSlice", Duration.format(timeSlice), "a finite time above 0")
  }
  const node = yield* Node
  // One that has stopped is remembered, so that sends and spawns can say so, until another one takes its name.
  if (node.hosts.get(name)?.refusal() === undefined && node.hosts.has(name))
    return yield* new HostAlreadyExists({ host: name })
  const current = yield* Effect.withFiber((fiber) => Effect.succeed(fiber.cache.scheduler))
  const host = new HostImpl(node, current === defaultScheduler ? RunQueue.make({ timeSlice }) : current, {
    name,
    inbox,
    payloads: options?.payloads ?? "checked",
    stopTimeout: Duration.fromInputUnsafe(options?.stopTimeout ?? defaultStopTimeout)
  })
  node.hosts.set(name, host)
  yield* Effect.addFinalizer(() => host.stop)
  return host
})
