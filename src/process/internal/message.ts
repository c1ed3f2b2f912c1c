/**
 * Messages as the runtime carries them.
 */
import type * as Exit from "effect/Exit"
import type { Pid } from "../Pid.ts"
import type { Request } from "../ProcessError.ts"

const variance = { _Rpc: (_: never): never => _ }

/** What waits for the answer to a message. */
export interface Asking {
  /** Whether the receiver has taken the message. */
  isTaken: boolean
  /** Takes the answer, in a step; false when it was answered before. */
  reply(exit: Exit.Exit<unknown, unknown>): boolean
  /** As `reply`, outside of a step: who asked goes on in a later one. */
  replySoon(exit: Exit.Exit<unknown, unknown>): boolean
  /** Ends it without an answer of the receiver. */
  conclude(exit: Exit.Exit<unknown, unknown>): void
}

export class MessageImpl {
  readonly topic: string
  readonly payload: unknown
  readonly sender: Pid | undefined
  /** The call or the request that it makes, which its reply ends. */
  call: Asking | undefined = undefined
  /** Its place in the order of arrival at the receiver. */
  arrival = 0

  constructor(topic: string, payload: unknown, sender: Pid | undefined) {
    this.topic = topic
    this.payload = payload
    this.sender = sender
  }

  /** What an error gives back to the sender. */
  get request(): Request {
    return { topic: this.topic, payload: this.payload }
  }

  onTaken(): void {
    if (this.call !== undefined) this.call.isTaken = true
  }

  /** It was taken, and put aside to be taken again. */
  onPutBack(): void {
    if (this.call !== undefined) this.call.isTaken = false
  }

  get "~troupe/process/Message"() {
    return variance
  }
}
