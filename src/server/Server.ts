/**
 * Servers: processes that answer messages one after the other.
 */
export * from "./Behaviour.ts"
export * from "./Definition.ts"
export * from "./Stopping.ts"
export * from "./Turns.ts"
