/**
 * Chunks as bytes: those that follow each other in one stream, behind its name. What was written is read back exactly, and
 * anything else is not read at all.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

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

export interface Batch {
  readonly streamId: string
  /** Whether some may be lost on the way, so that a gap is no reason to wait. */
  readonly isLossy: boolean
  /** The number of the first one. */
  readonly from: number
  readonly items: ReadonlyArray<Item>
}

const encoder = new TextEncoder()
const decoder = new TextDecoder("utf-8", { ignoreBOM: true })
const nothing = new Uint8Array()

const Kinds = { Chunk: 0, End: 1, Failure: 2 } as const

// Seven bits in a byte, the lowest first.
const numberBytes = (value: number): Array<number> => {
  const bytes: Array<number> = []
  let rest = value
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80)
    rest = Math.floor(rest / 0x80)
  }
  bytes.push(rest)
  return bytes
}

const joined = (parts: ReadonlyArray<ArrayLike<number>>): Uint8Array => {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** One item. What it holds is copied. */
export const encodeItem = (item: Item): Uint8Array => {
  if (item._tag !== "Chunk") {
    const detail = item._tag === "End" ? nothing : encoder.encode(item.detail)
    return joined([[Kinds[item._tag]], numberBytes(detail.length), detail])
  }
  const { metadata, payload, timestamp } = item
  const names = Object.keys(metadata).length === 0 ? nothing : encoder.encode(JSON.stringify(metadata))
  const head = [Kinds.Chunk, ...numberBytes(timestamp), ...numberBytes(names.length)]
  return joined([head, names, numberBytes(payload.length), payload])
}

/** Items that follow each other, from the one with the number `from` on. */
export const encode = (
  streamId: string,
  isLossy: boolean,
  from: number,
  items: ReadonlyArray<Uint8Array>
): Uint8Array => {
  const name = encoder.encode(streamId)
  return joined([[isLossy ? 1 : 0], numberBytes(name.length), name, numberBytes(from), ...items])
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
  const kind = reader.byte()
  if (kind === Kinds.Chunk) {
    const timestamp = reader.number()
    const names = reader.piece()
    const payload = reader.piece()
    if (timestamp === undefined || names === undefined || payload === undefined) return undefined
    const metadata = names.length === 0 ? {} : Option.getOrUndefined(metadataOf(decoder.decode(names)))
    // A copy: a chunk that is kept is not to keep those beside it.
    return metadata && { _tag: "Chunk", payload: payload.slice(), metadata, timestamp }
  }
  const detail = kind === Kinds.End || kind === Kinds.Failure ? reader.piece() : undefined
  if (detail === undefined) return undefined
  return kind === Kinds.End ? { _tag: "End" } : { _tag: "Failure", detail: decoder.decode(detail) }
}

/** Reads a batch; `undefined` when it is none. */
export const decode = (bytes: Uint8Array): Batch | undefined => {
  const reader = new Reader(bytes)
  const mode = reader.byte()
  const name = reader.piece()
  const from = reader.number()
  if ((mode !== 0 && mode !== 1) || name === undefined || from === undefined) return undefined
  const items: Array<Item> = []
  while (!reader.isAtEnd) {
    const item = readItem(reader)
    if (item === undefined) return undefined
    items.push(item)
  }
  return { streamId: decoder.decode(name), isLossy: mode === 1, from, items }
}
