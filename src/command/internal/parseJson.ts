/**
 * JSON text from where nobody vouches for it.
 */
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"

/** Deeper than anybody writes, and far from where walking it by recursion would end the stack. */
const deepest = 500

/** The value of a text; why it has none otherwise. */
export const parseJson = (text: string): Effect.Effect<Schema.Json, string> =>
  Effect.suspend(() =>
    depthOf(text) > deepest
      ? Effect.fail(`it is nested more than ${deepest} deep`)
      : Effect.try({ try: (): Schema.Json => JSON.parse(text), catch: () => "its text can't be read" })
  )

const depthOf = (text: string): number => {
  let depth = 0
  let most = 0
  let isQuoted = false
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at)
    if (isQuoted) {
      if (char === backslash) at++
      else if (char === quote) isQuoted = false
    } else if (char === quote) isQuoted = true
    else if (char === brace || char === bracket) most = Math.max(most, ++depth)
    else if (char === braceEnd || char === bracketEnd) depth--
  }
  return most
}

const [quote, backslash, brace, braceEnd, bracket, bracketEnd] = [0x22, 0x5c, 0x7b, 0x7d, 0x5b, 0x5d]
