/**
 * Source in the form that its reader likes: that of prettier, with the configuration of the place where it is written.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { load, type MissingPackage } from "../../../command/driver/MissingPackage.ts"

/**
 * Source could not be formatted: the configuration of prettier does not work, say.
 *
 * @category errors
 */
export class NotFormatted extends Schema.TaggedError<NotFormatted>()("NotFormatted", {
  path: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.path} can't be formatted: ${this.detail}. Look at the configuration of prettier for this path.`
  }
}

/**
 * Formats the source of the file at a path.
 *
 * **Errors**
 *
 * - `MissingPackage`: prettier is not installed.
 * - `NotFormatted`: its configuration does not work, or does not know such files.
 *
 * @category formatting
 */
export const format = Effect.fnUntraced(function* (
  path: string,
  source: string
): Effect.fn.Return<string, MissingPackage | NotFormatted> {
  const prettier = yield* load("prettier", () => import("prettier"))
  const attempt = <A>(run: () => Promise<A>) =>
    Effect.tryPromise({
      try: run,
      catch: (error) => new NotFormatted({ path, detail: error instanceof Error ? error.message : String(error) })
    })
  const config = yield* attempt(() => prettier.resolveConfig(path, { editorconfig: true }))
  return yield* attempt(() => prettier.format(source, { ...config, filepath: path }))
})
