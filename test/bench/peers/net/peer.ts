/**
 * What is compared: a server and a client, each in a process of its own. A request brings a number and its answer is the next
 * one; a tell brings a number and has no answer.
 */

/** Where a server listens. */
export type Address = { readonly kind: "unix"; readonly path: string } | { readonly kind: "tcp"; readonly port: number }

/** A server in its process: it listens, counts what it handles in the tally, and answers where it listens. */
export type Serve = (address: Address, tally: Tally) => Promise<Address>

/** A client in its process: it connects. */
export type Connect = (address: Address) => Promise<Client>

export interface Client {
  /** Makes so many requests, each caller one after the other with 0, 1, 2 …; answers how many were answered rightly. */
  readonly request: (load: { readonly each: number; readonly callers: number }) => Promise<number>
  /** Tells 0, 1, 2 …, and waits until the server has handled all of them. */
  readonly tell: (count: number) => Promise<void>
  readonly close: () => Promise<void>
}

/** What a server has handled since it was last asked. */
export class Tally {
  private requests = 0
  private tells = 0
  private sum = 0
  private connections = 0
  private readonly waiting: Array<{ readonly tells: number; readonly done: () => void }> = []

  requested(n: number): number {
    this.requests++
    this.sum += n
    return n + 1
  }

  told(n: number): void {
    this.tells++
    this.sum += n
    while (this.waiting.length > 0 && this.waiting[0]!.tells <= this.tells) this.waiting.shift()!.done()
  }

  connected(): void {
    this.connections++
  }

  /** Calls back once so many were told. */
  settled(tells: number, done: () => void): void {
    if (this.tells >= tells) done()
    else this.waiting.push({ tells, done })
  }

  /** What there was, which is forgotten. */
  take(): { readonly requests: number; readonly tells: number; readonly sum: number; readonly connections: number } {
    const { connections, requests, sum, tells } = this
    this.requests = this.tells = this.sum = this.connections = 0
    return { requests, tells, sum, connections }
  }
}

/** Runs the callers of a load side by side, where a request calls back. */
export const callBack = (
  { callers, each }: { readonly callers: number; readonly each: number },
  request: (n: number, then: (answer: number) => void) => void
): Promise<number> =>
  new Promise((resolve) => {
    let answered = 0
    let running = callers
    const call = (n: number): void => {
      if (n === each) {
        if (--running === 0) resolve(answered)
        return
      }
      request(n, (answer) => {
        if (answer === n + 1) answered++
        call(n + 1)
      })
    }
    for (let i = 0; i < callers; i++) call(0)
  })
