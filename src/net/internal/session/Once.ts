/**
 * The requests of one caller that are handled once, however often they come: what was answered is kept until the caller has
 * it, over the links that it makes one after the other.
 */
import type * as Fiber from "effect/Fiber"
import { IntMap } from "../../../scheduler/internal/IntMap.ts"
import type { Session } from "./Session.ts"

interface Entry {
  /** Where the answer goes, while there is a link. */
  session: Session | undefined
  fiber: Fiber.Fiber<unknown, unknown> | undefined
  answer: Uint8Array | undefined
}

export class Once {
  /** How many handlers run, or are to. */
  running = 0
  private readonly entries = new IntMap<Entry>()

  /** Whether the request came before. */
  has(id: number): boolean {
    return this.entries.has(id)
  }

  /** The answer of the request goes to this session, when it is there or at once. */
  join(id: number, session: Session): void {
    const entry = this.entries.get(id)
    if (entry === undefined) {
      this.running++
      this.entries.set(id, { session, fiber: undefined, answer: undefined })
      return
    }
    entry.session = session
    if (entry.answer !== undefined) session.post(entry.answer)
  }

  /** Its handler runs. */
  started(id: number, fiber: Fiber.Fiber<unknown, unknown>): void {
    const entry = this.entries.get(id)
    if (entry !== undefined && entry.answer === undefined) entry.fiber = fiber
  }

  /** Whether it is this handler whose answer is waited for. */
  isHandledBy(id: number, fiber: Fiber.Fiber<unknown, unknown>): boolean {
    return this.entries.get(id)?.fiber === fiber
  }

  answered(id: number, frame: Uint8Array): void {
    const entry = this.entries.get(id)
    if (entry === undefined) return
    this.running--
    entry.fiber = undefined
    entry.answer = frame
    entry.session?.post(frame)
  }

  /** The caller waits no longer; answers with the handler that is to be interrupted. */
  drop(id: number): Fiber.Fiber<unknown, unknown> | undefined {
    const entry = this.entries.get(id)
    if (entry === undefined) return undefined
    this.entries.delete(id)
    if (entry.answer === undefined) this.running--
    return entry.fiber
  }

  /** The caller has the answer. */
  settle(id: number): void {
    if (this.entries.get(id)?.answer !== undefined) this.entries.delete(id)
  }

  /** There is no link for now: nothing of the last one is kept. */
  leave(): void {
    for (const entry of this.entries.values()) entry.session = undefined
  }

  /** How many are kept. */
  get size(): number {
    return this.entries.size
  }

  /** The caller does not come back. */
  end(): void {
    for (const [id] of this.entries) this.drop(id)?.interruptUnsafe()
  }
}
