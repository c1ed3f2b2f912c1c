/**
 * Frames on a stream of bytes: four bytes with the length, the highest first, and then the frame.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"

const Header = 4

/** The frames as one piece of bytes. */
export const encode = (frames: NonEmptyReadonlyArray<Uint8Array>): Uint8Array => {
  let size = 0
  for (const frame of frames) size += Header + frame.length
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const frame of frames) {
    view.setUint32(at, frame.length)
    bytes.set(frame, at + Header)
    at += Header + frame.length
  }
  return bytes
}

/** Cuts what comes in into frames again. */
export class Decoder {
  private readonly maxFrame: number
  private readonly chunks: Array<Uint8Array> = []
  private buffered = 0
  // How long the frame is that has begun; -1 before its header is whole.
  private wanted = -1

  constructor(maxFrame: number) {
    this.maxFrame = maxFrame
  }

  /** Whether a frame has begun and is not whole. */
  get isAmidFrame(): boolean {
    return this.buffered > 0 || this.wanted >= 0
  }

  /** Takes what came in, and adds the frames that are whole to `frames`; answers the length of one that is too long. */
  push(chunk: Uint8Array, frames: Array<Uint8Array>): number | undefined {
    if (chunk.length === 0) return undefined
    this.chunks.push(chunk)
    this.buffered += chunk.length
    while (true) {
      if (this.wanted < 0) {
        if (this.buffered < Header) return undefined
        const header = this.take(Header)
        this.wanted = new DataView(header.buffer, header.byteOffset).getUint32(0)
        // Known from the header alone, so that nobody has us keep what is too long.
        if (this.wanted > this.maxFrame) return this.wanted
      }
      if (this.buffered < this.wanted) return undefined
      frames.push(this.take(this.wanted))
      this.wanted = -1
    }
  }

  private take(length: number): Uint8Array {
    this.buffered -= length
    const [first] = this.chunks
    if (length === 0) return new Uint8Array(0)
    if (first !== undefined && first.length >= length) {
      // A frame is its reader's own: a view would keep alive, and share, all that came with it; and a view is what `slice`
      // makes of Node's buffers.
      const taken = new Uint8Array(first.subarray(0, length))
      if (first.length === length) this.chunks.shift()
      else this.chunks[0] = first.subarray(length)
      return taken
    }
    const taken = new Uint8Array(length)
    let at = 0
    while (at < length) {
      const chunk = this.chunks[0] as Uint8Array
      const part = Math.min(chunk.length, length - at)
      taken.set(chunk.subarray(0, part), at)
      at += part
      if (part === chunk.length) this.chunks.shift()
      else this.chunks[0] = chunk.subarray(part)
    }
    return taken
  }
}
