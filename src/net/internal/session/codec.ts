/**
 * The way of values onto the wire and back: as JSON through their schemas, and bytes as bytes.
 */
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { Rpc } from "effect/rpc"
import * as RpcSchema from "effect/rpc/RpcSchema"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as frames from "../frames.ts"
import { type Body, textOf } from "./packet.ts"

/** The values of one schema. */
export interface Codec {
  /** Whether values are bytes, which need no JSON. */
  readonly isRaw: boolean
  /** What stands for the value in JSON; or why it is not one of the schema. */
  readonly toJson: (value: unknown) => Result.Result<unknown, string>
  readonly fromJson: (json: unknown) => Result.Result<unknown, string>
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const resultOf = <A>(exit: Exit.Exit<A, Schema.SchemaError>): Result.Result<A, string> => {
  if (Exit.isSuccess(exit)) return Result.succeed(exit.value)
  const error = Exit.findErrorOption(exit)
  return Result.fail(Option.isSome(error) ? error.value.message : "its schema could not tell")
}

const nothing: Codec = {
  isRaw: false,
  toJson: () => Result.succeed(null),
  fromJson: () => Result.succeed(undefined)
}

const bytes: Codec = {
  isRaw: true,
  toJson: (value) =>
    value instanceof Uint8Array ? Result.succeed(value) : Result.fail("Expected bytes, as a Uint8Array"),
  fromJson: () => Result.fail("Expected bytes, got JSON")
}

const views: Codec = { ...bytes }

const jsonCodec = (schema: Schema.Top): Codec => {
  const codec = Schema.toCodecJson(schema as Schema.Codec<unknown>)
  const encode = Schema.encodeUnknownExit(codec)
  const decode = Schema.decodeUnknownExit(codec)
  return {
    isRaw: false,
    toJson: (value) => resultOf(encode(value)),
    fromJson: (json) => resultOf(decode(json))
  }
}

// Whether all values are bytes.
const isBytes = (schema: Schema.Top): boolean => SchemaAST.toType(schema.ast) === Schema.Uint8Array.ast

const known = new WeakMap<Schema.Top, Codec>()

/** Bytes, of which a reader gets a view of the frame that they came in, and no copy: for routes of this library's own. */
export const BytesInPlace = Schema.Uint8Array.annotate({})
known.set(BytesInPlace, views)

/** The codec of a schema, which needs no services. */
export const codecOf = (schema: Schema.Top): Codec => {
  let codec = known.get(schema)
  if (codec === undefined) {
    codec = SchemaAST.isVoid(schema.ast) ? nothing : isBytes(schema) ? bytes : jsonCodec(schema)
    known.set(schema, codec)
  }
  return codec
}

/** The body of a value; or why it is not one of the schema. */
export const bodyOf = (codec: Codec, value: unknown): Result.Result<Body, string> => {
  if (codec === nothing) return Result.succeed("")
  return Result.map(codec.toJson(value), (json) => (codec.isRaw ? (json as Uint8Array) : JSON.stringify(json)))
}

const parse = (body: Uint8Array): Result.Result<unknown, string> =>
  Result.try({ try: (): unknown => JSON.parse(textOf(body)), catch: wordsOf })

/** The value of a body; or why it is none. */
export const valueOf = (codec: Codec, body: Uint8Array, isRaw: boolean): Result.Result<unknown, string> => {
  if (codec === nothing) return Result.succeed(undefined)
  if (isRaw !== codec.isRaw) return Result.fail(isRaw ? "Expected JSON, got bytes" : "Expected bytes, got JSON")
  // A copy, which is its reader's own: the body is a view of a frame.
  return isRaw
    ? Result.succeed(codec === views ? body : new Uint8Array(body))
    : Result.flatMap(parse(body), codec.fromJson)
}

/** The body of several values: a JSON array, or each behind its length. */
export const bodyOfAll = (codec: Codec, values: ReadonlyArray<unknown>): Result.Result<Body, string> => {
  return Result.map(Result.all(values.map(codec.toJson)), (encoded) =>
    codec.isRaw ? framesOf(encoded as ReadonlyArray<Uint8Array>) : JSON.stringify(encoded)
  )
}

/** The values of a body of several. */
export const valuesOf = (
  codec: Codec,
  body: Uint8Array,
  isRaw: boolean
): Result.Result<ReadonlyArray<unknown>, string> => {
  if (isRaw !== codec.isRaw) return Result.fail(isRaw ? "Expected JSON, got bytes" : "Expected bytes, got JSON")
  if (isRaw) return piecesOf(body)
  return Result.flatMap(parse(body), (json) =>
    Array.isArray(json) ? Result.all(json.map(codec.fromJson)) : Result.fail("Expected an array of values")
  )
}

const framesOf = (pieces: ReadonlyArray<Uint8Array>): Uint8Array => {
  const [first, ...others] = pieces
  return first === undefined ? new Uint8Array() : frames.encode([first, ...others])
}

const piecesOf = (body: Uint8Array): Result.Result<ReadonlyArray<Uint8Array>, string> => {
  const decoder = new frames.Decoder(frames.MaxFrame)
  const pieces: Array<Uint8Array> = []
  const tooLong = decoder.push(body, pieces)
  return tooLong !== undefined || decoder.isAmidFrame
    ? Result.fail("Expected each value behind its length")
    : Result.succeed(pieces)
}

/** A route, as both sides need it. */
export interface Route {
  readonly name: string
  readonly payload: Codec
  /** The reply, or one value of the stream. */
  readonly success: Codec
  readonly error: Codec
  readonly isStream: boolean
}

const routeOf = (rpc: Rpc.AnyWithProps): Route => {
  const payload = codecOf(rpc.payloadSchema)
  const { successSchema } = rpc
  return RpcSchema.isStreamSchema(successSchema)
    ? {
        name: rpc._tag,
        payload,
        success: codecOf(successSchema.success),
        error: codecOf(Schema.Union([successSchema.error, rpc.errorSchema])),
        isStream: true
      }
    : {
        name: rpc._tag,
        payload,
        success: codecOf(successSchema),
        error: codecOf(rpc.errorSchema),
        isStream: false
      }
}

type Routes = ReadonlyMap<string, Route>

const routesByRpcs = new WeakMap<ReadonlyArray<Rpc.Any>, Routes>()

/** The routes of one side of a protocol, by name: all its connections share them. */
export const routesOf = (rpcs: ReadonlyArray<Rpc.Any>): Routes => {
  let routes = routesByRpcs.get(rpcs)
  if (routes === undefined) {
    routes = new Map((rpcs as ReadonlyArray<Rpc.AnyWithProps>).map((rpc) => [rpc._tag, routeOf(rpc)]))
    routesByRpcs.set(rpcs, routes)
  }
  return routes
}
