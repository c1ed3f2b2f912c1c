/**
 * The definition of a process: its name, the messages that it takes, its arguments and its result; and the layer that
 * gives it a body.
 */
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type * as Ref from "effect/Ref"
import type { Rpc } from "effect/rpc"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { effectOf, Step, step } from "../channel/internal/step.ts"
import * as Selectable from "../channel/Selectable.ts"
import type * as Inbox from "./Inbox.ts"
import type { Cell } from "./internal/cell.ts"
import { type Definition as Known, type Implementation as Runnable, topicsOf } from "./internal/definition.ts"
import { guardOf } from "./internal/guard.ts"
import { where } from "./internal/inbox.ts"
import { NameImpl } from "./internal/name.ts"
import { CurrentProcess, type ProcessHost, withCell } from "./internal/services.ts"
import { show } from "./internal/shown.ts"
import type * as Message from "./Message.ts"
import type * as Name from "./Name.ts"
import type { Pid } from "./Pid.ts"
import type { ProcessEvent } from "./ProcessEvent.ts"

/**
 * The type-level and runtime key of `Process`.
 *
 * @category type ids
 */
export const TypeId = "~troupe/process/Process"

/**
 * The type of {@link TypeId}.
 *
 * @category type ids
 */
export type TypeId = typeof TypeId

/**
 * That the process `Name` has a body where it is spawned.
 *
 * @category services
 */
export interface Implementation<in out Name extends string> {
  readonly _: unique symbol
  readonly implementation: Name
}

/**
 * That the code runs in a process of the definition `Name`.
 *
 * @category services
 */
export interface Running<in out Name extends string> {
  readonly _: unique symbol
  readonly running: Name
}

/**
 * What the body of a process need not require of its layer, since every process has it; among it the implementation
 * itself, so that a process can spawn its own kind.
 *
 * @category utility types
 */
export type Provided<Name extends string> =
  | Running<Name>
  | Implementation<Name>
  | CurrentProcess
  | ProcessHost
  | Scope.Scope

/**
 * A topic that a process may take: all but those that begin with `@`, which are the system's own.
 *
 * @category utility types
 */
export type Protocol<Rpcs extends Rpc.Any> = ReadonlyArray<
  Rpcs &
    ([Extract<Rpc.Tag<Rpcs>, `@${string}`>] extends [never] ? unknown : { readonly _tag: "a topic can't begin with @" })
>

/**
 * A kind of process, without the way in which it gets its body: what spawning, starting and supervising ask for.
 *
 * @category models
 */
export interface Definition<
  Name extends string,
  Rpcs extends Rpc.Any,
  Args extends Schema.Top,
  Success extends Schema.Top,
  State extends Schema.Top
> {
  readonly [TypeId]: Known
  /** The name of the definition. */
  readonly name: Name
  /** The schema of the arguments of a spawn. */
  readonly args: Args
  /** The schema of what the body returns. */
  readonly success: Success
  /** The schema of the state that the running process shows. */
  readonly stateSchema: State

  /**
   * The pid of the running process.
   *
   * **Example** (A message to oneself)
   *
   * ```ts import.meta.vitest
   * import { Effect, Exit } from "effect"
   * import { Rpc } from "effect/rpc"
   * import { Process, ProcessHost } from "troupe"
   *
   * const Starter = Process.make("app:starter", { protocol: [Rpc.make("begin")] })
   * const StarterLive = Starter.toLayer(Effect.fn(function*() {
   *   yield* Process.send(yield* Starter.self, "begin")
   *   const message = yield* Starter.receive()
   *   return message.topic
   * }))
   *
   * const program = Effect.flatMap(Process.spawn(Starter), Process.await)
   * await Effect.runPromise(Effect.provide(program, [StarterLive, ProcessHost.layer("app:processes")]))
   * // => Exit.succeed("begin")
   * ```
   */
  readonly self: Effect.Effect<Pid<Rpcs>, never, Running<Name>>

  /**
   * The inbox of the running process: always the same source.
   *
   * **Example** (How many messages wait)
   *
   * ```ts import.meta.vitest
   * import { Effect, Exit } from "effect"
   * import { Rpc } from "effect/rpc"
   * import { Process, ProcessHost } from "troupe"
   *
   * const Queue = Process.make("app:queue", { protocol: [Rpc.make("job")] })
   * const QueueLive = Queue.toLayer(Effect.fn(function*() {
   *   const inbox = yield* Queue.inbox
   *   yield* Queue.receive()
   *   return inbox.length
   * }))
   *
   * const program = Effect.gen(function*() {
   *   const pid = yield* Process.spawn(Queue)
   *   for (let i = 0; i < 3; i++) yield* Process.send(pid, "job")
   *   return yield* Process.await(pid)
   * })
   *
   * await Effect.runPromise(Effect.provide(program, [QueueLive, ProcessHost.layer("app:processes")]))
   * // => Exit.succeed(2)
   * ```
   */
  readonly inbox: Effect.Effect<Inbox.Inbox<Message.Message<Rpcs>>, never, Running<Name>>

  /**
   * What the running process is told: always the same source.
   *
   * **Example** (Ending when asked to)
   *
   * ```ts import.meta.vitest
   * import { Effect, Exit } from "effect"
   * import { Process, ProcessHost, Selectable } from "troupe"
   *
   * const Server = Process.make("app:server")
   * const ServerLive = Server.toLayer(Effect.fn(function*() {
   *   const event = yield* Selectable.take(yield* Server.events)
   *   return event._tag === "Cancel" ? event.reason : event._tag
   * }))
   *
   * const program = Effect.gen(function*() {
   *   const pid = yield* Process.spawn(Server)
   *   yield* Process.cancel(pid, "closing time")
   *   return yield* Process.await(pid)
   * })
   *
   * await Effect.runPromise(Effect.provide(program, [ServerLive, ProcessHost.layer("app:processes")]))
   * // => Exit.succeed("closing time")
   * ```
   */
  readonly events: Effect.Effect<Selectable.Selectable<ProcessEvent>, never, Running<Name>>

  /**
   * Takes the next message, waiting until there is one; an interrupted wait takes nothing.
   *
   * **Details**
   *
   * With a topic, or a predicate, it takes the first message that matches; the others stay in the inbox, in order. Give
   * it a time limit with a `Timer` in a select: `Effect.timeoutOption` would run it in a fiber of its own, which may take
   * a message and yet come too late.
   *
   * **Example** (Receiving selectively)
   *
   * ```ts import.meta.vitest
   * import { Effect, Exit, Schema } from "effect"
   * import { Rpc } from "effect/rpc"
   * import { Process, ProcessHost } from "troupe"
   *
   * const Order = Rpc.make("order", { payload: Schema.Int })
   * const Shop = Process.make("app:shop", { protocol: [Rpc.make("open"), Order] })
   * const ShopLive = Shop.toLayer(Effect.fn(function*() {
   *   yield* Shop.receive("open")
   *   const large = yield* Shop.receive((message) => message.topic === "order" && message.payload >= 100)
   *   const first = yield* Shop.receive("order")
   *   return [large.payload, first.payload]
   * }))
   *
   * const program = Effect.gen(function*() {
   *   const pid = yield* Process.spawn(Shop)
   *   yield* Process.send(pid, "order", 3)
   *   yield* Process.send(pid, "order", 200)
   *   yield* Process.send(pid, "open")
   *   return yield* Process.await(pid)
   * })
   *
   * await Effect.runPromise(Effect.provide(program, [ShopLive, ProcessHost.layer("app:processes")]))
   * // => Exit.succeed([200, 3])
   * ```
   */
  receive(): Effect.Effect<Message.Message<Rpcs>, never, Running<Name>>
  receive<const Topic extends Rpc.Tag<Rpcs>>(
    topic: Topic
  ): Effect.Effect<Message.Of<Rpc.ExtractTag<Rpcs, Topic>>, never, Running<Name>>
  receive<M extends Message.Message<Rpcs>>(
    matches: (message: Message.Message<Rpcs>) => message is M
  ): Effect.Effect<M, never, Running<Name>>
  receive(
    matches: (message: Message.Message<Rpcs>) => boolean
  ): Effect.Effect<Message.Message<Rpcs>, never, Running<Name>>

  /**
   * Takes all messages that wait, the oldest first, waiting until there is one; an interrupted wait takes nothing.
   *
   * **Details**
   *
   * Each counts as received: what is still in hand when the process ends is not among its dead letters. For work that is
   * done better for many at once, such as writing to a database, and for a process that many send to: it takes in one
   * step what one message each would take many turns. A process that is recorded gets them one by one, so that its
   * recording tells what it got.
   *
   * **Example** (Writing what has come in one go)
   *
   * ```ts import.meta.vitest
   * import { Effect, Exit, Schema } from "effect"
   * import { Rpc } from "effect/rpc"
   * import { Process, ProcessHost } from "troupe"
   *
   * const Line = Rpc.make("line", { payload: Schema.String })
   * const Log = Process.make("app:log", { protocol: [Line] })
   * const LogLive = Log.toLayer(Effect.fn(function*() {
   *   const lines = yield* Log.receiveAll()
   *   return lines.map(({ payload }) => payload).join(" ")
   * }))
   *
   * const program = Effect.gen(function*() {
   *   const pid = yield* Process.spawn(Log)
   *   yield* Process.send(pid, "line", "one")
   *   yield* Process.send(pid, "line", "two")
   *   return yield* Process.await(pid)
   * })
   *
   * await Effect.runPromise(Effect.provide(program, [LogLive, ProcessHost.layer("app:processes")]))
   * // => Exit.succeed("one two")
   * ```
   */
  receiveAll(): Effect.Effect<Arr.NonEmptyReadonlyArray<Message.Message<Rpcs>>, never, Running<Name>>

  /**
   * Has the messages of one topic go to a source of their own, those too that wait in the inbox, until the scope closes.
   *
   * **Details**
   *
   * What the listener has not taken by then is in the inbox afterwards, at its place in the order of arrival. A topic
   * that is listened to twice has one source, which ends with the last of the scopes.
   *
   * **Example** (A source for one topic)
   *
   * ```ts import.meta.vitest
   * import { Effect, Exit, Schema } from "effect"
   * import { Rpc } from "effect/rpc"
   * import { Process, ProcessHost, Selectable } from "troupe"
   *
   * const Build = Rpc.make("build", { payload: Schema.String })
   * const Builder = Process.make("app:builder", { protocol: [Build, Rpc.make("abort")] })
   * const BuilderLive = Builder.toLayer(Effect.fn(function*() {
   *   const aborts = yield* Builder.listen("abort")
   *   yield* Selectable.take(aborts)
   *   return `aborted, ${(yield* Builder.inbox).length} to build`
   * }))
   *
   * const program = Effect.gen(function*() {
   *   const pid = yield* Process.spawn(Builder)
   *   yield* Process.send(pid, "build", "docs")
   *   yield* Process.send(pid, "abort")
   *   return yield* Process.await(pid)
   * })
   *
   * await Effect.runPromise(Effect.provide(program, [BuilderLive, ProcessHost.layer("app:processes")]))
   * // => Exit.succeed("aborted, 1 to build")
   * ```
   */
  listen<const Topic extends Rpc.Tag<Rpcs>>(
    topic: Topic
  ): Effect.Effect<Inbox.Inbox<Message.Of<Rpc.ExtractTag<Rpcs, Topic>>>, never, Running<Name> | Scope.Scope>

  /**
   * The address of whichever process of this definition is registered under a name.
   *
   * **Details**
   *
   * With `options.node` it is the process that has the name on that node, once the node is connected.
   *
   * **Example** (Calling by name)
   *
   * ```ts import.meta.vitest
   * import { Effect, Schema } from "effect"
   * import { Rpc } from "effect/rpc"
   * import { Message, Process, ProcessHost } from "troupe"
   *
   * const Clock = Process.make("app:clock", { protocol: [Rpc.make("year", { success: Schema.Int })] })
   * const ClockLive = Clock.toLayer(Effect.fn(function*() {
   *   yield* Message.reply(yield* Clock.receive(), 2026)
   * }))
   *
   * const program = Effect.gen(function*() {
   *   yield* Process.spawn(Clock, undefined, { name: "clock" })
   *   return yield* Process.call(Clock.named("clock"), "year")
   * })
   *
   * await Effect.runPromise(Effect.provide(program, [ClockLive, ProcessHost.layer("app:processes")])) // => 2026
   * ```
   */
  named(name: string, options?: Name.Options): Name.Name<Rpcs>

  /**
   * A reference that holds the state of the running process, where its reports show it and tools can read and replace
   * it.
   *
   * **Details**
   *
   * A process has one such state: another call puts the new one in its place. An ordinary `Ref` serves as well for what
   * nobody else shall see.
   *
   * **Example** (A state that can be seen)
   *
   * ```ts import.meta.vitest
   * import { Effect, Exit, Ref, Schema } from "effect"
   * import { Process, ProcessHost } from "troupe"
   *
   * const Counter = Process.make("app:counter", { state: Schema.Int })
   * const CounterLive = Counter.toLayer(Effect.fn(function*() {
   *   const count = yield* Counter.state(3)
   *   return yield* Ref.updateAndGet(count, (n) => n + 1)
   * }))
   *
   * const program = Effect.flatMap(Process.spawn(Counter), Process.await)
   * await Effect.runPromise(Effect.provide(program, [CounterLive, ProcessHost.layer("app:processes")]))
   * // => Exit.succeed(4)
   * ```
   */
  state(initial: State["Type"]): Effect.Effect<Ref.Ref<State["Type"]>, never, Running<Name>>
}

/**
 * A kind of process: a value that those who implement it and those who use it share.
 *
 * @category models
 */
export interface Process<
  Name extends string,
  Rpcs extends Rpc.Any,
  Args extends Schema.Top,
  Success extends Schema.Top,
  State extends Schema.Top
> extends Definition<Name, Rpcs, Args, Success, State> {
  /**
   * The layer that gives the definition its body.
   *
   * **Details**
   *
   * The body may use the process's own scope, whose resources close when it ends, before its exit can be seen. What
   * else it requires, the layer requires. Any error may be left unhandled: it becomes the exit of the process.
   *
   * **Example** (A body that needs a service)
   *
   * ```ts import.meta.vitest
   * import { Context, Effect, Exit, Layer, Schema } from "effect"
   * import { Process, ProcessHost } from "troupe"
   *
   * class Rates extends Context.Service<Rates, { readonly of: (currency: string) => number }>()("app/Rates") {}
   *
   * const Quote = Process.make("app:quote", { args: Schema.String, success: Schema.Number })
   * const QuoteLive = Quote.toLayer(Effect.fn(function*(currency) {
   *   const rates = yield* Rates
   *   return rates.of(currency)
   * })).pipe(Layer.provide(Layer.succeed(Rates, { of: (currency) => currency === "EUR" ? 1 : 2 })))
   *
   * const program = Effect.flatMap(Process.spawn(Quote, "EUR"), Process.await)
   * await Effect.runPromise(Effect.provide(program, [QuoteLive, ProcessHost.layer("app:processes")]))
   * // => Exit.succeed(1)
   * ```
   */
  toLayer<E, R>(
    body: (args: Args["Type"]) => Effect.Effect<Success["Type"], E, R>
  ): Layer.Layer<Implementation<Name>, never, Exclude<R, Provided<Name>>>
}

/**
 * Makes the definition of a process.
 *
 * **Details**
 *
 * - `name`: tells definitions apart; by custom `namespace:name`.
 * - `options.protocol`: the messages that the process takes, as `Rpc`s: the tag is the topic, the payload schema types
 *   the message, and success and error type the answer to a call.
 * - `options.args`: the schema of the arguments of a spawn; none when absent.
 * - `options.success`: the schema of what the body returns; anything when absent.
 * - `options.state`: the schema of the state that the process shows, if it does; see `state`.
 * - `options.start`: `"acknowledged"` when the process has started only once its body says so with `Process.ready`, which
 *   `Process.start` and supervisors wait for; otherwise it has started when it is spawned.
 * - `options.otherTopics`: `"accepted"` when messages of topics beyond the protocol reach the process as well; the compiler
 *   knows nothing of them. Otherwise a send of one fails with `InvalidMessage`.
 * - `options.inbox`: the capacity of the inbox and what happens when it is full; see `Inbox.Options`.
 *
 * **Example** (Defining a process)
 *
 * ```ts import.meta.vitest
 * import { Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Process } from "troupe"
 *
 * const Counter = Process.make("app:counter", {
 *   args: Schema.Struct({ from: Schema.Int }),
 *   protocol: [Rpc.make("increment"), Rpc.make("total", { success: Schema.Int })]
 * })
 *
 * Counter.name // => "app:counter"
 * ```
 *
 * @category constructors
 */
export const make = <
  const Name extends string,
  const Rpcs extends Rpc.Any = never,
  Args extends Schema.Top = typeof Schema.Void,
  Success extends Schema.Top = typeof Schema.Unknown,
  State extends Schema.Top = typeof Schema.Unknown
>(
  name: Name,
  options?: {
    readonly protocol?: Protocol<Rpcs> | undefined
    readonly args?: Args | undefined
    readonly success?: Success | undefined
    readonly state?: State | undefined
    readonly start?: "acknowledged" | undefined
    readonly otherTopics?: "accepted" | undefined
    readonly inbox?: Inbox.Options | undefined
  }
): Process<Name, Rpcs, Args, Success, State> => {
  const args: Schema.Top = options?.args ?? Schema.Void
  const definition: Known = {
    name,
    key: Context.Service<Runnable>(`troupe/process/Process/${name}`),
    topics: topicsOf(options?.protocol ?? []),
    args,
    acceptsArgs: guardOf(args),
    success: options?.success ?? Schema.Unknown,
    inbox: options?.inbox,
    start: options?.start ?? "spawned",
    otherTopics: options?.otherTopics ?? "refused"
  }
  const process: Process<Name, Rpc.Any, Schema.Top, Schema.Top, Schema.Top> = {
    [TypeId]: definition,
    name,
    args,
    success: options?.success ?? Schema.Unknown,
    stateSchema: options?.state ?? Schema.Unknown,
    self: running((cell) => Effect.succeed(cell.pid)),
    inbox: running((cell) => Effect.succeed(cell.inbox as Inbox.Inbox<never>)),
    events: running((cell) => Effect.succeed(cell.events)),
    receive: (selector?: string | ((message: never) => boolean)): Effect.Effect<never, never, Running<Name>> =>
      selector === undefined
        ? (next as Effect.Effect<never, never, unknown> as Effect.Effect<never, never, Running<Name>>)
        : running((cell) => Selectable.take(where(cell.inbox, matching(selector)) as Selectable.Selectable<never>)),
    receiveAll: () => everything as Effect.Effect<never, never, unknown> as Effect.Effect<never, never, Running<Name>>,
    listen: (topic: string) =>
      running((cell) =>
        Effect.acquireRelease(
          step(() => Exit.succeed(cell.listen(topic) as Inbox.Inbox<never>)),
          () => Effect.sync(() => cell.unlisten(topic))
        )
      ),
    named: (registered, at) => new NameImpl(registered, at?.node, definition.topics),
    state: (initial) => running((cell) => Effect.sync(() => show(cell, initial))),
    toLayer: (body) => Layer.effectContext(implement(definition, body))
  }
  return process as unknown as Process<Name, Rpcs, Args, Success, State>
}

// The next message of whichever process runs it: one value serves all receives, so that a message which is there costs a
// single step. It is a kind of step of its own, since the function of a general one is called from everywhere and never
// inlined.
class Receiving extends Step {
  override now(fiber: Fiber.Fiber<unknown, unknown>): Exit.Exit<unknown> | undefined {
    return (Context.getUnsafe(fiber.context, CurrentProcess) as Cell).inbox.pollUnsafe()
  }

  run(fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<unknown> {
    const { inbox } = Context.getUnsafe(fiber.context, CurrentProcess) as Cell
    return inbox.pollUnsafe() ?? inbox.receiver.wait(next)
  }
}

const next: Effect.Effect<never, never, CurrentProcess> = effectOf(new Receiving())

class ReceivingAll extends Step {
  override now(fiber: Fiber.Fiber<unknown, unknown>): Exit.Exit<unknown> | undefined {
    const { inbox, witness } = Context.getUnsafe(fiber.context, CurrentProcess) as Cell
    if (witness === undefined) return inbox.pollAllUnsafe()
    const one = inbox.pollUnsafe()
    return one && Exit.map(one, Arr.of)
  }

  run(fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<unknown> {
    const { inbox } = Context.getUnsafe(fiber.context, CurrentProcess) as Cell
    return this.now(fiber) ?? inbox.receiver.wait(everything)
  }
}

const everything: Effect.Effect<never, never, CurrentProcess> = effectOf(new ReceivingAll())

// The type says more than the runtime needs: that the process runs is known from the context of its fibers.
const running = <Name extends string, A, E, R>(
  f: (cell: Parameters<Parameters<typeof withCell>[0]>[0]) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, Running<Name> | Exclude<R, CurrentProcess>> =>
  withCell(f) as Effect.Effect<A, E, Running<Name> | Exclude<R, CurrentProcess>>

const matching =
  (selector: string | ((message: never) => boolean)) =>
  (message: { readonly topic: string }): boolean =>
    typeof selector === "string" ? message.topic === selector : selector(message as never)

const implement = <Name extends string>(
  definition: Known,
  body: (args: never) => unknown
): Effect.Effect<Context.Context<Implementation<Name>>> =>
  Effect.map(Effect.context<never>(), (services) => {
    const implementation: Runnable = { definition, body: body as Runnable["body"], services }
    return Context.make(definition.key, implementation) as Context.Context<unknown> as Context.Context<
      Implementation<Name>
    >
  })
