/**
 * What the fuzz tests have in common: garbage by a seed, and hostile sessions that say it.
 */
import { Effect, type Scope } from "effect"
import * as Net from "node:net"
import type { Duplex } from "node:stream"
import { MessageChannel, type MessagePort } from "node:worker_threads"
import { encode, MaxFrame } from "../../src/net/internal/frames.ts"
import { hello } from "../../src/net/transport/node/internal/marks.ts"
import type { Transport, Wire } from "../../src/net/Transport.ts"
import { Prng } from "../../src/testing/internal/prng.ts"

/** Says so many frames at most, and ends; answers how many it has said before it was cut off. */
export type Session = (garbage: Garbage, frames: number) => Effect.Effect<number>

/** Makes what nobody should say: the same for the same seed. */
export class Garbage {
  readonly chance: Prng
  readonly maxFrame: number
  private readonly corpus: ReadonlyArray<Uint8Array>

  /** `corpus`: what good clients say. */
  constructor(seed: number, maxFrame: number, corpus: ReadonlyArray<Uint8Array>) {
    this.chance = new Prng(seed)
    this.maxFrame = maxFrame
    this.corpus = corpus
  }

  oneIn(count: number): boolean {
    return this.chance.below(count) === 0
  }

  pick<A>(values: ReadonlyArray<A>): A {
    return values[this.chance.below(values.length)]!
  }

  bytes(length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length)
    for (let i = 0; i < length; i++) bytes[i] = this.chance.below(256)
    return bytes
  }

  /** A frame that the transport carries: random, or one of a good client that was changed, cut or joined with another. */
  frame(): Uint8Array<ArrayBuffer> {
    if (this.oneIn(500)) return new Uint8Array(this.maxFrame).fill(this.chance.below(256))
    if (this.corpus.length === 0 || this.oneIn(3)) return this.bytes(this.chance.below(this.pick([1, 4, 32, 512])))
    const frame = new Uint8Array(this.pick(this.corpus))
    switch (this.chance.below(5)) {
      case 0:
        return frame.slice(0, this.chance.below(frame.length + 1))
      case 1: {
        const other = this.pick(this.corpus)
        return Uint8Array.from([...frame.slice(0, this.chance.below(frame.length + 1)), ...other])
      }
      case 2:
        return Uint8Array.from([...frame, ...this.bytes(this.chance.below(16))])
      case 3:
        // As it was: again, or where it does not belong.
        return frame
      default:
        for (let i = this.chance.below(4); i >= 0 && frame.length > 0; i--) {
          frame[this.chance.below(frame.length)] = this.pick([0, 1, 127, 128, 255, this.chance.below(256)])
        }
        return frame
    }
  }

  /** A length, as frames have one before them. */
  length(): number {
    return this.pick([0, 1, this.maxFrame, this.maxFrame + 1, MaxFrame, 0xffff_ffff, this.chance.below(0x1_0000_0000)])
  }

  /** A frame on a stream of bytes: a right one in most cases, and otherwise one with a wrong length, cut off, or none at all. */
  framed(): Uint8Array {
    const whole = encode([this.frame()])
    switch (this.chance.below(24)) {
      case 0:
        new DataView(whole.buffer).setUint32(0, this.length())
        return whole
      case 1:
        return whole.subarray(0, this.chance.below(whole.length))
      case 2:
        return this.bytes(this.chance.below(64))
      case 3:
        // A mark, which belongs elsewhere or nowhere.
        new DataView(whole.buffer).setUint32(0, MaxFrame + this.chance.below(0x100))
        return whole
      default:
        return whole
    }
  }
}

/** Writes what `next` makes to a stream, and ends it in one way or another. */
export const streamed =
  (dial: () => Duplex, start: (garbage: Garbage) => Uint8Array, next: (garbage: Garbage) => Uint8Array): Session =>
  (garbage, frames) =>
    Effect.callback((resume) => {
      const stream = dial()
      let said = 0
      const end = (): void => {
        if (garbage.oneIn(2)) stream.destroy()
        else stream.end(() => setTimeout(() => stream.destroy(), 20))
      }
      const say = (): void => {
        while (said < frames) {
          if (!stream.writable) return
          stream.write(next(garbage))
          said++
          // Whoever was cut off is to see it.
          if (garbage.oneIn(2)) {
            setImmediate(say)
            return
          }
        }
        end()
      }
      stream.on("error", () => stream.destroy())
      stream.on("close", () => resume(Effect.succeed(said)))
      stream.resume()
      stream.write(start(garbage))
      say()
    })

/** Speaks to a listener of stream sockets, which hears a hello first in most cases. */
export const overSocket = (dial: () => Duplex): Session =>
  streamed(
    dial,
    (garbage) => (garbage.oneIn(8) ? garbage.bytes(garbage.chance.below(8)) : hello),
    (garbage) => garbage.framed()
  )

/** Says nothing but random bytes, as to a listener that expects TLS or HTTP. */
export const overBytes = (dial: () => Duplex, start: (garbage: Garbage) => string | Uint8Array): Session =>
  streamed(
    dial,
    (garbage) => Buffer.from(start(garbage)),
    (garbage) => garbage.bytes(garbage.chance.below(256))
  )

/** Sends frames that are right as frames, by what `connect` answers, until they are refused. */
export const overWire =
  (connect: Effect.Effect<Wire["send"], unknown, Scope.Scope>): Session =>
  (garbage, frames) =>
    Effect.suspend(() => {
      let said = 0
      return Effect.gen(function* () {
        const send = yield* connect
        while (said < frames) {
          yield* send(garbage.frame())
          said++
          if (garbage.oneIn(8)) yield* Effect.sleep(0)
        }
      }).pipe(
        Effect.scoped,
        Effect.ignore,
        Effect.map(() => said)
      )
    })

/** A wire of one's own, whose other side may say what it likes. */
export const stranger = (transport: Transport): Effect.Effect<Wire["send"], unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const wire = yield* transport.connect
    yield* Effect.forkScoped(Effect.ignore(Effect.forever(wire.receive)))
    return wire.send
  })

/** Upgrades a connection to a WebSocket by hand, and writes frames of that protocol. */
export const overWebSocket = ({ host, hostname, pathname, port }: URL): Session =>
  streamed(
    () => Net.connect(Number(port), hostname),
    (garbage) =>
      Buffer.from(
        `GET ${garbage.oneIn(16) ? "/elsewhere" : pathname} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\n` +
          "Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
      ),
    webSocketFrame
  )

const Binary = 0x82

const webSocketFrame = (garbage: Garbage): Uint8Array => {
  const payload = garbage.frame()
  const { length } = payload
  // Masked by zeros, so that what is in it is what was meant.
  const header =
    length < 126
      ? Buffer.from([Binary, 0x80 | length, 0, 0, 0, 0])
      : Buffer.from([Binary, 0xff, 0, 0, 0, 0, length >>> 24, length >>> 16, length >>> 8, length, 0, 0, 0, 0])
  switch (garbage.chance.below(24)) {
    case 0:
      // Any kind of frame, final or not.
      header[0] = garbage.chance.below(256)
      break
    case 1:
      // Any length, masked or not.
      header[1] = garbage.chance.below(256)
      break
    case 2:
      return Buffer.concat([header, payload]).subarray(0, garbage.chance.below(length + 6))
    case 3:
      return garbage.bytes(garbage.chance.below(64))
  }
  return Buffer.concat([header, payload])
}

/** Posts to a port that is listened on: to the port itself, and to those of wires that it has asked for. */
export const overPort =
  (far: MessagePort): Session =>
  (garbage, frames) =>
    Effect.callback((resume) => {
      let said = 0
      if (garbage.oneIn(4)) {
        for (; said < frames; said++) far.postMessage(message(garbage), [])
        setImmediate(() => resume(Effect.succeed(said)))
        return
      }
      const { port1, port2 } = new MessageChannel()
      const end = (): void => {
        port1.close()
        resume(Effect.succeed(said))
      }
      const say = (): void => {
        while (said < frames) {
          port1.postMessage(garbage.oneIn(12) ? message(garbage) : [garbage.frame().buffer], [])
          said++
          if (garbage.oneIn(8)) {
            setImmediate(say)
            return
          }
        }
        end()
      }
      port1.once("close", () => resume(Effect.succeed(said)))
      far.postMessage({ "~troupe/net/WorkerPort": port2 }, [port2])
      say()
    })

const message = (garbage: Garbage): unknown => {
  const { buffer } = garbage.frame()
  return garbage.pick<() => unknown>([
    () => buffer,
    () => [],
    () => [buffer, garbage.length()],
    () => [new Uint8Array(buffer)],
    () => [new ArrayBuffer(garbage.maxFrame + 1)],
    () => Array.from({ length: garbage.chance.below(1000) }, () => new ArrayBuffer(1)),
    () => garbage.length(),
    () => -garbage.length(),
    () => Number.NaN,
    () => Number.POSITIVE_INFINITY,
    () => garbage.pick(["close", "accepted", "NotListening", "", "\u0000"]),
    () => ({ "~troupe/net/WorkerPort": garbage.pick<unknown>([null, 1, "port", buffer, {}]) }),
    () => garbage.pick([null, undefined, true, 1n]),
    () => new Map([[buffer, new Set([buffer])]])
  ])()
}

/** A transport that is another one, and tells of its wires and of what is sent over them. */
export const watched = (
  transport: Transport,
  { onFrame, onWire }: { readonly onFrame?: (frame: Uint8Array) => void; readonly onWire?: (wire: Wire) => void }
): Transport => ({
  ...transport,
  connect: Effect.map(transport.connect, (wire): Wire => {
    onWire?.(wire)
    const { closed, close, maxFrame, peer, receive } = wire
    return {
      transport: wire.transport,
      peer,
      maxFrame,
      receive,
      closed,
      close,
      send: (frame) => {
        onFrame?.(new Uint8Array(frame))
        return wire.send(frame)
      },
      sendAll: (frames) => {
        for (const frame of frames) onFrame?.(new Uint8Array(frame))
        return wire.sendAll(frames)
      }
    }
  })
})
