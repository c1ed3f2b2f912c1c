/**
 * The hand-written encoding against protobufjs, which reads `troupe.proto` itself.
 */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Protobuf from "../../src/net/transport/node/internal/protobuf.ts"
import { published } from "./peers/published.ts"

const Bytes = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 })))
const UInt32 = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff_ffff }))

const frame = published.Transport.Connect
const request = published.Calls.Call
const chunk = published.Calls.Watch

const plain = (bytes: Uint8Array): ReadonlyArray<number> => [...bytes]

describe("protobuf", () => {
  it.prop(
    "frames are as another implementation has them",
    [Bytes, UInt32, Schema.Boolean],
    ([bytes, remaining, closing]) => {
      const payload = Uint8Array.from(bytes)
      const ours = Protobuf.encodeFrame({ payload, remaining, closing })
      const theirs = frame.requestSerialize({ payload, remaining, closing })
      assert.deepStrictEqual(frame.requestDeserialize(Buffer.from(ours)), {
        payload: Buffer.from(payload),
        remaining,
        closing
      })
      for (const encoded of [ours, theirs]) {
        const decoded = Protobuf.decodeFrame(encoded)
        assert.deepStrictEqual(decoded && { ...decoded, payload: plain(decoded.payload) }, {
          payload: bytes,
          remaining,
          closing
        })
      }
    }
  )

  it.prop("requests are as another implementation has them", [Schema.String, Bytes], ([text, bytes]) => {
    const route = Buffer.from(text).toString()
    const payload = Uint8Array.from(bytes)
    const ours = Protobuf.encodeCallRequest({ route, payload })
    assert.deepStrictEqual(request.requestDeserialize(Buffer.from(ours)), { route, payload: Buffer.from(payload) })
    for (const encoded of [ours, request.requestSerialize({ route, payload })]) {
      const decoded = Protobuf.decodeCallRequest(encoded)
      assert.deepStrictEqual(decoded && { ...decoded, payload: plain(decoded.payload) }, { route, payload: bytes })
    }
  })

  it.prop("answers are as another implementation has them", [Bytes], ([bytes]) => {
    const payload = Uint8Array.from(bytes)
    const ours = Buffer.from(Protobuf.encodePayload(payload))
    assert.deepStrictEqual(request.responseDeserialize(ours), { payload: Buffer.from(payload) })
    assert.deepStrictEqual(chunk.responseDeserialize(ours), { payload: Buffer.from(payload) })
    for (const encoded of [ours, request.responseSerialize({ payload }), chunk.responseSerialize({ payload })])
      assert.deepStrictEqual([...(Protobuf.decodePayload(encoded) ?? [])], [...bytes])
  })

  it.prop("K38 any bytes are a message, or are none, as for another implementation", [Bytes], ([bytes]) => {
    const encoded = Uint8Array.from(bytes)
    const ours = Protobuf.decodeFrame(encoded)
    // Groups are the one thing that it knows and we do not: no version 3 message has one.
    if (ours === undefined) return
    const theirs = frame.requestDeserialize(Buffer.from(encoded)) as {
      payload: Buffer
      remaining: number
      closing: boolean
    }
    assert.deepStrictEqual(plain(ours.payload), plain(theirs.payload))
    assert.strictEqual(ours.remaining, theirs.remaining)
    assert.strictEqual(ours.closing, theirs.closing)
  })

  it("K38 what is cut, or has a wrong length, is no message", () => {
    const whole = Protobuf.encodeFrame({ payload: new Uint8Array(300), remaining: 70_000, closing: false })
    // A cut between two fields leaves a message without the second.
    const between = 303
    for (let length = 1; length < whole.length; length++)
      assert.strictEqual(Protobuf.decodeFrame(whole.subarray(0, length)) !== undefined, length === between, `${length}`)
    const malformed = {
      "a length beyond the end": [0x0a, 5, 1, 2],
      "a length of more than 32 bits": [0x0a, 0xff, 0xff, 0xff, 0xff, 0x7f, 1],
      "a number without an end": Array.from({ length: 12 }, () => 0xff),
      "field 0": [0x02, 0],
      "a group": [0x0b, 0x0c]
    }
    for (const [what, bytes] of Object.entries(malformed)) {
      assert.isUndefined(Protobuf.decodeFrame(Uint8Array.from(bytes)), what)
      assert.isUndefined(Protobuf.decodeCallRequest(Uint8Array.from(bytes)), what)
      assert.isUndefined(Protobuf.decodePayload(Uint8Array.from(bytes)), what)
    }
    assert.isUndefined(Protobuf.decodeCallRequest(Uint8Array.from([0x0a, 1, 0xff])), "text that is no UTF-8")
  })

  it("fields that are not known are passed over, and the last of a field holds", () => {
    const more = [0x7a, 2, 1, 2, 0x70, 0x96, 1, 0x71, 1, 2, 3, 4, 5, 6, 7, 8, 0x75, 1, 2, 3, 4, 0x0a, 1, 9, 0x0a, 1, 7]
    assert.deepStrictEqual(Protobuf.decodePayload(Uint8Array.from(more)), Uint8Array.from([7]))
    assert.deepStrictEqual(chunk.responseDeserialize(Buffer.from(more)), { payload: Buffer.from([7]) })
  })
})
