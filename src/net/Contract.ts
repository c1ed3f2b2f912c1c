/**
 * Contracts of services: what a protocol says, as a value that can be kept, sent, compared and read without its code.
 */
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type * as SchemaRepresentation from "effect/SchemaRepresentation"
import type { ActorType } from "./ActorType.ts"
import { InvalidContract, type InvalidProto, type NotExportable, type NotInProto } from "./ContractError.ts"
import { canonicalOf } from "./internal/contract/canonical.ts"
import * as comparing from "./internal/contract/compare.ts"
import * as document from "./internal/contract/document.ts"
import * as protoReading from "./internal/contract/protoReading.ts"
import * as protoWriting from "./internal/contract/protoWriting.ts"
import * as WebCrypto from "./internal/webCrypto.ts"
import type * as Protocol from "./Protocol.ts"

/**
 * What one route takes and gives.
 *
 * @category models
 */
export interface Route {
  readonly name: string
  /** The schemas of both sides as they are on the wire, in `effect`'s own representation. */
  readonly payload: SchemaRepresentation.Representation
  /** What the answer is; for a stream, what each of its values is. */
  readonly success: SchemaRepresentation.Representation
  readonly error: SchemaRepresentation.Representation
  readonly stream: boolean
}

/**
 * What a service says: its type, the name of its protocol, and the routes of both sides, sorted by name.
 *
 * **Details**
 *
 * - `server`: what whoever listens handles; `client`: what whoever connects handles.
 * - `references`: the schemas that routes name, such as those of classes and recursive ones.
 *
 * @category models
 */
export interface Contract {
  readonly type: ActorType
  readonly protocol: string
  readonly server: ReadonlyArray<Route>
  readonly client: ReadonlyArray<Route>
  readonly references: SchemaRepresentation.References
}

/**
 * Makes the contract of a protocol that an actor of the type speaks.
 *
 * **Details**
 *
 * Schemas are exported as their encoded side: a class as its fields, a transformation as what it is on the wire. Those that
 * `effect` declares, such as `Schema.Date`, keep their name. The routes of an `RpcGroup` are `[...group.requests.values()]`.
 *
 * **Errors**
 *
 * `NotExportable` when a schema is code alone, as a filter or a declaration without a `representation` is, when it has a
 * symbol that is not registered, or when two routes of one side have the same name.
 *
 * **Example** (A contract)
 *
 * ```ts import.meta.vitest
 * import { Effect, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { ActorType, Contract, Protocol } from "troupe/net"
 *
 * const Echo = Protocol.make("app:echo", {
 *   server: [Rpc.make("echo", { payload: Schema.String, success: Schema.String })]
 * })
 *
 * const program = Effect.gen(function* () {
 *   const type = yield* ActorType.parse("acme/Echo@1.0.0")
 *   const contract = yield* Contract.make({ type, protocol: Echo })
 *   const read = yield* Contract.parse(Contract.print(contract))
 *   return [read.protocol, read.server.map((route) => route.name)]
 * })
 * Effect.runSync(program) // => ["app:echo", ["echo"]]
 * ```
 *
 * @category constructors
 */
export const make: (options: {
  readonly type: ActorType
  readonly protocol: Protocol.Any
}) => Effect.Effect<Contract, NotExportable> = document.make

/**
 * The document of a contract, as JSON.
 *
 * @category documents
 */
export const toJson: (contract: Contract) => Schema.Json = document.toJson

/**
 * Reads a document that {@link toJson} wrote.
 *
 * **Errors**
 *
 * `InvalidContract`, which says where, when it has another form, or names a schema that it does not have.
 *
 * @category documents
 */
export const fromJson: (json: unknown) => Effect.Effect<Contract, InvalidContract> = document.fromJson

/**
 * The document of a contract, as a text to be kept in a file.
 *
 * @category documents
 */
export const print = (contract: Contract): string => `${JSON.stringify(toJson(contract), undefined, 2)}\n`

/**
 * Reads a text that {@link print} wrote.
 *
 * **Errors**
 *
 * `InvalidContract` when it is not JSON, or {@link fromJson} does not take it.
 *
 * @category documents
 */
export const parse = (text: string): Effect.Effect<Contract, InvalidContract> =>
  Effect.flatMap(
    Effect.try({
      try: (): unknown => JSON.parse(text),
      catch: (error) => new InvalidContract({ path: "", detail: `is not JSON (${String(error)})` })
    }),
    fromJson
  )

/**
 * A text of 64 characters that is the same for contracts that say the same, and another for those that don't.
 *
 * **Details**
 *
 * It is the SHA-256 of a canonical form, which has the name of the protocol, the routes and what they take and give. These
 * make no difference: the type and its version; the order of routes, fields and members of unions; annotations; the names
 * of classes and other schemas, and whether a schema is named or written out; mutability.
 *
 * **Example** (Names do not matter)
 *
 * ```ts import.meta.vitest
 * import { Effect, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { ActorType, Contract, Protocol } from "troupe/net"
 *
 * class User extends Schema.Class<User>("User")({ name: Schema.String, age: Schema.Int }) {}
 *
 * const fingerprint = Effect.fnUntraced(function* (payload: Schema.Top) {
 *   const type = yield* ActorType.parse("acme/Users@1.0.0")
 *   const protocol = Protocol.make("app:users", { server: [Rpc.make("add", { payload })] })
 *   return yield* Contract.fingerprint(yield* Contract.make({ type, protocol }))
 * })
 *
 * const named = await Effect.runPromise(fingerprint(User))
 * const written = await Effect.runPromise(fingerprint(Schema.Struct({ age: Schema.Int, name: Schema.String })))
 * named === written // => true
 * ```
 *
 * @category comparing
 */
export const fingerprint = Effect.fnUntraced(function* (contract: Contract): Effect.fn.Return<string> {
  // Where there are connections, there is WebCrypto.
  const digest = yield* Effect.orDie(WebCrypto.sha256(canonicalOf(contract)))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("")
})

/**
 * What a change means to those who were made for the version before, and to those who are made for the one after.
 *
 * **Details**
 *
 * - `"full"`: either can do with the other.
 * - `"backward"`: those made for the version before can do with the one after, but not the reverse.
 * - `"breaking"`: those made for the version before can't do with the one after.
 *
 * @category comparing
 */
export type Compatibility = comparing.Compatibility

/**
 * One thing that is another in the version after.
 *
 * @category comparing
 */
export type Change = comparing.Change

/**
 * How two versions of a contract differ: each change once, and the worst of them.
 *
 * @category comparing
 */
export type Comparison = comparing.Comparison

/**
 * Compares a contract with the version before it.
 *
 * **Details**
 *
 * What callers send may become wider: a field that may be left out, one member more in a union. What they receive may become
 * narrower. For the routes of the client it is the reverse. A field that whoever reads does not know is left out by them, and
 * breaks nothing. It is careful: where checks can't be compared, such as two patterns, it says that neither allows the other.
 *
 * **Example** (A field that is asked for)
 *
 * ```ts import.meta.vitest
 * import { Effect, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { ActorType, Contract, Protocol } from "troupe/net"
 *
 * const version = Effect.fnUntraced(function* (name: string, payload: Schema.Top) {
 *   const type = yield* ActorType.parse(name)
 *   const protocol = Protocol.make("app:users", { server: [Rpc.make("add", { payload })] })
 *   return yield* Contract.make({ type, protocol })
 * })
 *
 * const program = Effect.gen(function* () {
 *   const before = yield* version("acme/Users@1.0.0", Schema.Struct({ name: Schema.String }))
 *   const after = yield* version("acme/Users@2.0.0", Schema.Struct({ name: Schema.String, age: Schema.Int }))
 *   return Contract.compare(before, after).changes.map(String)
 * })
 * Effect.runSync(program) // => ['breaking: server route "add", payload.age: the field was added, and is required']
 * ```
 *
 * @category comparing
 */
export const compare: (before: Contract, after: Contract) => Comparison = comparing.compare

/**
 * The contract as a `.proto` file (proto3), for programs in other languages.
 *
 * **Details**
 *
 * The routes of the server are a service with the name of the type, those of the client one with `Client` behind it; the
 * manufacturer is the package. Payloads and answers are messages: one that is no struct is a message with the field `value`,
 * nothing at all is `google.protobuf.Empty`. Fields are numbered in their order, or as the `.proto` file had them which the
 * contract was read from. Literals of text are an enum, other unions a message with a `oneof`.
 *
 * Checks are left out, but for those that say which type of number it is. Errors are written as messages and named in a
 * comment, since `.proto` has none; reading it back gives routes that don't fail.
 *
 * **Errors**
 *
 * `NotInProto` for what it can't say, such as tuples, arrays of arrays and names with other characters.
 *
 * @category proto
 */
export const toProto: (contract: Contract) => Effect.Effect<string, NotInProto> = protoWriting.write

/**
 * Which of several `.proto` files to read as a contract, and as whose.
 *
 * @category proto
 */
export type ProtoOptions = protoReading.ProtoOptions

/**
 * Reads `.proto` files (proto3) as the contract of a service.
 *
 * **Details**
 *
 * - `files`: each with the name under which others import it. Those of `google/protobuf` need not be there: `timestamp`,
 *   `duration`, `struct`, `wrappers`, `any` and `empty` are known.
 * - `main`: which of them has the service.
 * - `protocol`: the name of the protocol.
 * - `service`: which service, if there are several. If there is also one with `Client` behind its name, that is what callers
 *   handle.
 *
 * 64-bit integers are `bigint`s, a field with a message or `optional` may be absent, an enum is the names of its values, a
 * `oneof` is a field of its name with `{ _tag, value }`.
 *
 * **Errors**
 *
 * `InvalidProto` with file and line: for a syntax error, for a name that is not there, and for what contracts don't have, such
 * as streams from callers and proto2.
 *
 * @category proto
 */
export const fromProto: (options: ProtoOptions) => Effect.Effect<Contract, InvalidProto> = protoReading.read
