/**
 * Connects to one of several servers that were found.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Rpc } from "effect/rpc"
import type * as Scope from "effect/Scope"
import type { Range } from "../../ActorType.ts"
import * as Address from "../../Address.ts"
import type { Announcement } from "../../Announcement.ts"
import type { Connection } from "../../Connection.ts"
import { NoneReachable } from "../../DirectoryError.ts"
import type { Any } from "../../Protocol.ts"
import { type Anything, connected } from "../session/connecting.ts"
import { whole } from "../whole.ts"

type Attempt = NoneReachable["attempts"][number]

/** The first that takes the connection, in the order of the candidates. */
export const reaching = Effect.fnUntraced(function* (
  wanted: Range,
  candidates: NonEmptyReadonlyArray<Announcement>,
  protocol: Any,
  { dialers, ...options }: Anything & { readonly dialers: ReadonlyArray<Address.Dialer> }
): Effect.fn.Return<Connection<Rpc.Any>, NoneReachable, Scope.Scope> {
  const attempts: Array<Attempt> = []
  for (const { addresses, instanceId, type } of candidates) {
    const outcome = yield* Address.strategy(addresses, dialers).pipe(
      Effect.flatMap((strategy) => connected(strategy, protocol, { ...options, instanceId })),
      whole,
      Effect.result
    )
    if (Result.isSuccess(outcome)) return outcome.success
    attempts.push({ type, instanceId, error: outcome.failure })
  }
  return yield* new NoneReachable({ wanted, attempts: attempts as [Attempt, ...Array<Attempt>] })
})
