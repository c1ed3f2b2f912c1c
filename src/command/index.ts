/**
 * Troupe's commands: what processes ask of the world.
 */
export * as Clock from "./Clock.ts"
export * as Contracts from "./Contracts.ts"
export * as Functions from "./Functions.ts"
export * as Processes from "./Processes.ts"
export * as Workflows from "./Workflows.ts"
