/**
 * A directory, and services that are announced to it, for the command line to find.
 */
import { Context, Effect, Exit, Layer, Schema, Scope } from "effect"
import { Rpc } from "effect/rpc"
import { join } from "node:path"
import {
  ActorType,
  Address,
  Announcement,
  Authentication,
  Directory,
  DirectoryServer,
  DirectoryStore,
  InstanceId,
  Offer,
  Protocol
} from "troupe/net"
import * as Unix from "../../src/net/transport/node/Unix.ts"

const name = { name: Schema.String }

/** What callers send: what each version of the service asks for. */
export const payloads = {
  first: Schema.Struct(name),
  compatible: Schema.Struct({ ...name, note: Schema.optionalKey(Schema.String) }),
  breaking: Schema.Struct({ ...name, age: Schema.Int })
}

export const fieldRequired = "payload.age: the field was added, and is required"
export const fieldOptional = "payload.note: the field was added, and may be left out"

/** A directory at `directory.sock` in a folder, until the scope closes. */
export const directoryIn = Effect.fnUntraced(function* (
  path: string,
  authenticator: Authentication.Authenticator = Authentication.open
) {
  const transport = Unix.make({ path: join(path, "directory.sock") })
  const layer = DirectoryServer.layer(transport, { authenticator }).pipe(Layer.provide(DirectoryStore.layerMemory))
  const outer = yield* Effect.scope
  const context = yield* Layer.build(layer)
  let count = 0

  /** Offers a service, which may say that it is not quite well; the answer withdraws it. */
  const offer = Effect.fnUntraced(function* (
    type: string,
    payload: Schema.Top = payloads.first,
    health: Announcement.Health = "healthy"
  ) {
    const scope = yield* Scope.fork(outer)
    const instance = `${++count}`
    const Echo = Protocol.make("test:echo", {
      server: [Rpc.make("echo", { payload, success: Schema.String })]
    })
    const exported = Offer.exported(yield* ActorType.parse(type), Echo, {
      instanceId: yield* InstanceId.make({ runtime: "process", namespace: "test", instance }),
      transports: [Unix.make({ path: join(path, `${instance}.sock`) })],
      authenticator: Authentication.open,
      handlers: { echo: () => Effect.succeed("") }
    })
    const { announced } = yield* Effect.orDie(Scope.provide(Effect.provideContext(exported, context), scope))
    yield* Effect.orDie(announced.report({ health }))
    return Scope.close(scope, Exit.void)
  })

  /** Announces a service with the fingerprint of its contract alone. */
  const announce = Effect.fnUntraced(function* (type: string) {
    const announcement = yield* Announcement.make({
      type: yield* ActorType.parse(type),
      instanceId: yield* InstanceId.make({ runtime: "process", namespace: "test", instance: `${++count}` }),
      addresses: [Address.of(transport)],
      contract: "0".repeat(64)
    })
    yield* Effect.orDie(Context.get(context, Directory.Directory).announce(announcement))
  })
  return { announce, offer, directory: Context.get(context, Directory.Directory) }
})

/** The settings of a project that needs services. */
export const settings = (dependencies: Readonly<Record<string, string>>, rest: object = {}) => ({
  name: "client",
  type: "acme/Client@1.0.0",
  directory: "unix:./directory.sock",
  dependencies,
  ...rest
})
