/**
 * Servers of directories: those who are let in announce themselves, and find each other, over any transport.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Acceptor from "./Acceptor.ts"
import type { Authenticator } from "./Authentication.ts"
import type { Connection, Heartbeat, Limits } from "./Connection.ts"
import { Directory } from "./Directory.ts"
import type { DirectoryStoreError } from "./DirectoryError.ts"
import { DirectoryStore } from "./DirectoryStore.ts"
import { leaseMillis } from "./internal/directory/announcing.ts"
import { fronting } from "./internal/directory/fronting.ts"
import { DirectoryProtocol } from "./internal/directory/protocol.ts"
import { Table } from "./internal/directory/Table.ts"
import type { Transport } from "./Transport.ts"
import type { TransportError } from "./TransportError.ts"

/**
 * A directory that others reach.
 *
 * @category services
 */
export class DirectoryServer extends Context.Service<
  DirectoryServer,
  {
    /** The transport with the address that was given to it: others connect to this one. */
    readonly transport: Transport
    /** How many leases there are. */
    readonly leases: Effect.Effect<number>
    readonly stats: Effect.Effect<Acceptor.Stats>
  }
>()("troupe/net/DirectoryServer") {}

/**
 * How a directory is served.
 *
 * @category models
 */
export interface Options {
  /** Who is let in, to announce any type and to find any: nobody when absent. */
  readonly authenticator?: Authenticator | undefined
  readonly heartbeat?: Heartbeat | undefined
  /** For each connection. */
  readonly limits?: Limits | undefined
}

/**
 * Serves a directory over a transport until the layer is released, and provides it to this program too.
 *
 * **Details**
 *
 * - `transport`: where it listens.
 *
 * A lease belongs to the account that was let in: no other one renews it, ends it, or takes its place while it lasts. It ends
 * by the clock of this program. In the time in which this program stood still no lease ends. What the store has kept when it
 * starts goes on for what was left of its lease; a store that fails is logged, and holds up nobody.
 *
 * The contracts that servers announce are kept as long as their leases, and equal ones once. None is taken that is not the one
 * whose fingerprint is announced with it, or has more than 524,288 characters.
 *
 * **Errors**
 *
 * `TransportError` when it can't listen, `DirectoryStoreError` when what the store has can't be read.
 *
 * **Example** (A directory with a secret)
 *
 * ```ts import.meta.vitest
 * import { Effect, Layer, Redacted } from "effect"
 * import { ActorType, Authentication, Directory, DirectoryServer, DirectoryStore, Memory } from "troupe/net"
 *
 * const transport = Memory.make()
 * const secret = Redacted.make("6b0d5e8f9c1a4b7d8e2f3a5c6d7e8f90")
 * const ServerLive = DirectoryServer.layer(transport, { authenticator: Authentication.sharedSecret(secret) }).pipe(
 *   Layer.provide(DirectoryStore.layerMemory)
 * )
 *
 * const stranger = Effect.gen(function* () {
 *   const directory = yield* Directory.Directory
 *   return yield* Effect.flip(directory.discover(yield* ActorType.parseRange("acme/Echo")))
 * }).pipe(Effect.provide(Layer.fresh(Directory.layer(transport))))
 *
 * const error = await Effect.runPromise(Effect.provide(stranger, ServerLive))
 * error._tag // => "DirectoryUnavailable"
 * ```
 *
 * @category layers
 */
export const layer = (
  transport: Transport,
  options: Options
): Layer.Layer<DirectoryServer | Directory, TransportError | DirectoryStoreError, DirectoryStore> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const table = yield* Table.make(yield* DirectoryStore)
      // Whoever asks has been let in.
      const backendOf = (connection: Connection) =>
        Effect.map(connection.identity, (identity) => table.backend(identity?.account ?? ""))
      const acceptor = yield* Acceptor.make(transport, DirectoryProtocol, {
        ...options,
        handlers: {
          announce: Effect.fnUntraced(function* ({ announcement, document, holder, milliseconds }, connection) {
            yield* leaseMillis(milliseconds)
            yield* (yield* backendOf(connection)).announce(announcement, holder, milliseconds, document)
          }),
          renew: ({ health, load, ...held }, connection) =>
            Effect.flatMap(backendOf(connection), ({ renew }) => renew(held, { health, load })),
          withdraw: (held, connection) => Effect.flatMap(backendOf(connection), ({ withdraw }) => withdraw(held)),
          list: (names, connection) => Effect.flatMap(backendOf(connection), ({ list }) => list(names)),
          contract: (asked, connection) => Effect.flatMap(backendOf(connection), ({ document }) => document(asked)),
          watch: (names, connection) => Stream.unwrap(Effect.map(backendOf(connection), ({ watch }) => watch(names)))
        }
      })
      return Context.make(Directory, fronting(table.backend(""))).pipe(
        Context.add(DirectoryServer, { transport: acceptor.transport, leases: table.count, stats: acceptor.stats })
      )
    })
  )
