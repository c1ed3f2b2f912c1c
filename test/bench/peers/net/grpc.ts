/** The peer grpc-js: unary calls, and for tells a stream from the client. */
import * as Grpc from "@grpc/grpc-js"
import { type Address, callBack, type Client, type Connect, type Serve } from "./peer.ts"

interface Message {
  readonly n: number
}

// A message with one field, a number: its tag and the number as a varint.
const encode = ({ n }: Message): Buffer => {
  const bytes = [0x08]
  let rest = n
  while (rest > 127) {
    bytes.push((rest & 127) | 128)
    rest >>>= 7
  }
  bytes.push(rest)
  return Buffer.from(bytes)
}

const decode = (bytes: Buffer): Message => {
  let n = 0
  for (let at = 1, shift = 0; at < bytes.length; at++, shift += 7) n |= (bytes[at]! & 127) << shift
  return { n }
}

const method = (name: string, requestStream = false): Grpc.MethodDefinition<Message, Message> => ({
  path: `/bench.Bench/${name}`,
  requestStream,
  responseStream: false,
  requestSerialize: encode,
  requestDeserialize: decode,
  responseSerialize: encode,
  responseDeserialize: decode
})

const methods = { Request: method("Request"), Tell: method("Tell", true), Settled: method("Settled") }

const Bench = Grpc.makeGenericClientConstructor(methods, "Bench")

interface BenchClient extends Grpc.Client {
  readonly Request: (message: Message, then: Grpc.requestCallback<Message>) => void
  readonly Tell: (then: Grpc.requestCallback<Message>) => Grpc.ClientWritableStream<Message>
  readonly Settled: (message: Message, then: Grpc.requestCallback<Message>) => void
}

const target = (address: Address): string =>
  address.kind === "unix" ? `unix:${address.path}` : `127.0.0.1:${address.port}`

const serve: Serve = (address, tally) => {
  const server = new Grpc.Server()
  server.addService(methods, {
    Request: (call: Grpc.ServerUnaryCall<Message, Message>, then: Grpc.sendUnaryData<Message>) =>
      then(null, { n: tally.requested(call.request.n) }),
    Tell: (call: Grpc.ServerReadableStream<Message, Message>, then: Grpc.sendUnaryData<Message>) => {
      call.on("data", ({ n }: Message) => tally.told(n))
      call.on("end", () => then(null, { n: 0 }))
    },
    Settled: (call: Grpc.ServerUnaryCall<Message, Message>, then: Grpc.sendUnaryData<Message>) =>
      tally.settled(call.request.n, () => then(null, call.request))
  })
  return new Promise((resolve, reject) =>
    server.bindAsync(target(address), Grpc.ServerCredentials.createInsecure(), (error, port) => {
      if (error !== null) reject(error)
      else resolve(address.kind === "unix" ? address : { kind: "tcp", port })
    })
  )
}

// A pool that all clients share would have all of them use one connection.
const own = { "grpc.use_local_subchannel_pool": 1 }

const connect: Connect = (address) => {
  const bench = new Bench(target(address), Grpc.credentials.createInsecure(), own) as unknown as BenchClient
  const client: Client = {
    request: (load) => callBack(load, (n, then) => bench.Request({ n }, (_, answer) => then(answer?.n ?? Number.NaN))),
    tell: (count) =>
      new Promise((resolve) => {
        const calls = bench.Tell(() => bench.Settled({ n: count }, () => resolve()))
        const go = (from: number): void => {
          for (let n = from; n < count; n++) {
            if (!calls.write({ n })) {
              calls.once("drain", () => go(n + 1))
              return
            }
          }
          calls.end()
        }
        go(0)
      }),
    close: async () => bench.close()
  }
  return new Promise((resolve, reject) =>
    bench.waitForReady(Date.now() + 10_000, (error) => (error === undefined ? resolve(client) : reject(error)))
  )
}

export const grpc = { serve, connect }
