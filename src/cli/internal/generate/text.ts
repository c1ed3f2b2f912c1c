/**
 * What others have chosen, as source has it: nothing of it gets out of its literal or its comment, or is there unseen.
 */

// What ends lines, turns the direction of writing, or takes no place. What is more than one unit is written as several.
const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

const escaped = (found: string): string =>
  Array.from({ length: found.length }, (_, at) => `\\u${found.charCodeAt(at).toString(16).padStart(4, "0")}`).join("")

/** One line of source in which all can be seen; what is escaped stands in literals, or in comments. */
export const visible = (line: string): string => line.replaceAll(unseen, escaped)

/** A text as a literal. */
export const quoted = (text: string): string => visible(JSON.stringify(text))

/** A text as the key of an object literal, where one name is not a key but the prototype. */
export const keyOf = (text: string): string => (text === "__proto__" ? `[${quoted(text)}]` : quoted(text))

/** Lines of a comment, which each end where they end. */
export const comment = (...lines: ReadonlyArray<string>): string =>
  lines.map((line) => `// ${visible(line)}`).join("\n")
