/**
 * The definition of a server, and the layer that gives it its behaviour.
 */
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { Rpc } from "effect/rpc"
import * as Schema from "effect/Schema"
import type * as Inbox from "../process/Inbox.ts"
import * as Process from "../process/Process.ts"
import type { Behaviour, Services } from "./Behaviour.ts"
import type { AnyBehaviour } from "./internal/behaviour.ts"
import { known } from "./internal/known.ts"
import { serve } from "./internal/serve.ts"

/**
 * That the code runs in a server: its init, a handler, or a continuation.
 *
 * @category services
 */
export interface CurrentServer {
  readonly _: unique symbol
  readonly server: true
}

/**
 * What a server need not require of its layer, since every server has it.
 *
 * @category utility types
 */
export type Provided<Name extends string> = Process.Provided<Name> | CurrentServer

/**
 * A kind of process that answers messages one after the other, in the order of arrival.
 *
 * @category models
 */
export interface Server<
  Name extends string,
  Rpcs extends Rpc.Any,
  Args extends Schema.Top,
  State extends Schema.Top = Schema.Top
> extends Process.Definition<Name, Rpcs, Args, typeof Schema.Void, State> {
  /**
   * The behaviour itself, with its types checked against the protocol: a handler for each topic, no more and no less.
   *
   * **Example** (All that a behaviour has)
   *
   * ```ts import.meta.vitest
   * import { Effect, Exit, Schema } from "effect"
   * import { Rpc } from "effect/rpc"
   * import { Process, ProcessHost, Server } from "troupe"
   *
   * const Session = Server.make("app:session", {
   *   args: Schema.String,
   *   protocol: [Rpc.make("who", { success: Schema.String })]
   * })
   * const SessionLive = Session.toLayer((user) =>
   *   Effect.succeed(Session.of({
   *     handlers: { who: () => Effect.succeed(user) },
   *     events: (event) => event._tag === "Cancel" ? Process.exit(Exit.void) : Effect.void,
   *     idle: { after: "30 minutes", run: Process.exit(Exit.void) },
   *     concurrency: 10
   *   }))
   * )
   *
   * const program = Effect.flatMap(Process.start(Session, "Ada"), (pid) => Process.call(pid, "who"))
   * await Effect.runPromise(Effect.provide(program, [SessionLive, ProcessHost.layer("app:processes")])) // => "Ada"
   * ```
   */
  of<const B extends Behaviour<Rpcs>>(behaviour: B & OnlyTopics<Rpcs, B>): Behaviour<Rpcs, Services<B>>

  /**
   * The layer that gives the definition its behaviour.
   *
   * **Details**
   *
   * `init` runs in each process first; its scope is that of the process. When it has succeeded the process has started:
   * `Process.start` and supervisors wait for that, and messages wait in the inbox. Any error of it may be left unhandled:
   * `Process.start` fails with `StartFailed`, which has it. What `init` and the handlers require, the layer requires.
   *
   * **Example** (A counter)
   *
   * ```ts import.meta.vitest
   * import { Effect, Ref, Schema } from "effect"
   * import { Rpc } from "effect/rpc"
   * import { Process, ProcessHost, Server } from "troupe"
   *
   * const Counter = Server.make("app:counter", {
   *   args: Schema.Struct({ from: Schema.Int }),
   *   protocol: [Rpc.make("increment"), Rpc.make("total", { success: Schema.Int })],
   *   state: Schema.Int
   * })
   * const CounterLive = Counter.toLayer(Effect.fnUntraced(function*({ from }) {
   *   const total = yield* Counter.state(from)
   *   return Counter.of({
   *     handlers: {
   *       increment: () => Ref.update(total, (n) => n + 1),
   *       total: () => Ref.get(total)
   *     }
   *   })
   * }))
   *
   * const program = Effect.gen(function*() {
   *   const counter = yield* Process.start(Counter, { from: 1 }, { name: "counter" })
   *   yield* Process.send(counter, "increment")
   *   return yield* Process.call(Counter.named("counter"), "total")
   * })
   *
   * await Effect.runPromise(Effect.provide(program, [CounterLive, ProcessHost.layer("app:processes")])) // => 2
   * ```
   */
  toLayer<E, R, Env>(
    init: (args: Args["Type"]) => Effect.Effect<Behaviour<Rpcs, Env>, E, R>
  ): Layer.Layer<Process.Implementation<Name>, never, Exclude<R | Env, Provided<Name>>>
}

/**
 * A behaviour without handlers for topics that the protocol does not have.
 *
 * @category utility types
 */
export type OnlyTopics<Rpcs extends Rpc.Any, B> = B extends { readonly handlers: infer H }
  ? { readonly handlers: { readonly [K in Exclude<keyof H, Rpc.Tag<Rpcs>>]: never } }
  : unknown

/**
 * Makes the definition of a server: a process that `Process.start` waits for, and that answers calls.
 *
 * **Details**
 *
 * - `name`: tells definitions apart; by custom `namespace:name`.
 * - `options.protocol`: the messages that the server takes, as `Rpc`s: the tag is the topic, the payload schema types the
 *   message, and success and error type the outcome of its handler.
 * - `options.args`: the schema of what its init is given; none when absent.
 * - `options.state`: the schema of the state that it shows, if it does; see `state`.
 * - `options.otherTopics`: `"accepted"` when messages of topics beyond the protocol reach the behaviour's `info`;
 *   otherwise they are refused when they are sent, with `InvalidMessage`.
 * - `options.inbox`: the capacity of the inbox and what happens when it is full; see `Inbox.Options`.
 *
 * A server ends by itself with a success: when it is cancelled or stopped. When it fails, the one report of it in the log
 * has the state that it shows, as `state`, and the topic of the message that it took last, as `lastMessage`; an orderly
 * end is not logged. `InvalidOption` is its failure when the concurrency of its behaviour is no whole number from 1 on.
 *
 * **Example** (A typed error)
 *
 * ```ts import.meta.vitest
 * import { Effect, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Process, ProcessHost, Server } from "troupe"
 *
 * const Root = Rpc.make("root", { payload: Schema.Finite, success: Schema.Finite, error: Schema.String })
 * const Calculator = Server.make("app:calculator", { protocol: [Root] })
 * const CalculatorLive = Calculator.toLayer(() =>
 *   Effect.succeed(Calculator.of({
 *     handlers: { root: (n) => n < 0 ? Effect.fail(`${n} has no root`) : Effect.succeed(Math.sqrt(n)) }
 *   }))
 * )
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.start(Calculator)
 *   return [yield* Effect.flip(Process.call(pid, "root", -4)), yield* Process.call(pid, "root", 9)]
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [CalculatorLive, ProcessHost.layer("app:processes")]))
 * // => ["-4 has no root", 3]
 * ```
 *
 * @category constructors
 */
export const make = <
  const Name extends string,
  const Rpcs extends Rpc.Any = never,
  Args extends Schema.Top = typeof Schema.Void,
  State extends Schema.Top = typeof Schema.Unknown
>(
  name: Name,
  options?: {
    readonly protocol?: Process.Protocol<Rpcs> | undefined
    readonly args?: Args | undefined
    readonly state?: State | undefined
    readonly otherTopics?: "accepted" | undefined
    readonly inbox?: Inbox.Options | undefined
  }
): Server<Name, Rpcs, Args, State> => {
  const process = Process.make(name, { ...options, success: Schema.Void, start: "acknowledged" })
  known.add(process[Process.TypeId])
  const server = {
    ...process,
    of: (behaviour: AnyBehaviour) => behaviour,
    toLayer: (init: (args: never) => Effect.Effect<AnyBehaviour, unknown, unknown>) =>
      process.toLayer((args) => serve(init(args as never)))
  }
  return server as unknown as Server<Name, Rpcs, Args, State>
}
