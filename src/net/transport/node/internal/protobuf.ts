/**
 * The messages of `troupe.proto` as bytes, in the encoding of Protocol Buffers.
 *
 * They are four, with three kinds of fields: that is less than what a library would need to read the file when the program
 * runs, or a generator to be kept beside it. `test/net/protobuf.test.ts` compares with an implementation that is not ours.
 */
import * as Result from "effect/Result"

/** A frame, a piece of one, or the word that the wire closes. */
export interface Frame {
  readonly payload: Uint8Array
  readonly remaining: number
  readonly closing: boolean
}

export interface CallRequest {
  readonly route: string
  readonly payload: Uint8Array
}

const Varint = 0
const Fixed64 = 1
const Delimited = 2
const Fixed32 = 5

const utf8 = new TextEncoder()
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
const none = new Uint8Array(0)

const varintLength = (value: number): number => {
  let length = 1
  while (value >= 128) {
    value = Math.floor(value / 128)
    length++
  }
  return length
}

const writeVarint = (bytes: Uint8Array, at: number, value: number): number => {
  while (value >= 128) {
    bytes[at++] = (value % 128) + 128
    value = Math.floor(value / 128)
  }
  bytes[at++] = value
  return at
}

const delimitedLength = (value: Uint8Array): number =>
  value.length === 0 ? 0 : 1 + varintLength(value.length) + value.length

// A field with its default is left out, as the encoding has it.
const writeDelimited = (bytes: Uint8Array, at: number, field: number, value: Uint8Array): number => {
  if (value.length === 0) return at
  bytes[at] = field * 8 + Delimited
  const start = writeVarint(bytes, at + 1, value.length)
  bytes.set(value, start)
  return start + value.length
}

/** `Frame` */
export const encodeFrame = ({ payload, remaining, closing }: Frame): Uint8Array => {
  const size = delimitedLength(payload) + (remaining === 0 ? 0 : 1 + varintLength(remaining)) + (closing ? 2 : 0)
  const bytes = new Uint8Array(size)
  let at = writeDelimited(bytes, 0, 1, payload)
  if (remaining > 0) {
    bytes[at] = 2 * 8 + Varint
    at = writeVarint(bytes, at + 1, remaining)
  }
  if (closing) {
    bytes[at] = 3 * 8 + Varint
    bytes[at + 1] = 1
  }
  return bytes
}

/** `CallRequest` */
export const encodeCallRequest = ({ payload, route }: CallRequest): Uint8Array => {
  const name = utf8.encode(route)
  const bytes = new Uint8Array(delimitedLength(name) + delimitedLength(payload))
  writeDelimited(bytes, writeDelimited(bytes, 0, 1, name), 2, payload)
  return bytes
}

/** `CallResponse` and `Chunk`, which have the same fields. */
export const encodePayload = (payload: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(delimitedLength(payload))
  writeDelimited(bytes, 0, 1, payload)
  return bytes
}

/** The fields of a message one after the other; `undefined` where the bytes are no message. */
class Fields {
  private readonly bytes: Uint8Array
  private at = 0
  /** The bytes of a delimited field. */
  value: Uint8Array = none
  /** A number: its low 32 bits without a sign, and the others. */
  low = 0
  high = 0
  wireType = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  /** The number of the next field; 0 at the end, -1 when the bytes are malformed. */
  next(): number {
    if (this.at === this.bytes.length) return 0
    if (!this.varint() || this.high !== 0) return -1
    const field = this.low >>> 3
    this.wireType = this.low & 7
    if (field === 0) return -1
    switch (this.wireType) {
      case Varint:
        return this.varint() ? field : -1
      case Fixed64:
        return this.skip(8) ? field : -1
      case Fixed32:
        return this.skip(4) ? field : -1
      case Delimited: {
        if (!this.varint() || this.high !== 0) return -1
        const start = this.at
        if (!this.skip(this.low)) return -1
        this.value = this.bytes.subarray(start, this.at)
        return field
      }
      default:
        // Groups, which version 3 of the language does not have.
        return -1
    }
  }

  private skip(length: number): boolean {
    if (length > this.bytes.length - this.at) return false
    this.at += length
    return true
  }

  private varint(): boolean {
    this.low = 0
    this.high = 0
    for (let read = 0; read < 10; read++) {
      const byte = this.bytes[this.at++]
      if (byte === undefined) return false
      const bits = byte & 127
      if (read < 5) this.low = (this.low | (bits << (7 * read))) >>> 0
      if (read >= 4) this.high |= read === 4 ? bits >>> 4 : bits
      if (byte < 128) return true
    }
    return false
  }
}

/** `Frame`; `undefined` when the bytes are malformed. The payload is a view of them. */
export const decodeFrame = (bytes: Uint8Array): Frame | undefined => {
  const fields = new Fields(bytes)
  let payload: Uint8Array = none
  let remaining = 0
  let closing = false
  for (let field = fields.next(); field !== 0; field = fields.next()) {
    if (field < 0) return undefined
    if (field === 1 && fields.wireType === Delimited) payload = fields.value
    else if (field === 2 && fields.wireType === Varint) remaining = fields.low
    else if (field === 3 && fields.wireType === Varint) closing = fields.low !== 0 || fields.high !== 0
  }
  return { payload, remaining, closing }
}

/** `CallRequest`; `undefined` when the bytes are malformed. The payload is a view of them. */
export const decodeCallRequest = (bytes: Uint8Array): CallRequest | undefined => {
  const fields = new Fields(bytes)
  let route = ""
  let payload: Uint8Array = none
  for (let field = fields.next(); field !== 0; field = fields.next()) {
    if (field < 0) return undefined
    if (field === 1 && fields.wireType === Delimited) {
      const name = fields.value
      const text = Result.try(() => strict.decode(name))
      if (Result.isFailure(text)) return undefined
      route = text.success
    } else if (field === 2 && fields.wireType === Delimited) payload = fields.value
  }
  return { route, payload }
}

/** `CallResponse` and `Chunk`; `undefined` when the bytes are malformed. The payload is a view of them. */
export const decodePayload = (bytes: Uint8Array): Uint8Array | undefined => {
  const fields = new Fields(bytes)
  let payload: Uint8Array = none
  for (let field = fields.next(); field !== 0; field = fields.next()) {
    if (field < 0) return undefined
    if (field === 1 && fields.wireType === Delimited) payload = fields.value
  }
  return payload
}
