/**
 * A package that a driver needs is not installed.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/**
 * A driver's package could not be loaded: it is not installed, or does not load here.
 *
 * @category errors
 */
export class MissingPackage extends Schema.TaggedError<MissingPackage>()("MissingPackage", {
  package: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `The package ${this.package} could not be loaded: ${this.detail}. Install it: npm install ${this.package}`
  }
}

/**
 * Loads a package that only users of this driver install.
 *
 * **Details**
 *
 * - `name`: the package, as it is installed.
 * - `importing`: imports it, with a literal `import()`, which bundlers and the compiler follow.
 *
 * **Errors**
 *
 * `MissingPackage` names what to install.
 *
 * @category loading
 */
export const load = <A>(name: string, importing: () => Promise<A>): Effect.Effect<A, MissingPackage> =>
  Effect.tryPromise({
    try: importing,
    catch: (error) =>
      new MissingPackage({
        package: name,
        detail: error instanceof Error ? error.message.split("\n")[0]! : String(error)
      })
  })
