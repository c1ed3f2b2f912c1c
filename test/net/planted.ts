/**
 * A transport within one program, for the tests of the tests: it keeps what a transport has to keep, but for the one thing
 * that it is told to break.
 */
import { Effect, Exit, Scope } from "effect"
import type { Listening, Transport, Wire } from "../../src/net/Transport.ts"
import { TypeId } from "../../src/net/Transport.ts"
import { FrameTooLarge, TransportError, WireClosed } from "../../src/net/TransportError.ts"

/** For each thing that can be broken, words of the guarantee that it breaks. */
export const faults = {
  "swaps frames": "the order in which they were sent",
  "drops empty frames": "an empty frame",
  "drops single bytes": "a frame of one byte",
  "masks the highest bit": "may have any bytes",
  "cuts the largest": "as many bytes as maxFrame says",
  "sends what is too large": "refused with FrameTooLarge",
  "takes what is too large": "sends a frame above maxFrame",
  "keeps what was too large to itself": "sends a frame above maxFrame",
  "forgets a frame of a list": "in one go",
  "mixes senders": "several fibers",
  "sends twice": "whole and once",
  "never waits": "waits for a side that does not take",
  "waits for the other direction": "the one direction",
  "loses with an interrupted receive": "interrupted receive",
  "misses what comes before it waits": "wherever its scheduler puts it off",
  "sends half when interrupted": "interrupted send",
  "drops at close": "before close arrives",
  "tells of the close first": "what came before the close",
  "sends after close": "fail with WireClosed after close",
  "tells another reason later": "closing a wire twice",
  "calls two closes a loss": "both sides may close",
  "leaves receives waiting": "ends the receives",
  "leaves sends waiting": "fails when the other side closes",
  "outlives its scope": "with the scope that it was connected in",
  "calls a loss a close": "a side whose peer is lost",
  "keeps sends that wait over a loss": "fails when the other side is lost",
  "takes all along": "takes no other along",
  "mistakes its name": "tell what they are",
  "waits for a listener": "NotListening",
  "shares an address": "AddressInUse",
  "keeps the address": "can be listened on again",
  "outlives its listener": "a listener's end",
  "leaves the wire of an ended serving": "when its serving ends",
  "dies with a serving": "a serving that dies",
  "serves ninety": "a hundred connect",
  "leaves interrupted attempts open": "interrupted attempt to connect"
}

export type Fault = keyof typeof faults

const capacity = 16
const maxFrame = 64 * 1024

/** How many bytes are underway to a side that takes nothing. */
export const underway = capacity * maxFrame

/** What waits for something to change. */
class Waiters {
  private readonly wakes = new Set<() => void>()

  /** Waits until it holds; who looks only before is not woken by what changed in between. */
  until(holds: () => boolean): Effect.Effect<void> {
    return Effect.callback((resume) => {
      if (holds()) return resume(Effect.void)
      const wake = () => resume(Effect.void)
      this.wakes.add(wake)
      return Effect.sync(() => void this.wakes.delete(wake))
    })
  }

  wake(): void {
    const wakes = [...this.wakes]
    this.wakes.clear()
    for (const wake of wakes) wake()
  }
}

class Side implements Wire {
  readonly transport: string
  readonly peer = { address: "planted" }
  readonly maxFrame: number
  readonly faulty: (fault: Fault) => boolean
  other: Side = this
  frames: Array<Uint8Array> = []
  end: WireClosed | undefined
  tooLarge: FrameTooLarge | undefined
  held: Uint8Array | undefined
  count = 0
  scratch: Uint8Array = new Uint8Array(0)
  onEnd = () => {}
  readonly receives = new Waiters()
  readonly sends = new Waiters()
  readonly ends = new Waiters()

  constructor(faulty: (fault: Fault) => boolean, maxFrame: number) {
    this.faulty = faulty
    this.maxFrame = maxFrame
    this.transport = faulty("mistakes its name") ? "plant" : "planted"
  }

  finish(by: WireClosed["by"], quietly: boolean = false): void {
    if (this.end !== undefined) {
      const mistaken = this.faulty("tells another reason later") || (quietly && this.faulty("calls two closes a loss"))
      if (!mistaken) return
    }
    const told = quietly && this.end !== undefined && this.faulty("calls two closes a loss") ? "loss" : by
    this.end = new WireClosed({ transport: this.transport, peer: this.peer.address, by: told, detail: "" })
    this.onEnd()
    this.ends.wake()
    if (!this.faulty("leaves receives waiting")) this.receives.wake()
    const isLoss = by === "loss"
    if (!this.faulty(isLoss ? "keeps sends that wait over a loss" : "leaves sends waiting")) this.sends.wake()
  }

  push(frame: Uint8Array): void {
    const { other } = this
    if (frame.length > other.maxFrame && !this.faulty("takes what is too large")) {
      const { maxFrame: limit } = other
      const tooLarge = new FrameTooLarge({ peer: "planted", direction: "in", bytes: frame.length, limit })
      other.tooLarge = this.faulty("keeps what was too large to itself") ? undefined : tooLarge
      other.finish("this side")
      return this.finish("the other side")
    }
    if (frame.length === 0 && this.faulty("drops empty frames")) return
    if (frame.length === 1 && this.faulty("drops single bytes")) return
    let sent = frame.slice()
    if (frame.length === this.maxFrame && this.faulty("cuts the largest")) sent = sent.subarray(1)
    if (this.faulty("masks the highest bit")) sent = sent.map((byte) => byte & 127)
    const held = this.held
    this.held = undefined
    if (this.faulty("swaps frames") && ++this.count === 7) this.held = sent
    else other.frames.push(sent, ...(held === undefined ? [] : [held]))
    if (this.faulty("sends twice") && frame.length === 77) other.frames.push(sent)
    other.receives.wake()
  }

  private refusal(frame: Uint8Array): FrameTooLarge | undefined {
    if (this.end !== undefined || frame.length <= this.maxFrame || this.faulty("sends what is too large"))
      return undefined
    return new FrameTooLarge({ peer: "planted", direction: "out", bytes: frame.length, limit: this.maxFrame })
  }

  private readonly put = (frame: Uint8Array): Effect.Effect<void, WireClosed | FrameTooLarge> =>
    Effect.suspend(() => {
      if (this.end !== undefined) return this.faulty("sends after close") ? Effect.void : Effect.fail(this.end)
      const full = this.other.frames.length >= capacity
      const mustWait = full && !this.faulty("never waits")
      if (mustWait || (this.faulty("waits for the other direction") && this.frames.length >= capacity)) {
        const wait = this.sends.until(() => this.end !== undefined || this.other.frames.length < capacity)
        const waiting = Effect.andThen(wait, this.put(frame))
        if (!this.faulty("sends half when interrupted")) return waiting
        return Effect.onInterrupt(waiting, () => Effect.sync(() => this.push(frame.subarray(0, frame.length / 2))))
      }
      if (!this.faulty("mixes senders") || frame.length < 1000) return Effect.sync(() => this.push(frame))
      this.scratch = frame
      return Effect.andThen(
        Effect.yieldNow,
        Effect.sync(() => this.push(this.scratch))
      )
    })

  readonly send = (frame: Uint8Array): Effect.Effect<void, WireClosed | FrameTooLarge> =>
    Effect.suspend(() => {
      const refusal = this.refusal(frame)
      return refusal === undefined ? this.put(frame) : Effect.fail(refusal)
    })

  readonly sendAll = (frames: ReadonlyArray<Uint8Array>): Effect.Effect<void, WireClosed | FrameTooLarge> =>
    Effect.suspend(() => {
      const refusal = frames.map((frame) => this.refusal(frame)).find((refusal) => refusal !== undefined)
      if (refusal !== undefined) return Effect.fail(refusal)
      const sent = this.faulty("forgets a frame of a list") && frames.length > 2 ? frames.toSpliced(1, 1) : frames
      return Effect.forEach(sent, this.put, { discard: true })
    })

  private readonly taking: Wire["receive"] = Effect.suspend(() => {
    if (this.end !== undefined && this.faulty("tells of the close first")) return Effect.fail(this.end)
    const [first, ...rest] = this.frames.splice(0)
    if (first !== undefined) {
      this.other.sends.wake()
      return Effect.succeed([first, ...rest] as const)
    }
    if (this.tooLarge !== undefined) return Effect.fail(this.tooLarge)
    if (this.end !== undefined) return Effect.fail(this.end)
    const misses = this.faulty("misses what comes before it waits")
    const wait = this.receives.until(() => !misses && (this.end !== undefined || this.frames.length > 0))
    return Effect.andThen(wait, this.taking)
  })

  get receive(): Wire["receive"] {
    return this.faulty("loses with an interrupted receive") ? Effect.tap(this.taking, Effect.yieldNow) : this.taking
  }

  readonly closed: Wire["closed"] = Effect.suspend(() =>
    this.end === undefined
      ? Effect.andThen(
          this.ends.until(() => this.end !== undefined),
          this.closed
        )
      : Effect.succeed(this.end)
  )

  readonly close: Wire["close"] = Effect.sync(() => {
    if (this.faulty("drops at close")) this.other.frames.length = 0
    this.finish("this side", true)
    this.other.finish("the other side")
  })
}

interface Listener {
  readonly accept: (wire: Side) => Effect.Effect<void>
  readonly open: Set<Side>
}

/** Makes it, on an address of its own. */
export const make = (planted?: Fault) => {
  const faulty = (fault: Fault): boolean => fault === planted
  let listener: Listener | undefined
  const failed = (doing: "connect" | "listen", reason: "NotListening" | "AddressInUse") =>
    new TransportError({ transport: "planted", address: "here", doing, reason, detail: "planted" })

  const dial = (limit: number) =>
    Effect.suspend(() => {
      if (listener === undefined) {
        return faulty("waits for a listener") ? Effect.never : Effect.fail(failed("connect", "NotListening"))
      }
      const near = new Side(faulty, limit)
      const far = new Side(faulty, maxFrame)
      near.other = far
      far.other = near
      return Effect.as(listener.accept(far), near)
    })

  const connect = (limit: number): Transport["connect"] => {
    if (faulty("leaves interrupted attempts open")) {
      const connecting = Effect.tap(dial(limit), () => Effect.yieldNow)
      return Effect.tap(connecting, (wire) => Effect.addFinalizer(() => wire.close))
    }
    const close = (wire: Wire) => (faulty("outlives its scope") ? Effect.void : wire.close)
    return Effect.acquireRelease(dial(limit), close, { interruptible: true })
  }

  const listen: Transport["listen"] = <R>(serve: (wire: Wire) => Effect.Effect<void, never, R>) =>
    Effect.gen(function* () {
      if (listener !== undefined && !faulty("shares an address")) {
        return yield* Effect.fail(failed("listen", "AddressInUse"))
      }
      const context = yield* Effect.context<R>()
      const scope = yield* faulty("outlives its listener") ? Scope.make() : Scope.fork(yield* Effect.scope)
      const open = new Set<Side>()
      let count = 0
      const accept = (wire: Side): Effect.Effect<void> => {
        open.add(wire)
        wire.onEnd = () => void open.delete(wire)
        if (++count > 90 && faulty("serves ninety")) return Effect.void
        const served = Effect.onExit(Effect.provide(serve(wire), context), (exit) => {
          if (Exit.isSuccess(exit) && faulty("leaves the wire of an ended serving")) return Effect.void
          return Exit.isFailure(exit) && faulty("dies with a serving") ? Effect.andThen(end, wire.close) : wire.close
        })
        return Effect.asVoid(Effect.forkIn(served, scope))
      }
      const mine: Listener = { accept, open }
      const end = Effect.sync(() => {
        if (listener === mine && !faulty("keeps the address")) listener = undefined
      })
      listener = mine
      yield* Effect.addFinalizer(() => end)
      const listening: Listening = { transport: transport(maxFrame), wires: Effect.sync(() => open.size) }
      return listening
    })

  const transport = (limit: number): Transport => ({
    [TypeId]: TypeId,
    name: "planted",
    address: "here",
    connect: connect(limit),
    listen
  })

  const lose = (wire: Wire): Effect.Effect<void> =>
    Effect.sync(() => {
      if (!(wire instanceof Side)) return
      const along = faulty("takes all along") ? [...(listener?.open ?? [])] : []
      for (const lost of [wire, wire.other, ...along])
        lost.finish(faulty("calls a loss a close") ? "the other side" : "loss")
    })

  return {
    transport: transport(maxFrame),
    lose,
    withMaxFrame: (_: Transport, limit: number) => transport(limit)
  }
}
