import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { Decoder, encode, MaxFrame, mark, write } from "../../src/net/internal/frames.ts"

const Bytes = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 })))
const Frames = Schema.NonEmptyArray(Bytes)
const Cuts = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20 })))

/** What a decoder makes of the bytes, cut into pieces of these lengths, one after the other and from the start again. */
const decode = (bytes: Uint8Array, cuts: ReadonlyArray<number>, maxFrame = 1000) => {
  const decoder = new Decoder(maxFrame)
  const frames: Array<Uint8Array> = []
  const lengths = cuts.some((length) => length > 0) ? cuts : [bytes.length || 1]
  let tooLong: number | undefined
  for (let at = 0, turn = 0; at < bytes.length && tooLong === undefined; turn++) {
    const length = lengths[turn % lengths.length]!
    tooLong = decoder.push(bytes.subarray(at, at + length), frames)
    at += length
  }
  return { frames: frames.map((frame) => [...frame]), tooLong, isAmidFrame: decoder.isAmidFrame }
}

describe("frames", () => {
  it.prop("K45 any cut of the bytes gives the same frames", [Frames, Cuts], ([frames, cuts]) => {
    const [first, ...rest] = frames.map((frame) => Uint8Array.from(frame))
    const decoded = decode(encode([first!, ...rest]), cuts)
    assert.deepStrictEqual(decoded, {
      frames: frames.map((frame) => [...frame]),
      tooLong: undefined,
      isAmidFrame: false
    })
  })

  it.prop("bytes that end within a frame are known as such", [Frames, Cuts], ([frames, cuts]) => {
    const [first, ...rest] = frames.map((frame) => Uint8Array.from(frame))
    const bytes = encode([first!, ...rest])
    const decoded = decode(bytes.subarray(0, -1), cuts)
    assert.isTrue(decoded.isAmidFrame)
    assert.deepStrictEqual(decoded.frames, frames.slice(0, -1))
  })

  it.prop("K38 a frame that is too long is known from its header, after those before it", [Frames, Cuts], (given) => {
    const [frames, cuts] = given
    const [first, ...rest] = frames.map((frame) => Uint8Array.from(frame))
    const bytes = Uint8Array.from([...encode([first!, ...rest]), ...mark(1001)])
    assert.deepStrictEqual(decode(bytes, cuts), {
      frames: frames.map((frame) => [...frame]),
      tooLong: 1001,
      isAmidFrame: false
    })
  })

  it("K38 the limit itself is carried, and one more is not", () => {
    assert.deepStrictEqual(decode(encode([new Uint8Array(7)]), [3], 7).frames, [[0, 0, 0, 0, 0, 0, 0]])
    assert.strictEqual(decode(encode([new Uint8Array(8)]), [3], 7).tooLong, 8)
    assert.strictEqual(decode(mark(MaxFrame + 1), [1], MaxFrame).tooLong, MaxFrame + 1)
  })

  it("a frame shares no memory with what came in", () => {
    const bytes = Buffer.concat([encode([Uint8Array.of(1, 2, 3), Uint8Array.of(4)])])
    const frames: Array<Uint8Array> = []
    new Decoder(10).push(bytes, frames)
    bytes.fill(9)
    assert.deepStrictEqual(frames, [Uint8Array.of(1, 2, 3), Uint8Array.of(4)])
    assert.strictEqual(frames[1]!.buffer.byteLength, 1)
  })

  it("a large frame in many chunks arrives whole", () => {
    const large = Uint8Array.from({ length: 5_000_000 }, (_, index) => index % 251)
    const bytes = encode([large, Uint8Array.of(7)])
    const decoder = new Decoder(large.length)
    const frames: Array<Uint8Array> = []
    for (let at = 0; at < bytes.length; at += 65_536) decoder.push(bytes.subarray(at, at + 65_536), frames)
    assert.strictEqual(Buffer.compare(frames[0]!, large), 0)
    assert.deepStrictEqual(frames[1], Uint8Array.of(7))
  })

  it("K38 who announces a large frame has little kept for it", () => {
    const decoder = new Decoder(1024 ** 3)
    const before = process.memoryUsage().arrayBuffers
    assert.strictEqual(decoder.push(mark(1024 ** 3), []), undefined)
    assert.isTrue(decoder.isAmidFrame)
    assert.isBelow(process.memoryUsage().arrayBuffers - before, 1024 ** 2)
  })

  it("is written where there is room", () => {
    const bytes = new Uint8Array(8).fill(9)
    assert.strictEqual(write(Uint8Array.of(5), bytes, 2), 7)
    assert.deepStrictEqual(bytes, Uint8Array.of(9, 9, 0, 0, 0, 1, 5, 9))
  })
})
