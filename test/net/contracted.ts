/**
 * Servers with contracts, and directories that have them, for the tests of directories.
 */
import { Context, Effect, Layer, Schema } from "effect"
import { Rpc } from "effect/rpc"
import {
  type Announcement,
  Authentication,
  Contract,
  Directory,
  DirectoryServer,
  type DirectoryStore,
  Protocol,
  type Transport
} from "troupe/net"
import { maxDocument } from "../../src/net/internal/directory/documents.ts"
import { announcementOf, built, typeOf } from "./announced.ts"

export const taking = (payload: Schema.Top) => Protocol.make("test:echo", { server: [Rpc.make("echo", { payload })] })

export const Echo = taking(Schema.String)
export const Other = taking(Schema.Int)
/** A contract that is longer than it may be. */
export const Long = taking(Schema.Literal("x".repeat(maxDocument)))

export const contractOf = Effect.fnUntraced(function* (type: string, protocol: Protocol.Any = Echo) {
  return yield* Effect.orDie(Contract.make({ type: yield* typeOf(type), protocol }))
})

/** A server, and the contract whose fingerprint it announces. */
export const serverOf = Effect.fnUntraced(function* (type: string, instance: string, protocol?: Protocol.Any) {
  const contract = yield* contractOf(type, protocol)
  const announcement = yield* announcementOf(type, instance, { contract: yield* Contract.fingerprint(contract) })
  return { contract, announcement, document: JSON.stringify(Contract.toJson(contract)) }
})

/** The contract that a directory has, as a text; or why there is none. */
export const fetched = (directory: Directory.Directory["Service"], announcement: Announcement.Announcement) =>
  directory.contract(announcement).pipe(
    Effect.map(Contract.print),
    Effect.catch((error) => Effect.succeed(error._tag === "ContractUnavailable" ? error.reason : error._tag))
  )

export const clientOf = (transport: Transport.Transport) =>
  Effect.map(built(Directory.layer(transport)), (context) => Context.get(context, Directory.Directory))

export const serverAt = (transport: Transport.Transport, store: Layer.Layer<DirectoryStore.DirectoryStore, unknown>) =>
  built(
    DirectoryServer.layer(transport, { authenticator: Authentication.open }).pipe(Layer.provide(Layer.orDie(store)))
  )
