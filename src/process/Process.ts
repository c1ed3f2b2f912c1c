/**
 * Processes: fibers with an address, an inbox and events, that share nothing and end as a whole.
 */
export * from "./Definition.ts"
export { CurrentProcess } from "./internal/services.ts"
export * from "./Lifecycle.ts"
export * from "./Messaging.ts"
export * from "./Spawning.ts"
export * from "./Starting.ts"
export * from "./Streaming.ts"
export * from "./Watching.ts"
export * from "./Yielding.ts"
