/**
 * What a connection counts.
 */
import type { Stats } from "../../Connection.ts"

// Latencies are counted by their size, with eight steps for each doubling: a figure is exact to some 9 %.
const Steps = 8
const Buckets = 40 * Steps

export class Counters {
  messagesOut = 0
  messagesIn = 0
  bytesOut = 0
  bytesIn = 0
  sent = 0
  succeeded = 0
  failed = 0
  handled = 0
  handledInVain = 0
  unknown = 0
  late = 0
  duplicates = 0
  reconnects = 0
  // Made by the first request: most of those who only answer make none.
  private latencies: Uint32Array | undefined
  private measured = 0
  private longest = 0

  /** A request was answered after so many microseconds. */
  onAnswered(microseconds: number): void {
    this.measured++
    if (microseconds > this.longest) this.longest = microseconds
    const bucket = Math.ceil(Math.log2(Math.max(microseconds, 1)) * Steps)
    const at = Math.min(bucket, Buckets - 1)
    this.latencies ??= new Uint32Array(Buckets)
    this.latencies[at] = (this.latencies[at] as number) + 1
  }

  /** Counts what another one has counted; but for what was handled, which may end later, and latencies. */
  add(that: Counters): void {
    this.messagesOut += that.messagesOut
    this.messagesIn += that.messagesIn
    this.bytesOut += that.bytesOut
    this.bytesIn += that.bytesIn
    this.unknown += that.unknown
    this.late += that.late
    this.duplicates += that.duplicates
  }

  /** `pending`: how many requests are; `running`: how many handlers. */
  snapshot(pending: number, running: number): Stats {
    return {
      messagesOut: this.messagesOut,
      messagesIn: this.messagesIn,
      bytesOut: this.bytesOut,
      bytesIn: this.bytesIn,
      requests: { sent: this.sent, succeeded: this.succeeded, failed: this.failed, pending },
      handled: { succeeded: this.handled, failed: this.handledInVain, running },
      dropped: { unknown: this.unknown, late: this.late, duplicates: this.duplicates },
      reconnects: this.reconnects,
      latency: {
        p50: this.percentile(0.5),
        p90: this.percentile(0.9),
        p99: this.percentile(0.99),
        max: this.longest / 1000
      }
    }
  }

  // In milliseconds: the upper end of the bucket that the percentile falls into.
  private percentile(share: number): number {
    const { latencies } = this
    if (latencies === undefined) return 0
    const wanted = Math.ceil(this.measured * share)
    let seen = 0
    for (let bucket = 0; bucket < Buckets; bucket++) {
      seen += latencies[bucket] as number
      if (seen >= wanted) return Math.min(2 ** (bucket / Steps), this.longest) / 1000
    }
    return 0
  }
}
