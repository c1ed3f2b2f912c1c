/**
 * Looks into a running process, whatever its body is: its state, what it takes and sends, and holding it still. What is
 * not used costs nothing.
 */
export * from "./Inspecting.ts"
export * from "./Spy.ts"
export * from "./Spying.ts"
