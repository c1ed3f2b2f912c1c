/**
 * Texts of others at a terminal: a name of a route must not be a command to it.
 */

// All that is unseen, or moves what is seen, but for the ends of lines.
const unseen = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** The text with all that can't be seen written out. */
export const printable = (text: string): string =>
  text.replaceAll(unseen, (found) => `\\u{${found.codePointAt(0)?.toString(16) ?? ""}}`)
