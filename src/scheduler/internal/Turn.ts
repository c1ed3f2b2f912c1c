/**
 * Shares the turns of the JavaScript event loop between run queues: in each turn every queue that has work drains for
 * its part of its time slice, and then timers and sockets are served.
 */

/** What a turn drives: a queue that can drain for a while. */
export interface Drainable {
  readonly timeSlice: number
  readonly isEmpty: boolean
  drain(milliseconds: number): void
}

// The core also loads where there is no `setImmediate` (browsers): a message to oneself is the fastest macrotask there.
interface Host {
  readonly setImmediate?: (task: () => void) => unknown
  readonly clearImmediate?: (handle: unknown) => void
  readonly setTimeout: (task: () => void, milliseconds: number) => unknown
  readonly clearTimeout: (handle: unknown) => void
  readonly MessageChannel?: new () => {
    readonly port1: { onmessage: (() => void) | null }
    readonly port2: { postMessage(message: undefined): void }
  }
}

interface Macrotask {
  readonly arm: () => void
  readonly disarm: () => void
}

const makeMacrotask = (host: Host, task: () => void): Macrotask => {
  const { clearImmediate, setImmediate } = host
  if (setImmediate !== undefined && clearImmediate !== undefined) {
    let handle: unknown
    return {
      arm: () => {
        handle = setImmediate(task)
      },
      disarm: () => clearImmediate(handle)
    }
  }
  if (host.MessageChannel !== undefined) {
    const channel = new host.MessageChannel()
    let armed = false
    channel.port1.onmessage = () => {
      if (!armed) return
      armed = false
      task()
    }
    return {
      arm: () => {
        armed = true
        channel.port2.postMessage(undefined)
      },
      disarm: () => {
        armed = false
      }
    }
  }
  let handle: unknown
  return {
    arm: () => {
      handle = host.setTimeout(task, 0)
    },
    disarm: () => host.clearTimeout(handle)
  }
}

let queues: Array<Drainable> = []
let armed = false

const turn = (): void => {
  // The next turn is armed before this one runs, so that a task that throws (and so becomes an uncaught exception)
  // cannot leave the work of others waiting for ever.
  macrotask.arm()
  const share = queues.length
  for (let i = 0; i < share; i++) {
    const queue = queues[i] as Drainable
    queue.drain(queue.timeSlice / share)
  }
  queues = queues.filter((queue) => !queue.isEmpty)
  if (queues.length === 0) {
    macrotask.disarm()
    armed = false
  }
}

const macrotask = makeMacrotask(globalThis as unknown as Host, turn)

/** Lets `queue` take part in the coming turns until it is empty; to be called when it stops being empty. */
export const enlist = (queue: Drainable): void => {
  if (!queues.includes(queue)) queues.push(queue)
  if (!armed) {
    armed = true
    macrotask.arm()
  }
}
