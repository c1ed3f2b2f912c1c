/**
 * Groups of processes that take the same messages: join and leave, list, watch, and send to all.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Rpc } from "effect/rpc"
import type * as Scope from "effect/Scope"
import type { Selectable } from "../channel/Selectable.ts"
import { cellAt, deliver } from "./internal/delivery.ts"
import { MessageImpl } from "./internal/message.ts"
import { cellOf, type ProcessHost, withHost } from "./internal/services.ts"
import type { PayloadArgument } from "./Messaging.ts"
import type { Pid } from "./Pid.ts"
import { ProcessNotFound } from "./ProcessError.ts"

/**
 * The name of a group whose members take the messages `Rpcs`.
 *
 * @category models
 */
export interface Group<in out Rpcs extends Rpc.Any = never> {
  readonly name: string
  readonly _Rpcs: (_: Rpcs) => Rpcs
}

/**
 * A process joined a group, or left it: by itself, or because it ended.
 *
 * @category models
 */
export type GroupEvent = { readonly _tag: "Joined"; readonly pid: Pid } | { readonly _tag: "Left"; readonly pid: Pid }

/**
 * Makes the name of a group; two of the same name are the same group. A group exists while it has members.
 *
 * **Example** (Sending to all members)
 *
 * ```ts import.meta.vitest
 * import { Effect, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Group, Process, ProcessHost } from "troupe"
 *
 * const Say = Rpc.make("say", { payload: Schema.String })
 * const Member = Process.make("app:member", { protocol: [Say] })
 * const MemberLive = Member.toLayer(() => Effect.map(Member.receive(), (message) => message.payload))
 * const room = Group.make("room", [Say])
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.spawn(Member)
 *   yield* Group.join(room, pid)
 *   const reached = yield* Group.broadcast(room, "say", "hello")
 *   return [reached, yield* Effect.flatten(Process.await(pid))]
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [MemberLive, ProcessHost.layer("app:processes")])) // => [1, "hello"]
 * ```
 *
 * @category constructors
 */
export const make = <const Rpcs extends Rpc.Any = never>(
  name: string,
  _protocol: ReadonlyArray<Rpcs> = []
): Group<Rpcs> => ({ name, _Rpcs: (rpcs) => rpcs })

/**
 * Has a process join a group; it is a member as many times as it joined, until it leaves as often or ends.
 *
 * **Details**
 *
 * Fails with `ProcessNotFound` when there is no process under the pid.
 *
 * **Example** (Joining a group)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Group, Process, ProcessHost } from "troupe"
 *
 * const Member = Process.make("app:member")
 * const MemberLive = Member.toLayer(() => Effect.never)
 * const room = Group.make("room")
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.spawn(Member)
 *   yield* Group.join(room, pid)
 *   return (yield* Process.info(pid)).groups
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [MemberLive, ProcessHost.layer("app:processes")])) // => ["room"]
 * ```
 *
 * @category membership
 */
export const join = <Rpcs extends Rpc.Any>(
  group: Group<Rpcs>,
  pid: Pid<Rpcs>
): Effect.Effect<void, ProcessNotFound, ProcessHost> =>
  withHost((host) => {
    const cell = cellAt(host, pid)
    if (cell === undefined || cell.status === "ended") return Exit.fail(new ProcessNotFound({ target: String(pid) }))
    host.node.groups.join(group.name, cell)
    return Exit.void
  })

/**
 * Takes back one joining of a process; answers whether there was one.
 *
 * **Example** (Leaving as often as one joined)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Group, Process, ProcessHost } from "troupe"
 *
 * const Member = Process.make("app:member")
 * const MemberLive = Member.toLayer(() => Effect.never)
 * const room = Group.make("room")
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.spawn(Member)
 *   yield* Group.join(room, pid)
 *   return [yield* Group.leave(room, pid), yield* Group.leave(room, pid)]
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [MemberLive, ProcessHost.layer("app:processes")]))
 * // => [true, false]
 * ```
 *
 * @category membership
 */
export const leave = <Rpcs extends Rpc.Any>(
  group: Group<Rpcs>,
  pid: Pid<Rpcs>
): Effect.Effect<boolean, never, ProcessHost> =>
  withHost((host) => {
    const cell = cellAt(host, pid)
    return Effect.succeed(cell !== undefined && host.node.groups.leave(group.name, cell))
  })

/**
 * The members of a group, each as many times as it joined.
 *
 * **Example** (Listing the members)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Group, Process, ProcessHost } from "troupe"
 *
 * const Member = Process.make("app:member")
 * const MemberLive = Member.toLayer(() => Effect.never)
 * const room = Group.make("room")
 *
 * const program = Effect.gen(function*() {
 *   const stays = yield* Process.spawn(Member)
 *   const ends = yield* Process.spawn(Member)
 *   yield* Group.join(room, stays)
 *   yield* Group.join(room, ends)
 *   yield* Process.kill(ends)
 *   return (yield* Group.members(room)).map(String)
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [MemberLive, ProcessHost.layer("app:processes")]))
 * // => ["{app:processes|0x00001}"]
 * ```
 *
 * @category membership
 */
export const members = <Rpcs extends Rpc.Any>(
  group: Group<Rpcs>
): Effect.Effect<ReadonlyArray<Pid<Rpcs>>, never, ProcessHost> =>
  withHost((host) => Effect.sync(() => host.node.groups.members(group.name).map((cell) => cell.pid)))

/**
 * Monitors a group: yields a `Joined` for each member there is, and then every joining and leaving, in order and exactly
 * once, while the scope is open.
 *
 * **Example** (Watching members come and go)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Group, Process, ProcessHost, Selectable } from "troupe"
 *
 * const Member = Process.make("app:member")
 * const MemberLive = Member.toLayer(() => Effect.never)
 * const room = Group.make("room")
 *
 * const program = Effect.gen(function*() {
 *   const pid = yield* Process.spawn(Member)
 *   yield* Group.join(room, pid)
 *   const events = yield* Group.monitor(room)
 *   yield* Process.kill(pid)
 *   const first = yield* Selectable.take(events)
 *   const second = yield* Selectable.take(events)
 *   return [first._tag, second._tag]
 * }).pipe(Effect.scoped)
 *
 * await Effect.runPromise(Effect.provide(program, [MemberLive, ProcessHost.layer("app:processes")]))
 * // => ["Joined", "Left"]
 * ```
 *
 * @category membership
 */
export const monitor = <Rpcs extends Rpc.Any>(
  group: Group<Rpcs>
): Effect.Effect<Selectable<GroupEvent>, never, ProcessHost | Scope.Scope> =>
  withHost((host) => {
    const { groups } = host.node
    return Effect.flatMap(
      // The topic is released last, when the subscription is gone.
      Effect.acquireRelease(
        Effect.sync(() => groups.watch(group.name)),
        (watched) => Effect.sync(watched.done)
      ),
      ({ events }) =>
        events.subscribe(() => groups.members(group.name).map((cell) => ({ _tag: "Joined" as const, pid: cell.pid })))
    )
  })

/**
 * Sends a message to every member, once for each time that it joined, and answers how many were reached.
 *
 * **Details**
 *
 * A member that is ending, or refuses the message, is passed over. Waits while a member's full inbox suspends senders.
 *
 * **Example** (Telling everyone)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Group, Process, ProcessHost } from "troupe"
 *
 * const News = Rpc.make("news", { payload: Schema.String })
 * const Reader = Process.make("app:reader", { protocol: [News] })
 * const ReaderLive = Reader.toLayer(() => Effect.map(Reader.receive(), (message) => message.payload))
 * const readers = Group.make("readers", [News])
 *
 * const program = Effect.gen(function*() {
 *   const pids = [yield* Process.spawn(Reader), yield* Process.spawn(Reader)]
 *   for (const pid of pids) yield* Group.join(readers, pid)
 *   yield* Group.broadcast(readers, "news", "rain")
 *   return yield* Effect.forEach(pids, Process.await)
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [ReaderLive, ProcessHost.layer("app:processes")]))
 * // => [Exit.succeed("rain"), Exit.succeed("rain")]
 * ```
 *
 * @category messages
 */
export const broadcast = <Rpcs extends Rpc.Any, const Topic extends Rpc.Tag<Rpcs>>(
  group: Group<Rpcs>,
  topic: Topic,
  ...[payload]: PayloadArgument<Rpc.ExtractTag<Rpcs, Topic>>
): Effect.Effect<number, never, ProcessHost> =>
  withHost((host, fiber) => {
    const sender = cellOf(fiber)?.pid
    const members = host.node.groups.members(group.name).filter((cell) => cell.refusal() === undefined)
    return Effect.map(
      Effect.forEach(members, (cell) =>
        Effect.match(deliver(cell, new MessageImpl(topic, payload, sender)), {
          onFailure: () => 0,
          onSuccess: () => 1
        })
      ),
      (reached) => reached.reduce((sum: number, one) => sum + one, 0)
    )
  })
