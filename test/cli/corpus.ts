/** Contracts to generate from: all that effect declares, recursion of each kind, and names that nobody expects. */
import { type DateTime, type Duration, Effect, type Option as Option_, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { ActorType, Contract, DataStream, Protocol } from "../../src/net/index.ts"
import { contractOf } from "../net/contracts.ts"

class Item extends Schema.Class<Item>("shop/Item")({ id: Schema.String, price: Schema.Finite }) {}
class OtherItem extends Schema.Class<OtherItem>("other/Item")({ weight: Schema.Int }) {}
class OutOfStock extends Schema.TaggedError<OutOfStock>()("OutOfStock", { item: Schema.String }) {}

interface Tree {
  readonly value: number
  readonly item: Item
  readonly kids: ReadonlyArray<Tree>
}
const Tree: Schema.Codec<Tree, unknown> = Schema.Struct({
  value: Schema.Int.check(Schema.isInt32()),
  item: Item,
  kids: Schema.Array(Schema.suspend((): Schema.Codec<Tree, unknown> => Tree))
}).annotate({ identifier: "Tree" })

const Forest = Schema.Struct({ trees: Schema.Array(Tree), at: Schema.DateTimeUtc }).annotate({ identifier: "Forest" })

// Three that have each other in them by more than one way.
interface A {
  readonly b?: B
  readonly c?: C
}
interface B {
  readonly a: A
}
interface C {
  readonly b: B
  readonly when: Date
}
const A: Schema.Codec<A> = Schema.Struct({
  b: Schema.optionalKey(Schema.suspend((): Schema.Codec<B> => B)),
  c: Schema.optionalKey(Schema.suspend((): Schema.Codec<C> => C))
}).annotate({ identifier: "A" })
const B: Schema.Codec<B> = Schema.Struct({ a: A }).annotate({ identifier: "B" })
const C: Schema.Codec<C> = Schema.Struct({ b: B, when: Schema.Date }).annotate({ identifier: "C" })

// As above, where who looks at First first does not see that Third is one of them.
interface First {
  readonly third?: Third
  readonly second?: Second
}
interface Second {
  readonly first: First
}
interface Third {
  readonly second: Second
}
const First: Schema.Codec<First> = Schema.Struct({
  third: Schema.optionalKey(Schema.suspend((): Schema.Codec<Third> => Third)),
  second: Schema.optionalKey(Schema.suspend((): Schema.Codec<Second> => Second))
}).annotate({ identifier: "First" })
const Second: Schema.Codec<Second> = Schema.Struct({ first: First }).annotate({ identifier: "Second" })
const Third: Schema.Codec<Third> = Schema.Struct({ second: Second }).annotate({ identifier: "Third" })

type Nested = string | ReadonlyArray<Nested>
const Nested: Schema.Codec<Nested> = Schema.Union([
  Schema.String,
  Schema.Array(Schema.suspend((): Schema.Codec<Nested> => Nested))
])

// Its type needs what is imported for types alone, one of them under the name of a schema.
interface Linked {
  readonly next: Option_.Option<Linked>
  readonly after: DateTime.Utc
  readonly wait: Duration.Duration
}
const Linked: Schema.Codec<Linked, unknown> = Schema.Struct({
  next: Schema.Option(Schema.suspend((): Schema.Codec<Linked, unknown> => Linked)),
  after: Schema.DateTimeUtc,
  wait: Schema.Duration
}).annotate({ identifier: "Option" })

const taking = (all: Readonly<Record<string, Schema.Top>>) =>
  contractOf(
    Protocol.make("app:shop", { server: Object.entries(all).map(([name, payload]) => Rpc.make(name, { payload })) })
  )

const named = (names: ReadonlyArray<string>) =>
  taking(
    Object.fromEntries(
      names.map((identifier, index) => [
        `r${index}`,
        Schema.Struct({ [`f${index}`]: Schema.String }).annotate({ identifier })
      ])
    )
  )

const key = Symbol.for('a "key"')

const proto = `syntax = "proto3";
package acme.shop.v1;
import "google/protobuf/timestamp.proto";
import "google/protobuf/empty.proto";
import "google/protobuf/any.proto";
import "troupe/data_stream.proto";
service Orders {
  rpc Place(Order) returns (Order.Receipt);
  rpc Watch(Filter) returns (stream Order);
  rpc Ping(google.protobuf.Empty) returns (google.protobuf.Empty);
}
message Order {
  string id = 1;
  sint64 total = 3;
  repeated Line lines = 2;
  map<int32, Line> prices = 7;
  State state = 11;
  oneof paid_by { Card card = 12; string invoice = 015; }
  Order parent = 0x10;
  google.protobuf.Timestamp at = 17;
  repeated google.protobuf.Any details = 19;
  message Line { string item = 1; bytes raw = 2; float weight = 3; }
  message Card { string number = 1; }
  message Receipt { bool ok = 1; Line line = 2; }
  enum State { STATE_UNSPECIFIED = 0; STATE_OPEN = 1; }
}
message Filter { Order.State state = 1; }
`

/** Each contract, by what it is about. */
export const corpus: Readonly<Record<string, Effect.Effect<Contract.Contract, unknown>>> = {
  nothing: contractOf(Protocol.make("app:empty", {})),
  shop: contractOf(
    Protocol.make("app:shop", {
      server: [
        Rpc.make("order", { payload: { item: Item, count: Schema.Int }, success: Schema.Int, error: OutOfStock }),
        Rpc.make("prices", {
          payload: { ids: Schema.Array(Schema.String) },
          success: Item,
          error: OutOfStock,
          stream: true
        }),
        Rpc.make("ping")
      ],
      client: [
        Rpc.make("confirm", { payload: Item, success: Schema.Boolean }),
        Rpc.make("watch", { success: Item, stream: true })
      ]
    })
  ),
  basics: taking({
    void: Schema.Void,
    undefined: Schema.Undefined,
    null: Schema.Null,
    never: Schema.Never,
    unknown: Schema.Unknown,
    any: Schema.Any,
    object: Schema.ObjectKeyword,
    symbol: Schema.Symbol,
    bigint: Schema.BigInt,
    json: Schema.Json,
    mutableJson: Schema.MutableJson,
    bytes: Schema.Uint8Array,
    date: Schema.Date,
    time: Schema.DateTimeUtc,
    zoned: Schema.DateTimeZoned,
    duration: Schema.Duration,
    url: Schema.URL,
    regexp: Schema.RegExp,
    decimal: Schema.BigDecimal,
    version: Schema.SemVer,
    versions: Schema.SemVerRange,
    error: Schema.ErrorInstance({ includeStack: true }),
    option: Schema.Option(Schema.String),
    result: Schema.Result(Schema.String, Schema.Int),
    exit: Schema.Exit(Schema.String, Schema.Int, Schema.Unknown),
    cause: Schema.Cause(Schema.String, Schema.Unknown),
    redacted: Schema.Redacted(Schema.String, { label: "a } label" }),
    chunk: Schema.Chunk(Schema.Int),
    map: Schema.ReadonlyMap(Schema.String, Schema.Date),
    hashMap: Schema.HashMap(Schema.String, Schema.Int),
    set: Schema.ReadonlySet(Schema.String),
    hashSet: Schema.HashSet(Schema.String)
  }),
  shapes: taking({
    literals: Schema.Literals(["a", 'quoted "b"', 1, -2.5, 1e21, true, 9n]),
    template: Schema.TemplateLiteral(["a`b${", Schema.String, "-", Schema.Union([Schema.Literal("x"), Schema.Number])]),
    tuple: Schema.Tuple([Schema.String, Schema.optionalKey(Schema.Int)]),
    rest: Schema.TupleWithRest(Schema.Tuple([Schema.String]), [Schema.Int, Schema.Boolean]),
    record: Schema.Record(Schema.String, Schema.Array(Item)),
    patterned: Schema.Record(Schema.TemplateLiteral(["x-", Schema.String]), Schema.Int),
    both: Schema.StructWithRest(Schema.Struct({ a: Schema.Int }), [Schema.Record(Schema.String, Schema.Int)]),
    fields: Schema.Struct({
      a: Schema.optionalKey(Schema.String),
      b: Schema.optional(Schema.Int),
      c: Schema.mutableKey(Schema.NullOr(Schema.Boolean)),
      "d-e": Schema.String,
      'f"g': Schema.String,
      0: Schema.String,
      [key]: Schema.String,
      constructor: Schema.String,
      ["__proto__"]: Schema.Int
    }),
    symbol: Schema.UniqueSymbol(key),
    enum: Schema.Enum({ A: 0, B: "b", C: 2.5 }),
    oneOf: Schema.Union([Schema.String, Schema.Int], { mode: "oneOf" }),
    text: Schema.fromJsonString(Schema.Struct({ at: Schema.Date, items: Schema.Array(Item) }))
  }),
  checks: taking({
    strings: Schema.String.check(
      Schema.isMinLength(1),
      Schema.isMaxLength(80),
      Schema.isPattern(/^[^"`$\\/]+\/\*\n$/iu),
      Schema.isStartingWith('"'),
      Schema.isTrimmed()
    ),
    numbers: Schema.Number.check(
      Schema.isBetween({ minimum: -1, maximum: 2, exclusiveMaximum: true }),
      Schema.isMultipleOf(0.5)
    ),
    ints: Schema.Int.check(Schema.isUint32()),
    bigints: Schema.BigInt.check(Schema.isBetweenBigInt({ minimum: -(1n << 63n), maximum: 1n << 63n })),
    dates: Schema.Date.check(Schema.isGreaterThanDate(new Date(0))),
    arrays: Schema.Array(Schema.String).check(Schema.isBetweenLength(1, 3), Schema.isUnique()),
    uuid: Schema.String.check(Schema.isUUID(4)),
    names: Schema.Record(Schema.String, Schema.Int).check(
      Schema.isPropertyNames(Schema.String.check(Schema.isMinLength(2))),
      Schema.isMaxProperties(4)
    ),
    named: Schema.String.check(Schema.isMinLength(3)).annotate({
      identifier: "UserId",
      title: "Who",
      description: "*/ who"
    })
  }),
  "recursive by several ways": taking({ first: Third }),
  recursive: taking({ tree: Tree, forest: Forest, a: A, b: B, c: C, nested: Nested, linked: Linked }),
  "several of one name": contractOf(
    Protocol.make("app:shop", { server: [Rpc.make("a", { payload: Item }), Rpc.make("b", { payload: OtherItem })] })
  ),
  "names that are taken": named(
    [
      "Schema Rpc Protocol Option DateTime Effect Stream ReadonlyArray Array Symbol Handlers SemVer Directory",
      "range connect type Shop Address Connection ActorType Any Never string globalThis undefined"
    ].flatMap((names) => names.split(" "))
  ),
  "names that are none": named(
    ["class", "default", "await", "let", "订单", "two words", "a.b.c", "1st", "-", "__proto__", "constructor"].concat([
      "toString",
      "$ref",
      "a/b/",
      'quo"te',
      "new\nline",
      "*/ ${x} `",
      "\u2028"
    ])
  ),
  "names of routes": contractOf(
    Protocol.make('a "protocol" */ ${x} `\n', {
      server: [
        "a.b-c",
        "it's",
        'a "b"',
        "__proto__",
        "constructor",
        "new\nline",
        "*/ ${x} `",
        "\u2028 \u202e",
        "",
        " ",
        "0"
      ].map((name) => Rpc.make(name || "empty", { payload: Schema.String, success: Schema.Int }))
    })
  ),
  streams: contractOf(
    Protocol.make("app:stream-echo", {
      server: [
        ...DataStream.routes,
        Rpc.make("register", { payload: { streamId: Schema.String, count: Schema.Int }, success: Schema.String }),
        Rpc.make("ticks", { success: Schema.Int, stream: true })
      ],
      client: DataStream.routes
    })
  ),
  "streams alone": contractOf(Protocol.make("app:upload", { server: DataStream.routes, client: DataStream.routes })),
  proto: Effect.gen(function* () {
    const type = yield* ActorType.parse("acme/Orders@1.0.0")
    return yield* Contract.fromProto({
      files: [{ name: "o.proto", text: proto }],
      main: "o.proto",
      type,
      protocol: "o"
    })
  })
}
