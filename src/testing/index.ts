/**
 * Tests for concurrent programs: all orders of their steps, histories against a model, and what implementations of
 * Troupe's traits have to keep.
 */
export * as ConnectionConformance from "./conformance/Connection.ts"
export * as Explore from "./Explore.ts"
export * as Linearizability from "./Linearizability.ts"
export * as Network from "./Network.ts"
export * as TransportConformance from "./conformance/Transport.ts"
