/**
 * Types of actors: whose service it is, which one, and in which version. A client names the versions that it can do with.
 */
import * as Effect from "effect/Effect"
import * as Order_ from "effect/Order"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SemVer from "effect/SemVer"
import * as SemVerRange from "effect/SemVerRange"
import { InvalidArgument } from "./ConnectionError.ts"
import { shown } from "./internal/shown.ts"

// What stands in paths, in topics and in `.proto` packages alike needs no escape there.
const plain = /^[A-Za-z][A-Za-z0-9_-]*$/

const Name = Schema.String.check(
  Schema.isPattern(plain, { expected: "a name of letters, digits, - and _ that begins with a letter" })
)

/**
 * The type of an actor: it compares by value, and prints as {@link parse} reads it.
 *
 * **Details**
 *
 * - `manufacturer`: whose it is. It and the name have letters, digits, `-` and `_`, and begin with a letter.
 * - `name`: which of theirs.
 * - `version`: a semantic version.
 *
 * It is its own schema, by which it travels. The constructor is for types that are known to be good, and throws at others;
 * {@link make} fails.
 *
 * @category models
 */
export class ActorType extends Schema.Class<ActorType>("troupe/net/ActorType")({
  manufacturer: Name,
  name: Name,
  version: Schema.SemVer
}) {
  override toString(): string {
    return `${this.manufacturer}/${this.name}@${SemVer.format(this.version)}`
  }
}

/**
 * Makes the type of an actor.
 *
 * **Errors**
 *
 * `InvalidArgument` when a name has other characters than it may, or the version is no semantic version.
 *
 * **Example** (A type)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { ActorType } from "troupe/net"
 *
 * const program = Effect.gen(function* () {
 *   const type = yield* ActorType.make({ manufacturer: "acme", name: "StreamEchoServer", version: "1.2.0" })
 *   const refused = yield* Effect.flip(ActorType.parse("acme/StreamEchoServer@1.2"))
 *   return [String(type), refused._tag]
 * })
 * Effect.runSync(program) // => ["acme/StreamEchoServer@1.2.0", "InvalidArgument"]
 * ```
 *
 * @category constructors
 */
export const make = Effect.fnUntraced(function* (parts: {
  readonly manufacturer: string
  readonly name: string
  readonly version: string
}): Effect.fn.Return<ActorType, InvalidArgument> {
  const names = yield* namesOf(parts)
  const version = yield* semantic("version", parts.version, SemVer.parse)
  return new ActorType({ ...names, version })
})

/**
 * Reads a type in the form in which it prints, `manufacturer/name@version`.
 *
 * **Errors**
 *
 * `InvalidArgument` when the text has another form, or the parts are none that {@link make} takes.
 *
 * @category constructors
 */
export const parse = (text: string): Effect.Effect<ActorType, InvalidArgument> =>
  Effect.flatMap(split("actor type", text, "manufacturer/name@version"), ({ version, ...names }) =>
    version === undefined
      ? invalid("actor type", `is ${shown(text)}, and has no version: write it behind an @, as in acme/Echo@1.2.0`)
      : make({ ...names, version })
  )

/**
 * Sorts types by manufacturer, name and version, the oldest version first.
 *
 * @category ordering
 */
export const Order: Order_.Order<ActorType> = Order_.combineAll([
  Order_.mapInput(Order_.String, (type: ActorType) => type.manufacturer),
  Order_.mapInput(Order_.String, (type: ActorType) => type.name),
  Order_.mapInput(SemVer.Order, (type: ActorType) => type.version)
])

/**
 * What a client accepts: a type, and a range of its versions. It compares by value, and prints as {@link parseRange} reads it.
 *
 * @category models
 */
export class Range extends Schema.Class<Range>("troupe/net/ActorType/Range")({
  manufacturer: Name,
  name: Name,
  versions: Schema.SemVerRange
}) {
  override toString(): string {
    return `${this.manufacturer}/${this.name}@${SemVerRange.format(this.versions)}`
  }
}

/**
 * Reads what a client accepts, `manufacturer/name@range`; without a range it is any version that is no pre-release.
 *
 * **Details**
 *
 * Ranges are those of npm: `^1.2.0`, `~1.2`, `>=1.2 <3`, `1.x || 2.x`, `*`.
 *
 * **Errors**
 *
 * `InvalidArgument` when the text has another form, or the names or the range are none.
 *
 * **Example** (Versions that a client accepts)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { ActorType } from "troupe/net"
 *
 * const program = Effect.gen(function* () {
 *   const range = yield* ActorType.parseRange("acme/Echo@^1.2.0")
 *   const types = yield* Effect.forEach(["acme/Echo@1.1.9", "acme/Echo@1.4.0", "acme/Echo@2.0.0"], ActorType.parse)
 *   return types.filter((type) => ActorType.accepts(range, type)).map(String)
 * })
 * Effect.runSync(program) // => ["acme/Echo@1.4.0"]
 * ```
 *
 * @category ranges
 */
export const parseRange = Effect.fnUntraced(function* (text: string): Effect.fn.Return<Range, InvalidArgument> {
  const { version, ...parts } = yield* split("actor type range", text, "manufacturer/name@range")
  const names = yield* namesOf(parts)
  if (version === undefined) return new Range({ ...names, versions: SemVerRange.any })
  // To npm the empty range is any version; here it is more likely a range that somebody forgot.
  if (version.trim() === "") return yield* invalid("actor type range", `is ${shown(text)}, with nothing behind the @`)
  return new Range({ ...names, versions: yield* semantic("range", version, SemVerRange.parse) })
})

/**
 * What a client accepts that was made for a version: that one and those after it that keep to it, as semantic versions say.
 *
 * @category ranges
 */
export const compatible = (type: ActorType): Range =>
  new Range({ manufacturer: type.manufacturer, name: type.name, versions: SemVerRange.caret(type.version) })

/**
 * Whether a client that accepts the range can do with the type.
 *
 * @category ranges
 */
export const accepts = (range: Range, type: ActorType): boolean =>
  isNamed(range, type) && SemVerRange.matches(range.versions, type.version)

const isNamed = (range: Range, type: ActorType): boolean =>
  range.manufacturer === type.manufacturer && range.name === type.name

interface Names {
  readonly manufacturer: string
  readonly name: string
}

const namesOf = ({ manufacturer, name }: Names): Effect.Effect<Names, InvalidArgument> => {
  const bad = Object.entries({ manufacturer, name }).find(([, value]) => !plain.test(value))
  if (bad === undefined) return Effect.succeed({ manufacturer, name })
  const [argument, value] = bad
  return invalid(argument, `is ${shown(value)}: use letters, digits, - and _, and begin with a letter`)
}

const split = (
  argument: string,
  text: string,
  form: string
): Effect.Effect<Names & { readonly version: string | undefined }, InvalidArgument> => {
  const at = text.indexOf("@")
  const [manufacturer, name, ...rest] = (at < 0 ? text : text.slice(0, at)).split("/")
  if (manufacturer === undefined || name === undefined || rest.length > 0) {
    return invalid(argument, `is ${shown(text)}, and reads ${form}`)
  }
  return Effect.succeed({ manufacturer, name, version: at < 0 ? undefined : text.slice(at + 1) })
}

const semantic = <A>(
  argument: string,
  text: string,
  read: (text: string) => Result.Result<A, SemVer.SemVerError>
): Effect.Effect<A, InvalidArgument> =>
  Effect.fromResult(
    Result.mapError(
      read(text),
      ({ message }) => new InvalidArgument({ argument, detail: `is ${shown(text)}, which can't be read: ${message}` })
    )
  )

const invalid = (argument: string, detail: string) => Effect.fail(new InvalidArgument({ argument, detail }))
