/** Freezes a payload and all that it refers to, so that a change after the send shows at once; for tests and development. */
export const freeze = (value: unknown, visited = new Set<object>()): void => {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value) || visited.has(value)) return
  visited.add(value)
  Object.freeze(value)
  for (const key of Reflect.ownKeys(value)) freeze((value as Record<PropertyKey, unknown>)[key], visited)
}
