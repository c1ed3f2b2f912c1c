/**
 * The case of a guarantee: a run against a subject, within the subject's patience.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Guarantee, Tested } from "./guarantee.ts"
import { keeps, type NotKept, Patience } from "./keeping.ts"

export const caseOf = ({ id, name, needs, run }: Guarantee) => ({
  id,
  name,
  needs,
  run: (subject: Tested): Effect.Effect<void, NotKept, Scope.Scope> => {
    const kept = keeps(
      name,
      Effect.flatMap(subject.make, (transport) => run(transport, subject))
    )
    const { patience } = subject
    return patience === undefined ? kept : Effect.provideService(kept, Patience, Duration.fromInputUnsafe(patience))
  }
})
