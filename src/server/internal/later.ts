/** What a handler answers with when its call is answered afterwards. */
export const later = { _tag: "Later" } as const
