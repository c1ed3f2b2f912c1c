/**
 * A directory of servers: they announce themselves to it as long as they run, and clients find them by their type.
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { NonEmptyReadonlyArray } from "effect/Array"
import type { Rpc } from "effect/rpc"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { Range } from "./ActorType.ts"
import type { Dialer } from "./Address.ts"
import type { Announcement, Report } from "./Announcement.ts"
import type { InvalidAnnouncement } from "./AnnouncementError.ts"
import type { Credentials } from "./Authentication.ts"
import * as Connection from "./Connection.ts"
import type { Contract } from "./Contract.ts"
import type {
  AnnouncementRefused,
  ContractRefused,
  ContractUnavailable,
  DirectoryUnavailable,
  InvalidLease,
  LeaseLost,
  NoCandidate,
  NoneReachable,
  UnknownType
} from "./DirectoryError.ts"
import type { Change } from "./Discovery.ts"
import { fronting } from "./internal/directory/fronting.ts"
import { DirectoryProtocol } from "./internal/directory/protocol.ts"
import { reaching } from "./internal/directory/reaching.ts"
import { remote } from "./internal/directory/remote.ts"
import { Table } from "./internal/directory/Table.ts"
import type { Handlers, OnlyRoutes, Protocol, Services } from "./Protocol.ts"
import type { Strategy } from "./Strategy.ts"
import type { Transport } from "./Transport.ts"

/**
 * Where servers announce themselves, and clients look for them.
 *
 * **Details**
 *
 * What is announced is held by a lease, which ends by the directory's own clock. A server that runs renews it three times
 * within its length; one that has died or stands still is gone when it ends.
 *
 * **Example** (A server that is found by its type)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { ActorType, Address, Announcement, Directory, InstanceId, Memory } from "troupe/net"
 *
 * const program = Effect.gen(function* () {
 *   const directory = yield* Directory.Directory
 *   const announcement = yield* Announcement.make({
 *     type: yield* ActorType.parse("acme/Echo@1.2.0"),
 *     instanceId: yield* InstanceId.parse("process/echo/1"),
 *     addresses: [Address.of(Memory.make())]
 *   })
 *   const range = yield* ActorType.parseRange("acme/Echo@^1.0.0")
 *   const found = yield* Effect.scoped(
 *     Effect.andThen(directory.announce(announcement), directory.discover(range))
 *   )
 *   // Its scope is closed.
 *   const error = yield* Effect.flip(directory.discover(range))
 *   return [found.map(String), error._tag]
 * })
 *
 * await Effect.runPromise(Effect.provide(program, Directory.layerMemory))
 * // => [["acme/Echo@1.2.0 at process/echo/1"], "UnknownType"]
 * ```
 *
 * @category services
 */
export class Directory extends Context.Service<
  Directory,
  {
    /**
     * Announces a server until the scope closes; it is announced when the effect succeeds, and withdrawn with the scope.
     *
     * An instance that announces a type which an earlier one of its name and account still holds takes it over: one that was
     * killed and started again need not wait, and the earlier one, if it lives, gives way. When a lease is lost otherwise, as
     * with a directory that was started anew, the server is announced again by itself.
     */
    readonly announce: (
      announcement: Announcement,
      options?: AnnounceOptions
    ) => Effect.Effect<Announced, AnnounceError, Scope.Scope>
    /** The servers that a client may take, the best first: see `Discovery.BestFirst`. */
    readonly discover: (
      range: Range
    ) => Effect.Effect<NonEmptyReadonlyArray<Announcement>, UnknownType | NoCandidate | DirectoryUnavailable>
    /**
     * The contract of a server that was announced, as it was announced: it has the fingerprint and the type that are in the
     * announcement, whatever the directory says. Descriptions and other annotations are in no fingerprint.
     */
    readonly contract: (
      announcement: Announcement
    ) => Effect.Effect<Contract, ContractUnavailable | DirectoryUnavailable>
    /**
     * The servers in the range, whether they are well or not: those that are there come first, as `Announced`, and then what
     * happens to them.
     *
     * It goes on over new links to the directory, and has what was missed meanwhile. Who reads slowly is told what is so when
     * it reads. It fails when the directory does not let this program in.
     */
    readonly changes: (range: Range) => Stream.Stream<Change, DirectoryUnavailable>
  }
>()("troupe/net/Directory") {}

/**
 * How a server is announced.
 *
 * @category models
 */
export interface AnnounceOptions {
  /** After which silence it counts as gone, between a second and an hour: 15 seconds when absent. */
  readonly lease?: Duration.Input | undefined
  /**
   * The contract that it keeps, of the announced type and fingerprint, for whoever looks for its document; it has 524,288
   * characters at most as JSON. The fingerprint alone is announced when absent.
   */
  readonly contract?: Contract | undefined
}

/**
 * A server that is announced.
 *
 * @category models
 */
export interface Announced {
  /**
   * Says how the server is from now on: another health is told at once, another load with the next renewal. What the directory
   * can't be told now it is told later.
   */
  readonly report: (report: Report) => Effect.Effect<void, InvalidAnnouncement>
  readonly state: Effect.Effect<State>
  /** The state, and whatever it becomes. */
  readonly changes: Stream.Stream<State>
}

/**
 * Whether a server is announced.
 *
 * **Details**
 *
 * - `Announced`: as far as is known.
 * - `Waiting`: it could not be renewed, or not be announced again; it is tried again with the next renewal. Its lease ends
 *   meanwhile, if that takes long.
 * - `Lost`: one that was started later has announced itself under the same name; this one is not announced again.
 *
 * @category models
 */
export type State =
  | { readonly _tag: "Announced" }
  | { readonly _tag: "Waiting"; readonly error: DirectoryUnavailable | AnnouncementRefused | ContractRefused }
  | { readonly _tag: "Lost"; readonly error: LeaseLost }

/**
 * Why a server is not announced.
 *
 * @category errors
 */
export type AnnounceError = InvalidLease | AnnouncementRefused | ContractRefused | DirectoryUnavailable

/**
 * A directory of this program alone.
 *
 * @category layers
 */
export const layerMemory: Layer.Layer<Directory> = Layer.effect(
  Directory,
  // Only a store fails.
  Effect.map(Effect.orDie(Table.make(undefined)), (table) => fronting(table.backend("")))
)

/**
 * How a directory of another program is reached.
 *
 * @category models
 */
export interface Options {
  /** What this program has to show for itself; nothing when absent. */
  readonly credentials?: Credentials | undefined
  readonly heartbeat?: Connection.Heartbeat | undefined
  /** When a link that was lost is made again: after 200 milliseconds and up to 2 seconds, for ever, when absent. */
  readonly reconnect?: Connection.Options["reconnect"]
  /** How long an answer may take: 5 seconds when absent. */
  readonly timeout?: Duration.Input | undefined
}

const soon = Schedule.min([Schedule.exponential("200 millis", 1.5), Schedule.spaced("2 seconds")]).pipe(
  Schedule.jittered
)

/**
 * The directory of another program: of a `DirectoryServer`.
 *
 * **Details**
 *
 * - `target`: the transport with its address, or a strategy.
 *
 * It connects when it is first used, and again whenever the link is lost. A server that is announced is renewed over each new
 * link at once, and clients hear what they have missed. While there is no link, what is asked waits for one until its timeout,
 * and fails with `DirectoryUnavailable` then, which has what was answered last.
 *
 * **Example** (A client, and the server of its directory)
 *
 * ```ts import.meta.vitest
 * import { Effect, Layer } from "effect"
 * import { ActorType, Authentication, Directory, DirectoryServer, DirectoryStore, Memory } from "troupe/net"
 *
 * const transport = Memory.make()
 * const ServerLive = DirectoryServer.layer(transport, { authenticator: Authentication.open }).pipe(
 *   Layer.provide(DirectoryStore.layerMemory)
 * )
 *
 * const program = Effect.gen(function* () {
 *   const directory = yield* Directory.Directory
 *   return yield* Effect.flip(directory.discover(yield* ActorType.parseRange("acme/Echo@1.x")))
 * })
 *
 * const error = await Effect.runPromise(Effect.provide(program, Layer.provide(Directory.layer(transport), ServerLive)))
 * error._tag // => "UnknownType"
 * ```
 *
 * @category layers
 */
export const layer = (target: Transport | Strategy, options: Options = {}): Layer.Layer<Directory> => {
  const { timeout = "5 seconds", reconnect = soon, ...rest } = options
  return Layer.effect(
    Directory,
    Effect.map(Connection.make(target, DirectoryProtocol, { ...rest, reconnect }), (connection) =>
      fronting(remote(connection, timeout))
    )
  )
}

/**
 * How a server that was found is connected to: as by {@link Connection.connect}, to whichever instance it is.
 *
 * @category models
 */
export interface ConnectOptions extends Omit<Connection.Options, "instanceId"> {
  /** The transports that this program connects by. */
  readonly dialers: ReadonlyArray<Dialer>
}

/**
 * The options, with what handles the routes of this side where it has any.
 *
 * @category utility types
 */
export type ConnectArguments<Client extends Rpc.Any, H> = [Client] extends [never]
  ? [options: ConnectOptions]
  : [options: ConnectOptions & { readonly handlers: H } & OnlyRoutes<Client, H>]

/**
 * Finds the servers in a range, and connects to the best of them that takes the connection; it is closed with the scope.
 *
 * **Details**
 *
 * - `range`: which servers will do.
 * - `protocol`: what both sides say.
 * - `options.dialers`: the transports that this program connects by, with what it trusts.
 * - `options.handlers`: what handles the routes of this side, where the protocol has any.
 *
 * One that can't be reached, or does not let this side in, is followed by the next one in the order of `discover`.
 *
 * The connection belongs to one instance, its `instanceId`, and stays with it: a link that is lost is made again to that one,
 * since what it has of this side no other one has. Whether it comes back is not known here. Give `reconnect` an end, as
 * `"never"` or a schedule of a few attempts: the connection is `closed` then when the instance is gone for good, or another
 * one listens in its place, and this is called again.
 *
 * **Errors**
 *
 * Those of `discover`, and `NoneReachable` with each attempt. With a `DirectoryUnavailable` come those that were known last:
 * none of them is tried without your say.
 *
 * **Example** (From a server that ends to the next one)
 *
 * ```ts import.meta.vitest
 * import { Deferred, Effect, Schedule, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { ActorType, Address, Authentication, Directory, InstanceId, Memory, Offer, Protocol } from "troupe/net"
 *
 * const Echo = Protocol.make("app:echo", {
 *   server: [Rpc.make("echo", { payload: Schema.String, success: Schema.String })]
 * })
 * const transport = Memory.make()
 *
 * const serve = Effect.fnUntraced(function* (instance: string) {
 *   const asked = yield* Deferred.make<void>()
 *   yield* Offer.exported(yield* ActorType.parse("acme/Echo@1.0.0"), Echo, {
 *     instanceId: yield* InstanceId.parse(`process/echo/${instance}`),
 *     transports: [transport],
 *     authenticator: Authentication.open,
 *     handlers: { echo: (text) => Effect.as(Deferred.succeed(asked, undefined), `${instance}: ${text}`) }
 *   })
 *   yield* Deferred.await(asked)
 * }, Effect.scoped)
 *
 * const ask = Effect.gen(function* () {
 *   const range = yield* ActorType.parseRange("acme/Echo@^1.0.0")
 *   const connection = yield* Directory.connect(range, Echo, {
 *     dialers: [Address.dialer(transport)],
 *     reconnect: "never"
 *   })
 *   const answer = yield* connection.request("echo", "hello")
 *   yield* connection.closed
 *   return answer
 * }).pipe(Effect.scoped, Effect.retry(Schedule.spaced("10 millis")))
 *
 * const program = Effect.gen(function* () {
 *   yield* Effect.forkChild(Effect.andThen(serve("1"), serve("2")))
 *   return [yield* ask, yield* ask]
 * })
 * await Effect.runPromise(Effect.provide(program, Directory.layerMemory)) // => ["1: hello", "2: hello"]
 * ```
 *
 * @category constructors
 */
export const connect = <
  Server extends Rpc.Any,
  Client extends Rpc.Any,
  const H extends Handlers<Client, Server> = Handlers<Client, Server, never>
>(
  range: Range,
  protocol: Protocol<Server, Client>,
  ...[options]: ConnectArguments<Client, H>
): Effect.Effect<
  Connection.Connection<Server>,
  UnknownType | NoCandidate | NoneReachable | DirectoryUnavailable,
  Services<H> | Directory | Scope.Scope
> =>
  Effect.flatMap(Directory, ({ discover }) =>
    Effect.flatMap(discover(range), (candidates) => reaching(range, candidates, protocol, options))
  )
