/**
 * Troupe's commands: what processes ask of the world.
 */
export * as Clock from "./Clock.ts"
export * as CloudStorage from "./CloudStorage.ts"
export * as CloudStorageError from "./CloudStorageError.ts"
export * as ObjectStorage from "./ObjectStorage.ts"
export * as Security from "./Security.ts"
export * as SecurityError from "./SecurityError.ts"
export * as TokenKeys from "./TokenKeys.ts"
export * as Tokens from "./Tokens.ts"
