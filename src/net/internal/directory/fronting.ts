/**
 * A directory as its users have it, whatever stands behind it.
 */
import { isReadonlyArrayNonEmpty } from "effect/Array"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { monotonicMillis } from "../../../scheduler/internal/monotonic.ts"
import type { Range } from "../../ActorType.ts"
import { accepts } from "../../ActorType.ts"
import type { Announcement } from "../../Announcement.ts"
import type { Directory } from "../../Directory.ts"
import { DirectoryUnavailable, NoCandidate, UnknownType } from "../../DirectoryError.ts"
import { type Change, select } from "../../Discovery.ts"
import { announcing } from "./announcing.ts"
import type { Backend } from "./Backend.ts"
import { folded, type Known, nothing } from "./batches.ts"
import { fetched } from "./documents.ts"
import { namesOf } from "./Leases.ts"

interface Answer {
  readonly announcements: ReadonlyArray<Announcement>
  readonly at: number
}

/** For how many types the last answer is kept. */
const kept = 256

export const fronting = (backend: Backend<DirectoryUnavailable>): Directory["Service"] => {
  const answers = new Map<string, Answer>()

  const list = Effect.fnUntraced(function* (range: Range) {
    const clock = yield* Clock.Clock
    const names = namesOf(range)
    const announcements = yield* Effect.mapError(backend.list(range), (error) => {
      const last = answers.get(names)
      if (last === undefined) return error
      const { candidates } = select(range, last.announcements)
      const milliseconds = Math.round(monotonicMillis(clock) - last.at)
      return new DirectoryUnavailable({ detail: error.detail, lastKnown: { candidates, milliseconds } })
    })
    // The answer that was asked for longest ago makes room.
    answers.delete(names)
    answers.set(names, { announcements, at: monotonicMillis(clock) })
    for (const eldest of answers.keys()) {
      if (answers.size <= kept) break
      answers.delete(eldest)
    }
    return announcements
  })

  return {
    announce: (announcement, options) => announcing(backend, announcement, options),
    discover: Effect.fnUntraced(function* (range) {
      const { candidates, rejected } = select(range, yield* list(range))
      if (isReadonlyArrayNonEmpty(candidates)) return candidates
      if (isReadonlyArrayNonEmpty(rejected)) return yield* new NoCandidate({ wanted: range, rejected })
      return yield* new UnknownType({ wanted: range })
    }),
    contract: (announcement) => fetched(announcement, backend.document),
    changes: (range) =>
      Stream.mapAccum(
        backend.watch(range),
        (): Known => nothing,
        (known, batch) => folded(known, batch)
      ).pipe(Stream.filter(({ announcement }: Change) => accepts(range, announcement.type)))
  }
}
