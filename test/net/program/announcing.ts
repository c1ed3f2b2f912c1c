/**
 * A program that exports a service, and announces it to a directory.
 */
import { Effect, Schema, Stream } from "effect"
import { Rpc } from "effect/rpc"
import { ActorType, Authentication, Directory, InstanceId, Offer, Protocol } from "troupe/net"
import { transportAt, type Place } from "./programs.ts"

export const Echo = Protocol.make("test:echo", {
  server: [Rpc.make("echo", { payload: Schema.String, success: Schema.String })]
})

const exports = Effect.gen(function* () {
  const {
    directory,
    instance,
    listens
  }: { readonly directory: Place; readonly instance: string; readonly listens: ReadonlyArray<Place> } = JSON.parse(
    process.argv[2]!
  )
  const say = (line: string) => Effect.sync(() => void process.stdout.write(`${line}\n`))
  const [first, ...rest] = listens.map(transportAt)
  const program = Effect.gen(function* () {
    const { announced } = yield* Offer.exported(yield* ActorType.parse("acme/Echo@1.0.0"), Echo, {
      instanceId: yield* InstanceId.make({ runtime: "process", namespace: "test", instance }),
      transports: [first!, ...rest],
      authenticator: Authentication.open,
      lease: "1 second",
      handlers: { echo: (text) => Effect.succeed(`${instance} ${text}`) }
    })
    yield* Stream.runForEach(announced.changes, ({ _tag }) => say(_tag))
  })
  yield* Effect.provide(Effect.scoped(program), Directory.layer(transportAt(directory)))
})

if (import.meta.main) Effect.runFork(exports)
