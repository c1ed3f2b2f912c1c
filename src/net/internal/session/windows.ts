/**
 * How much may be underway to a side that does not take it. Both sides know these figures; they belong to the version of
 * what is said over a wire.
 */

/** How many tells. */
export const TellWindow = 256

/** How many messages beside all routes. */
export const MessageWindow = 256
