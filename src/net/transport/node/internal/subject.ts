/** The subjects of certificates as text. */

/**
 * The parts from the least to the most general, as `CN=ada, O=Example`: what would look like another part has a backslash
 * before it, so that two subjects never have the same text.
 */
export const subjectText = (subject: object): string =>
  Object.entries(subject)
    .flatMap(([name, values]) => [values].flat().map((value) => `${name}=${escaped(String(value))}`))
    .toReversed()
    .join(", ")

// As in RFC 4514.
const escaped = (value: string): string => value.replace(/[\\,+"<>;=]|^[# ]| $/g, (special) => `\\${special}`)
