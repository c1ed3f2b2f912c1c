/**
 * Listens over gRPC in a process of its own, which is to be killed or stopped: prints its address, and echoes.
 */
import { Effect } from "effect"
import * as Grpc from "../../../src/net/transport/node/Grpc.ts"

const program = Effect.gen(function* () {
  const transport = yield* Grpc.make({ host: "127.0.0.1", port: 0 })
  const listening = yield* transport.listen((wire) =>
    Effect.ignore(Effect.forever(Effect.flatMap(wire.receive, (frames) => wire.sendAll(frames))))
  )
  console.log(listening.transport.address)
  return yield* Effect.never
})

await Effect.runPromise(Effect.scoped(program))
