/**
 * Where the messages of a process wait: in order, without limit unless one is asked for, and never lost in silence.
 */
import type { Selectable } from "../channel/Selectable.ts"

/**
 * The messages that a process has not taken yet.
 *
 * @category models
 */
export interface Inbox<out M> extends Selectable<M> {
  /** How many messages wait. */
  readonly length: number
}

/**
 * What happens to a message that arrives at a full inbox.
 *
 * **Details**
 *
 * - `suspend`: the sender waits for space; senders are let in first come, first served, and one that is interrupted
 *   has sent nothing.
 * - `drop-newest`: the arriving message goes to the dead letters.
 * - `drop-oldest`: the message that has waited longest goes to the dead letters, and the new one is queued.
 * - `reject`: the send fails with `InboxFull`.
 *
 * @category models
 */
export type Overflow = "suspend" | "drop-newest" | "drop-oldest" | "reject"

/**
 * How an inbox behaves.
 *
 * @category models
 */
export interface Options {
  /** How many messages wait at most: a whole number from 1 on. Without limit when absent. */
  readonly capacity?: number | undefined
  /** What happens to a message that arrives at a full inbox: `suspend` when absent. */
  readonly overflow?: Overflow | undefined
  /**
   * The length at which the process gets an `InboxHigh` event, once each time that the inbox grows to it: a whole
   * number from 1 on, 10,000 when absent.
   */
  readonly highWater?: number | undefined
}
