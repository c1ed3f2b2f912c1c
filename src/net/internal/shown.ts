/** What somebody else chose, as messages have it: as JSON, and not at length. */
export const shown = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
