/**
 * What a program and the instances that it has started say to each other beside their connections: over the channel between
 * a process and its parent, and over the port between a thread and its parent. Other messages there are for others.
 */
import * as Schema from "effect/Schema"

/** What the child needs to begin; it asks, so that nothing is told before it listens. */
export const Asks = Schema.TaggedStruct("TroupeAsks", {})

export const Told = Schema.TaggedStruct("TroupeTold", { secret: Schema.String, socket: Schema.String })

/** It can be connected to; on which ports, where it has chosen any. */
export const Ready = Schema.TaggedStruct("TroupeReady", { ports: Schema.Array(Schema.Number) })

/** It can't, and ends. */
export const Failed = Schema.TaggedStruct("TroupeFailed", { detail: Schema.String })

/** It is to end in order. */
export const Stop = Schema.TaggedStruct("TroupeStop", {})

/** What a child says. */
export const FromChild = Schema.Union([Asks, Ready, Failed])

export type FromChild = typeof FromChild.Type

export const isFromChild = Schema.is(FromChild)

export const isTold = Schema.is(Told)

export const isStop = Schema.is(Stop)
