/** Freezes a payload and all that it refers to, so that a change after the send shows at once; for tests and development. */
export const freeze = (value: unknown): void => {
  if (typeof value !== "object" || value === null || Object.isFrozen(value) || ArrayBuffer.isView(value)) return
  Object.freeze(value)
  for (const key of Reflect.ownKeys(value)) freeze((value as Record<PropertyKey, unknown>)[key])
}
