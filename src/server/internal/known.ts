/**
 * Which definitions are servers or state machines: their processes end in order when they are stopped.
 */
import type { Definition } from "../../process/internal/definition.ts"

export const known = new WeakSet<Definition>()
