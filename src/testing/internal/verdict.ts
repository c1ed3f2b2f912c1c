/**
 * What a run has shown.
 */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import type { LeftScope } from "./Scopes.ts"
import type { Run } from "./run.ts"
import type { Tracked } from "./Tracked.ts"
import type { World } from "./World.ts"

export const tags = ["Failure", "Defect", "Deadlock", "Livelock", "Leak", "NonDeterminism"] as const

export interface Verdict {
  readonly tag: (typeof tags)[number]
  /** For a person: what went wrong, on one or more lines. */
  readonly detail: string
  /** The same for the same fault, whatever the schedule. */
  readonly key: string
  readonly cause: Cause.Cause<unknown> | undefined
}

/** A cause in words without the JavaScript stack, which differs from run to run. */
export const describe = (cause: Cause.Cause<unknown>): string => {
  if (Cause.hasInterruptsOnly(cause)) return "an interruption"
  const texts = Cause.prettyErrors(cause).map(({ message, name }) =>
    message === "" || message === name ? name : `${name}: ${message}`
  )
  return [...new Set(texts)].join("; ")
}

const ofCause = (cause: Cause.Cause<unknown>): Verdict => {
  const tag = Cause.hasDies(cause) ? "Defect" : "Failure"
  const names = Cause.prettyErrors(cause).map(({ name }) => name)
  const what = tag === "Defect" ? "The program died of" : "The program failed with"
  return { tag, detail: `${what} ${describe(cause)}`, key: [tag, ...names].join(" "), cause }
}

const plain = (tag: Verdict["tag"], detail: string): Verdict => ({ tag, detail, key: tag, cause: undefined })

const listed = ({ alive, waits }: World): string =>
  alive
    .map((fiber) => {
      const place = fiber.frames.length === 0 ? "" : ` in ${fiber.frames.join(" < ")}`
      const state = fiber.ready ? "could go on, and ran last in" : `waits${waits?.of(fiber, true) ?? ""} since`
      return `  ${fiber.name} ${state} step ${fiber.step}${place}`
    })
    .join("\n")

const count = (fibers: ReadonlyArray<Tracked>): string =>
  fibers.length === 1 ? "1 fiber waits" : `${fibers.length} fibers wait`

const remaining = (fibers: ReadonlyArray<Tracked>): string =>
  fibers.length === 1 ? "1 fiber is left" : `${fibers.length} fibers are left`

const scopesLeft = (scopes: ReadonlyArray<LeftScope>, world: World): string => {
  const lines = scopes.map(({ by, finalizers, place, scope, step }) => {
    const name = world.nameOf(scope)
    const title = name === undefined ? "a scope" : `scope ${JSON.stringify(name)}`
    const maker = by === undefined ? "" : ` of ${by.name}`
    const waiting = finalizers === 1 ? "1 finalizer has" : `${finalizers} finalizers have`
    return `  ${title}${maker} since step ${step}${place === "" ? "" : ` in ${place}`}: ${waiting} not run`
  })
  return `${scopes.length === 1 ? "1 scope is" : `${scopes.length} scopes are`} left open:\n${lines.join("\n")}`
}

const leakOf = (world: World): Verdict | undefined => {
  const { alive } = world
  const { left } = world.scopes
  const leaks = [
    ...(alive.length === 0 ? [] : [`${remaining(alive)}:\n${listed(world)}`]),
    ...(left.length === 0 ? [] : [scopesLeft(left, world)])
  ]
  return leaks.length === 0 ? undefined : plain("Leak", `The program has ended, and ${leaks.join("\nand ")}`)
}

/** The fault that a run shows by itself, if any. Of one that is stuck it says `Deadlock`. */
export const verdictOf = ({ exit, idle, subject, world }: Run): Verdict | undefined => {
  const { alive } = world
  if (exit === undefined) {
    if (idle) return plain("Deadlock", `${count(alive)}, and nothing is left that could wake one:\n${listed(world)}`)
    const limit = subject.maxSteps.toLocaleString("en")
    return plain(
      "Livelock",
      `The program has not ended after ${limit} steps. These fibers are there:\n${listed(world)}`
    )
  }
  if (Exit.isFailure(exit)) return ofCause(exit.cause)
  return subject.leaks === "ignore" ? undefined : leakOf(world)
}

export const strayVerdict = (fiber: Tracked): Verdict =>
  plain(
    "NonDeterminism",
    `Something outside of the explored program resumed ${fiber.name}: a promise, a timer, a socket. ` +
      "What comes from outside comes at another time in every run; replace it by an effect, or by a service for tests."
  )

export const differing = (what: string): Verdict =>
  plain(
    "NonDeterminism",
    `The same schedule went another way when it was repeated: ${what}\n` +
      "The program draws on something that is not Effect's, such as Date.now, Math.random or state that outlives a run."
  )
