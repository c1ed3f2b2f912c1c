/**
 * Commands: what a process can ask of the world. A command is an `Rpc` with a numeric id and a module, so that its
 * payload, success and error are typed, and can be recorded, replayed and refused.
 */
import type * as Effect from "effect/Effect"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import { describe, type ModuleMeta } from "./internal/command.ts"
import type { Later, Yielded } from "./Yielded.ts"

/**
 * The type-level and runtime key of `Module`.
 *
 * @category type ids
 */
export const TypeId = "~troupe/dispatch/Command/Module"

/**
 * The type of {@link TypeId}.
 *
 * @category type ids
 */
export type TypeId = typeof TypeId

/**
 * The ids that are kept for the modules that come with the library: the first and the last of each. From 256 on ids are
 * the user's own.
 *
 * @category ids
 */
export const ranges = {
  process: [1, 9],
  clock: [10, 29],
  stream: [50, 59],
  http: [60, 79],
  websocket: [80, 89],
  event: [90, 99],
  sql: [100, 119],
  store: [120, 129],
  security: [130, 139],
  function: [140, 149],
  exec: [150, 159],
  cloudstorage: [160, 169],
  eval: [170, 179],
  workflow: [180, 189],
  contract: [190, 199]
} as const

type Ranges = typeof ranges

type Below<N extends number, Numbers extends ReadonlyArray<number> = []> = Numbers["length"] extends N
  ? Numbers[number]
  : Below<N, [...Numbers, Numbers["length"]]>

// The ids of a module that comes with the library.
type Within<Range extends readonly [number, number]> = Exclude<Below<Range[1]> | Range[1], Below<Range[0]>>

type Kept = Below<256>

/**
 * An id that a module may use; otherwise what is wrong with it, in words. An id that is a mere `number` to the compiler is
 * checked when handlers are registered.
 *
 * @category ids
 */
export type Allowed<Module extends string, Id extends number> = number extends Id
  ? Id
  : Module extends keyof Ranges
    ? Id extends Within<Ranges[Module]>
      ? Id
      : `the ids of the module ${Module} are ${Ranges[Module][0]} to ${Ranges[Module][1]}`
    : `${Id}` extends `-${string}` | `${string}.${string}`
      ? "an id is a whole number"
      : Id extends Kept
        ? "ids below 256 are kept for the modules that come with the library"
        : Id

/**
 * A command without its module: an id, and what goes in and comes out.
 *
 * @category models
 */
export interface Spec<
  Id extends number,
  Payload extends Schema.Top,
  Success extends Schema.Top,
  Error extends Schema.Top
> {
  readonly id: Id
  readonly payload: Payload
  readonly success: Success
  readonly error: Error
}

/**
 * Any {@link Spec}.
 *
 * @category models
 */
export type AnySpec = Spec<number, Schema.Top, Schema.Top, Schema.Top>

/**
 * A command: an `Rpc` whose tag is `module.name`.
 *
 * @category models
 */
export interface Command<
  Module extends string,
  Tag extends string,
  Payload extends Schema.Top,
  Success extends Schema.Top,
  Error extends Schema.Top
> extends Rpc.Rpc<Tag, Payload, Success, Error> {
  /** Its place in the registry. */
  readonly id: number
  /** The name of its module. */
  readonly module: Module
}

/**
 * Any command.
 *
 * @category models
 */
export interface Any extends Rpc.AnyWithProps {
  readonly id: number
  readonly module: string
}

/**
 * The commands of a module, by name.
 *
 * @category models
 */
export type Module<Name extends string, Specs extends Readonly<Record<string, AnySpec>>> = Commands<Name, Specs> & {
  readonly [TypeId]: ModuleMeta<Name>
  /** Answers the handlers as they are, so that they are typed where they are written. */
  readonly of: <H extends Handlers<Commands<Name, Specs>>>(handlers: H) => H
}

/**
 * The commands that specifications make.
 *
 * @category utility types
 */
export type Commands<Name extends string, Specs extends Readonly<Record<string, AnySpec>>> = {
  readonly [K in keyof Specs & string]: Command<
    Name,
    `${Name}.${K}`,
    Specs[K]["payload"],
    Specs[K]["success"],
    Specs[K]["error"]
  >
}

/**
 * Any module.
 *
 * @category models
 */
export interface AnyModule {
  readonly [TypeId]: ModuleMeta<string>
}

/**
 * The name of a module.
 *
 * @category utility types
 */
export type NameOf<M extends AnyModule> = M[TypeId]["name"]

/**
 * What does the work of a command: given the payload, and under which tag and for which process it was yielded.
 *
 * @category models
 */
export type Handler<C extends Rpc.Any, R = unknown> = (
  payload: Rpc.Payload<C>,
  yielded: Yielded<Rpc.Success<C>, Rpc.Error<C>>
) => Effect.Effect<Rpc.Success<C> | Later, Rpc.Error<C>, R>

/**
 * The handlers of the commands of a module, by name.
 *
 * @category models
 */
export type Handlers<M> = {
  readonly [K in Exclude<keyof M, TypeId | "of">]: M[K] extends Any ? Handler<M[K]> : never
}

/**
 * What handlers require.
 *
 * @category utility types
 */
export type Requirements<H> = {
  readonly [K in keyof H]: H[K] extends (...args: never) => Effect.Effect<infer _A, infer _E, infer R> ? R : never
}[keyof H]

/**
 * What goes into a command, and what comes out.
 *
 * @category models
 */
export interface SpecOptions {
  /** What it carries, or the fields of a struct: nothing when absent. */
  readonly payload?: Schema.Top | Schema.Struct.Fields | undefined
  /** What it answers: nothing when absent. */
  readonly success?: Schema.Top | undefined
  /** Its typed error: none when absent. */
  readonly error?: Schema.Top | undefined
}

/**
 * The schema of the payload that options ask for.
 *
 * @category utility types
 */
export type PayloadIn<O> = O extends { readonly payload: infer P }
  ? P extends Schema.Top
    ? P
    : P extends Schema.Struct.Fields
      ? Schema.Struct<P>
      : typeof Schema.Void
  : typeof Schema.Void

/**
 * The schema of the answer that options ask for.
 *
 * @category utility types
 */
export type SuccessIn<O> = O extends { readonly success: infer S extends Schema.Top } ? S : typeof Schema.Void

/**
 * The schema of the error that options ask for.
 *
 * @category utility types
 */
export type ErrorIn<O> = O extends { readonly error: infer E extends Schema.Top } ? E : typeof Schema.Never

/**
 * Specifies a command, to be given to {@link module} with its name.
 *
 * **Details**
 *
 * - `id`: a whole number from 256 on, and of no other command of the application.
 * - `options`: the schemas of its payload, its answer and its typed error.
 *
 * **Example** (A command with an error)
 *
 * ```ts import.meta.vitest
 * import { Schema } from "effect"
 * import { Command } from "troupe"
 *
 * const spec = Command.make(301, { payload: { account: Schema.String }, success: Schema.Int, error: Schema.String })
 *
 * spec.id // => 301
 * ```
 *
 * @category constructors
 */
export const make = <const Id extends number, O extends SpecOptions = {}>(
  id: Id,
  options?: O
): Spec<Id, PayloadIn<O>, SuccessIn<O>, ErrorIn<O>> => {
  const payload = options?.payload ?? Schema.Void
  const spec: AnySpec = {
    id,
    payload: Schema.isSchema(payload) ? (payload as Schema.Top) : Schema.Struct(payload as Schema.Struct.Fields),
    success: options?.success ?? Schema.Void,
    error: options?.error ?? Schema.Never
  }
  return spec as Spec<Id, PayloadIn<O>, SuccessIn<O>, ErrorIn<O>>
}

/**
 * Makes a module: its commands are the properties of the value that is answered, and their tags are `module.name`.
 *
 * **Details**
 *
 * - `name`: the name of the module, of no other module of the application.
 * - `specs`: its commands, by name.
 *
 * An id that the module can't have does not compile; where the compiler doesn't know it, its registration fails with
 * `InvalidCommandId`.
 *
 * **Example** (A module with two commands)
 *
 * ```ts import.meta.vitest
 * import { Schema } from "effect"
 * import { Command } from "troupe"
 *
 * const Ledger = Command.module("ledger", {
 *   post: Command.make(300, { payload: { account: Schema.String, cents: Schema.Int } }),
 *   balance: Command.make(301, { payload: { account: Schema.String }, success: Schema.Int })
 * })
 *
 * const answer = [Ledger.balance.id, Ledger.balance.module, Ledger.balance._tag]
 * answer // => [301, "ledger", "ledger.balance"]
 * ```
 *
 * @category constructors
 */
export const module = <const Name extends string, const Specs extends Readonly<Record<string, AnySpec>>>(
  name: Name,
  specs: Specs & {
    readonly [K in keyof Specs]: K extends "of"
      ? "a command can't have the name of"
      : { readonly id: Allowed<Name, Specs[K]["id"]> }
  }
): Module<Name, Specs> => {
  const commands = Object.entries(specs as Specs).map(([key, { error, id, payload, success }]): [string, Any] => {
    const rpc: Rpc.AnyWithProps = Rpc.make(`${name}.${key}`, { payload, success, error })
    return [key, describe(rpc, id, name)]
  })
  const meta: ModuleMeta<Name> = { name, commands: commands.map(([, command]) => command) }
  const made = { ...Object.fromEntries(commands), [TypeId]: meta, of: <H>(handlers: H) => handlers }
  return made as unknown as Module<Name, Specs>
}

/**
 * Whether a value is a module of commands.
 *
 * @category guards
 */
export const isModule = (u: unknown): u is AnyModule => typeof u === "object" && u !== null && TypeId in u
