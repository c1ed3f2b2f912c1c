/**
 * Go's channels for Effect: typed queues between fibers that can be selected over, closed with a cause, and that lose
 * nothing when somebody who waits is interrupted.
 */
export * from "./Closing.ts"
export * from "./Ends.ts"
export * from "./Making.ts"
export * from "./Passing.ts"
export * from "./Permit.ts"
export * from "./Streaming.ts"
