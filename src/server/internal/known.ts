/**
 * Which definitions are servers.
 */
import type { Definition } from "../../process/internal/definition.ts"

export const known = new WeakSet<Definition>()
