/**
 * Wires and frames to test a transport with.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type { Transport, Wire } from "../../../net/Transport.ts"
import { WireClosed } from "../../../net/TransportError.ts"
import { broken, expect, soon } from "./keeping.ts"

/** One that listens, and how to open wires to it, each with both of its ends. */
export const opened = Effect.fnUntraced(function* (transport: Transport) {
  const served = yield* Queue.unbounded<Wire>()
  // It ends with the scope alone: what the tests do with the wire is not to be ended by its serving.
  const listening = yield* transport.listen((wire) => Effect.andThen(Queue.offer(served, wire), Effect.never))
  const next = soon(Queue.take(served), () => "one that listens did not serve a wire that was connected")
  const open = Effect.gen(function* () {
    const client = yield* soon(listening.transport.connect, () => "connecting to one that listens did not end")
    return { client, server: yield* next }
  })
  return { listening, next, open }
})

/** A wire with both of its ends. */
export const pair = Effect.fnUntraced(function* (transport: Transport) {
  const { listening, next, open } = yield* opened(transport)
  return { listening, next, ...(yield* open) }
})

/** Bytes that tell by themselves which frame they are, and whether they are whole. */
export const numbered = (number: number, size: number): Uint8Array => {
  const frame = new Uint8Array(Math.max(4, size))
  for (let at = 4; at < frame.length; at++) frame[at] = number * 31 + at * 7
  new DataView(frame.buffer).setUint32(0, number)
  return frame
}

/** Which frame it is; `undefined` if it is not whole. */
export const numberOf = (frame: Uint8Array): number | undefined => {
  if (frame.length < 4) return undefined
  const number = new DataView(frame.buffer, frame.byteOffset).getUint32(0)
  for (let at = 4; at < frame.length; at++) if (frame[at] !== ((number * 31 + at * 7) & 0xff)) return undefined
  return number
}

/** How many bytes a frame has that is large, and that a test can send many of. */
export const large = (wire: Wire): number => Math.min(64 * 1024, wire.maxFrame)

/** Takes until there are so many frames. */
export const take = (wire: Wire, count: number) =>
  Effect.suspend(() => {
    const frames: Array<Uint8Array> = []
    const taking = Effect.gen(function* () {
      while (frames.length < count) {
        const taken = yield* wire.receive
        if (taken.length === 0) return yield* broken("a receive answered without a frame")
        for (const frame of taken) frames.push(frame)
      }
      return frames
    })
    return soon(taking, () => `of ${count} frames that were sent ${frames.length} arrived`)
  })

/** Takes until the wire is closed. */
export const takeAll = (wire: Wire) =>
  Effect.suspend(() => {
    const frames: Array<Uint8Array> = []
    const taking = Effect.gen(function* () {
      while (true) {
        const taken = yield* Effect.result(wire.receive)
        if (taken._tag === "Success") frames.push(...taken.success)
        else if (taken.failure instanceof WireClosed) return { frames, end: taken.failure }
        else return yield* Effect.fail(taken.failure)
      }
    })
    return soon(taking, () => `a receive did not end with the wire, after ${frames.length} frames`)
  })

const shown = (frame: Uint8Array | undefined): string => {
  if (frame === undefined) return "none"
  const bytes = Array.from(frame.subarray(0, 8), (byte) => byte.toString(16).padStart(2, "0")).join(" ")
  return `${frame.length} bytes ${bytes}${frame.length > 8 ? " …" : ""}`.trimEnd()
}

const equal = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  a !== undefined && b !== undefined && a.length === b.length && a.every((byte, at) => byte === b[at])

/** These frames and no others, in this order. */
export const same = (sent: ReadonlyArray<Uint8Array>, received: ReadonlyArray<Uint8Array>) =>
  Effect.suspend(() => {
    const count = Math.max(sent.length, received.length)
    for (let at = 0; at < count; at++) {
      if (equal(sent[at], received[at])) continue
      return broken(
        `of ${sent.length} frames number ${at} was sent as ${shown(sent[at])}, and received as ${shown(received[at])}`
      )
    }
    return Effect.void
  })

/** Who closed it is told as it was. */
export const closedBy = (closed: WireClosed, by: WireClosed["by"], where: string): ReturnType<typeof expect> =>
  expect(closed.by === by, () => `${where} told that the wire was closed by ${closed.by}, and it was by ${by}`)

/** Waits until it is closed, and looks at who closed it. */
export const ends = (wire: Wire, by: WireClosed["by"], where: string) =>
  Effect.flatMap(
    soon(wire.closed, () => `${where} did not tell that the wire is closed`),
    (closed) => closedBy(closed, by, where)
  )

/** What fails with the wire being closed does. */
export const failsClosed = <A, E>(effect: Effect.Effect<A, E>, by: WireClosed["by"], what: string) =>
  Effect.gen(function* () {
    const result = yield* soon(Effect.result(effect), () => `${what} did not end`)
    if (result._tag === "Success") return yield* broken(`${what} succeeded`)
    if (!(result.failure instanceof WireClosed)) return yield* broken(`${what} failed with ${String(result.failure)}`)
    yield* closedBy(result.failure, by, what)
  })

/** Sends until the wire is closed. */
export const sendUntilClosed = (wire: Wire, frame: Uint8Array) =>
  Effect.forever(Effect.andThen(wire.send(frame), Effect.yieldNow))

/** An array that is not empty, as `sendAll` takes it. */
export const some = (frames: ReadonlyArray<Uint8Array>): NonEmptyReadonlyArray<Uint8Array> =>
  frames as NonEmptyReadonlyArray<Uint8Array>
