/**
 * Frames on a stream of bytes: four bytes with the length, the highest first, and then the frame.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"

/** How many bytes stand before those of a frame. */
export const Header = 4

/**
 * How many bytes a frame may have at all. Greater lengths are marks, which say something about the stream instead of
 * beginning a frame: to a decoder they are frames that are too long.
 */
export const MaxFrame = 0xffff_feff

/** The bytes of a mark. */
export const mark = (code: number): Uint8Array => {
  const bytes = new Uint8Array(Header)
  new DataView(bytes.buffer).setUint32(0, code)
  return bytes
}

/** Writes the frame to where there is room for it, and answers where it ends. */
export const write = (frame: Uint8Array, bytes: Uint8Array, at: number): number => {
  const { length } = frame
  bytes[at] = length >>> 24
  bytes[at + 1] = length >>> 16
  bytes[at + 2] = length >>> 8
  bytes[at + 3] = length
  bytes.set(frame, at + Header)
  return at + Header + length
}

/** The frames as one piece of bytes. */
export const encode = (frames: NonEmptyReadonlyArray<Uint8Array>): Uint8Array => {
  let size = 0
  for (const frame of frames) size += Header + frame.length
  const bytes = new Uint8Array(size)
  let at = 0
  for (const frame of frames) at = write(frame, bytes, at)
  return bytes
}

// A frame that comes in several chunks has memory for this much at once, and then for twice as much as has come: who only
// announces a large frame has us keep little for it.
const AtOnce = 256 * 1024

/** Cuts what comes in into frames again. */
export class Decoder {
  private readonly maxFrame: number
  // Of a header of which a part has come.
  private header = 0
  private headerBytes = 0
  // The frame that has begun, how long it will be, and how much of it there is.
  private frame: Uint8Array | undefined
  private wanted = 0
  private filled = 0

  constructor(maxFrame: number) {
    this.maxFrame = maxFrame
  }

  /** Whether a frame has begun and is not whole. */
  get isAmidFrame(): boolean {
    return this.headerBytes > 0 || this.frame !== undefined
  }

  /**
   * Takes what came in, and adds the frames that are whole to `frames`; answers the length of one that is too long, from its
   * header alone, after which the decoder is of no use any more.
   */
  push(chunk: Uint8Array, frames: Array<Uint8Array>): number | undefined {
    // Node's buffers have a `slice` that shares their memory.
    const bytes =
      chunk.constructor === Uint8Array ? chunk : new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    const end = bytes.length
    let at = 0
    while (at < end) {
      if (this.frame !== undefined) {
        at = this.fill(bytes, at, frames)
        continue
      }
      let length: number
      if (this.headerBytes === 0 && end - at >= Header) {
        length = ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
        at += Header
      } else {
        this.header = ((this.header << 8) | bytes[at]!) >>> 0
        at++
        if (++this.headerBytes < Header) continue
        length = this.header
        this.header = 0
        this.headerBytes = 0
      }
      if (length > this.maxFrame) return length
      if (end - at >= length) {
        // A frame is its reader's own: a view would keep alive, and share, all that came with it.
        frames.push(bytes.slice(at, at + length))
        at += length
      } else {
        this.wanted = length
        this.filled = 0
        this.frame = new Uint8Array(Math.min(length, AtOnce))
      }
    }
    return undefined
  }

  // Adds to the frame that has begun, and answers up to where.
  private fill(bytes: Uint8Array, at: number, frames: Array<Uint8Array>): number {
    const part = Math.min(this.wanted - this.filled, bytes.length - at)
    const filled = this.filled + part
    let frame = this.frame as Uint8Array
    if (filled > frame.length) {
      const larger = new Uint8Array(Math.min(this.wanted, Math.max(filled, frame.length * 2)))
      larger.set(frame.subarray(0, this.filled))
      frame = larger
    }
    frame.set(part === bytes.length ? bytes : bytes.subarray(at, at + part), this.filled)
    if (filled === this.wanted) {
      frames.push(frame)
      this.frame = undefined
    } else {
      this.frame = frame
      this.filled = filled
    }
    return at + part
  }
}
