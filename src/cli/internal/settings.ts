/**
 * The settings of a project, `troupe.json`: what it is, which services it needs, and which it has.
 */
import { isArrayNonEmpty } from "effect/Array"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Schema from "effect/Schema"
import * as ActorType from "../../net/ActorType.ts"
import type { Address } from "../../net/Address.ts"
import { parseAddress } from "./address.ts"
import { decodeDocument, Name } from "./document.ts"
import { type FileFailed, InvalidSettings, type Problem, SettingsNotFound } from "./errors.ts"
import { readText } from "./files.ts"

export const fileName = "troupe.json"

/** A service of another program, under the name that this project has for it. */
export interface Dependency {
  readonly name: string
  readonly range: ActorType.Range
}

/** A contract of this project: a document that `Contract.print` wrote, or a `.proto` file with what that does not say. */
export interface LocalContract {
  readonly name: string
  /** Beside `troupe.json`, as it stands there. */
  readonly file: string
  readonly proto: Proto | undefined
}

export interface Proto {
  readonly type: ActorType.ActorType
  readonly protocol: string
  readonly service: string | undefined
}

export interface Settings {
  readonly name: string
  readonly type: ActorType.ActorType
  readonly directory: Address | undefined
  /** Sorted by name. */
  readonly dependencies: ReadonlyArray<Dependency>
  /** Sorted by name. */
  readonly contracts: ReadonlyArray<LocalContract>
}

/** Settings, and the folder in which they lie. */
export interface Project {
  readonly folder: string
  readonly settings: Settings
}

const ProtoContract = Schema.Struct({
  file: Schema.String.check(Schema.isPattern(/\.proto$/, { expected: "the path of a .proto file" })),
  protocol: Schema.NonEmptyString,
  type: Schema.optionalKey(Schema.String),
  service: Schema.optionalKey(Schema.NonEmptyString)
})

const Document = Schema.Struct({
  name: Name,
  type: Schema.String,
  directory: Schema.optionalKey(Schema.String),
  dependencies: Schema.optionalKey(Schema.Record(Name, Schema.String)),
  contracts: Schema.optionalKey(
    Schema.Record(
      Name,
      Schema.Union([
        Schema.String.check(
          Schema.isPattern(/\.json$/, { expected: "the path of a .json document, or an object with a .proto file" })
        ),
        ProtoContract
      ])
    )
  )
})

const read = decodeDocument(Document)

/** Reads the text of `troupe.json`; fails with all that is wrong with it. */
export const parse = (text: string): Effect.Effect<Settings, readonly [Problem, ...Array<Problem>]> =>
  Effect.gen(function* () {
    const document = yield* read(text)
    const problems: Array<Problem> = []
    // What can't be read is told, and the rest goes on.
    const part = <A>(at: string, reading: Effect.Effect<A, { readonly message: string }>) =>
      Effect.catch(reading, ({ message }) => {
        problems.push({ at, detail: message })
        return Effect.undefined
      })
    const type = yield* part("type", ActorType.parse(document.type))
    const directory =
      document.directory === undefined ? undefined : yield* part("directory", parseAddress(document.directory))
    const dependencies: Array<Dependency> = []
    for (const [name, text] of sorted(document.dependencies)) {
      const range = yield* part(`dependencies.${name}`, ActorType.parseRange(text))
      if (range !== undefined) dependencies.push({ name, range })
    }
    const contracts: Array<LocalContract> = []
    for (const [name, entry] of sorted(document.contracts)) {
      if (typeof entry === "string") {
        contracts.push({ name, file: entry, proto: undefined })
        continue
      }
      const { file, protocol, service } = entry
      const own = entry.type === undefined ? type : yield* part(`contracts.${name}.type`, ActorType.parse(entry.type))
      if (own !== undefined) contracts.push({ name, file, proto: { type: own, protocol, service } })
    }
    // A type that can't be read is a problem, too.
    if (isArrayNonEmpty(problems) || type === undefined) return yield* Effect.fail(problems as [Problem])
    return { name: document.name, type, directory, dependencies, contracts }
  })

const sorted = <A>(entries: Readonly<Record<string, A>> | undefined): ReadonlyArray<readonly [string, A]> =>
  Object.entries(entries ?? {}).toSorted(([one], [other]) => (one < other ? -1 : 1))

/** Reads the settings of the project in this folder. */
export const load: Effect.Effect<
  Project,
  SettingsNotFound | InvalidSettings | FileFailed,
  FileSystem.FileSystem | Path.Path
> = Effect.gen(function* () {
  const paths = yield* Path.Path
  const path = paths.resolve(fileName)
  const text = yield* readText(path)
  if (text === undefined) return yield* new SettingsNotFound({ path })
  const settings = yield* Effect.mapError(parse(text), (problems) => new InvalidSettings({ path, problems }))
  return { folder: paths.dirname(path), settings }
})

/** The text of new settings. */
export const print = (settings: { readonly name: string; readonly type: ActorType.ActorType }): string =>
  `${JSON.stringify({ name: settings.name, type: String(settings.type), dependencies: {}, contracts: {} }, undefined, 2)}\n`
