/** What somebody else chose, as messages have it: as JSON, and not at length. */
export const shown = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)

/** A text that ends as a sentence does: it may be a message of its own, which does already. */
export const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`)
