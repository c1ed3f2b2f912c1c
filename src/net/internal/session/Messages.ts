/**
 * What the other side has sent beside all routes, for whoever receives it: each that is taken makes room for another.
 */
import * as Exit from "effect/Exit"
import type { SchedulerDispatcher } from "effect/Scheduler"
import { Source } from "../../../channel/internal/Source.ts"
import { Deque } from "../../../scheduler/internal/Deque.ts"
import type { ConnectionClosed } from "../../ConnectionError.ts"
import { MessageWindow } from "./windows.ts"

export class Messages extends Source<Uint8Array | string, ConnectionClosed> {
  private readonly items = new Deque<Uint8Array | string>()
  private closed: ConnectionClosed | undefined
  private taken = 0
  // What came over the link, and was not granted again.
  private owed = 0
  private readonly grant: (amount: number) => void

  /** `grant`: tells the other side that it may send so many more. */
  constructor(dispatcher: SchedulerDispatcher, grant: (amount: number) => void) {
    super(dispatcher)
    this.grant = grant
  }

  /** Takes a message in; false when there may be none. */
  offer(message: Uint8Array | string): boolean {
    if (++this.owed > MessageWindow) return false
    this.items.push(message)
    this.wakeSoon()
    return true
  }

  /** No more come: what is there is received first. */
  close(error: ConnectionClosed): void {
    this.closed ??= error
    this.wakeSoon()
  }

  /** There is a new link: the other side counts anew, and what waits here is not part of that. */
  begin(): void {
    this.taken = -this.items.length
    this.owed = 0
  }

  isReadyUnsafe(): boolean {
    return this.items.length > 0 || this.closed !== undefined
  }

  pollUnsafe(): Exit.Exit<Uint8Array | string, ConnectionClosed> | undefined {
    const message = this.items.shift()
    if (message === undefined) return this.closed === undefined ? undefined : Exit.fail(this.closed)
    if (++this.taken >= MessageWindow / 2) {
      const { taken } = this
      this.owed -= taken
      this.taken = 0
      // Over a wire in memory, the next messages may come before this returns.
      this.grant(taken)
    }
    return Exit.succeed(message)
  }
}
