/** What a handler answers with when its call is answered afterwards. */
export const later: unique symbol = Symbol.for("troupe/server/Server/later")
