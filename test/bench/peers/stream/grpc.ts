/** The peer grpc-js: a stream from the server, whose messages are bytes as they are. */
import * as Grpc from "@grpc/grpc-js"
import type { Address } from "../net/peer.ts"
import { type Connect, type Ledger, make, type Serve, type Wanted } from "./peer.ts"

const asIs = (bytes: Buffer): Buffer => bytes

const methods = {
  Produce: {
    path: "/bench.Streams/Produce",
    requestStream: false,
    responseStream: true,
    requestSerialize: (wanted: Wanted): Buffer => Buffer.from(JSON.stringify(wanted)),
    requestDeserialize: (bytes: Buffer): Wanted => JSON.parse(bytes.toString()) as Wanted,
    responseSerialize: asIs,
    responseDeserialize: asIs
  }
} satisfies { readonly Produce: Grpc.MethodDefinition<Wanted, Buffer> }

const Streams = Grpc.makeGenericClientConstructor(methods, "Streams")

interface StreamsClient extends Grpc.Client {
  readonly Produce: (wanted: Wanted) => Grpc.ClientReadableStream<Buffer>
}

const target = (address: Address): string =>
  address.kind === "unix" ? `unix:${address.path}` : `127.0.0.1:${address.port}`

const produce = (call: Grpc.ServerWritableStream<Wanted, Buffer>, ledger: Ledger): Promise<void> =>
  new Promise((resolve) => {
    const { count, size } = call.request
    const go = (from: number): void => {
      for (let n = from; n < count; n++) {
        ledger.onProduced()
        if (!call.write(make(n, size))) {
          call.once("drain", () => go(n + 1))
          return
        }
      }
      call.end()
      resolve()
    }
    go(0)
  })

const serve: Serve = (address, ledger) => {
  const server = new Grpc.Server()
  server.addService(methods, {
    Produce: (call: Grpc.ServerWritableStream<Wanted, Buffer>) => ledger.began(produce(call, ledger))
  })
  return new Promise((resolve, reject) =>
    server.bindAsync(target(address), Grpc.ServerCredentials.createInsecure(), (error, port) => {
      if (error !== null) reject(error)
      else resolve(address.kind === "unix" ? address : { kind: "tcp", port })
    })
  )
}

const connect: Connect = (address) => {
  const client = new Streams(target(address), Grpc.credentials.createInsecure()) as unknown as StreamsClient
  return new Promise((resolve, reject) =>
    client.waitForReady(Date.now() + 10_000, (error) => {
      if (error !== undefined) return reject(error)
      resolve({
        consume: (wanted, check) =>
          new Promise((done, failed) => {
            const call = client.Produce(wanted)
            call.on("data", (bytes: Buffer) => check.take(bytes))
            call.on("end", () => done())
            call.on("error", failed)
          })
      })
    })
  )
}

export const grpc = { serve, connect }
