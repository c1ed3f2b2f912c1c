/**
 * What a step has to tell others, such as those who wait for what it has done: they go on in the same step, on its stack.
 */
import type * as Fiber from "effect/Fiber"
import { innerOf } from "./fiber.ts"

/** Whom a step tells. */
export interface Told {
  tell(): void
}

// What the present step has to tell: it is done when the outcome has been delivered, since it may run others on this stack,
// and they may interrupt the very fiber that is in its step. Most steps have none, and nearly all others one, so that there
// is a list only when there are more.
let first: Told | undefined = undefined
let others: Array<Told> | undefined = undefined

// Those others may be in a step themselves, and so on. At this depth a step is put off until the stack is empty.
const MaxNestedSteps = 16
let nested = 0

// How many operations those have done who were told on this stack. They count as operations of who told them, so that a
// fiber yields to others after as many as ever, whoever did them. Nobody pays for those who go on without being told.
let spent = 0

// Whoever goes on at once goes ahead of all that waits in the run queue. It counts as so many operations more, so that two who
// only wake each other are at it for microseconds, and not for as long as a fiber may run.
const AheadOfOthers = 128

/** Counts the operations of one that was told. */
export const spend = (operations: number): void => {
  if (nested > 0) spent += operations + AheadOfOthers
}

/** Whether no step can be done on this stack. */
export const isTooDeep = (): boolean => nested >= MaxNestedSteps

/** Whether others can be told on this stack who then do a step themselves. */
export const isShallow = (): boolean => nested < MaxNestedSteps - 1

/** To be called in a step: has it told in the same step, once the outcome has been delivered. */
export const tellAfterwards = (told: Told): void => {
  if (first === undefined) first = told
  else (others ??= []).push(told)
}

/** As {@link tellAfterwards}, with a function. */
export const afterwards = (tell: () => void): void => tellAfterwards({ tell })

/** Whom the step that was just done tells, if anybody: to be handed to `tell`. */
export const whoIsTold = (): Told | undefined => {
  const told = first
  if (told === undefined) return undefined
  first = undefined
  if (others === undefined) return told
  const all = [told, ...others]
  others = undefined
  return {
    tell: () => {
      for (const one of all) one.tell()
    }
  }
}

/** Tells them now. `teller`: whose step it was, where it was one of a fiber. */
export const tell = (told: Told, teller: Fiber.Fiber<unknown, unknown> | undefined): void => {
  const outer = spent
  spent = 0
  nested++
  told.tell()
  nested--
  if (teller !== undefined) innerOf(teller).currentOpCount += spent
  spent = outer
}

/** Tells whom the step has to tell that was just done, in a step of the run queue. */
export const tellLater = ({ currentDispatcher }: Fiber.Fiber<unknown, unknown>): void => {
  const told = whoIsTold()
  if (told !== undefined) currentDispatcher.scheduleTask(() => tell(told, undefined), 0)
}

/** Does on the stack of an event what else is done in a step, and tells whom that has to tell. */
export const stepNow = (run: () => void): void => {
  const [outerFirst, outerOthers] = [first, others]
  first = undefined
  others = undefined
  run()
  const told = whoIsTold()
  first = outerFirst
  others = outerOthers
  if (told !== undefined) tell(told, undefined)
}
