/**
 * A behaviour without its types, as the loop of a server runs it.
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type { MessageImpl } from "../../process/internal/message.ts"
import type { ProcessEvent } from "../../process/ProcessEvent.ts"

/** What runs in a server: its errors are those of the server. */
export type Turn = Effect.Effect<unknown, unknown>

export interface AnyBehaviour {
  /** A handler answers with an effect, or, for a topic that streams, with a stream. */
  readonly handlers: Readonly<Record<string, (payload: unknown, message: MessageImpl) => unknown>>
  readonly events?: ((event: ProcessEvent) => Turn) | undefined
  readonly info?: ((message: MessageImpl) => Turn) | undefined
  readonly idle?: { readonly after: Duration.Input; readonly run: Turn } | undefined
  readonly concurrency?: number | "unbounded" | { readonly by: (message: MessageImpl) => unknown } | undefined
}
