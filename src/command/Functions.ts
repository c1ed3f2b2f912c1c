/**
 * Functions that are registered by name and called by processes: what goes in and what comes out crosses schemas.
 */
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Command from "../dispatch/Command.ts"
import * as Dispatcher from "../dispatch/Dispatcher.ts"
import type { CurrentProcess, ProcessHost } from "../process/internal/services.ts"
import * as Process from "../process/Yielding.ts"
import {
  CallNotFound,
  DuplicateFunction,
  FunctionCancelled,
  FunctionFailed,
  InvalidInput,
  InvalidOutput,
  UnknownFunction
} from "./FunctionError.ts"
import { decode, encode } from "./internal/json.ts"
import { Running } from "./internal/running.ts"

export * from "./FunctionError.ts"

/**
 * The type-level and runtime key of `Implemented`.
 *
 * @category type ids
 */
export const TypeId = "~troupe/command/Functions"

/**
 * The type of {@link TypeId}.
 *
 * @category type ids
 */
export type TypeId = typeof TypeId

/**
 * The schema of {@link Call}.
 *
 * @category schemas
 */
export const Call = Schema.Int.pipe(Schema.brand("troupe/command/Functions/Call"))

/**
 * A function in flight, of the process that started it, with which it ends.
 *
 * @category models
 */
export type Call = typeof Call.Type

const RunError = Schema.Union([UnknownFunction, InvalidInput, InvalidOutput, FunctionFailed])
const OutcomeError = Schema.Union([InvalidOutput, FunctionFailed, FunctionCancelled, CallNotFound])

/**
 * The commands of the module `function`.
 *
 * @category commands
 */
export const commands = Command.module("function", {
  call: Command.make(140, {
    payload: { function: Schema.String, input: Schema.Json },
    success: Schema.Json,
    error: RunError
  }),
  start: Command.make(141, {
    payload: { function: Schema.String, input: Schema.Json },
    success: Call,
    error: Schema.Union([UnknownFunction, InvalidInput])
  }),
  await: Command.make(142, { payload: { call: Call }, success: Schema.Json, error: OutcomeError }),
  cancel: Command.make(143, { payload: { call: Call } })
})

/**
 * A function: its name, and the schemas of what goes in and what comes out.
 *
 * @category models
 */
export interface Function<
  Name extends string,
  Input extends Schema.Top,
  Success extends Schema.Top,
  Error extends Schema.Top
> {
  readonly name: Name
  readonly input: Input
  readonly success: Success
  readonly error: Error
}

/**
 * Defines a function: a value that those who implement it and those who call it share.
 *
 * **Details**
 *
 * - `input`, `success`, `error`: schemas with a JSON form; nothing when absent.
 *
 * @category constructors
 */
export const make = <
  const Name extends string,
  Input extends Schema.Top = typeof Schema.Void,
  Success extends Schema.Top = typeof Schema.Void,
  Error extends Schema.Top = typeof Schema.Never
>(
  name: Name,
  options?: {
    readonly input?: Input | undefined
    readonly success?: Success | undefined
    readonly error?: Error | undefined
  }
): Function<Name, Input, Success, Error> => {
  const made: AnyFunction = {
    name,
    input: options?.input ?? Schema.Void,
    success: options?.success ?? Schema.Void,
    error: options?.error ?? Schema.Never
  }
  return made as Function<Name, Input, Success, Error>
}

type AnyFunction = Function<string, Schema.Top, Schema.Top, Schema.Top>

/**
 * A function with what it does, which requires `R`.
 *
 * @category models
 */
export interface Implemented<out R = never> {
  readonly [TypeId]: { readonly _R: (_: never) => R }
  readonly definition: AnyFunction
}

class Implementation implements Implemented<unknown> {
  readonly [TypeId] = { _R: (_: never): unknown => _ }
  readonly definition: AnyFunction
  readonly run: (input: unknown) => Effect.Effect<unknown, unknown>

  constructor(definition: AnyFunction, run: (input: unknown) => Effect.Effect<unknown, unknown>) {
    this.definition = definition
    this.run = run
  }
}

/**
 * Implements a function, for {@link layer}.
 *
 * **Details**
 *
 * It runs on behalf of the process that calls it, with the services of the layer, and a scope of its own: what it yields,
 * that process yields, under its policy.
 *
 * @category constructors
 */
export const implement = <
  Name extends string,
  Input extends Schema.Top,
  Success extends Schema.Top,
  Error extends Schema.Top,
  R = never
>(
  definition: Function<Name, Input, Success, Error>,
  run: (input: Input["Type"]) => Effect.Effect<Success["Type"], Error["Type"], R>
): Implemented<Exclude<R, Scope.Scope>> =>
  new Implementation(definition, (input) =>
    Effect.scoped(run(input) as Effect.Effect<unknown, unknown, never>)
  ) as Implemented<unknown> as Implemented<Exclude<R, Scope.Scope>>

/**
 * What the implementations of functions require.
 *
 * @category utility types
 */
export type RequirementsOf<F extends Implemented<unknown>> = F extends Implemented<infer R> ? R : never

/**
 * Handles the module; the functions are those that may be called.
 *
 * **Errors**
 *
 * - `DuplicateFunction`: two of them have one name.
 *
 * **Example** (Calling a function)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Layer, Schema } from "effect"
 * import { Process, ProcessHost } from "troupe"
 * import { Functions } from "troupe/command"
 *
 * const Divide = Functions.make("math.divide", {
 *   input: Schema.Struct({ of: Schema.Number, by: Schema.Number }),
 *   success: Schema.Number,
 *   error: Schema.Literal("division by zero")
 * })
 * const FunctionsLive = Functions.layer([
 *   Functions.implement(Divide, ({ by, of }) => by === 0 ? Effect.fail("division by zero") : Effect.succeed(of / by))
 * ])
 *
 * const Pupil = Process.make("app:pupil")
 * const PupilLive = Pupil.toLayer(Effect.fn(function*() {
 *   const slow = yield* Functions.start(Divide, { of: 84, by: 2 })
 *   const error = yield* Effect.flip(Functions.call(Divide, { of: 1, by: 0 }))
 *   return [yield* Functions.await(Divide, slow), error]
 * })).pipe(Layer.provide(FunctionsLive))
 *
 * const program = Effect.flatMap(Process.spawn(Pupil), Process.await)
 * await Effect.runPromise(Effect.provide(program, [PupilLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed([42, "division by zero"])
 * ```
 *
 * @category layers
 */
export const layer = <const F extends ReadonlyArray<Implemented<unknown>>>(
  functions: F
): Layer.Layer<
  Dispatcher.Handles<"function"> | Dispatcher.Dispatcher,
  Dispatcher.RegistrationError | DuplicateFunction,
  Exclude<RequirementsOf<F[number]>, Dispatcher.Handles<"function"> | CurrentProcess | ProcessHost>
> =>
  Dispatcher.layer(
    commands,
    Effect.gen(function* () {
      const byName = new Map<string, Implementation>()
      for (const one of functions) {
        const { name } = one.definition
        if (byName.has(name)) return yield* new DuplicateFunction({ function: name })
        byName.set(name, one as Implementation)
      }
      const running = new Running<Schema.Json, InvalidOutput | FunctionFailed>()

      const prepare = (name: string, json: Schema.Json) =>
        Effect.gen(function* () {
          const found = byName.get(name)
          if (found === undefined) return yield* new UnknownFunction({ function: name, known: [...byName.keys()] })
          const input = yield* Effect.mapError(
            decode(found.definition.input, json),
            (detail) => new InvalidInput({ function: name, detail })
          )
          return outputOf(found.definition, found.run(input))
        })

      return commands.of({
        call: ({ function: name, input }) => Effect.flatten(prepare(name, input)),
        start: ({ function: name, input }, { process }) =>
          Effect.flatMap(prepare(name, input), (run) =>
            Effect.map(running.start(process, process.scope, run), (id) => Call.make(id))
          ),
        await: ({ call }, { process }) => {
          const about = { call, process: process.id }
          return running.await(process, call, {
            gone: new CallNotFound(about),
            calledOff: new FunctionCancelled(about)
          })
        },
        cancel: ({ call }, { process }) => Effect.asVoid(running.cancel(process, call))
      })
    })
  )

const outputOf = (
  { error, name, success }: AnyFunction,
  run: Effect.Effect<unknown, unknown>
): Effect.Effect<Schema.Json, InvalidOutput | FunctionFailed> => {
  const invalid = (detail: string) => new InvalidOutput({ function: name, detail })
  return Effect.matchEffect(run, {
    onFailure: (failure) =>
      Effect.flatMap(Effect.mapError(encode(error, failure), invalid), (error) =>
        Effect.fail(new FunctionFailed({ function: name, error }))
      ),
    onSuccess: (value) => Effect.mapError(encode(success, value), invalid)
  })
}

type InputArgument<Input> = [Input] extends [void] ? [input?: undefined] : [input: Input]

const encoded = (definition: AnyFunction, input: unknown) =>
  Effect.mapBoth(encode(definition.input, input), {
    onFailure: (detail) => new InvalidInput({ function: definition.name, detail }),
    onSuccess: (input) => ({ function: definition.name, input })
  })

// The result as the caller's definition has it: its value, its typed error, or that it doesn't fit.
const read = <Success extends Schema.Top, Error extends Schema.Top, E, R>(
  definition: Function<string, Schema.Top, Success, Error>,
  output: Effect.Effect<Schema.Json, E | FunctionFailed, R>
): Effect.Effect<Success["Type"], Exclude<E, FunctionFailed> | InvalidOutput | Error["Type"], R> => {
  const invalid = (detail: string) => new InvalidOutput({ function: definition.name, detail })
  const failed = (error: E | FunctionFailed): Effect.Effect<never, unknown> =>
    error instanceof FunctionFailed
      ? Effect.flatMap(Effect.mapError(decode(definition.error, error.error), invalid), Effect.fail)
      : Effect.fail(error)
  return Effect.matchEffect(output, {
    onFailure: failed,
    onSuccess: (json) => Effect.mapError(decode(definition.success, json), invalid)
  }) as Effect.Effect<Success["Type"], Exclude<E, FunctionFailed> | InvalidOutput | Error["Type"], R>
}

/**
 * Calls a function, and waits for its result; it is interrupted with the yield, and with the process.
 *
 * **Errors**
 *
 * The function's own, and
 *
 * - `UnknownFunction`: none of the name is registered; the known ones are listed.
 * - `InvalidInput`: the input came past the types.
 * - `InvalidOutput`: what came out does not fit the definition.
 *
 * @category yielding
 */
export const call = <
  Name extends string,
  Input extends Schema.Top,
  Success extends Schema.Top,
  Error extends Schema.Top
>(
  definition: Function<Name, Input, Success, Error>,
  ...[input]: InputArgument<Input["Type"]>
) =>
  read(
    definition,
    Effect.flatMap(encoded(definition, input), (payload) => Process.yield(commands.call, payload))
  )

/**
 * Starts a function and goes on; the process has its result with {@link await}, and it ends with the process.
 *
 * @category yielding
 */
export const start = <
  Name extends string,
  Input extends Schema.Top,
  Success extends Schema.Top,
  Error extends Schema.Top
>(
  definition: Function<Name, Input, Success, Error>,
  ...[input]: InputArgument<Input["Type"]>
) => Effect.flatMap(encoded(definition, input), (payload) => Process.yield(commands.start, payload))

const await_ = <Name extends string, Input extends Schema.Top, Success extends Schema.Top, Error extends Schema.Top>(
  definition: Function<Name, Input, Success, Error>,
  call: Call
) => read(definition, Process.yield(commands.await, { call }))

export {
  /**
   * Waits for the result of a function that this process started; the result is given once.
   *
   * **Details**
   *
   * An interrupted wait leaves the function running, and its result can be waited for again.
   *
   * **Errors**
   *
   * The function's own, and
   *
   * - `FunctionCancelled`: it was cancelled meanwhile.
   * - `CallNotFound`: it was cancelled before, its result was given, or another process started it.
   * - `InvalidOutput`: what came out does not fit the definition.
   *
   * @category yielding
   */
  await_ as await
}

/**
 * Interrupts a function that this process started, and waits until its finalizers have run; one that has ended, or was
 * cancelled, stays so, and its result is forgotten.
 *
 * @category yielding
 */
export const cancel = (call: Call) => Process.yield(commands.cancel, { call })
