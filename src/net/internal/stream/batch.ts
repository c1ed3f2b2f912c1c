/**
 * Chunks as bytes: those that follow each other in one stream, behind its name. What was written is read back exactly, and
 * anything else is not read at all.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Deque } from "../../../scheduler/internal/Deque.ts"
import { widthOf, writeNumber } from "../numbers.ts"
import { Spares } from "../Spares.ts"

/** What one place in a stream holds: a chunk, or how the stream ends. */
export type Item =
  | {
      readonly _tag: "Chunk"
      readonly payload: Uint8Array
      readonly metadata: Readonly<Record<string, string>>
      readonly timestamp: number
    }
  | { readonly _tag: "End" }
  | { readonly _tag: "Failure"; readonly detail: string }

/**
 * How chunks go: `Reliable`, those of a stream that loses none; `Behind`, the same behind others that are on their way; `Lossy`,
 * those of a stream that may lose some, so that a gap is no reason to wait.
 */
export const Kind = { Reliable: 0, Lossy: 1, Behind: 2 } as const
export type Kind = (typeof Kind)[keyof typeof Kind]

export interface Batch {
  readonly streamId: string
  readonly kind: Kind
  /** The number of the first one. */
  readonly from: number
  readonly items: ReadonlyArray<Item>
}

const encoder = new TextEncoder()
const decoder = new TextDecoder("utf-8", { ignoreBOM: true })
const nothing = new Uint8Array()

const Tags = { Chunk: 0, End: 1, Failure: 2 } as const

/** Writes a piece behind its length, and answers where it ends. */
const writePiece = (piece: Uint8Array, bytes: Uint8Array, at: number): number => {
  const from = writeNumber(piece.length, bytes, at)
  bytes.set(piece, from)
  return from + piece.length
}

const sizeOfPiece = ({ length }: Uint8Array): number => widthOf(length) + length

// Items that are small share memory, so many bytes at a time.
const pages = new Spares(8 * 1024, 64)
const Small = pages.size / 4

// A frame with a chunk of 64 KiB finds room in it, and such a chunk has one for itself.
const frames = new Spares(68 * 1024, 16)
const isLarge = (size: number): boolean => size > frames.size / 2 && size <= frames.size

interface Page {
  readonly bytes: Uint8Array
  used: number
  /** How many items in it are needed. */
  items: number
}

/** Writes items, those of one stream, and has memory for those alone that are needed. */
export class ItemWriter {
  private readonly pages = new Deque<Page>()

  /** One item. What it holds is copied. */
  write(item: Item): Uint8Array {
    if (item._tag !== "Chunk") {
      const detail = item._tag === "End" ? nothing : encoder.encode(item.detail)
      const bytes = this.allocate(1 + sizeOfPiece(detail))
      bytes[0] = Tags[item._tag]
      writePiece(detail, bytes, 1)
      return bytes
    }
    const { metadata, payload, timestamp } = item
    const names = Object.keys(metadata).length === 0 ? nothing : encoder.encode(JSON.stringify(metadata))
    const bytes = this.allocate(1 + widthOf(timestamp) + sizeOfPiece(names) + sizeOfPiece(payload))
    bytes[0] = Tags.Chunk
    writePiece(payload, bytes, writePiece(names, bytes, writeNumber(timestamp, bytes, 1)))
    return bytes
  }

  /** The oldest item that was written is not needed any more. */
  free(item: Uint8Array): void {
    if (isLarge(item.length)) return frames.give(new Uint8Array(item.buffer))
    const page = this.pages.at(0)
    if (page === undefined || page.bytes.buffer !== item.buffer || --page.items > 0) return
    this.pages.shift()
    pages.give(page.bytes)
  }

  private allocate(size: number): Uint8Array {
    if (isLarge(size)) return frames.take().subarray(0, size)
    if (size > Small) return new Uint8Array(size)
    let page = this.pages.at(this.pages.length - 1)
    if (page === undefined || size > pages.size - page.used) {
      page = { bytes: pages.take(), used: 0, items: 0 }
      this.pages.push(page)
    }
    page.items++
    page.used += size
    return page.bytes.subarray(page.used - size, page.used)
  }
}

/** Puts frames together, one after the other. */
export class BatchWriter {
  private memory: Uint8Array | undefined

  /** Items that follow each other, from the one with the number `from` on. It is there until it is freed. */
  write(streamId: string, kind: Kind, from: number, items: ReadonlyArray<Uint8Array>): Uint8Array {
    const name = encoder.encode(streamId)
    let size = 1 + sizeOfPiece(name) + widthOf(from)
    for (const item of items) size += item.length
    const bytes = this.allocate(size)
    bytes[0] = kind
    let at = writeNumber(from, bytes, writePiece(name, bytes, 1))
    for (const item of items) {
      bytes.set(item, at)
      at += item.length
    }
    return bytes.subarray(0, size)
  }

  /** What it has written is not needed any more. */
  free(): void {
    if (this.memory !== undefined) frames.give(this.memory)
    this.memory = undefined
  }

  private allocate(size: number): Uint8Array {
    this.free()
    if (size > frames.size) return new Uint8Array(size)
    this.memory = frames.take()
    return this.memory
  }
}

class Reader {
  at = 0
  private readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.at === this.bytes.length
  }

  byte(): number | undefined {
    return this.bytes[this.at++]
  }

  /** One that is exact. */
  number(): number | undefined {
    let value = 0
    for (let factor = 1; ; factor *= 0x80) {
      const byte = this.byte()
      if (byte === undefined) return undefined
      value += (byte & 0x7f) * factor
      if (!Number.isSafeInteger(value)) return undefined
      if (byte < 0x80) return value
    }
  }

  /** As many bytes as the number before them says. */
  piece(): Uint8Array | undefined {
    const length = this.number()
    if (length === undefined || length > this.bytes.length - this.at) return undefined
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }
}

const metadataOf = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Record(Schema.String, Schema.String)))

const readItem = (reader: Reader): Item | undefined => {
  const tag = reader.byte()
  if (tag === Tags.Chunk) {
    const timestamp = reader.number()
    const names = reader.piece()
    const payload = reader.piece()
    if (timestamp === undefined || names === undefined || payload === undefined) return undefined
    const metadata = names.length === 0 ? {} : Option.getOrUndefined(metadataOf(decoder.decode(names)))
    return metadata && { _tag: "Chunk", payload, metadata, timestamp }
  }
  const detail = tag === Tags.End || tag === Tags.Failure ? reader.piece() : undefined
  if (detail === undefined) return undefined
  return tag === Tags.End ? { _tag: "End" } : { _tag: "Failure", detail: decoder.decode(detail) }
}

const isKind = (byte: number | undefined): byte is Kind => byte !== undefined && byte <= Kind.Behind

/** Reads a batch, whose payloads are views of its bytes; `undefined` when it is none. */
export const decode = (bytes: Uint8Array): Batch | undefined => {
  const reader = new Reader(bytes)
  const kind = reader.byte()
  const name = reader.piece()
  const from = reader.number()
  if (!isKind(kind) || name === undefined || from === undefined) return undefined
  const items: Array<Item> = []
  while (!reader.isAtEnd) {
    const item = readItem(reader)
    if (item === undefined) return undefined
    items.push(item)
  }
  return { streamId: decoder.decode(name), kind, from, items }
}
