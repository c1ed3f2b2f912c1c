/**
 * The spies that come with the library, and the ids under which they stand.
 */
import * as Effect from "effect/Effect"
import type { Event, Spy } from "../Spy.ts"
import type { Statistics as Counts } from "../Spying.ts"
import type { Cell } from "./cell.ts"

export const Statistics = Symbol.for("troupe/process/Sys/statistics")
export const Log = Symbol.for("troupe/process/Sys/log")
export const Trace = Symbol.for("troupe/process/Sys/trace")

export const counting = (since: number): Spy<Counts> => ({
  initial: { since, messagesIn: 0, messagesOut: 0 },
  next: (counts, event) => {
    if (event._tag === "In") return { ...counts, messagesIn: counts.messagesIn + 1 }
    return event._tag === "State" || event._tag === "Told" ? counts : { ...counts, messagesOut: counts.messagesOut + 1 }
  }
})

export const lastOf = (size: number): Spy<ReadonlyArray<Event>> => ({
  initial: [],
  next: (events, event) => (size < 1 ? events : [...events.slice(1 - size || events.length), event])
})

export const tracing = (cell: Cell): Spy<undefined> => ({
  initial: undefined,
  next: (_, event) => {
    Effect.runForkWith(cell.environment.base)(Effect.logInfo(...lineOf(cell.name, event)))
    return undefined
  }
})

const lineOf = (name: string, event: Event): ReadonlyArray<unknown> => {
  switch (event._tag) {
    case "In":
      return [`${name} took ${event.message.topic}`, event.message.payload]
    case "Told":
      return [`${name} was told`, event.event]
    case "State":
      return [`${name} became`, event.state]
    case "Out":
      return [`${name} sent ${event.message.topic} to ${String(event.to)}`, event.message.payload]
    case "Reply":
      return [`${name} answered ${event.message.topic}`, event.exit]
  }
}
