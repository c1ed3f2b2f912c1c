/**
 * What travels around an input or an output: one message of bytes, so that bytes travel as bytes. It is a byte that says
 * whether the content is bytes, the length of the head in four, the head as JSON, and the content.
 */
import * as Result from "effect/Result"
import type { Metadata } from "../../Invocation.ts"
import { bodyOf, type Codec, valueOf } from "../session/codec.ts"
import { textOf } from "../session/packet.ts"

/** What stands before an input. */
export interface RequestHead {
  /** The same each time that it is sent. */
  readonly id: string
  /** Which time it is that it is sent, from 1 on. */
  readonly attempt: number
  /** How many milliseconds are left to answer it, since clocks differ; `null` when there is no end. */
  readonly left: number | null
  readonly metadata: Metadata
}

/** What stands before an output. */
export interface ReplyHead {
  readonly metadata: Metadata
}

interface Opened {
  readonly isRaw: boolean
  readonly head: object
  readonly content: Uint8Array
}

const utf8 = new TextEncoder()

const Before = 5

/** Puts a value into its envelope; or says why it is not one of the schema. */
export const pack = (codec: Codec, value: unknown, head: RequestHead | ReplyHead): Result.Result<Uint8Array, string> =>
  Result.map(bodyOf(codec, value), (body) => {
    const heading = utf8.encode(JSON.stringify(head))
    const content = typeof body === "string" ? utf8.encode(body) : body
    const packed = new Uint8Array(Before + heading.length + content.length)
    packed[0] = codec.isRaw ? 1 : 0
    new DataView(packed.buffer).setUint32(1, heading.length)
    packed.set(heading, Before)
    packed.set(content, Before + heading.length)
    return packed
  })

const open = (packed: Uint8Array): Opened | undefined => {
  if (packed.length < Before) return undefined
  const length = new DataView(packed.buffer, packed.byteOffset).getUint32(1)
  const head = Result.try((): unknown => JSON.parse(textOf(packed.subarray(Before, Before + length))))
  if (Result.isFailure(head) || typeof head.success !== "object" || head.success === null) return undefined
  return { isRaw: packed[0] === 1, head: head.success, content: packed.subarray(Before + length) }
}

const isMetadata = (u: unknown): u is Metadata =>
  typeof u === "object" && u !== null && Object.values(u).every((value) => typeof value === "string")

const isReply = (head: object): head is ReplyHead => "metadata" in head && isMetadata(head.metadata)

const isRequest = (head: object): head is RequestHead =>
  isReply(head) &&
  "id" in head &&
  typeof head.id === "string" &&
  "attempt" in head &&
  Number.isSafeInteger(head.attempt) &&
  "left" in head &&
  (head.left === null || typeof head.left === "number")

const unpack =
  <Head extends object>(isHead: (head: object) => head is Head) =>
  (codec: Codec, packed: unknown): Result.Result<{ readonly head: Head; readonly value: unknown }, string> => {
    const opened = packed instanceof Uint8Array ? open(packed) : undefined
    if (opened === undefined || !isHead(opened.head)) return Result.fail("Expected an envelope of invocations")
    const { content, head, isRaw } = opened
    return Result.map(valueOf(codec, content, isRaw), (value) => ({ head, value }))
  }

/** Takes an input out of its envelope; or says why that can't be. */
export const unpackRequest = unpack(isRequest)

/** Takes an output out of its envelope; or says why that can't be. */
export const unpackReply = unpack(isReply)
