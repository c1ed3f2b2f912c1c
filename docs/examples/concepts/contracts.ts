import { Effect, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { ActorType, Contract, Protocol } from "troupe/net"

// #region make
class OutOfStock extends Schema.TaggedError<OutOfStock>()("OutOfStock", { item: Schema.String }) {}

const Shop = Protocol.make("app:shop", {
  server: [
    Rpc.make("order", {
      payload: { item: Schema.String, count: Schema.Int.check(Schema.isUint32()) },
      success: Schema.Struct({ total: Schema.Finite }),
      error: OutOfStock
    }),
    Rpc.make("prices", {
      payload: { item: Schema.String },
      success: Schema.Struct({ price: Schema.Finite }),
      stream: true
    })
  ]
})

const shop = Effect.gen(function* () {
  const type = yield* ActorType.parse("acme/Shop@1.0.0")
  return yield* Contract.make({ type, protocol: Shop })
})
// #endregion make

// #region types
const accepting = Effect.gen(function* () {
  const range = yield* ActorType.parseRange("acme/Shop@^1.2.0")
  const running = yield* Effect.forEach(["acme/Shop@1.1.0", "acme/Shop@1.4.2", "acme/Shop@2.0.0"], ActorType.parse)
  const accepted = running.filter((type) => ActorType.accepts(range, type))
  return accepted.map(String)
})
// #endregion types

// #region document
const keeping = Effect.gen(function* () {
  const contract = yield* shop
  const text = Contract.print(contract)
  const read = yield* Contract.parse(text)
  const broken = yield* Effect.flip(Contract.parse(text.replace('"order"', '""')))
  return { routes: read.server.map((route) => route.name), broken: broken.path }
})
// #endregion document

// #region refused
const refusing = Effect.gen(function* () {
  const type = yield* ActorType.parse("acme/Shop@1.0.0")
  const Even = Schema.Int.check(Schema.makeFilter((count: number) => count % 2 === 0))
  const protocol = Protocol.make("app:shop", {
    server: [Rpc.make("order", { payload: { items: Schema.Array(Schema.Struct({ count: Even })) } })]
  })
  const error = yield* Effect.flip(Contract.make({ type, protocol }))
  return [error.route, error.path]
})
// #endregion refused

// #region fingerprint
const recognising = Effect.gen(function* () {
  const type = yield* ActorType.parse("acme/Shop@1.0.1")
  const protocol = Protocol.make("app:shop", { server: Shop.server.toReversed() })
  const turned = yield* Contract.make({ type, protocol })
  const first = yield* Contract.fingerprint(yield* shop)
  return first === (yield* Contract.fingerprint(turned))
})
// #endregion fingerprint

// #region compare
const comparing = Effect.gen(function* () {
  const type = yield* ActorType.parse("acme/Shop@2.0.0")
  const Next = Protocol.make("app:shop", {
    server: [
      Rpc.make("order", {
        payload: { item: Schema.String, count: Schema.Int, note: Schema.optionalKey(Schema.String) },
        success: Schema.Struct({ total: Schema.Finite, currency: Schema.String }),
        error: OutOfStock
      }),
      Rpc.make("prices", {
        payload: { item: Schema.String, currency: Schema.String },
        success: Schema.Struct({ price: Schema.Finite }),
        stream: true
      })
    ]
  })
  const { changes, compatibility } = Contract.compare(yield* shop, yield* Contract.make({ type, protocol: Next }))
  return { compatibility, changes: changes.map(String) }
})
// #endregion compare

// #region proto
const proto = `
syntax = "proto3";
package acme;

service Shop {
  rpc order(OrderRequest) returns (OrderResponse);
}

message OrderRequest {
  string item = 1;
  uint32 count = 3;
}

message OrderResponse { double total = 1; }
`

const translating = Effect.gen(function* () {
  const type = yield* ActorType.parse("acme/Shop@1.0.0")
  const contract = yield* Contract.fromProto({
    files: [{ name: "shop.proto", text: proto }],
    main: "shop.proto",
    type,
    protocol: "app:shop"
  })
  const text = yield* Contract.toProto(contract)
  const refused = yield* Effect.flip(
    Contract.fromProto({
      files: [{ name: "shop.proto", text: proto.replace("(OrderRequest)", "(stream OrderRequest)") }],
      main: "shop.proto",
      type,
      protocol: "app:shop"
    })
  )
  return [text.includes("uint32 count = 3;"), refused.message]
})
// #endregion proto

/** What the page shows. */
export const program = Effect.gen(function* () {
  return {
    accepting: yield* accepting,
    keeping: yield* keeping,
    refusing: yield* refusing,
    recognising: yield* recognising,
    comparing: yield* comparing,
    translating: yield* translating
  }
})
