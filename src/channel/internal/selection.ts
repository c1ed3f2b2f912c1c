/**
 * A select: it looks at its cases in turn, does the first that can be done, and waits where none can.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import type { Selectable } from "../Selectable.ts"
import { type Arm, receiving } from "./arm.ts"
import { park } from "./parking.ts"
import { effectOf, Step } from "./step.ts"
import { type Entry, wait } from "./waiting.ts"

export type Handler = (value: unknown) => Effect.Effect<unknown, unknown, unknown>

type Source = Selectable<unknown, unknown>

/** A case that is more than a source; without an arm it is the one that wins when no other does. */
export class CaseImpl {
  readonly arm: Arm | undefined
  readonly handler: Handler | undefined

  constructor(arm: Arm | undefined, handler: Handler | undefined) {
    this.arm = arm
    this.handler = handler
  }

  // Both are asked as a source is, so that a select need not tell the two apart; a source does not look at who asks.

  isReadyUnsafe(): boolean {
    return this.arm === undefined || this.arm.isReady()
  }

  pollUnsafe(select: Selection): Exit.Exit<unknown, unknown> | undefined {
    return select.otherwise === undefined ? this.arm?.poll() : this.arm?.pollLast()
  }
}

/** What stands as a case, as it was given. */
type Given = Source | CaseImpl

export const caseOf = (one: unknown): CaseImpl =>
  one instanceof CaseImpl ? one : new CaseImpl(receiving(one as Source), undefined)

const isSource = (one: Given): one is Source => !(one instanceof CaseImpl)

const isOtherwise = (one: Given): boolean => one instanceof CaseImpl && one.arm === undefined

const finish = (
  _tag: string,
  one: Given | undefined,
  exit: Exit.Exit<unknown, unknown>
): Effect.Effect<unknown, unknown, unknown> => {
  if (exit._tag === "Failure") return exit
  const { value } = exit
  if (one === undefined || isSource(one) || one.handler === undefined) return Exit.succeed({ _tag, value })
  return Effect.map(one.handler(value), (value) => ({ _tag, value }))
}

// The chance of the context that was seen last, which is kept until the next one: looking it up costs as much as two cases,
// and whoever selects in a loop is in the same context each time.
let seen: Context.Context<never> | undefined
let chance: { nextDoubleUnsafe(): number } = { nextDoubleUnsafe: () => 0 }

const draw = (count: number, fiber: Fiber.Fiber<unknown, unknown>): number => {
  if (count < 2) return 0
  if (fiber.context !== seen) {
    chance = fiber.getRef(Random.Random)
    seen = fiber.context
  }
  return Math.floor(chance.nextDoubleUnsafe() * count)
}

export class Selection extends Step {
  private readonly cases: Readonly<Record<string, Given>>
  private readonly fair: boolean
  private readonly waited: boolean
  // What `otherwise` answers, once it was asked; `null` for nothing.
  private last: string | undefined | null = undefined

  /** `waited`: whether it has waited before, and was woken to find nothing. */
  constructor(cases: object, fair: boolean, waited = false) {
    super()
    this.cases = cases as Readonly<Record<string, Given>>
    this.fair = fair
    this.waited = waited
  }

  override now(fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<unknown, unknown, unknown> | undefined {
    return this.fair ? this.lookFairly(fiber) : this.look(0)
  }

  run(fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<unknown, unknown, unknown> {
    return this.now(fiber) ?? this.wait(fiber)
  }

  // All selects go through the next two, and many need not wait: nothing is made but the result. The engine walks the keys
  // of an object whose shape it knows without listing them, and reads the cases on the way, as it does only in such a loop.

  // Nothing is drawn where there is nothing to choose: most that wait find nothing, and are woken for one. One that will not
  // wait draws each time, since it sends to those who wait as well, who do not make a send ready.
  private lookFairly(fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<unknown, unknown, unknown> | undefined {
    const { cases } = this
    let tag = ""
    let only: Given | undefined = undefined
    let count = 0
    let areSeveral = false
    for (const key in cases) {
      count++
      if (areSeveral) continue
      const one = cases[key] as Given
      if (!one.isReadyUnsafe()) continue
      areSeveral = only !== undefined
      tag = key
      only = one
    }
    if (areSeveral) return this.look(draw(count, fiber))
    if (only === undefined) return undefined
    const exit = only.pollUnsafe(this)
    return exit === undefined ? this.look(draw(count, fiber)) : finish(tag, only, exit)
  }

  private look(start: number): Effect.Effect<unknown, unknown, unknown> | undefined {
    const { cases } = this
    let i = 0
    for (const key in cases) {
      if (i++ < start) continue
      const one = cases[key] as Given
      const exit = one.pollUnsafe(this)
      if (exit !== undefined) return finish(key, one, exit)
    }
    i = 0
    for (const key in cases) {
      if (i++ === start) break
      const one = cases[key] as Given
      const exit = one.pollUnsafe(this)
      if (exit !== undefined) return finish(key, one, exit)
    }
    const { otherwise } = this
    return otherwise === undefined ? undefined : finish(otherwise, cases[otherwise], Exit.void)
  }

  /** The key of the case that wins when no other does. */
  get otherwise(): string | undefined {
    const { cases, last } = this
    if (last !== undefined) return last ?? undefined
    this.last = null
    for (const key in cases) if (isOtherwise(cases[key] as Given)) this.last = key
    return this.last ?? undefined
  }

  // Nothing but sources is made into arms before it has to wait, and sources alone not even then.
  private wait(fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<unknown, unknown, unknown> {
    const { cases, fair, waited } = this
    // The select itself may be run by others.
    const again = effectOf(waited ? this : new Selection(cases, fair, true))
    const sources = Object.values(cases)
    if (sources.every(isSource)) return park(sources, waited, again)
    const entries = Object.entries(cases).flatMap(([key, one]): ReadonlyArray<Entry> => {
      const { arm } = caseOf(one)
      return arm === undefined ? [] : [{ arm, finish: (exit) => finish(key, one, exit) }]
    })
    const start = fair ? draw(entries.length, fiber) : 0
    return wait([...entries.slice(start), ...entries.slice(0, start)], waited, again)
  }
}
