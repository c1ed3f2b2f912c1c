/**
 * One thing that is pushed, to one client or to many: it waits in the line of each of them, and whoever waits is nobody.
 */
import * as Exit from "effect/Exit"
import type { TellError } from "../../ConnectionError.ts"
import type { Turn } from "../session/Line.ts"

/** What has become of all that was pushed: each is sent, dropped, or waits. */
export class PushCounters {
  accepted = 0
  sent = 0
  dropped = 0
}

export class Pushed implements Turn {
  readonly frame: Uint8Array
  readonly route: string
  private readonly counters: PushCounters

  constructor(frame: Uint8Array, route: string, counters: PushCounters) {
    this.frame = frame
    this.route = route
    this.counters = counters
  }

  conclude(exit: Exit.Exit<void, TellError>): void {
    if (Exit.isSuccess(exit)) this.counters.sent++
    else this.counters.dropped++
  }
}
