/**
 * The types that `.proto` files have without declaring them, as schemas.
 */
import * as Schema from "effect/Schema"

const Int32 = Schema.Int.check(Schema.isBetween({ minimum: -(2 ** 31), maximum: 2 ** 31 - 1 }))
const Uint32 = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 32 - 1 }))
const Int64 = Schema.BigInt.check(Schema.isBetweenBigInt({ minimum: -(1n << 63n), maximum: (1n << 63n) - 1n }))
const Uint64 = Schema.BigInt.check(Schema.isBetweenBigInt({ minimum: 0n, maximum: (1n << 64n) - 1n }))

export const scalars: ReadonlyMap<string, Schema.Top> = new Map<string, Schema.Top>([
  ["double", Schema.Number],
  ["float", Schema.Number],
  ["int32", Int32],
  ["sint32", Int32],
  ["sfixed32", Int32],
  ["uint32", Uint32],
  ["fixed32", Uint32],
  ["int64", Int64],
  ["sint64", Int64],
  ["sfixed64", Int64],
  ["uint64", Uint64],
  ["fixed64", Uint64],
  ["bool", Schema.Boolean],
  ["string", Schema.String],
  ["bytes", Schema.Uint8Array]
])

const byFile: Readonly<Record<string, Readonly<Record<string, Schema.Top>>>> = {
  timestamp: { Timestamp: Schema.DateTimeUtc },
  duration: { Duration: Schema.Duration },
  struct: {
    Struct: Schema.Record(Schema.String, Schema.Json),
    Value: Schema.Json,
    ListValue: Schema.Array(Schema.Json)
  },
  // A field of one may be absent, which is what they are for.
  wrappers: {
    DoubleValue: Schema.Number,
    FloatValue: Schema.Number,
    Int32Value: Int32,
    UInt32Value: Uint32,
    Int64Value: Int64,
    UInt64Value: Uint64,
    BoolValue: Schema.Boolean,
    StringValue: Schema.String,
    BytesValue: Schema.Uint8Array
  },
  any: { Any: Schema.Struct({ type_url: Schema.String, value: Schema.Uint8Array }).annotate({ identifier: "Any" }) },
  empty: { Empty: Schema.Void }
}

const pathOf = (file: string): string => `google/protobuf/${file}.proto`

/** The files of `google/protobuf` that are known. */
export const files: ReadonlySet<string> = new Set(Object.keys(byFile).map(pathOf))

/** The file whose import says that both sides of a service speak streams: the package has it, for other programs. */
export const streamsFile = "troupe/data_stream.proto"

export const wellKnown: ReadonlyMap<string, Schema.Top> = new Map(
  Object.values(byFile).flatMap((types) =>
    Object.entries(types).map(([name, schema]) => [`google.protobuf.${name}`, schema] as const)
  )
)

/** The file that has a type of `google.protobuf`. */
export const fileOf = (type: string): string | undefined =>
  Object.entries(byFile)
    .filter(([, types]) => Object.keys(types).some((name) => `google.protobuf.${name}` === type))
    .map(([file]) => pathOf(file))[0]
