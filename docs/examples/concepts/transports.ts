import { Effect, FileSystem, type Scope } from "effect"
import { Explore, Network } from "troupe/testing"
import { Memory, type Transport } from "troupe/net"
import * as Tcp from "troupe/net/tcp"
import * as Unix from "troupe/net/unix"

const encoder = new TextEncoder()
const decoder = new TextDecoder()

// #region serve
/** Answers every frame in upper case, until the wire is closed. */
const shout = (wire: Transport.Wire) =>
  Effect.gen(function* () {
    while (true) {
      for (const frame of yield* wire.receive) {
        yield* wire.send(encoder.encode(decoder.decode(frame).toUpperCase()))
      }
    }
  }).pipe(Effect.ignore)
// #endregion serve

// #region connect
/** Says hello over whichever transport it is given. */
const hello = (transport: Transport.Transport) =>
  Effect.gen(function* () {
    const listening = yield* transport.listen(shout)
    const wire = yield* listening.transport.connect
    yield* wire.send(encoder.encode("hello"))
    const [answer] = yield* wire.receive
    return `${wire.transport}: ${decoder.decode(answer)}`
  })
// #endregion connect

// #region transports
const overAll = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const folder = yield* fs.makeTempDirectoryScoped()
  return yield* Effect.forEach(
    [Memory.make(), Unix.make({ path: `${folder}/shout.sock` }), Tcp.make({ host: "127.0.0.1", port: 0 })],
    hello
  )
})
// #endregion transports

// #region errors
const refused = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const nobody = Unix.make({ path: `${yield* fs.makeTempDirectoryScoped()}/nobody.sock` })
  const error = yield* Effect.flip(nobody.connect)
  return error.reason
})

const closed = Effect.gen(function* () {
  const transport = Memory.make()
  yield* transport.listen((wire) => wire.close)
  const wire = yield* transport.connect
  const error = yield* Effect.flip(wire.receive)
  return error._tag === "WireClosed" ? error.by : error._tag
})
// #endregion errors

// #region network
const acrossAPartition = Effect.gen(function* () {
  const network = yield* Network.make({ latency: { min: "1 millis", max: "20 millis" } })
  const transport = network.transport("client", "server")
  yield* transport.listen(shout)
  const wire = yield* transport.connect

  yield* network.partition(["client"], ["server"])
  yield* wire.send(encoder.encode("are you there?"))
  yield* Effect.forkChild(Effect.delay(network.heal, "1 minute"))

  const [answer] = yield* wire.receive
  if (decoder.decode(answer) !== "ARE YOU THERE?") return yield* Effect.fail("lost in the partition")
})

const explored = Explore.check(Effect.scoped(acrossAPartition), { schedules: 200 })
// #endregion network

/** What the page shows. */
export const program: Effect.Effect<
  {
    readonly over: ReadonlyArray<string>
    readonly refused: string
    readonly closed: string
    readonly schedules: number
  },
  unknown,
  FileSystem.FileSystem | Scope.Scope
> = Effect.gen(function* () {
  const { schedules } = yield* explored
  return { over: yield* overAll, refused: yield* refused, closed: yield* closed, schedules }
})
