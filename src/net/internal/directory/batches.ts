/**
 * What has changed among the announcements of a type, and what a client makes of it, over one link to its directory or many.
 */
import * as Schema from "effect/Schema"
import { Announcement, keyOf } from "../../Announcement.ts"
import type { Change } from "../../Discovery.ts"

/** What is otherwise since the last one. The first one of a link has all there is, and `isWhole`. */
export const Batch = Schema.Struct({
  isWhole: Schema.Boolean,
  announced: Schema.Array(Announcement),
  /** The keys of those that are gone. */
  gone: Schema.Array(Schema.String)
})
export type Batch = typeof Batch.Type

export type Known = ReadonlyMap<string, Announcement>

export const nothing: Known = new Map()

/** What is there now and was not so before, by the identity of what the directory has; `undefined` when that is nothing. */
export const between = (before: Known, now: Known): Batch | undefined => {
  const announced = [...now].filter(([key, one]) => before.get(key) !== one).map(([, one]) => one)
  const gone = [...before.keys()].filter((key) => !now.has(key))
  return announced.length === 0 && gone.length === 0 ? undefined : { isWhole: false, announced, gone }
}

/** All there is. */
export const whole = (now: Known): Batch => ({ isWhole: true, announced: [...now.values()], gone: [] })

/** What a client knows after a batch, and what has happened. One that says what it had said before has not changed. */
export const folded = (known: Known, batch: Batch): readonly [Known, ReadonlyArray<Change>] => {
  const next = new Map(batch.isWhole ? [] : known)
  for (const one of batch.announced) next.set(keyOf(one), one)
  for (const key of batch.gone) next.delete(key)
  const changes: Array<Change> = []
  for (const [key, announcement] of known) {
    if (!next.has(key)) changes.push({ _tag: "Gone", announcement })
  }
  for (const [key, announcement] of next) {
    const before = known.get(key)
    if (before === undefined) changes.push({ _tag: "Announced", announcement })
    else if (!isSame(before, announcement)) changes.push({ _tag: "Changed", announcement })
  }
  return [next, changes]
}

const isSame = Schema.toEquivalence(Announcement)
