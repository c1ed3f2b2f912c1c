/**
 * What the two sides of a connection say to each other, as frames: a byte for the kind, a number, the name of a route and
 * flags where the kind has them, and a body.
 */

import { writeNumber } from "../numbers.ts"

/** What a packet is. The numbers are those on the wire. */
export const Kind = {
  /** The side that listens begins. */
  Greeting: 1,
  /** The side that connects says who it is. */
  Hello: 2,
  /** It is let in. */
  Welcome: 3,
  /** It is not let in. */
  Refusal: 4,
  /** Asks for an answer. */
  Request: 5,
  /** The success of a request, or the end of a stream. */
  Success: 6,
  /** The typed error of a request or stream. */
  Failure: 7,
  /** Why a request was not answered by its handler. */
  Fault: 8,
  /** Whoever asked waits no longer. */
  Interrupt: 9,
  /** The answer of a request that is handled once has arrived, and can be forgotten. */
  Settled: 10,
  /** Values of a stream. */
  Values: 11,
  /** So many more values may be sent of a stream. */
  MoreValues: 12,
  /** Needs no answer. */
  Tell: 13,
  /** A message beside all routes. */
  Text: 14,
  Bytes: 15,
  /** So many more tells, or messages beside all routes, may be sent. */
  MoreTells: 16,
  MoreMessages: 17,
  Ping: 18,
  Pong: 19,
  /** This side takes no more requests, and closes when those that it has are answered. */
  Leaving: 20,
  /** It closes now: all that it has begun is answered, and what is not answered was not begun. */
  Left: 21
} as const

/** How a request is to be handled. */
export const Flag = {
  /** Once, however often it comes. */
  Once: 1,
  /** The body is preceded by where it stands in the traces of the other side. */
  Traced: 2
} as const

// What stands behind the kind.
const Numbered = 1
const Routed = 2
const Flagged = 4
const parts: ReadonlyArray<number> = [
  0,
  0,
  0,
  0,
  0,
  Numbered | Routed | Flagged,
  Numbered,
  Numbered,
  Numbered,
  Numbered,
  Numbered,
  Numbered,
  Numbered,
  Routed,
  0,
  0,
  Numbered,
  Numbered,
  0,
  0,
  0,
  0
]

/** Beside the kind: the body is bytes as they are, and not JSON. */
const Raw = 0x80

/** A body: JSON as text, or bytes as they are. */
export type Body = string | Uint8Array

export interface Packet {
  readonly kind: number
  /** The request or stream that it is about, or how many. */
  readonly number: number
  readonly route: string
  readonly flags: number
  /** Whether the body is bytes as they are. */
  readonly isRaw: boolean
  /** It may be a view of the frame. */
  readonly body: Uint8Array
}

const encoder = new TextEncoder()
// A mark at the beginning of a text is part of it.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true })

// Up to this length the way into the decoder and the encoder takes longer than what is done there.
const Short = 32

/** The text of bytes. */
export const textOf = (bytes: Uint8Array): string => textAt(bytes, 0, bytes.length)

const textAt = (bytes: Uint8Array, from: number, to: number): string => {
  if (to - from > Short) return decoder.decode(bytes.subarray(from, to))
  let text = ""
  for (let at = from; at < to; at++) {
    const byte = bytes[at] as number
    if (byte >= 0x80) return decoder.decode(bytes.subarray(from, to))
    text += String.fromCharCode(byte)
  }
  return text
}

const writeText = (text: string, bytes: Uint8Array, from: number): number => {
  const { length } = text
  if (length > Short) return from + encoder.encodeInto(text, bytes.subarray(from)).written
  for (let index = 0; index < length; index++) {
    const code = text.charCodeAt(index)
    if (code >= 0x80) return from + encoder.encodeInto(text, bytes.subarray(from)).written
    bytes[from + index] = code
  }
  return from + length
}

// The engine keeps arrays of up to so many bytes with its objects. A view of one has it move the bytes out of there, which costs
// more than a copy.
const Small = 64

const tailOf = (frame: Uint8Array, at: number): Uint8Array =>
  frame.length <= Small ? frame.slice(at) : frame.subarray(at)

// Frames are put together here, and leave as copies of their own. What is larger gets memory for itself alone.
const Room = 64 * 1024
const room = new Uint8Array(Room)

// The bytes of a text in UTF-8 are three times its length at most.
const Widest = 3

// A kind, a number and flags.
const Head = 1 + 10 + 1

const routes = new Map<string, Uint8Array>()

// Routes are few: they come from protocols.
const routeBytes = (route: string): Uint8Array => {
  let bytes = routes.get(route)
  if (bytes === undefined) {
    bytes = encoder.encode(route)
    routes.set(route, bytes)
  }
  return bytes
}

/** Makes a frame. `number`, `route` and `flags` are written where the kind has them. */
export const encode = (kind: number, number: number, body: Body, route = "", flags = 0): Uint8Array => {
  const has = parts[kind] as number
  const name = routeBytes(route)
  const size = Head + 5 + name.length + body.length * (typeof body === "string" ? Widest : 1)
  const bytes = size <= Room ? room : new Uint8Array(size)
  bytes[0] = typeof body === "string" ? kind : kind | Raw
  let at = 1
  if ((has & Numbered) !== 0) at = writeNumber(number, bytes, at)
  if ((has & Routed) !== 0) {
    at = writeNumber(name.length, bytes, at)
    bytes.set(name, at)
    at += name.length
  }
  if ((has & Flagged) !== 0) bytes[at++] = flags
  if (typeof body === "string") {
    at = writeText(body, bytes, at)
  } else {
    bytes.set(body, at)
    at += body.length
  }
  // Memory of its own for bytes has no room that is not used; for a text it may have three times as much.
  return bytes === room || typeof body === "string" ? bytes.slice(0, at) : bytes.subarray(0, at)
}

// Routes are few, and come again and again: one that was read before is the same text, which a map finds without a look at its
// characters. They are kept by a hash of their bytes; one that is longer than any has to be is read anew each time.
const Slots = 256
const LongestKept = 128
const kept: Array<{ readonly bytes: Uint8Array; readonly text: string } | undefined> = Array.from({ length: Slots })

const routeAt = (bytes: Uint8Array, from: number, to: number): string => {
  if (to - from > LongestKept) return textAt(bytes, from, to)
  let hash = to - from
  for (let at = from; at < to; at++) hash = (Math.imul(hash, 31) + (bytes[at] as number)) | 0
  const slot = hash & (Slots - 1)
  const known = kept[slot]
  if (known !== undefined && isAt(known.bytes, bytes, from, to)) return known.text
  const text = textAt(bytes, from, to)
  kept[slot] = { bytes: bytes.slice(from, to), text }
  return text
}

const isAt = (part: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean => {
  if (part.length !== to - from) return false
  for (let at = 0; at < part.length; at++) if (part[at] !== bytes[from + at]) return false
  return true
}

/** Reads a frame; `undefined` when it is no packet. */
export const decode = (frame: Uint8Array): Packet | undefined => {
  const first = frame[0]
  if (first === undefined) return undefined
  const kind = first & ~Raw
  const has = parts[kind]
  if (has === undefined || kind === 0) return undefined
  let at = 1
  let number = 0
  let route = ""
  let flags = 0
  if ((has & Numbered) !== 0) {
    const end = numberEnd(frame, at)
    if (end === undefined) return undefined
    number = numberAt(frame, at, end)
    at = end
  }
  if ((has & Routed) !== 0) {
    const end = numberEnd(frame, at)
    if (end === undefined) return undefined
    const length = numberAt(frame, at, end)
    if (length > frame.length - end) return undefined
    route = routeAt(frame, end, end + length)
    at = end + length
  }
  if ((has & Flagged) !== 0) {
    const byte = frame[at++]
    if (byte === undefined) return undefined
    flags = byte
  }
  return { kind, number, route, flags, isRaw: (first & Raw) !== 0, body: tailOf(frame, at) }
}

// Numbers have seven bits in a byte, the lowest first, and eight bytes at most: fewer than those that are exact.
const MaxBytes = 8

const numberEnd = (bytes: Uint8Array, at: number): number | undefined => {
  for (let next = at; next < at + MaxBytes; next++) {
    const byte = bytes[next]
    if (byte === undefined) return undefined
    if (byte < 0x80) return next + 1
  }
  return undefined
}

const numberAt = (bytes: Uint8Array, at: number, end: number): number => {
  let value = 0
  for (let next = end - 1; next >= at; next--) value = value * 0x80 + ((bytes[next] as number) & 0x7f)
  return value
}
