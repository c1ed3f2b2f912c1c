/**
 * Tests for concurrent programs: all orders of their steps, and histories against a model.
 */
export * as Explore from "./Explore.ts"
export * as Linearizability from "./Linearizability.ts"
