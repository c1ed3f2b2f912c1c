/**
 * Source that is run apart from the program: rules, formulas and transformations that are data of the application.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type { Yielder } from "../dispatch/Yielded.ts"
import * as Command from "../dispatch/Command.ts"
import * as Dispatcher from "../dispatch/Dispatcher.ts"
import type { InvalidOption } from "../process/ProcessError.ts"
import * as Process from "../process/Yielding.ts"
import * as EvalError from "./EvalError.ts"
import * as Handles from "../dispatch/Handles.ts"
import { limitsOf, mebibytes } from "./internal/limits.ts"
import { parseJson } from "./internal/parseJson.ts"
import { type Limits, Sandbox } from "./Sandbox.ts"

/**
 * The schema of {@link Program}.
 *
 * @category schemas
 */
export const Program = Schema.Int.pipe(Schema.brand("troupe/command/Eval/Program"))

/**
 * Source that was compiled, known to the process that compiled it until that ends.
 *
 * @category models
 */
export type Program = typeof Program.Type

const positive = Schema.Number.check(Schema.isGreaterThan(0))

/**
 * The commands of the module `eval`.
 *
 * @category commands
 */
export const commands = Command.module("eval", {
  compile: Command.make(170, { payload: { source: Schema.String }, success: Program, error: EvalError.EvalError }),
  run: Command.make(171, {
    payload: {
      program: Schema.Union([Program, Schema.String]),
      input: Schema.Json,
      time: Schema.optionalKey(Schema.Duration),
      memory: Schema.optionalKey(positive)
    },
    success: Schema.Json,
    error: EvalError.EvalError
  }),
  close: Command.make(172, { payload: { program: Program } })
})

/**
 * What source may take.
 *
 * @category models
 */
export interface Options {
  /** How long a run may take: 5 seconds when absent. */
  readonly time?: Duration.Input | undefined
  /** How many megabytes of memory a run may take, what the sandbox needs itself included: 128 when absent. */
  readonly memory?: number | undefined
  /** How many bytes a source, an input and a result may have, the last two as JSON: 1 MiB when absent. */
  readonly maxBytes?: number | undefined
}

/**
 * Handles the module with a {@link Sandbox}.
 *
 * **Details**
 *
 * What is isolated, and how well, is up to the sandbox: see `WorkerSandbox` for code that may be wrong, and
 * `ProcessSandbox` for code of strangers.
 *
 * - `options`: the limits of every run; a run may ask for less.
 *
 * **Errors**
 *
 * `InvalidOption` for a `memory` that is not above 0, and a `maxBytes` that is no whole number.
 *
 * @category layers
 */
export const layer = (
  options?: Options
): Layer.Layer<
  Dispatcher.Handles<"eval"> | Dispatcher.Dispatcher,
  Dispatcher.RegistrationError | InvalidOption,
  Sandbox
> =>
  Dispatcher.layer(
    commands,
    Effect.gen(function* () {
      const sandbox = yield* Sandbox
      const programs = Handles.make<string>()
      const { amount, count } = limitsOf("Eval.layer")
      const limits: Limits = {
        time: Duration.fromInputUnsafe(options?.time ?? "5 seconds"),
        memory: yield* amount("memory", options?.memory, 128),
        maxBytes: yield* count("maxBytes", options?.maxBytes, mebibytes(1))
      }
      const sourceOf = (process: Yielder, program: Program | string) => {
        const source = typeof program === "string" ? program : programs.find(process, program)
        return source === undefined
          ? Effect.fail(failure(new EvalError.ProgramNotFound({ program: Number(program), process: process.id })))
          : Effect.succeed(source)
      }
      const fits = (what: "source" | "input", text: string) => {
        const size = new TextEncoder().encode(text).length
        const limit = limits.maxBytes
        return size <= limit ? Effect.void : Effect.fail(failure(new EvalError.TooLarge({ what, limit, size })))
      }
      return commands.of({
        compile: ({ source }, { process }) =>
          fits("source", source).pipe(
            Effect.andThen(sandbox.check(source, limits)),
            Effect.andThen(programs.open(process, Effect.succeed(source))),
            Effect.map((id) => Program.make(id))
          ),
        run: ({ input, memory, program, time }, { process }) =>
          Effect.gen(function* () {
            const source = yield* sourceOf(process, program)
            yield* fits("source", source)
            const text = JSON.stringify(input)
            yield* fits("input", text)
            const result = yield* sandbox.run(source, text, {
              time: Duration.min(time ?? limits.time, limits.time),
              memory: Math.min(memory ?? limits.memory, limits.memory),
              maxBytes: limits.maxBytes
            })
            return yield* Effect.mapError(parseJson(result), (detail) => failure(new EvalError.NotJson({ detail })))
          }),
        close: ({ program }, { process }) => Effect.asVoid(programs.close(process, program))
      })
    })
  )

const failure = (reason: EvalError.Reason): EvalError.EvalError => new EvalError.EvalError({ reason })

/**
 * Checks source, and keeps it under a number until it is closed, or the process ends.
 *
 * **Details**
 *
 * - `source`: the body of a function, in JavaScript; nothing of it runs.
 *
 * **Errors**
 *
 * `EvalError` with the reason `InvalidSyntax`, which has the line and the column, `TooLarge`, `TimeLimit`, `MemoryLimit`, or
 * `Crashed`.
 *
 * @category yielding
 */
export const compile = (source: string) => Process.yield(commands.compile, { source })

/**
 * What one run may take: never more than the layer allows, which holds when absent.
 *
 * @category models
 */
export interface RunOptions {
  /** How long it may run, once it has begun. */
  readonly time?: Duration.Input | undefined
  /** How many megabytes of memory it may take. */
  readonly memory?: number | undefined
}

/**
 * Runs source, and answers what it returns.
 *
 * **Details**
 *
 * - `program`: the source, or what `compile` answered: the body of a function that has the value `input`, and returns JSON or
 *   a promise of it. It runs in sloppy mode unless it says otherwise, and has the language and nothing else.
 * - `input`: JSON; null when absent.
 * - `options`: its limits in time and memory.
 *
 * A run sees nothing of those before it. When the yield is interrupted, the run is ended first. A property that is
 * `undefined` is left out, and what has `toJSON` is what that answers; all else that JSON doesn't have is an error, as is
 * nothing: return `null` for no result.
 *
 * **Errors**
 *
 * `EvalError` with the reason
 *
 * - `InvalidSyntax`, with line and column, or `Thrown`, with the frames of the source.
 * - `TimeLimit`, `MemoryLimit`, or `TooLarge` for the source, the input or the result.
 * - `NotJson`, or `NeverSettles` for a promise that nothing can settle.
 * - `ProgramNotFound`: the number is not one of this process.
 * - `Crashed`: the sandbox broke.
 *
 * **Example** (Where source is wrong)
 *
 * ```ts import.meta.vitest
 * import { Effect, Layer } from "effect"
 * import { Process, ProcessHost } from "troupe"
 * import { Eval } from "troupe/command"
 * import * as WorkerSandbox from "troupe/command/worker-sandbox"
 *
 * const Judge = Process.make("app:judge")
 * const JudgeLive = Judge.toLayer(Effect.fn(function*() {
 *   const double = yield* Eval.compile("return input * 2")
 *   const six = yield* Eval.run(double, 3)
 *   const wrong = yield* Effect.flip(Eval.run("const a = 1\nreturn a.b.c", null))
 *   return [six, wrong.message]
 * })).pipe(Layer.provide(Eval.layer()), Layer.provide(WorkerSandbox.layer()))
 *
 * const program = Effect.flatten(Effect.flatMap(Process.spawn(Judge), Process.await))
 * await Effect.runPromise(Effect.provide(program, [JudgeLive, ProcessHost.layer("app:processes")]))
 * // => [6, "The source threw TypeError: Cannot read properties of undefined (reading 'c'), at source:2:12"]
 * ```
 *
 * @category yielding
 */
export const run = (program: Program | string, input: Schema.Json = null, options?: RunOptions) =>
  Process.yield(commands.run, {
    program,
    input,
    ...(options?.time === undefined ? {} : { time: Duration.fromInputUnsafe(options.time) }),
    ...(options?.memory === undefined ? {} : { memory: options.memory })
  })

/**
 * Forgets a program; one that is forgotten stays so.
 *
 * @category yielding
 */
export const close = (program: Program) => Process.yield(commands.close, { program })
