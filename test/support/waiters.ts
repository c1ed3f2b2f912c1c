/**
 * Looks into channels for those who wait there, which nothing outside can see: one that was left behind does no harm but
 * to memory.
 */
import type { Channel } from "troupe"
import { BufferedChannel } from "../../src/channel/internal/bufferedChannel.ts"

/** How many wait in the channel, to receive or to send. */
export const waiters = <A>(channel: Channel.Sender<A>): number => {
  const made: unknown = channel
  if (!(made instanceof BufferedChannel)) return 0
  return made["parked"].length + made["offers"].length
}
