/**
 * Messages as the runtime carries them.
 */
import type { Pid } from "../Pid.ts"
import type { Request } from "../ProcessError.ts"
import type { Call } from "./call.ts"

const variance = { _Rpc: (_: never): never => _ }

export class MessageImpl {
  readonly topic: string
  readonly payload: unknown
  readonly sender: Pid | undefined
  /** The call that it makes, which its reply ends. */
  call: Call | undefined = undefined
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
