/**
 * One run of a program under given choices, from its first step until nothing is left to do.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Scheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import { Prng } from "./prng.ts"
import type { Choices } from "./Strategy.ts"
import { Trace } from "./Trace.ts"
import { watched } from "./watch.ts"
import { World } from "./World.ts"

/** What is explored. */
export interface Subject {
  readonly program: Effect.Effect<unknown, unknown>
  readonly context: Context.Context<never>
  readonly maxSteps: number
  readonly leaks: "fail" | "ignore"
}

export interface Run {
  readonly subject: Subject
  readonly world: World
  /** How the program ended, if it did. */
  exit: Exit.Exit<unknown, unknown> | undefined
  /** Whether nothing could run any more. */
  idle: boolean
}

const silent: ReadonlySet<Logger.Logger<unknown, unknown>> = new Set()

const loggers = (world: World): ReadonlySet<Logger.Logger<unknown, unknown>> => {
  const { trace } = world
  if (trace === undefined) return silent
  return new Set([
    Logger.make(({ fiber, message }) => {
      const tracked = world.trackedOf(fiber)
      const words = Array.isArray(message) ? message : [message]
      if (tracked !== undefined) trace.log(tracked, words.map(String).join(" "))
    })
  ])
}

// A task that throws (an observer of a fiber may) is outside of any fiber that could die of it; the program dies instead.
const guard = (run: Run, steps: () => void): void => {
  const result = Result.try(steps)
  if (Result.isFailure(result)) run.exit = Exit.die(result.failure)
}

/** Begins a run, and stops where it could only go on if time passed. */
export const begin = (subject: Subject, choices: Choices, seed: number, traced: boolean): Run => {
  const outside = Context.getOrUndefined(subject.context, Scope.Scope)
  const world = new World(choices, seed, traced ? new Trace() : undefined, outside)
  const run: Run = { subject, world, exit: undefined, idle: false }
  const context = subject.context.pipe(
    Context.add(Scheduler.Scheduler, world),
    Context.add(Clock.Clock, world.clock),
    Context.add(Tracer.Tracer, watched(Context.get(subject.context, Tracer.Tracer), world)),
    Context.add(Random.Random, new Prng(seed ^ 0x5bd1e995)),
    Context.add(Logger.CurrentLoggers, loggers(world))
  )
  guard(run, () => {
    world.begin(() => {
      const main: Fiber.Fiber<unknown, unknown> = Effect.runForkWith(context)(subject.program)
      main.addObserver((exit) => (run.exit = exit))
    })
    run.idle = world.drain(subject.maxSteps)
  })
  return run
}

/** Lets time pass until the next sleeper wakes and runs on from there; answers whether there was one to wake. */
export const goOn = (run: Run): boolean => {
  if (run.exit !== undefined || !run.idle || !run.world.advance()) return false
  guard(run, () => (run.idle = run.world.drain(run.subject.maxSteps)))
  return true
}

/** A whole run. */
export const complete = (subject: Subject, choices: Choices, seed: number, traced = false): Run => {
  const run = begin(subject, choices, seed, traced)
  while (goOn(run)) {
    // Time passes only here, where nothing can run.
  }
  return run
}
