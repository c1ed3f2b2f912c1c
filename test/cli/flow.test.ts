/** From a `.proto` file to a call and its change, in two projects: all by the command line, in programs of their own. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { mkdirSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { root, start } from "../support/program.ts"
import { directoryIn } from "./services.ts"
import { fails, folder, limit, succeeds } from "./troupe.ts"

const proto = `syntax = "proto3";
package acme;

service Shop { rpc order (Order) returns (Receipt); }

message Order { string item = 1; }
message Receipt { string number = 1; }
`

const handlers = `import { Effect } from "effect"
import type { Handlers } from "./generated/local/shop.ts"

export const handlers = { order: ({ item }) => Effect.succeed({ number: item + "-1" }) } satisfies Handlers
`

const server = (directory: string, socket: string) => `import { Effect, Layer } from "effect"
import { Authentication, Directory, InstanceId, Offer } from "troupe/net"
import * as Unix from "troupe/net/unix"
import { Shop, type } from "./generated/local/shop.ts"
import { handlers } from "./shop.ts"

const serves = Effect.gen(function* () {
  yield* Offer.exported(type, Shop, {
    instanceId: yield* InstanceId.parse("process/shop/1"),
    transports: [Unix.make({ path: ${JSON.stringify(socket)} })],
    authenticator: Authentication.open,
    handlers
  })
  console.log("serves")
})

export default Layer.provide(Layer.effectDiscard(serves), Directory.layer(Unix.make({ path: ${JSON.stringify(directory)} })))
`

const client = (directory: string) => `import { Effect } from "effect"
import { Directory } from "troupe/net"
import * as Unix from "troupe/net/unix"
import { connect } from "./generated/remote/shop.ts"

const orders = Effect.gen(function* () {
  const shop = yield* connect({ dialers: [Unix.dialer()] })
  const { number } = yield* shop.request("order", { item: "pen" })
  console.log(number)
})

Effect.runFork(
  Effect.provide(Effect.scoped(orders), Directory.layer(Unix.make({ path: ${JSON.stringify(directory)} })))
)
`

/** A project in which Troupe is installed. */
const project = Effect.tap(folder, ({ path }) =>
  Effect.sync(() => {
    mkdirSync(join(path, "node_modules/@effect"), { recursive: true })
    symlinkSync(root, join(path, "node_modules/troupe"))
    for (const name of ["effect", "@effect/platform-node"]) {
      symlinkSync(join(root, "node_modules", name), join(path, "node_modules", name))
    }
  })
)

describe("the flow of the command line", limit, () => {
  it.live("goes from a .proto file to a call, and tells when that has changed", () =>
    Effect.gen(function* () {
      const { path } = yield* folder
      yield* directoryIn(path)
      const directory = join(path, "directory.sock")

      const shop = yield* project
      succeeds(yield* shop.run(["init", "--name", "shop", "--type", "acme/Shop@1.0.0"]))
      const settings = shop.json("troupe.json") as object
      shop.write("troupe.json", {
        ...settings,
        contracts: { shop: { file: "contracts/local/shop.proto", protocol: "app:shop" } }
      })
      shop.write("contracts/local/shop.proto", proto)
      succeeds(yield* shop.run(["install"]))
      succeeds(yield* shop.run(["gen"]))
      // A person goes on with it.
      shop.write("shop.ts", handlers)
      shop.write("server.ts", server(directory, join(path, "shop.sock")))
      const first = yield* shop.start(["run", "./server.ts"])
      yield* first.until("serves")

      const buyer = yield* project
      succeeds(yield* buyer.run(["init", "--name", "buyer", "--type", "acme/Buyer@1.0.0"]))
      buyer.write("troupe.json", {
        ...(buyer.json("troupe.json") as object),
        directory: `unix:${directory}`,
        dependencies: { shop: "acme/Shop@^1.0.0" }
      })
      succeeds(yield* buyer.run(["install"]))
      succeeds(yield* buyer.run(["gen"]))
      buyer.write("client.ts", client(directory))
      const program = yield* start(process.execPath, ["-C", "source", "client.ts"], {}, buyer.path)
      assert.strictEqual(succeeds(yield* program.ended), "pen-1\n")
      succeeds(yield* buyer.run(["check"]))

      yield* first.signal("SIGTERM")
      succeeds(yield* first.ended)
      shop.write("contracts/local/shop.proto", proto.replace("item = 1;", "item = 1; int32 count = 2;"))
      shop.write("troupe.json", { ...(shop.json("troupe.json") as object), type: "acme/Shop@1.1.0" })
      succeeds(yield* shop.run(["gen"]))
      assert.strictEqual(shop.read("shop.ts"), handlers)
      const second = yield* shop.start(["run", "./server.ts"])
      yield* second.until("serves")

      const reason = 'breaking: server route "order", payload.count: the field was added, and is required'
      for (const command of ["check", "install"]) {
        const ended = yield* buyer.run([command])
        fails(ended, 1)
        assert.include(ended.stdout, reason)
      }
      succeeds(yield* buyer.run(["install", "--accept-breaking"]))
      succeeds(yield* buyer.run(["gen"]))
      succeeds(yield* buyer.run(["check"]))
    })
  )
})
