/**
 * Names of instances: what runs something, for whom, and which one it is. Nothing of two instances ever meets.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { InvalidArgument } from "./ConnectionError.ts"
import { shown } from "./internal/shown.ts"
import * as WebCrypto from "./internal/webCrypto.ts"

/**
 * What an instance runs in.
 *
 * @category models
 */
export const RuntimeType = Schema.Literals(["process", "worker", "wasm", "kubernetes"])

/**
 * The type of {@link RuntimeType}.
 *
 * @category models
 */
export type RuntimeType = typeof RuntimeType.Type

// Half a character, as a text of JavaScript may have it, can't be written in UTF-8.
const whole = /^\P{Surrogate}*$/u

const NamePart = Schema.NonEmptyString.check(Schema.isPattern(whole, { expected: "a text of whole characters" }))

/**
 * The name of one instance: it compares by value, and prints as {@link parse} reads it.
 *
 * **Details**
 *
 * - `runtime`: what it runs in.
 * - `namespace`: for whom, or of what, it is one; any text but the empty one.
 * - `instance`: which one of those it is; any text but the empty one.
 *
 * It is its own schema, by which it travels. The constructor is for names that are known to be good, and throws at others;
 * {@link make} fails.
 *
 * @category models
 */
export class InstanceId extends Schema.Class<InstanceId>("troupe/net/InstanceId")({
  runtime: RuntimeType,
  namespace: NamePart,
  instance: NamePart
}) {
  override toString(): string {
    return `${this.runtime}/${encodeURIComponent(this.namespace)}/${encodeURIComponent(this.instance)}`
  }
}

/**
 * Makes the name of an instance.
 *
 * **Errors**
 *
 * `InvalidArgument` when the namespace or the instance is empty, or no text of whole characters.
 *
 * **Example** (A name)
 *
 * ```ts import.meta.vitest
 * import { Effect, Equal } from "effect"
 * import { InstanceId } from "troupe/net"
 *
 * const program = Effect.gen(function* () {
 *   const id = yield* InstanceId.make({ runtime: "process", namespace: "resize images", instance: "1" })
 *   const read = yield* InstanceId.parse(String(id))
 *   const refused = yield* Effect.flip(InstanceId.make({ runtime: "process", namespace: "", instance: "1" }))
 *   return [String(id), Equal.equals(id, read), refused.message]
 * })
 * Effect.runSync(program) // => ["process/resize%20images/1", true, "namespace is empty: give it at least one character."]
 * ```
 *
 * @category constructors
 */
export const make = (parts: {
  readonly runtime: RuntimeType
  readonly namespace: string
  readonly instance: string
}): Effect.Effect<InstanceId, InvalidArgument> =>
  Effect.suspend(() => {
    for (const argument of ["namespace", "instance"] as const) {
      if (parts[argument] === "") return invalid(argument, "is empty: give it at least one character")
      if (!whole.test(parts[argument])) return invalid(argument, `is ${shown(parts[argument])}, with half a character`)
    }
    return Effect.succeed(new InstanceId(parts))
  })

/**
 * Reads a name in the form in which it prints, `runtime/namespace/instance`, with what stands in the way written as in an URL.
 *
 * **Errors**
 *
 * `InvalidArgument` when the text has another form, or the parts are none that {@link make} takes.
 *
 * @category constructors
 */
export const parse = (text: string): Effect.Effect<InstanceId, InvalidArgument> => parseAs("instance id", text)

const parseAs = Effect.fnUntraced(function* (argument: string, text: string) {
  const form = `is ${shown(text)}, and reads runtime/namespace/instance`
  const [runtime, ...names] = text.split("/")
  const [namespace, instance, ...rest] = yield* Effect.try({
    try: () => names.map(decodeURIComponent),
    catch: () => new InvalidArgument({ argument, detail: form })
  })
  if (namespace === undefined || instance === undefined || rest.length > 0) return yield* invalid(argument, form)
  if (!isRuntime(runtime)) {
    return yield* invalid(argument, `is ${shown(text)}, and begins with one of ${RuntimeType.literals.join(", ")}`)
  }
  return yield* make({ runtime, namespace, instance })
})

const isRuntime = Schema.is(RuntimeType)

/**
 * The path of the unix socket of an instance: two names never have the same in one folder, whatever stands in them.
 *
 * **Details**
 *
 * It is a name that can be read, such as `process.images.1.sock`, where both parts have lower case letters, digits, `-` and
 * `_` alone and the path is short enough. Otherwise as much of it as there is room for, and a hash of the whole, so that it is
 * also another one where the file system takes `A` for `a`. It has 103 bytes at most, which each system takes.
 *
 * `folder`: the path of a folder that nobody else can write to; it is neither made nor looked at.
 *
 * **Errors**
 *
 * `InvalidArgument` when the folder is empty, or its path has more than 64 bytes.
 *
 * **Example** (Paths)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { InstanceId } from "troupe/net"
 *
 * const path = (namespace: string) =>
 *   Effect.flatMap(InstanceId.make({ runtime: "process", namespace, instance: "1" }), (id) =>
 *     InstanceId.socketPath(id, "/run/troupe")
 *   )
 *
 * await Effect.runPromise(path("images")) // => "/run/troupe/process.images.1.sock"
 * await Effect.runPromise(path("Images")) // => "/run/troupe/process.-mages.1~77c03351e545cea5408f6f2cd2b37675.sock"
 * ```
 *
 * @category addresses
 */
export const socketPath = Effect.fnUntraced(function* (
  id: InstanceId,
  folder: string
): Effect.fn.Return<string, InvalidArgument> {
  if (folder === "") return yield* invalid("folder", "is empty: give the path of one that is there")
  const base = folder.endsWith("/") ? folder : `${folder}/`
  const room = MaxPath - utf8.encode(base).length
  // Whatever the name: a folder that is good for one is good for all.
  if (room < HashedEnd) {
    return yield* invalid("folder", `is ${shown(folder)}, ${HashedEnd - room} bytes too long for sockets in it`)
  }
  const parts = [id.runtime, id.namespace, id.instance]
  const readable = `${parts.join(".")}.sock`
  if (parts.every((part) => plain.test(part)) && readable.length <= room) return `${base}${readable}`

  // Where there are such sockets, there is WebCrypto. 128 bits, so that nobody finds a name with the hash of another.
  const digest = yield* Effect.orDie(WebCrypto.sha256(String(id)))
  const hash = Array.from(digest.subarray(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join("")
  const start = parts.map((part) => part.replaceAll(/[^a-z0-9_-]/g, "-")).join(".")
  return `${base}${start.slice(0, room - HashedEnd)}~${hash}.sock`
})

// What macOS has room for, without the zero at the end; Linux has room for 107.
const MaxPath = 103

// Of a mark that stands in no readable name, the hash, and `.sock`.
const HashedEnd = 1 + 32 + 5

const plain = /^[a-z0-9_-]+$/

const utf8 = new TextEncoder()

/**
 * What a child process gets into its environment, for it to know by {@link fromEnvironment} which instance it is.
 *
 * @category environment
 */
export const toEnvironment = (id: InstanceId): { readonly [Variable]: string } => ({ [Variable]: String(id) })

/**
 * Which instance this program is, by the environment that its parent gave it.
 *
 * **Errors**
 *
 * `InvalidArgument` when the environment does not say it, or says something else.
 *
 * **Example** (A child that learns who it is)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { InstanceId } from "troupe/net"
 *
 * const program = Effect.gen(function* () {
 *   const id = yield* InstanceId.make({ runtime: "process", namespace: "images", instance: "1" })
 *   const environment = { PATH: "/usr/bin", ...InstanceId.toEnvironment(id) }
 *   return String(yield* InstanceId.fromEnvironment(environment))
 * })
 * Effect.runSync(program) // => "process/images/1"
 * ```
 *
 * @category environment
 */
export const fromEnvironment = (environment: {
  readonly [name: string]: string | undefined
}): Effect.Effect<InstanceId, InvalidArgument> =>
  Effect.suspend(() => {
    const text = environment[Variable]
    return text === undefined
      ? invalid(Variable, "is not in the environment: have its runtime start this program")
      : parseAs(Variable, text)
  })

const Variable = "TROUPE_INSTANCE"

const invalid = (argument: string, detail: string) => Effect.fail(new InvalidArgument({ argument, detail }))
