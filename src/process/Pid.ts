/**
 * The address of a process: a value that prints, parses, compares and travels, and that knows which messages the
 * process takes.
 */
import * as Effect from "effect/Effect"
import type * as Equal from "effect/Equal"
import type { Rpc } from "effect/rpc"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaTransformation from "effect/SchemaTransformation"
import { type Topics, topicsOf } from "./internal/definition.ts"
import * as internal from "./internal/pid.ts"
import { Crossing } from "./internal/remoteCrossing.ts"
import { InvalidPid } from "./ProcessError.ts"

/**
 * The type-level and runtime key of `Pid`.
 *
 * @category type ids
 */
export const TypeId: "~troupe/process/Pid" = internal.TypeId

/**
 * The type of {@link TypeId}.
 *
 * @category type ids
 */
export type TypeId = typeof TypeId

/**
 * The address of one process, which takes the messages `Rpcs`.
 *
 * **Details**
 *
 * A pid is never used again for another process of its host. It compares by value, and prints as `{host|0x00004}`, or
 * `{node@host|0x00004}` when it names a process of another node. A pid that takes more messages may stand where one
 * that takes fewer is asked for, not the reverse; `Pid<never>` is any pid.
 *
 * A pid that came from another node also knows which run of that node it belongs to, out of sight: it never leads to a
 * process of a later run, and does not equal the pid of one. One that was read from text leads to whichever process has
 * its number when it is used.
 *
 * @category models
 */
export interface Pid<in Rpcs extends Rpc.Any = never> extends Equal.Equal {
  readonly [TypeId]: { readonly _Rpcs: (_: Rpcs) => void }
  /** The node that the process lives on; `undefined` for this one. */
  readonly node: string | undefined
  /** The name of its host. */
  readonly host: string
  /** Its number on that host, from 1 on. */
  readonly id: number
  toString(): string
}

/**
 * Whether a value is a `Pid`.
 *
 * @category guards
 */
export const isPid: (u: unknown) => u is Pid = internal.isPid

/**
 * Reads a pid in the form in which it prints, `{host|0x00004}` or `{node@host|0x00004}`.
 *
 * **Details**
 *
 * The process need not exist. The pid that results takes no messages as far as the compiler knows; {@link of} gives a
 * schema that names them. Fails with `InvalidPid` when the text has another form.
 *
 * **Example** (Reading a pid)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Pid } from "troupe"
 *
 * const pid = Effect.runSync(Pid.parse("{app:processes|0x00004}"))
 * pid.host // => "app:processes"
 * pid.id // => 4
 * String(pid) // => "{app:processes|0x00004}"
 * ```
 *
 * @category constructors
 */
export const parse = (text: string): Effect.Effect<Pid, InvalidPid> =>
  Effect.suspend(() => {
    const pid = internal.parseUnsafe(text)
    return pid === undefined ? Effect.fail(new InvalidPid({ input: text })) : Effect.succeed(pid)
  })

const schemaOf = <Rpcs extends Rpc.Any>(topics: (() => Topics) | undefined): Schema.Codec<Pid<Rpcs>, string> =>
  Schema.String.pipe(
    Schema.decodeTo(
      Schema.declare((u: unknown): u is Pid<Rpcs> => isPid(u), { expected: "a Pid" }),
      SchemaTransformation.transformEffect<Pid<Rpcs>, string>({
        decode: (text) =>
          Effect.flatMap(Crossing, (self) => {
            const pid = self === undefined ? internal.parseUnsafe(text, topics) : internal.fromWire(text, self, topics)
            return pid === undefined
              ? Effect.fail(new SchemaIssue.InvalidValue({ message: new InvalidPid({ input: text }).message }, text))
              : Effect.succeed(pid)
          }),
        encode: (pid) => Effect.map(Crossing, (self) => (self === undefined ? String(pid) : internal.toWire(pid, self)))
      })
    )
  )

/**
 * The schema of any pid; it is encoded as the text in which a pid prints.
 *
 * **Example** (Encoding and decoding a pid)
 *
 * ```ts import.meta.vitest
 * import { Schema } from "effect"
 * import { Pid } from "troupe"
 *
 * const pid = Schema.decodeSync(Pid.schema)("{app:processes|0x00004}")
 * pid.id // => 4
 * Schema.encodeSync(Pid.schema)(pid) // => "{app:processes|0x00004}"
 * ```
 *
 * @category schemas
 */
export const schema: Schema.Codec<Pid, string> = schemaOf<never>(undefined)

/**
 * The schema of a pid that takes the messages `rpcs`; it is encoded as the text in which a pid prints.
 *
 * **Details**
 *
 * What a process takes is not part of the text. A message that the process does not know is refused when it is sent. A pid
 * of another node that is decoded with this schema takes the messages `rpcs`, by whose schemas they cross; one that is
 * decoded with {@link schema}, or parsed, can be watched and ended, and takes no messages.
 *
 * **Example** (A pid in a payload)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Layer } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Pid, Process, ProcessHost } from "troupe"
 *
 * const Pong = Rpc.make("pong")
 * const Server = Process.make("app:server", { protocol: [Rpc.make("ping", { payload: Pid.of(Pong) })] })
 * const ServerLive = Server.toLayer(() =>
 *   Effect.flatMap(Server.receive(), (message) => Process.send(message.payload, "pong"))
 * )
 *
 * const Client = Process.make("app:client", { protocol: [Pong] })
 * const ClientLive = Client.toLayer(Effect.fn(function*() {
 *   const server = yield* Process.spawn(Server)
 *   yield* Process.send(server, "ping", yield* Client.self)
 *   return (yield* Client.receive()).topic
 * })).pipe(Layer.provide(ServerLive))
 *
 * const program = Effect.flatMap(Process.spawn(Client), Process.await)
 * await Effect.runPromise(Effect.provide(program, [ClientLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed("pong")
 * ```
 *
 * @category schemas
 */
export const of = <const Rpcs extends ReadonlyArray<Rpc.Any>>(
  ...rpcs: Rpcs
): Schema.Codec<Pid<Rpcs[number]>, string> => {
  let topics: Topics | undefined
  return schemaOf<Rpcs[number]>(() => (topics ??= topicsOf(rpcs)))
}
