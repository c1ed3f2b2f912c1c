/** How much memory a process has at most, from when it is asked to watch until it is asked again. */

// In milliseconds: a collection of all garbage takes many where the machine is busy.
const Interval = 400

export interface Memory {
  /** What the system has given to the process at most since it has started, in MB. */
  readonly resident: number
  /** What is in use at most after a collection, beyond what was in use at the beginning, in MB. */
  readonly live: number
}

const Megabyte = 1_000_000

// What bytes have been freed beside the heap is known when the next collection begins.
const inUse = (): number => {
  globalThis.gc?.()
  globalThis.gc?.()
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

/** Begins to watch, and answers how to end it. */
export const watchMemory = (): (() => Memory) => {
  const before = inUse()
  let most = before
  const timer = setInterval(() => (most = Math.max(most, inUse())), Interval)
  return () => {
    clearInterval(timer)
    most = Math.max(most, inUse())
    return { resident: (process.resourceUsage().maxRSS * 1024) / Megabyte, live: (most - before) / Megabyte }
  }
}
