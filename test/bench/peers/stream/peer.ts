/**
 * What is compared: a producer and a consumer of a stream, each in a process of its own. Messages are bytes: the first four are
 * the number of the message, and all others follow from it.
 */
import type { Address } from "../net/peer.ts"

/** What a producer is asked for. */
export interface Wanted {
  /** How many bytes each message has. */
  readonly size: number
  readonly count: number
  readonly mode: "reliable" | "latency-first"
  /** How many messages are produced each millisecond: as fast as the stream takes them when 0. */
  readonly pace: number
}

/** A producer in its process: it listens, produces what it is asked for, and answers where it listens. */
export type Serve = (address: Address, ledger: Ledger) => Promise<Address>

/** A consumer in its process: it connects. */
export type Connect = (address: Address) => Promise<Consumer>

export interface Consumer {
  /** Asks for a stream, and consumes it to its end: each message, one after the other, takes so many milliseconds. */
  readonly consume: (wanted: Wanted, check: Check, delay: number) => Promise<void>
}

const Head = 4
const Period = 251

const patterns = new Map<number, Buffer>()

// Long enough for a message that begins anywhere in the first period.
const patternOf = (size: number): Buffer => {
  let pattern = patterns.get(size)
  if (pattern === undefined) {
    pattern = Buffer.from(Uint8Array.from({ length: size + Period }, (_, at) => (at * 7 + (at >> 8)) & 0xff))
    patterns.set(size, pattern)
  }
  return pattern
}

/** Writes the message with a number to where there is room for it. */
export const write = (n: number, size: number, bytes: Buffer, at: number): void => {
  const from = n % Period
  bytes.writeUInt32BE(n, at)
  patternOf(size).copy(bytes, at + Head, from, from + size - Head)
}

/** The message with a number. */
export const make = (n: number, size: number): Buffer => {
  const bytes = Buffer.allocUnsafe(size)
  write(n, size, bytes, 0)
  return bytes
}

/** How many messages of a size go in one, where a peer is given several together: 64, or 256 KiB where they are larger. */
export const together = (size: number): number => Math.max(1, Math.min(64, Math.floor((256 * 1024) / size)))

/** Checks what is consumed: each message once, in order, with all of its bytes. */
export class Check {
  messages = 0
  bytes = 0
  /** Those that were dropped on this side. */
  dropped = 0
  private isOrdered = true
  private isIntact = true
  private next = 0
  private readonly size: number
  private readonly mayMiss: boolean

  constructor({ mode, size }: Wanted) {
    this.size = size
    this.mayMiss = mode === "latency-first"
  }

  take(payload: Uint8Array): void {
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
    const n = bytes.length < Head ? -1 : bytes.readUInt32BE(0)
    const from = n % Period
    if (this.mayMiss ? n < this.next : n !== this.next) this.isOrdered = false
    if (bytes.length !== this.size) this.isIntact = false
    else if (bytes.compare(patternOf(this.size), from, from + this.size - Head, Head) !== 0) this.isIntact = false
    this.next = n + 1
    this.messages++
    this.bytes += bytes.length
  }

  get proof(): {
    readonly messages: number
    readonly bytes: number
    readonly ordered: number
    readonly intact: number
  } {
    const { bytes, isIntact, isOrdered, messages } = this
    return { messages, bytes, ordered: Number(isOrdered), intact: Number(isIntact) }
  }
}

/** What a producer has produced since it was last asked. */
export class Ledger {
  private produced = 0
  private dropped = 0
  private producing: Promise<unknown> = Promise.resolve()

  /** It has given one more to the stream. */
  onProduced(): void {
    this.produced++
  }

  /** Those that were dropped on this side. */
  onDropped(count: number): void {
    this.dropped += count
  }

  /** It produces until this is done. */
  began(producing: Promise<unknown>): void {
    this.producing = producing
  }

  /** What there was once all of it is produced, which is forgotten. */
  async take(): Promise<{ readonly produced: number; readonly droppedThere: number }> {
    await this.producing
    const { dropped, produced } = this
    this.produced = this.dropped = 0
    return { produced, droppedThere: dropped }
  }
}
