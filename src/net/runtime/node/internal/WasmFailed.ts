/** The typed error of functions of WebAssembly. */
import * as Schema from "effect/Schema"

/**
 * A function of a module has not answered: it trapped, or what it answered is no output. The instance goes on, with the
 * module made anew.
 *
 * @category errors
 */
export class WasmFailed extends Schema.TaggedError<WasmFailed>()("WasmFailed", {
  route: Schema.String,
  reason: Schema.Literals(["Trapped", "InvalidOutput"]),
  detail: Schema.String
}) {
  override get message(): string {
    const next =
      this.reason === "Trapped" ? "Mend the function, or its input." : "Compare the function with what a route is."
    return `The function "${this.route}" ${this.reason === "Trapped" ? "trapped" : "gave no output"}: ${this.detail}. ${next}`
  }
}
