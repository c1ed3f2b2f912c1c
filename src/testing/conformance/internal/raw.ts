/**
 * Sides of a connection that are played by hand, frame by frame: for what a side of ours does not do.
 */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Authentication from "../../../net/Authentication.ts"
import { meet, reach, receive } from "../../../net/internal/session/handshake.ts"
import { decode, encode, Kind, type Packet, textOf } from "../../../net/internal/session/packet.ts"
import type { Transport, Wire } from "../../../net/Transport.ts"
import { eventually, soon } from "./keeping.ts"
import { Talk } from "./talk.ts"

/** A side that has met the other, and keeps what that says. */
export class Raw {
  readonly wire: Wire
  readonly packets: Array<Packet> = []

  constructor(wire: Wire) {
    this.wire = wire
  }

  /** Hears what the other side says, until the wire is closed. */
  readonly hear: Effect.Effect<void> = Effect.suspend(() =>
    Effect.ignore(
      Effect.forever(
        Effect.map(this.wire.receive, (frames) => {
          this.heard(frames)
        })
      )
    )
  )

  heard(frames: ReadonlyArray<Uint8Array>): void {
    for (const frame of frames) {
      const packet = decode(frame.slice())
      if (packet !== undefined) this.packets.push(packet)
    }
  }

  frame(kind: number, number: number, body: string = "", route?: string, flags?: number): Uint8Array {
    return encode(kind, number, body, route, flags)
  }

  say(kind: number, number: number, body?: string, route?: string, flags?: number) {
    return this.wire.send(this.frame(kind, number, body, route, flags))
  }

  /** What was said of a kind so far. */
  said(kind: number): ReadonlyArray<Packet> {
    return this.packets.filter((packet) => packet.kind === kind)
  }

  /** Waits until so many of a kind were said, and answers them. */
  readonly untilSaid = (kind: number, count: number, what: string) =>
    eventually(
      Effect.sync(() => this.said(kind)),
      (said) => said.length >= count,
      (said) => `${what}: ${said?.length ?? 0} of ${count} came`
    )
}

/** The body of a packet, as text. */
export const bodyOf = ({ body }: Packet): string => textOf(body)

let last = 0

/** One that connects. `connection`: the id of its connection; one of its own when absent. */
export const calling = Effect.fnUntraced(function* (transport: Transport, connection: string = `raw ${++last}`) {
  const caller = { protocol: Talk.name, instance: undefined, connection, credentials: undefined }
  const wire = yield* soon(reach(transport, caller), () => "connecting to an acceptor did not end")
  const agreed = yield* soon(meet(wire, caller), () => "an acceptor does not let in who connects")
  const raw = new Raw(wire)
  raw.heard(agreed.ahead)
  yield* Effect.forkScoped(raw.hear)
  return raw
})

/** One that listens; `next` is who was let in. */
export const called = Effect.fnUntraced(function* (transport: Transport) {
  const raws = yield* Queue.unbounded<Raw>()
  const host = {
    protocol: Talk.name,
    instance: undefined,
    incarnation: `raw ${++last}`,
    authenticator: Authentication.open,
    isStopping: () => false,
    isFree: () => true
  }
  const listening = yield* transport.listen((wire) =>
    Effect.ignore(
      Effect.gen(function* () {
        const { ahead } = yield* receive(wire, host)
        const raw = new Raw(wire)
        raw.heard(ahead)
        yield* Queue.offer(raws, raw)
        yield* raw.hear
      })
    )
  )
  const next = soon(Queue.take(raws), () => "nobody connected")
  return { transport: listening.transport, next }
})

export { Kind }
