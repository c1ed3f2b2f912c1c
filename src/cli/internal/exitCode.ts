/**
 * The exit codes of the command line: 0 all is well, 1 what was asked for failed, 2 it was asked for wrongly, 130 it was
 * interrupted.
 */

/** How the program ends, and what it says of it. */
export interface Ending {
  readonly code: number
  /** `undefined` where all was said. */
  readonly message: string | undefined
}

const usage: ReadonlySet<string> = new Set([
  "SettingsNotFound",
  "InvalidSettings",
  "NoDirectory",
  "InvalidDirectory",
  "InvalidCredentials",
  "InvalidTarget"
])

interface Tagged {
  readonly _tag: string
  readonly message: string
}

const isTagged = (error: unknown): error is Tagged =>
  typeof error === "object" && error !== null && "_tag" in error && "message" in error

/** How a command that failed ends. */
export const endingOf = (error: unknown): Ending => {
  if (!isTagged(error)) return { code: 1, message: String(error) }
  const { _tag, message } = error
  switch (_tag) {
    case "ShowHelp":
      // Wrong flags were told with the help.
      return {
        code: "errors" in error && Array.isArray(error.errors) && error.errors.length > 0 ? 2 : 0,
        message: undefined
      }
    case "ProgramEnded":
      return { code: "code" in error && typeof error.code === "number" ? error.code : 1, message: undefined }
    case "Interrupted":
      return { code: 130, message: undefined }
    default:
      return { code: usage.has(_tag) ? 2 : 1, message }
  }
}
