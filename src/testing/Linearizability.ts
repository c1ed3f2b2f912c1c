/**
 * Checks what concurrent users of an object saw against a plain, sequential model of it: whether each operation could
 * have happened at one instant between its call and its return.
 */
import * as Effect from "effect/Effect"
import * as Formatter from "effect/Formatter"
import * as Schema from "effect/Schema"
import { isLinearizable, minimalPrefix, type Recorded } from "./internal/history.ts"

/**
 * What an object does when it is used by one at a time.
 *
 * @category models
 */
export interface Model<State, Operation, Output> {
  readonly initial: State
  /**
   * The output of an operation and the state after it, or `undefined` where it cannot happen: a take from an empty queue
   * that waits. States and outputs are compared with Effect's `Equal`.
   */
  readonly step: (state: State, operation: Operation) => readonly [output: Output, state: State] | undefined
}

/**
 * Operations on an object with the times of their calls and returns, as they are recorded.
 *
 * @category models
 */
export interface History<State, Operation, Output> {
  readonly model: Model<State, Operation, Output>
  readonly recorded: ReadonlyArray<Recorded<Operation, Output>>
  /**
   * Runs an effect as an operation. One that fails or is interrupted counts as never returned: it may have happened or
   * not. Where a failure is an answer, make it one with `Effect.result`.
   */
  record<A extends Output, E, R>(operation: Operation, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R>
}

/**
 * No order of the operations explains what they answered.
 *
 * @category errors
 */
export class NotLinearizable extends Schema.TaggedError<NotLinearizable>()("NotLinearizable", {
  /** The shortest beginning of the history that no order explains, one operation a line. */
  operations: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `No order of these operations explains what they answered:\n${this.operations.join("\n")}`
  }
}

/**
 * Begins an empty history of an object that should do as the model.
 *
 * **Details**
 *
 * Times are those of a counter, so that a history can be recorded under `Explore` and comes out the same in a replay.
 *
 * **Example** (A counter that loses updates)
 *
 * ```ts import.meta.vitest
 * import { Effect, Ref } from "effect"
 * import { Explore, Linearizability } from "troupe/testing"
 *
 * const program = Effect.gen(function*() {
 *   const ref = yield* Ref.make(0)
 *   const next = Effect.flatMap(Ref.get(ref), (n) => Effect.as(Ref.set(ref, n + 1), n + 1))
 *   const history = yield* Linearizability.make({
 *     initial: 0,
 *     step: (n: number, _operation: "next") => [n + 1, n + 1]
 *   })
 *   yield* Effect.all([history.record("next", next), history.record("next", next)], { concurrency: "unbounded" })
 *   yield* Linearizability.check(history)
 * })
 *
 * const found = await Effect.runPromise(Effect.flip(Explore.check(program)))
 * found.message.includes("[0, 3] next → 1") // => true
 * ```
 *
 * @category constructors
 */
export const make = <State, Operation, Output>(
  model: Model<State, Operation, Output>
): Effect.Effect<History<State, Operation, Output>> =>
  Effect.sync(() => {
    const recorded: Array<Recorded<Operation, Output>> = []
    let time = 0
    return {
      model,
      recorded,
      record: (operation, effect) =>
        Effect.suspend(() => {
          const own: Recorded<Operation, Output> = { operation, calledAt: time++, returned: undefined }
          recorded.push(own)
          return Effect.tap(effect, (output) =>
            Effect.sync(() => {
              own.returned = { at: time++, output }
            })
          )
        })
    }
  })

const show = (value: unknown): string => (typeof value === "string" ? value : Formatter.format(value))

const line = ({ calledAt, operation, returned }: Recorded<unknown, unknown>): string =>
  returned === undefined
    ? `  [${calledAt}, …] ${show(operation)} has not returned`
    : `  [${calledAt}, ${returned.at}] ${show(operation)} → ${show(returned.output)}`

/**
 * Whether an order of the operations explains the history.
 *
 * @category checking
 */
export const holds = <State, Operation, Output>(history: History<State, Operation, Output>): boolean =>
  isLinearizable(history.model, history.recorded)

/**
 * Fails if no order of the operations explains the history, with its shortest beginning that none explains.
 *
 * **Details**
 *
 * The time that this takes can grow exponentially with the number of operations that overlap: keep histories short, a
 * dozen operations or so, and run many of them. {@link make} has an example.
 *
 * @category checking
 */
export const check = <State, Operation, Output>(
  history: History<State, Operation, Output>
): Effect.Effect<void, NotLinearizable> =>
  Effect.suspend(() => {
    if (holds(history)) return Effect.void
    return Effect.fail(
      new NotLinearizable({ operations: minimalPrefix(history.model, history.recorded).map((entry) => line(entry)) })
    )
  })
