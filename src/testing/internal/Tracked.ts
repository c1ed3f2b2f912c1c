/**
 * What the explorer knows of one fiber of a run.
 */
import type * as Context from "effect/Context"
import type * as Fiber from "effect/Fiber"
import type * as References from "effect/References"
import type { Lane } from "./Lane.ts"

export class Tracked {
  /** Counted from 1 in order of appearance, so that it is the same in every repetition, which `fiber.id` is not. */
  readonly number: number
  readonly fiber: Fiber.Fiber<unknown, unknown>
  /** Where the fiber's own steps wait to run. */
  lane: Lane | undefined
  /** How many operations it has evaluated. */
  operations = 0
  /** For strategies that rank fibers. */
  priority = 0
  /** The step in which it was preempted last. */
  preemptedIn = -1
  /** The step in which it ran last. */
  step = 0
  /** What it was called by the program. */
  given: string | undefined
  /** The context in which it was seen last. */
  context: Context.Context<never> | undefined
  private readonly inherited: References.StackFrame | undefined
  private own: string | undefined

  constructor(number: number, fiber: Fiber.Fiber<unknown, unknown>) {
    this.number = number
    this.fiber = fiber
    this.inherited = fiber.cache.stackFrame
  }

  get alive(): boolean {
    return this.fiber.pollUnsafe() === undefined
  }

  /** Whether a step of its own waits to run. */
  get ready(): boolean {
    return this.lane !== undefined && this.lane.length > 0
  }

  /** Looks whether the fiber has come to a name of its own: that of the first `Effect.fn` or span that it enters. */
  observe(): void {
    const frame = this.fiber.cache.stackFrame
    if (this.own === undefined && frame !== undefined && frame !== this.inherited)
      this.own = frame.name.replace(/ \(definition\)$/, "")
  }

  /** `#2 deposit`, or `#2 "deposit"` where it was named by the program. */
  get name(): string {
    if (this.given !== undefined) return `#${this.number} ${JSON.stringify(this.given)}`
    const name = this.own ?? (this.number === 1 ? "main" : undefined)
    return name === undefined ? `#${this.number}` : `#${this.number} ${name}`
  }

  /** The names of the functions and spans that it is in, innermost first. */
  get frames(): ReadonlyArray<string> {
    const names: Array<string> = []
    for (
      let frame = this.fiber.cache.stackFrame;
      frame !== undefined && frame !== this.inherited;
      frame = frame.parent
    ) {
      // `Effect.fn` has two frames, for where it was called and for where it was defined.
      const name = frame.name.replace(/ \(definition\)$/, "")
      if (names.at(-1) !== name) names.push(name)
    }
    return names
  }
}
