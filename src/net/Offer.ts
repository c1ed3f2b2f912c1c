/**
 * What a program offers under a type: a local service, which no other program can reach, or an exported one, which others find
 * in the directory.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Effect from "effect/Effect"
import type { Rpc } from "effect/rpc"
import type * as Scope from "effect/Scope"
import * as Acceptor from "./Acceptor.ts"
import type { ActorType } from "./ActorType.ts"
import * as Address from "./Address.ts"
import * as Announcement from "./Announcement.ts"
import type { InvalidAnnouncement } from "./AnnouncementError.ts"
import * as Authentication from "./Authentication.ts"
import type * as Connection from "./Connection.ts"
import * as Contract from "./Contract.ts"
import type { NotExportable } from "./ContractError.ts"
import { type Announced, type AnnounceError, type AnnounceOptions, Directory } from "./Directory.ts"
import type { InstanceId } from "./InstanceId.ts"
import { connecting } from "./internal/session/connecting.ts"
import { whole } from "./internal/whole.ts"
import type { Handlers, OnlyRoutes, Protocol, Services } from "./Protocol.ts"
import * as Memory from "./transport/Memory.ts"
import type { Transport } from "./Transport.ts"
import type { TransportError } from "./TransportError.ts"

/**
 * A service of this program.
 *
 * @category models
 */
export interface Offer<Server extends Rpc.Any, Client extends Rpc.Any> {
  readonly type: ActorType
  /** Connects to it from within the program, through no transport that another program could use. */
  readonly connect: <const H extends Handlers<Client, Server> = Handlers<Client, Server, never>>(
    ...options: Connection.OptionArguments<Client, H>
  ) => Effect.Effect<Connection.Connection<Server>, never, Services<H> | Scope.Scope>
}

/**
 * A service that other programs find and reach.
 *
 * @category models
 */
export interface Exported<Server extends Rpc.Any, Client extends Rpc.Any> extends Offer<Server, Client> {
  /** What the directory has of it, as it was announced first. */
  readonly announcement: Announcement.Announcement
  readonly announced: Announced
  /** Where it listens, in the order of its transports. */
  readonly acceptors: ReadonlyArray<Acceptor.Acceptor<Client>>
}

/**
 * How a service is exported: as by an acceptor, and announced.
 *
 * @category models
 */
export interface ExportOptions<Server extends Rpc.Any, Client extends Rpc.Any, H, R>
  extends Acceptor.Options<Server, Client, H, R>, Omit<AnnounceOptions, "contract"> {
  readonly instanceId: InstanceId
  /** Where it listens; clients try them in this order. */
  readonly transports: NonEmptyReadonlyArray<Transport>
  /** The addresses that others are told, where they are not those that it listens on, as with `0.0.0.0`. */
  readonly addresses?: NonEmptyReadonlyArray<Address.Address> | undefined
  /** What else there is to know of it; nothing when absent. */
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

/**
 * Offers a service to this program alone, until the scope closes: it listens nowhere, and no directory hears of it.
 *
 * **Details**
 *
 * Whoever has the value connects. A program that is reached from elsewhere answers for it as for a service that there is not.
 *
 * **Example** (A service that only its program calls)
 *
 * ```ts import.meta.vitest
 * import { Effect, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { ActorType, Offer, Protocol } from "troupe/net"
 *
 * const Starter = Protocol.make("app:starter", {
 *   server: [Rpc.make("start", { payload: Schema.String, success: Schema.String })]
 * })
 *
 * const program = Effect.gen(function* () {
 *   const type = yield* ActorType.parse("acme/Starter@1.0.0")
 *   const starter = yield* Offer.local(type, Starter, {
 *     handlers: { start: (what) => Effect.succeed(`${what} has started`) }
 *   })
 *   const connection = yield* starter.connect()
 *   return yield* connection.request("start", "my-stream")
 * })
 *
 * await Effect.runPromise(Effect.scoped(program)) // => "my-stream has started"
 * ```
 *
 * @category constructors
 */
export const local = <Server extends Rpc.Any, Client extends Rpc.Any, const H extends Handlers<Server, Client>>(
  type: ActorType,
  protocol: Protocol<Server, Client>,
  options: { readonly handlers: H } & OnlyRoutes<Server, H>
): Effect.Effect<Offer<Server, Client>, never, Services<H> | Scope.Scope> =>
  Effect.gen(function* () {
    const here = Memory.make()
    // Nobody else has this address.
    yield* Effect.orDie(Acceptor.make(here, protocol, { ...options, ...withoutLimits }))
    return { type, connect: (...[options]) => connecting(here, protocol, options ?? {}) }
  })

// What an exported service asks of others it does not ask of its own program.
const withoutLimits = {
  authenticator: Authentication.open,
  authorize: undefined,
  heartbeat: undefined,
  instanceId: undefined,
  limits: undefined
}

/**
 * Offers a service to other programs, until the scope closes: it listens, and is announced once it does; it is withdrawn before
 * it listens no longer.
 *
 * **Details**
 *
 * It is announced with the protocol's contract. Whoever connects names the instance that was found: another
 * one that listens there by now does not take the connection. This program reaches it as a local one.
 *
 * **Errors**
 *
 * `TransportError` when it can't listen, `NotExportable` when its contract can't be written, and those of an announcement. It
 * listens nowhere then.
 *
 * **Example** (A service that others find)
 *
 * ```ts import.meta.vitest
 * import { Effect, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import {
 *   ActorType,
 *   Address,
 *   Authentication,
 *   Directory,
 *   InstanceId,
 *   Memory,
 *   Offer,
 *   Protocol
 * } from "troupe/net"
 *
 * const Echo = Protocol.make("app:echo", {
 *   server: [Rpc.make("echo", { payload: Schema.String, success: Schema.String })]
 * })
 * const transport = Memory.make()
 *
 * const server = Effect.gen(function* () {
 *   return yield* Offer.exported(yield* ActorType.parse("acme/Echo@1.0.0"), Echo, {
 *     instanceId: yield* InstanceId.parse("process/echo/1"),
 *     transports: [transport],
 *     authenticator: Authentication.open,
 *     handlers: { echo: Effect.succeed }
 *   })
 * })
 *
 * const client = Effect.gen(function* () {
 *   const range = yield* ActorType.parseRange("acme/Echo@^1.0.0")
 *   const connection = yield* Directory.connect(range, Echo, { dialers: [Address.dialer(transport)] })
 *   return yield* connection.request("echo", "found")
 * })
 *
 * const program = Effect.scoped(Effect.andThen(server, client))
 * await Effect.runPromise(Effect.provide(program, Directory.layerMemory)) // => "found"
 * ```
 *
 * @category constructors
 */
export const exported = <
  Server extends Rpc.Any,
  Client extends Rpc.Any,
  const H extends Handlers<Server, Client>,
  R = never
>(
  type: ActorType,
  protocol: Protocol<Server, Client>,
  options: ExportOptions<Server, Client, H, R> & OnlyRoutes<Server, H>
): Effect.Effect<
  Exported<Server, Client>,
  TransportError | NotExportable | InvalidAnnouncement | AnnounceError,
  Services<H> | R | Directory | Scope.Scope
> =>
  Effect.gen(function* () {
    const { addresses, instanceId, lease, metadata, transports } = options
    const directory = yield* Directory
    const contract = yield* Contract.make({ type, protocol })
    const { connect } = yield* local(type, protocol, options)
    const acceptors = yield* Effect.forEach(transports, (transport) => Acceptor.make(transport, protocol, options))
    const announcement = yield* Announcement.make({
      type,
      instanceId,
      addresses: addresses ?? acceptors.map(({ transport }) => Address.of(transport)),
      contract: yield* Contract.fingerprint(contract),
      metadata
    })
    const announced = yield* directory.announce(announcement, { lease, contract })
    return { type, connect, announcement, announced, acceptors }
  }).pipe(whole)
