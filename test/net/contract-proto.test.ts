/** Contracts as `.proto` files and back, against protobufjs, which reads what is written. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { readFileSync } from "node:fs"
import { ActorType, Contract, DataStream, Protocol } from "../../src/net/index.ts"
import { contractOf, Shape, schemaOf, taking } from "./contracts.ts"
import { parsed } from "./peers/parsed.ts"

class Item extends Schema.Class<Item>("shop/Item")({
  id: Schema.String,
  price: Schema.Finite,
  kind: Schema.Literals(["tea", "cup"])
}) {}
class OutOfStock extends Schema.TaggedError<OutOfStock>()("OutOfStock", { item: Schema.String }) {}

interface Tree {
  readonly value: number
  readonly kids: ReadonlyArray<Tree>
}
const Tree: Schema.Codec<Tree> = Schema.Struct({
  value: Schema.Int.check(Schema.isInt32()),
  kids: Schema.Array(Schema.suspend((): Schema.Codec<Tree> => Tree))
}).annotate({ identifier: "Tree" })

const Shop = Protocol.make("app:shop", {
  server: [
    Rpc.make("order", {
      payload: {
        item: Item,
        others: Schema.Record(Schema.String, Item),
        count: Schema.Int.check(Schema.isUint32()),
        note: Schema.optional(Schema.String),
        from: Schema.NullOr(Schema.String),
        by: Schema.Option(Schema.Boolean),
        when: Schema.DateTimeUtc,
        wait: Schema.Duration,
        raw: Schema.Uint8Array,
        extra: Schema.Json,
        what: Schema.Union([Schema.TaggedStruct("Gift", { to: Schema.String }), Schema.TaggedStruct("Own", {})])
      },
      success: Schema.Int,
      error: OutOfStock
    }),
    Rpc.make("grow", { payload: Tree, success: Tree, stream: true })
  ],
  client: [Rpc.make("confirm", { success: Schema.Boolean })]
})

const ours = `// acme/Shop@1.0.0, protocol "app:shop".
syntax = "proto3";

package acme;

import "google/protobuf/duration.proto";
import "google/protobuf/empty.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto";

service Shop {
  rpc grow(Tree) returns (stream Tree);
  // Fails with OutOfStock.
  rpc order(OrderRequest) returns (OrderResponse);
}

service ShopClient {
  rpc confirm(google.protobuf.Empty) returns (ConfirmResponse);
}

message Tree {
  int32 value = 1;
  repeated Tree kids = 2;
}

message ItemKind {
  enum Value {
    tea = 0;
    cup = 1;
  }
}

message Item {
  string id = 1;
  double price = 2;
  ItemKind.Value kind = 3;
}

message OrderRequestWhatGiftTag {
  enum Value {
    Gift = 0;
  }
}

message OrderRequestWhatGift {
  OrderRequestWhatGiftTag.Value _tag = 1;
  string to = 2;
}

message OrderRequestWhatOwnTag {
  enum Value {
    Own = 0;
  }
}

message OrderRequestWhatOwn {
  OrderRequestWhatOwnTag.Value _tag = 1;
}

message OrderRequestWhat {
  oneof kind {
    OrderRequestWhatGift gift = 1;
    OrderRequestWhatOwn own = 2;
  }
}

message OrderRequest {
  Item item = 1;
  map<string, Item> others = 2;
  uint32 count = 3;
  optional string note = 4;
  optional string from = 5;
  optional bool by = 6;
  google.protobuf.Timestamp when = 7;
  google.protobuf.Duration wait = 8;
  bytes raw = 9;
  google.protobuf.Value extra = 10;
  OrderRequestWhat what = 11;
}

message OrderResponse {
  int64 value = 1;
}

message OutOfStockTag {
  enum Value {
    OutOfStock = 0;
  }
}

message OutOfStock {
  OutOfStockTag.Value _tag = 1;
  string item = 2;
}

message ConfirmResponse {
  bool value = 1;
}
`

const theirs = `syntax = "proto3";
/* What others
   have written. */
package acme.shop.v1;

import "common/money.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
import "google/protobuf/empty.proto";
import "google/protobuf/any.proto";
option java_package = "com.acme";
option (custom).thing = { a: 1 };

service Orders {
  option deprecated = true;
  rpc Place(Order) returns (Order.Receipt) { option (google.api.http) = { post: "/v1/orders" body: "*" }; }
  rpc Watch(.acme.shop.v1.Filter) returns (stream Order);
  rpc Ping(google.protobuf.Empty) returns (google.protobuf.Empty);;
}

message Order {
  reserved 4, 8 to 10, 1000 to max;
  reserved "old", "older";
  string id = 1 [deprecated = true, json_name = "ID"];
  sint64 total = 3; // in cents
  repeated Line lines = 2;
  optional uint32 count = 5;
  fixed64 stamp = 6;
  map<int32, common.Money> prices = 7;
  State state = 11;
  oneof paid_by {
    Card card = 12;
    string invoice = 015;
  }
  Order parent = 0x10;
  google.protobuf.Timestamp at = 17;
  google.protobuf.StringValue nick = 18;
  repeated google.protobuf.Any details = 19;
  message Line { string item = 1; bytes raw = 2; float weight = 3; }
  message Card { string number = 1; }
  message Receipt { bool ok = 1; Line line = 2; }
  enum State {
    option allow_alias = true;
    STATE_UNSPECIFIED = 0;
    STATE_OPEN = 1 [deprecated = true];
    STATE_LOST = -1;
  }
}
message Filter { Order.State state = 1; }
`

const money = `syntax = 'proto3'; package common; message Money { string currency = 1; int64 units = 2; }`

const reading = Effect.fnUntraced(function* (
  text: string,
  options: { readonly files?: Readonly<Record<string, string>>; readonly service?: string; readonly main?: string } = {}
) {
  const others = Object.entries(options.files ?? {}).map(([name, text]) => ({ name, text }))
  return yield* Contract.fromProto({
    files: [{ name: "main.proto", text }, ...others],
    main: options.main ?? "main.proto",
    type: yield* Effect.orDie(ActorType.parse("acme/Shop@1.0.0")),
    protocol: "app:shop",
    ...(options.service === undefined ? {} : { service: options.service })
  })
})

/** A file with a service that takes a message. */
const having = (message: string, rest = ""): string =>
  `syntax = "proto3";\n${rest}service S { rpc Go(M) returns (M); }\n${message}\n`

const proto2 = 'write syntax = "proto3"; at the top, and what it asks for.'

/** What is refused, and how that is said. */
const refused = [
  ["an empty file", "", `main.proto:1: the file does not say which syntax it has: ${proto2}`],
  ["proto2", '\nsyntax = "proto2";', `main.proto:2: the syntax is "proto2": ${proto2}`],
  ["editions", 'edition = "2023";', 'main.proto:1: editions are not supported: write syntax = "proto3";.'],
  ["no service", 'syntax = "proto3";', "main.proto: the file has no service: give the one that has it as main."],
  [
    "several services",
    'syntax = "proto3";\nservice A {}\nservice B {}',
    'main.proto:3: the file has several services: say which, one of "A", "B".'
  ],
  [
    "a comment without an end",
    having("/* M"),
    "main.proto:3: the comment that begins here does not end: write */ behind it."
  ],
  [
    "a text without an end",
    having('option a = "x;'),
    "main.proto:3: the text that begins here does not end in its line: write the quote behind it."
  ],
  [
    "another character",
    having("message M { string a = #1; }"),
    'main.proto:3: "#" stands where no .proto file has it: remove it.'
  ],
  [
    "a message without an end",
    having("message M {\n string a = 1;"),
    "main.proto:5: the end of the file stands where the type of a field is expected."
  ],
  [
    "a missing semicolon",
    having("message M {\n string a = 1\n string b = 2; }"),
    'main.proto:5: "string" stands where ";" is expected.'
  ],
  [
    "an option without an end",
    having("option a = { b: 1;"),
    'main.proto:4: the end of the file stands where ";", for what begins in line 3, is expected.'
  ],
  [
    "a nonsense word",
    having("massage M {}"),
    'main.proto:3: "massage" stands where message, enum, service, import, package or option is expected.'
  ],
  ["required", having("message M { required string a = 1; }"), "main.proto:3: required is of proto2: leave it out."],
  ["a group", having("message M { repeated group A = 1 {} }"), "main.proto:3: group is not supported: use a message."],
  [
    "extensions",
    having("message M { extensions 4 to 9; }"),
    "main.proto:3: extensions is not supported: write the fields into a message."
  ],
  [
    "extend",
    having("message M {}\nextend M { string a = 1; }"),
    "main.proto:4: extend is not supported: write the fields into a message."
  ],
  [
    "the number 0",
    having("message M { string a = 0; }"),
    'main.proto:3: "a" has the number 0: use 1 to 536870911, but for 19000 to 19999.'
  ],
  [
    "a number that is taken",
    having("message M { string a = 1;\n string b = 1; }"),
    "main.proto:4: the number 1 is that of line 3 already: give it another."
  ],
  [
    "a name that is taken",
    having("message M { string a = 1;\n oneof a { string b = 2; } }"),
    "main.proto:4: the name a is that of line 3 already: give it another."
  ],
  [
    "an unknown type",
    having("message M {\n Nobody a = 1; }"),
    'main.proto:4: there is no type "Nobody": declare it, or import the file that does.'
  ],
  [
    "a type that is not imported",
    having("message M { google.protobuf.Timestamp a = 1; }"),
    'main.proto:3: "google.protobuf.Timestamp" is not there: import "google/protobuf/timestamp.proto".'
  ],
  [
    "a file that is not there",
    having("message M {}", 'import "a.proto";\n'),
    'main.proto:2: "a.proto" is not there: give it among the files, under this name.'
  ],
  [
    "a file of google/protobuf that is not known",
    having("message M {}", 'import "google/protobuf/field_mask.proto";\n'),
    'main.proto:2: "google/protobuf/field_mask.proto" is not supported: of google/protobuf there are timestamp.proto, duration.proto, struct.proto, wrappers.proto, any.proto, empty.proto.'
  ],
  [
    "weak imports",
    having("message M {}", 'import weak "a.proto";\n'),
    "main.proto:2: weak imports are not supported: leave the word out."
  ],
  [
    "an enum without 0",
    having("message M {}\nenum E { A = 1; }"),
    'main.proto:4: the first value of the enum "E" has to be 0.'
  ],
  ["an empty oneof", having("message M { oneof a {} }"), 'main.proto:3: the oneof "a" is empty: give it a field.'],
  [
    "keys that are floats",
    having("message M { map<float, string> a = 1; }"),
    'main.proto:3: "float" can\'t be the type of keys: use string or an integer.'
  ],
  [
    "repeated maps",
    having("message M { repeated map<string, string> a = 1; }"),
    "main.proto:3: a map stands by itself: leave out repeated, optional and oneof."
  ],
  ["an enum as what a route takes", having("enum M { A = 0; }"), 'main.proto:2: "M" is no message: use one.'],
  [
    "streams from callers",
    'syntax = "proto3";\nmessage M {}\nservice S {\n  rpc Go(stream M) returns (M);\n}',
    'main.proto:4: "Go" takes a stream, which contracts have not: let the other side answer with one, or use a DataStream.'
  ],
  [
    "messages that are too deep",
    having(`${"message M { ".repeat(70)}${"}".repeat(70)}`),
    "main.proto:3: messages stand more than 64 deep in each other: move them out."
  ]
] as const

/** What can't be written, and how that is said. */
const unwritable = [
  [
    "a tuple",
    Schema.Struct({ a: Schema.Tuple([Schema.Int]) }),
    "payload.a is a tuple, which .proto has not: use a struct."
  ],
  [
    "an array of arrays",
    Schema.Struct({ a: Schema.Array(Schema.Array(Schema.Int)) }),
    "payload.a[] is an array or a tuple where .proto takes one value: put it into a struct."
  ],
  [
    "an array with gaps",
    Schema.Struct({ a: Schema.Array(Schema.NullOr(Schema.Int)) }),
    "payload.a[] may be missing, which .proto says of fields alone: put it into a struct."
  ],
  [
    "a bigint of any size",
    Schema.Struct({ a: Schema.BigInt }),
    "payload.a is a bigint of any size: check that it is between 0 and 2^64-1, or -2^63 and 2^63-1."
  ],
  [
    "a field with another name",
    Schema.Struct({ "a-b": Schema.Int }),
    "payload.a-b is a name that .proto has not: use letters, digits and _."
  ],
  [
    "a union without tags",
    Schema.Struct({ a: Schema.Union([Schema.Int, Schema.String]) }),
    "payload.a|0 has no name of its own among the members of the union: give each a field with another literal, such as _tag."
  ],
  [
    "a declaration",
    Schema.Struct({ a: Schema.RegExp }),
    "payload.a is RegExp, which .proto has not: use a transformation to a type that it has."
  ],
  ["never", Schema.Never, "payload is Never, which .proto has not: use a struct, or another type."],
  [
    "a struct with a rest",
    Schema.StructWithRest(Schema.Struct({ a: Schema.String }), [Schema.Record(Schema.String, Schema.String)]),
    "payload is a struct with more keys than it names, which .proto has not: put a record into a field of its own."
  ],
  [
    "an enum without 0",
    Schema.Struct({ a: Schema.Enum({ A: 1, B: 2 }) }),
    "payload.a is an enum that .proto has not: give its members whole numbers, and one of them 0."
  ],
  [
    "mixed literals",
    Schema.Struct({ a: Schema.Literals(["a", 1]) }),
    "payload.a is one of several literals of different types: use literals of text."
  ]
] as const

describe("Contract.toProto", () => {
  it.effect("writes what others read", () =>
    Effect.gen(function* () {
      const text = yield* Effect.flatMap(contractOf(Shop), Contract.toProto)
      assert.strictEqual(text, ours)
      const root = parsed(text)
      assert.deepStrictEqual(
        root
          .lookupService("acme.Shop")
          .methodsArray.map(({ name, requestType, responseStream }) => [name, requestType, responseStream]),
        [
          ["grow", "Tree", true],
          ["order", "OrderRequest", undefined]
        ]
      )
      assert.deepStrictEqual(
        root.lookupType("acme.Tree").fieldsArray.map(({ id, name, type }) => [id, name, type]),
        [
          [1, "value", "int32"],
          [2, "kids", "Tree"]
        ]
      )
    })
  )

  it.effect.prop("what it writes can be read, by others too, and is written the same again", [Shape], ([shape]) =>
    Effect.gen(function* () {
      const contract = yield* taking(Schema.Struct({ value: schemaOf(shape) }))
      const text = yield* Contract.toProto(contract).pipe(Effect.catch(() => Effect.succeed(undefined)))
      if (text === undefined) return
      parsed(text)
      const once = yield* Effect.flatMap(reading(text), Contract.toProto)
      assert.strictEqual(yield* Effect.flatMap(reading(once), Contract.toProto), once)
    })
  )

  it.effect.each(unwritable)("can't write %s", ([, schema, words]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Effect.flatMap(taking(schema), Contract.toProto))
      assert.strictEqual(error._tag, "NotInProto")
      assert.strictEqual(error.message, `Route "take" of acme/Shop@1.0.0 can't be written as .proto: ${words}`)
    })
  )

  it.effect("can't write a route with another name", () =>
    Effect.gen(function* () {
      const contract = yield* contractOf(Protocol.make("p", { server: [Rpc.make("a/b")] }))
      const error = yield* Effect.flip(Contract.toProto(contract))
      assert.include(error.message, "the name has other characters than .proto takes")
    })
  )
})

const streaming = `// acme/Shop@1.0.0, protocol "app:shop".
syntax = "proto3";

package acme;

import "troupe/data_stream.proto";

service Shop {
  rpc register(RegisterRequest) returns (RegisterResponse);
}

message RegisterRequest {
  string streamId = 1;
}

message RegisterResponse {
  bool value = 1;
}
`

const register = Rpc.make("register", { payload: { streamId: Schema.String }, success: Schema.Boolean })

const Streaming = Protocol.make("app:shop", {
  server: [...DataStream.routes, register],
  client: DataStream.routes
})

describe("streams in .proto", () => {
  it.effect("are an import, for both sides", () =>
    Effect.gen(function* () {
      const contract = yield* contractOf(Streaming)
      assert.strictEqual(yield* Contract.toProto(contract), streaming)
      const read = yield* reading(streaming)
      assert.deepStrictEqual(
        read.client.map(({ name }) => name),
        DataStream.routes.map(({ _tag }) => _tag).toSorted()
      )
      assert.strictEqual(yield* Contract.toProto(read), streaming)
    })
  )

  it.effect("read and written keep their fingerprint", () =>
    Effect.gen(function* () {
      // What .proto says of the payload in full.
      const contract = yield* contractOf(Streaming)
      const read = yield* reading(yield* Contract.toProto(contract))
      const wrapped = Rpc.make("register", {
        payload: { streamId: Schema.String },
        success: Schema.Struct({ value: Schema.Boolean })
      })
      const expected = yield* contractOf(
        Protocol.make("app:shop", { server: [wrapped, ...DataStream.routes], client: DataStream.routes })
      )
      assert.strictEqual(yield* Contract.fingerprint(read), yield* Contract.fingerprint(expected))
    })
  )

  it.effect("alone are a service", () =>
    Effect.gen(function* () {
      const contract = yield* contractOf(
        Protocol.make("app:shop", { server: DataStream.routes, client: DataStream.routes })
      )
      const read = yield* reading(yield* Contract.toProto(contract))
      assert.strictEqual(yield* Contract.fingerprint(read), yield* Contract.fingerprint(contract))
    })
  )

  it.effect("are not written where one side alone speaks them, or in part, or otherwise", () =>
    Effect.gen(function* () {
      const [chunks, ...others] = DataStream.routes
      for (const protocol of [
        Protocol.make("p", { server: DataStream.routes }),
        Protocol.make("p", { server: DataStream.routes, client: [chunks] }),
        Protocol.make("p", { server: DataStream.routes, client: [Rpc.make("@stream.chunks"), ...others] })
      ]) {
        const error = yield* Effect.flip(Effect.flatMap(contractOf(protocol), Contract.toProto))
        assert.include(error.message, "let both sides have DataStream.routes, all and as they are")
      }
    })
  )

  it("come with a file that others read", () => {
    const text = readFileSync(new URL("../../src/net/data_stream.proto", import.meta.url), "utf8")
    const fields = parsed(text).lookupType("troupe.v1.DataStream").fieldsArray
    assert.deepStrictEqual(
      fields.map(({ name }) => name),
      ["stream_id", "sequence", "payload", "metadata", "timestamp"]
    )
  })
})

describe("Contract.fromProto", () => {
  it.effect("reads its own", () =>
    Effect.gen(function* () {
      const contract = yield* reading(ours)
      const names = (routes: ReadonlyArray<Contract.Route>) => routes.map(({ name, stream }) => `${name} ${stream}`)
      assert.deepStrictEqual(names(contract.server), ["grow true", "order false"])
      assert.deepStrictEqual(names(contract.client), ["confirm false"])
    })
  )

  it.effect("reads what others write", () =>
    Effect.gen(function* () {
      const contract = yield* reading(theirs, { files: { "common/money.proto": money } })
      const Int64 = Schema.BigInt.check(Schema.isBetweenBigInt({ minimum: -(2n ** 63n), maximum: 2n ** 63n - 1n }))
      const Uint64 = Schema.BigInt.check(Schema.isBetweenBigInt({ minimum: 0n, maximum: 2n ** 64n - 1n }))
      const Uint32 = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 32 - 1 }))
      const Line = Schema.Struct({ item: Schema.String, raw: Schema.Uint8Array, weight: Schema.Number })
      const State = Schema.Literals(["STATE_UNSPECIFIED", "STATE_OPEN", "STATE_LOST"])
      const Case = <S extends Schema.Top>(tag: string, value: S) => Schema.Struct({ _tag: Schema.Literal(tag), value })
      const Order: Schema.Top = Schema.Struct({
        id: Schema.String,
        total: Int64,
        lines: Schema.Array(Line),
        count: Schema.optionalKey(Uint32),
        stamp: Uint64,
        prices: Schema.Record(Schema.String, Schema.Struct({ currency: Schema.String, units: Int64 })),
        state: State,
        paid_by: Schema.optionalKey(
          Schema.Union([Case("card", Schema.Struct({ number: Schema.String })), Case("invoice", Schema.String)])
        ),
        parent: Schema.optionalKey(Schema.suspend((): Schema.Top => Order)),
        at: Schema.optionalKey(Schema.DateTimeUtc),
        nick: Schema.optionalKey(Schema.String),
        details: Schema.Array(Schema.Struct({ type_url: Schema.String, value: Schema.Uint8Array }))
      })
      const expected = yield* contractOf(
        Protocol.make("app:shop", {
          server: [
            Rpc.make("Place", {
              payload: Order,
              success: Schema.Struct({ ok: Schema.Boolean, line: Schema.optionalKey(Line) })
            }),
            Rpc.make("Watch", { payload: Schema.Struct({ state: State }), success: Order, stream: true }),
            Rpc.make("Ping")
          ]
        })
      )
      assert.deepStrictEqual(Contract.compare(expected, contract).changes.map(String), [])
      assert.strictEqual(yield* Contract.fingerprint(contract), yield* Contract.fingerprint(expected))
    })
  )

  it.effect("keeps numbers and types of fields", () =>
    Effect.gen(function* () {
      const contract = yield* reading(theirs, { files: { "common/money.proto": money } })
      const kept = yield* Effect.flatMap(Contract.parse(Contract.print(contract)), Contract.toProto)
      const fields = (text: string, name: string) =>
        Object.fromEntries(
          parsed(text)
            .lookupType(name)
            .fieldsArray.map(({ id, name }) => [name, id] as const)
        )
      // Which does not take a semicolon by itself, nor a file that it has not.
      const before = theirs.replace(";;", ";").replaceAll("common.Money", "Filter")
      assert.deepStrictEqual(fields(kept, "acme.Order"), fields(before, "acme.shop.v1.Order"))
      assert.include(kept, "sint64 total = 3;")
      assert.include(kept, "map<int32, Money> prices = 7;")
    })
  )

  it.effect("takes the service that is asked for", () =>
    Effect.gen(function* () {
      const text =
        'syntax = "proto3"; message M {} service A { rpc a(M) returns (M); } service B { rpc b(M) returns (M); }'
      const contract = yield* reading(text, { service: "B" })
      assert.deepStrictEqual(
        contract.server.map(({ name }) => name),
        ["b"]
      )
      const error = yield* Effect.flip(reading(text, { service: "C" }))
      assert.strictEqual(error.message, 'main.proto: the file has no service "C": use one of "A", "B".')
    })
  )

  it.effect("says which of the files is wrong", () =>
    Effect.gen(function* () {
      const broken = 'syntax = "proto3";\nmessage A {\n  int a = 1;\n}'
      const text = having("message M { A a = 1; }", 'import "b.proto";\n')
      const error = yield* Effect.flip(reading(text, { files: { "b.proto": broken } }))
      assert.deepStrictEqual([error.file, error.line], ["b.proto", 3])
      const missing = yield* Effect.flip(reading(text, { main: "c.proto" }))
      assert.strictEqual(missing.message, "c.proto: the file is not there: give it among the files.")
    })
  )

  it.effect("files may import each other, and names may be those of words", () =>
    Effect.gen(function* () {
      const files = {
        "b.proto": 'syntax = "proto3"; import "main.proto"; message Rep { string message = 1; M m = 2; }'
      }
      const text = having(
        "message M { Rep repeated = 1; string option = 2; stream map = 3; message stream {} }",
        'import "b.proto";\n'
      )
      const contract = yield* reading(text, { files })
      const fields = contract.server.map(({ payload }) => payload._tag)
      assert.deepStrictEqual(fields, ["Reference"])
    })
  )

  it.effect.each(refused)("refuses %s", ([, text, message]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(reading(text))
      assert.strictEqual(error._tag, "InvalidProto")
      assert.strictEqual(error.message, message)
    })
  )

  it.effect("refuses whatever was cut off, and never dies", () =>
    Effect.gen(function* () {
      for (let length = 0; length < theirs.length; length += 7) {
        const text = theirs.slice(0, length)
        const exit = yield* Effect.exit(Effect.result(reading(text, { files: { "common/money.proto": money } })))
        assert.strictEqual(exit._tag, "Success", text.slice(-40))
      }
    })
  )
})
