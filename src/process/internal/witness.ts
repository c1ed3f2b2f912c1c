/**
 * Who sees all that the body of a process does and is given: one that writes it down, or one that plays it again.
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import type { SendError } from "../ProcessError.ts"
import type { Cell } from "./cell.ts"
import type { MessageImpl } from "./message.ts"

type RandomNumbers = typeof Random.Random.Service

export interface Witness {
  /** Where the body draws its random numbers, so that it draws the same when it is played again. */
  readonly random: RandomNumbers
  /** The body is about to begin. */
  onBegin(cell: Cell, args: unknown): void
  /** The process sends a message; `send` does it. */
  onSend(to: string, message: MessageImpl, send: () => Effect.Effect<void, SendError>): Effect.Effect<void, SendError>
  /** The process is to end when it has handled what waits. */
  onDrain(): void
  /** The process does what can't be played again. */
  onUnplayable(what: string): void
  /** The body has ended. */
  onEnd(exit: Exit.Exit<unknown, unknown>): void
}

/** Random numbers that a seed decides. */
export const randomOf = (seed: number): RandomNumbers => Effect.runSync(Random.withSeed(Random.Random, seed))
