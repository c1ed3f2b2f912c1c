/**
 * What the commands of the module `process` do.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Rpc } from "effect/rpc"
import * as Schema from "effect/Schema"
import * as Selectable from "../../channel/Selectable.ts"
import type { Definition } from "../../process/Definition.ts"
import type { Cell } from "../../process/internal/cell.ts"
import { cellAt } from "../../process/internal/delivery.ts"
import { where } from "../../process/internal/inbox.ts"
import { withCell, withHost } from "../../process/internal/services.ts"
import * as Messaging from "../../process/Messaging.ts"
import * as Name from "../../process/Name.ts"
import type * as Pid from "../../process/Pid.ts"
import { InvalidArguments, InvalidMessage, type SendError } from "../../process/ProcessError.ts"
import { type Exited, isKilled, type Monitor as ProcessMonitor } from "../../process/ProcessEvent.ts"
import * as Spawning from "../../process/Spawning.ts"
import * as Watching from "../../process/Watching.ts"
import type { commands, Spawnable } from "../Processes.ts"
import { PayloadNotEncodable, UnknownProcess } from "../ProcessesError.ts"
import { type Event, Monitor, type Received, type To } from "../ProcessesMessage.ts"
import { answering } from "./answering.ts"
import { decode, encodeExit, outcomeOf } from "./json.ts"
import { asSpawner } from "./spawner.ts"

/** The numbers of monitors, and what is known of those that they watch. */
export class Monitors {
  private readonly known = new WeakMap<
    ProcessMonitor,
    { readonly number: Monitor; readonly success: Schema.Top | undefined }
  >()
  private last = 0

  add(monitor: ProcessMonitor, success: Schema.Top | undefined): Monitor {
    const number = Monitor.make(++this.last)
    this.known.set(monitor, { number, success })
    return number
  }

  /** The exit that a monitor tells; one that was begun past this module gets a number now. */
  exitOf({ exit, from, monitor }: Exited): Event {
    const number = this.known.get(monitor)?.number ?? this.add(monitor, undefined)
    const outcome = outcomeOf(exit, this.known.get(monitor)?.success)
    return { _tag: "Exit", from, monitor: number, exit: outcome, killed: isKilled(exit) }
  }
}

const addressOf = (to: To): Name.Address => ("pid" in to ? to.pid : Name.make(to.name))

// What goes back to the sender is what it sent: the payload as it was written down.
export const send = ({ payload, to, topic }: Rpc.Payload<typeof commands.send>) =>
  withHost((host) => {
    const address = addressOf(to)
    const known = cellAt(host, address)?.definition.topics.get(topic)
    const request = { topic, payload }
    const decoded =
      known === undefined
        ? Effect.succeed<unknown>(payload)
        : Effect.mapError(
            decode(known.schema, payload),
            (detail) => new InvalidMessage({ target: String(address), request, reason: "InvalidPayload", detail })
          )
    return Effect.flatMap(decoded, (value) =>
      Effect.mapError(Messaging.send(address, topic as never, value as never), (error) => withRequest(error, request))
    )
  })

const withRequest = <E extends SendError>(error: E, request: { topic: string; payload: Schema.Json }): E => {
  const again = error.constructor as new (fields: object) => E
  return new again({ ...error, request })
}

export const spawn = (
  definitions: ReadonlyMap<string, Spawnable>,
  services: Context.Context<never>,
  monitors: Monitors,
  { args: json, host, link, monitor, name, process }: Rpc.Payload<typeof commands.spawn>
) =>
  Effect.gen(function* () {
    const definition = definitions.get(process)
    if (definition === undefined) return yield* new UnknownProcess({ process, known: [...definitions.keys()] })
    const args = yield* Effect.mapError(
      decode(definition.args, json),
      (detail) => new InvalidArguments({ process, detail })
    )
    const subject = definition as AnyDefinition
    const options = { host, name }
    if (!monitor) {
      const spawn = (link ? Spawning.spawnLinked : Spawning.spawn)(subject, args, options)
      return { pid: yield* asSpawner(services, definition, spawn), monitor: undefined }
    }
    const spawn = (link ? Spawning.spawnLinkedMonitored : Spawning.spawnMonitored)(subject, args, options)
    const watch = yield* asSpawner(services, definition, spawn)
    return { pid: watch.pid, monitor: monitors.add(watch, definition.success) }
    // The layer requires the implementations of its definitions.
  }).pipe(Effect.catchTag("DefinitionNotFound", (error) => Effect.die(error)))

// Its implementation is among the services of the layer.
type AnyDefinition = Definition<never, never, Schema.Top, Schema.Top, Schema.Top>

/** Takes the next message and writes it down in the same step, so that an interruption finds it taken or in the inbox. */
export const receive = (topic: string | undefined) =>
  withCell((cell) => {
    const source = topic === undefined ? cell.inbox : where(cell.inbox, (message) => message.topic === topic)
    return Selectable.take(mapped(answering(cell, source), (message) => received(cell, message)))
  })

const received = (
  { definition, name }: Cell,
  {
    payload,
    sender,
    topic
  }: { readonly payload: unknown; readonly sender: Pid.Pid | undefined; readonly topic: string }
): Exit.Exit<Received, PayloadNotEncodable> =>
  Exit.mapBoth(encodeExit(definition.topics.get(topic)?.schema ?? Schema.Json, payload), {
    onFailure: (detail) => new PayloadNotEncodable({ process: name, topic, detail }),
    onSuccess: (payload): Received => ({ topic, payload, sender })
  })

const mapped = <A, E, B, E2>(
  source: Selectable.Selectable<A, E>,
  f: (value: A) => Exit.Exit<B, E2>
): Selectable.Selectable<B, E | E2> => ({
  [Selectable.TypeId]: Selectable.TypeId,
  isReadyUnsafe: () => source.isReadyUnsafe(),
  pollUnsafe: () => {
    const exit = source.pollUnsafe()
    if (exit === undefined) return undefined
    return Exit.isFailure(exit) ? Exit.failCause(exit.cause) : f(exit.value)
  },
  parkUnsafe: (waiter) => source.parkUnsafe(waiter),
  unparkUnsafe: (waiter) => source.unparkUnsafe(waiter)
})

export const monitor = (definitions: ReadonlyMap<string, Spawnable>, monitors: Monitors, pid: Pid.Pid) =>
  withHost((host) => {
    const name = cellAt(host, pid)?.definition.name
    const success = name === undefined ? undefined : definitions.get(name)?.success
    return Effect.map(Watching.monitor(pid), (monitor) => monitors.add(monitor, success))
  })

export const nextEvent = (monitors: Monitors) =>
  Effect.map(
    withCell((cell) => Selectable.take(answering(cell, cell.events))),
    (event): Event => {
      switch (event._tag) {
        case "Exit":
          return monitors.exitOf(event)
        case "LinkDown":
          return { _tag: "LinkDown", from: event.from, exit: outcomeOf(event.exit), killed: isKilled(event.exit) }
        case "DependencyFailed":
          return { _tag: "DependencyFailed", service: event.service, exit: outcomeOf(event.exit) }
        default:
          return event
      }
    }
  )
