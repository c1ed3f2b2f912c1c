/**
 * Processes, as a process asks for them: starting others, sending and receiving, watching, ending. What a process does
 * by these commands alone can be recorded, replayed, and refused by a policy.
 */
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { Rpc } from "effect/rpc"
import * as Schema from "effect/Schema"
import * as Command from "../dispatch/Command.ts"
import * as Dispatcher from "../dispatch/Dispatcher.ts"
import { type Definition, type Implementation, type Running, TypeId as ProcessTypeId } from "../process/Definition.ts"
import type { Definition as Known } from "../process/internal/definition.ts"
import * as Lifecycle from "../process/Lifecycle.ts"
import type * as Messaging from "../process/Messaging.ts"
import * as Name from "../process/Name.ts"
import * as Pid from "../process/Pid.ts"
import {
  HostNotFound,
  HostStopped,
  InboxFull,
  InvalidArguments,
  InvalidMessage,
  NoConnection,
  InvalidOption,
  ProcessClosed,
  ProcessNotFound
} from "../process/ProcessError.ts"
import * as Watching from "../process/Watching.ts"
import * as Process from "../process/Yielding.ts"
import { asCaller } from "./internal/caller.ts"
import { withImplementations } from "./internal/implementations.ts"
import { decode, encode, plain } from "./internal/json.ts"
import * as handlers from "./internal/processes.ts"
import { PayloadNotEncodable, UnknownProcess } from "./ProcessesError.ts"
import { Event, Monitor, Received, To } from "./ProcessesMessage.ts"

export * from "./ProcessesError.ts"
export * from "./ProcessesMessage.ts"

const SendFailure = Schema.Union([
  ProcessNotFound,
  ProcessClosed,
  HostStopped,
  InboxFull,
  InvalidMessage,
  NoConnection,
  NoConnection
])
const EndFailure = Schema.Union([ProcessNotFound, NoConnection])
const SpawnFailure = Schema.Union([UnknownProcess, HostNotFound, HostStopped, InvalidArguments, InvalidOption])

/**
 * The commands of the module `process`.
 *
 * @category commands
 */
export const commands = Command.module("process", {
  send: Command.make(1, {
    payload: { to: To, topic: Schema.String, payload: Schema.Json },
    error: SendFailure
  }),
  spawn: Command.make(2, {
    payload: {
      process: Schema.String,
      args: Schema.Json,
      name: Schema.optional(Schema.String),
      host: Schema.optional(Schema.String),
      link: Schema.Boolean,
      monitor: Schema.Boolean
    },
    success: Schema.Struct({ pid: Pid.schema, monitor: Schema.UndefinedOr(Monitor) }),
    error: SpawnFailure
  }),
  terminate: Command.make(3, { payload: { pid: Pid.schema, kill: Schema.Boolean }, error: EndFailure }),
  monitor: Command.make(4, { payload: { pid: Pid.schema }, success: Monitor }),
  link: Command.make(5, { payload: { pid: Pid.schema }, error: EndFailure }),
  cancel: Command.make(6, { payload: { pid: Pid.schema, reason: Schema.String }, error: EndFailure }),
  receive: Command.make(7, {
    payload: { topic: Schema.optional(Schema.String) },
    success: Received,
    error: PayloadNotEncodable
  }),
  nextEvent: Command.make(8, { success: Event }),
  self: Command.make(9, { success: Pid.schema })
})

/**
 * A definition whose processes may be spawned by a command.
 *
 * @category models
 */
export interface Spawnable<out Name extends string = string> {
  readonly [ProcessTypeId]: Known
  readonly name: Name
  readonly args: Schema.Top
  readonly success: Schema.Top
}

/**
 * The implementations of definitions.
 *
 * @category utility types
 */
export type ImplementationsOf<D extends Spawnable> = D extends Spawnable<infer Name> ? Implementation<Name> : never

/**
 * Handles the module; the definitions are those that may be spawned by a command.
 *
 * **Details**
 *
 * - `implementations`: their bodies, which may yield commands of this module themselves; required of the context when
 *   absent.
 *
 * What concerns the yielding process alone needs no command: `Process.trapExits`, `Process.unlink`. Calls are made by
 * contract, see `Contracts`, which knows how an answer is written down.
 *
 * **Example** (A parent that does everything by commands)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Layer, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Process, ProcessHost } from "troupe"
 * import { Processes } from "troupe/command"
 *
 * const Add = Rpc.make("add", { payload: Schema.Int })
 * const Adder = Process.make("app:adder", { args: Schema.Int, protocol: [Add], success: Schema.Int })
 * const AdderLive = Adder.toLayer(Effect.fn(function*(start) {
 *   return start + (yield* Adder.receive()).payload
 * }))
 *
 * const Parent = Process.make("app:parent")
 * const ParentLive = Parent.toLayer(Effect.fn(function*() {
 *   const { pid } = yield* Processes.spawnMonitored(Adder, 40)
 *   yield* Processes.send(Adder, pid, "add", 2)
 *   const event = yield* Processes.nextEvent
 *   return event._tag === "Exit" ? yield* event.exit : event._tag
 * })).pipe(Layer.provide(Processes.layer([Adder], AdderLive)))
 *
 * const program = Effect.flatMap(Process.spawn(Parent), Process.await)
 * await Effect.runPromise(Effect.provide(program, [ParentLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed(42)
 * ```
 *
 * @category layers
 */
export const layer: {
  <const D extends ReadonlyArray<Spawnable>>(
    definitions: D
  ): Layer.Layer<
    Dispatcher.Handles<"process"> | Dispatcher.Dispatcher,
    Dispatcher.RegistrationError,
    ImplementationsOf<D[number]>
  >
  <const D extends ReadonlyArray<Spawnable>, A extends ImplementationsOf<D[number]>, E, R>(
    definitions: D,
    implementations: Layer.Layer<A, E, R>
  ): Layer.Layer<
    Dispatcher.Handles<"process"> | Dispatcher.Dispatcher | A,
    Dispatcher.RegistrationError | E,
    Exclude<R, Dispatcher.Handles<"process"> | Dispatcher.Dispatcher>
  >
} = (definitions: ReadonlyArray<Spawnable>, implementations?: Layer.Layer<unknown, unknown, unknown>) => {
  const byName = new Map(definitions.map((definition) => [definition.name, definition]))
  const handling = Effect.map(Effect.context<never>(), (services) => {
    const monitors = new handlers.Monitors()
    return commands.of({
      send: (message) => asCaller(handlers.send(message)),
      spawn: (wanted) => asCaller(handlers.spawn(byName, services, monitors, wanted)),
      terminate: ({ kill, pid }) => asCaller(kill ? Lifecycle.kill(pid) : Lifecycle.terminate(pid)),
      monitor: ({ pid }) => asCaller(handlers.monitor(byName, monitors, pid)),
      link: ({ pid }) => asCaller(Watching.link(pid)),
      cancel: ({ pid, reason }) => asCaller(Lifecycle.cancel(pid, reason)),
      receive: ({ topic }) => asCaller(handlers.receive(topic)),
      nextEvent: () => asCaller(handlers.nextEvent(monitors)),
      self: () => asCaller(Lifecycle.self)
    })
  })
  return withImplementations(Dispatcher.layer(commands, handling), implementations) as never
}

/**
 * Sends a message to a process of the definition, as `Process.send` does.
 *
 * **Details**
 *
 * - `definition`: what the receiver is, whose protocol has the schema in which the payload is written down.
 *
 * The receiver's own schema reads the payload again. Errors give the message back as it was written down.
 *
 * @category yielding
 */
export const send = <
  Name extends string,
  Rpcs extends Rpc.Any,
  Args extends Schema.Top,
  Success extends Schema.Top,
  State extends Schema.Top,
  const Topic extends Rpc.Tag<Rpcs>
>(
  definition: Definition<Name, Rpcs, Args, Success, State>,
  to: Name.Address<Rpcs>,
  topic: Topic,
  ...[payload]: Messaging.PayloadArgument<Rpc.ExtractTag<Rpcs, Topic>>
) => {
  const known = definition[ProcessTypeId].topics.get(topic)
  const request = { topic: String(topic), payload: plain(payload) }
  return encode(known?.schema ?? Schema.Json, payload).pipe(
    Effect.mapError((detail) => new InvalidMessage({ target: String(to), request, reason: "InvalidPayload", detail })),
    Effect.flatMap((payload) =>
      Process.yield(commands.send, {
        to: Name.isName(to) ? { name: to.name } : { pid: to as Pid.Pid },
        topic,
        payload
      })
    )
  )
}

/**
 * How a process is spawned.
 *
 * @category models
 */
export interface SpawnOptions {
  /** A name to register it under; when the name is taken, its owner is answered and nothing is started. */
  readonly name?: string | undefined
  /** The host to start it on: that of the spawning process when absent. */
  readonly host?: string | undefined
}

type SpawnArguments<Args> = [Args] extends [void]
  ? [args?: undefined, options?: SpawnOptions]
  : [args: Args, options?: SpawnOptions]

interface How {
  readonly link: boolean
  readonly monitor: boolean
}

const spawnBy = (how: How, definition: Spawnable, [args, options]: SpawnArguments<never>) =>
  encode(definition.args, args).pipe(
    Effect.mapError((detail) => new InvalidArguments({ process: definition.name, detail })),
    Effect.flatMap((args) => Process.yield(commands.spawn, { process: definition.name, args, ...how, ...options }))
  )

const spawning =
  (how: How) =>
  <
    Name extends string,
    Rpcs extends Rpc.Any,
    Args extends Schema.Top,
    Success extends Schema.Top,
    State extends Schema.Top
  >(
    definition: Definition<Name, Rpcs, Args, Success, State>,
    ...args: SpawnArguments<Args["Type"]>
  ) =>
    Effect.map(spawnBy(how, definition, args as never), ({ pid }) => pid as Pid.Pid<Rpcs>)

/**
 * Starts a process of a definition that the layer was given, as `Process.spawn` does; it has the policy of this process.
 *
 * **Errors**
 *
 * `UnknownProcess`, which lists the known ones, and those of `Process.spawn`.
 *
 * @category yielding
 */
export const spawn = spawning({ link: false, monitor: false })

/**
 * As {@link spawn}, and links the process to this one in the same step.
 *
 * @category yielding
 */
export const spawnLinked = spawning({ link: true, monitor: false })

/**
 * As {@link spawn}, and monitors the process in the same step; the exit that follows has the number of the monitor.
 *
 * @category yielding
 */
export const spawnMonitored = <
  Name extends string,
  Rpcs extends Rpc.Any,
  Args extends Schema.Top,
  Success extends Schema.Top,
  State extends Schema.Top
>(
  definition: Definition<Name, Rpcs, Args, Success, State>,
  ...args: SpawnArguments<Args["Type"]>
) =>
  Effect.map(spawnBy({ link: false, monitor: true }, definition, args as never), ({ monitor, pid }) => ({
    pid: pid as Pid.Pid<Rpcs>,
    monitor: monitor as Monitor
  }))

/**
 * Interrupts a process, and waits until it has ended, as `Process.terminate` does.
 *
 * @category yielding
 */
export const terminate = (pid: Pid.Pid) => Process.yield(commands.terminate, { pid, kill: false })

/**
 * Ends a process at once, as `Process.kill` does.
 *
 * @category yielding
 */
export const kill = (pid: Pid.Pid) => Process.yield(commands.terminate, { pid, kill: true })

/**
 * Asks a process to end, in its own time, as `Process.cancel` does.
 *
 * @category yielding
 */
export const cancel = (pid: Pid.Pid, reason = "cancelled") => Process.yield(commands.cancel, { pid, reason })

/**
 * Monitors a process: exactly one `Exit` event follows, with the number that is answered.
 *
 * @category yielding
 */
export const monitor = (pid: Pid.Pid) => Process.yield(commands.monitor, { pid })

/**
 * Links a process with this one, as `Process.link` does.
 *
 * @category yielding
 */
export const link = (pid: Pid.Pid) => Process.yield(commands.link, { pid })

/**
 * Waits for the next of what this process is told.
 *
 * @category yielding
 */
export const nextEvent = Process.yield(commands.nextEvent)

/**
 * The pid of this process.
 *
 * @category yielding
 */
export const self = Process.yield(commands.self)

/**
 * A message of the topic that one `Rpc` defines.
 *
 * @category models
 */
export interface MessageOf<R extends Rpc.Any> {
  readonly topic: Rpc.Tag<R>
  readonly payload: Rpc.Payload<R>
  /** The process that has sent it; `undefined` when it came from outside of any process. */
  readonly sender: Pid.Pid | undefined
}

/**
 * A message of any of the topics `Rpcs`: a union that `topic` narrows.
 *
 * @category models
 */
export type Message<Rpcs extends Rpc.Any> = Rpcs extends Rpc.Any ? MessageOf<Rpcs> : never

// That the process is one of the definition is known to the compiler alone.
const inProcessOf =
  <Name extends string>() =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | Running<Name>> =>
    effect

/**
 * Takes the next message of this process, or the next one of a topic, waiting until there is one.
 *
 * **Details**
 *
 * - `definition`: that of this process.
 *
 * What was received of a call can't be answered from here: its caller is told when the process ends, or its time is over.
 * A process that answers calls receives with its definition.
 *
 * @category yielding
 */
export const receive = <
  Name extends string,
  Rpcs extends Rpc.Any,
  Args extends Schema.Top,
  Success extends Schema.Top,
  State extends Schema.Top,
  const Topic extends Rpc.Tag<Rpcs> = Rpc.Tag<Rpcs>
>(
  definition: Definition<Name, Rpcs, Args, Success, State>,
  topic?: Topic
) =>
  Effect.flatMap(inProcessOf<Name>()(Process.yield(commands.receive, { topic })), ({ payload, sender, topic }) => {
    const known = definition[ProcessTypeId].topics.get(topic)
    return Effect.map(
      // What was encoded by the schema is decoded by it.
      Effect.mapError(
        decode(known?.schema ?? Schema.Json, payload),
        (detail) => new PayloadNotEncodable({ process: definition.name, topic, detail })
      ),
      (payload) => ({ topic, payload, sender }) as unknown as Message<Rpc.ExtractTag<Rpcs, Topic>>
    )
  })
