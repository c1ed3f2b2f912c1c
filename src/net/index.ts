/**
 * Troupe's ways between programs: what loads anywhere.
 */
export * as Memory from "./transport/Memory.ts"
export * as Transport from "./Transport.ts"
export * as TransportError from "./TransportError.ts"
