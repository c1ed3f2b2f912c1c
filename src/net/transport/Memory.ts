/**
 * A transport within one program: what is sent on one side is received on the other, and nothing can be lost.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { defaultMaxFrame, type Listening, type Transport, TypeId, type Wire } from "../Transport.ts"
import { TransportError } from "../TransportError.ts"
import { type Ends, Line, Window } from "./internal/Line.ts"
import { type Serving, serving } from "./internal/serving.ts"

/**
 * What a transport in memory can be told.
 *
 * @category models
 */
export interface Options {
  /** How many bytes a frame may have: `Transport.defaultMaxFrame` when absent. */
  readonly maxFrame?: number | undefined
  /** How many wires may be open at once; who comes then fails with `TooManyConnections`. Any number when absent. */
  readonly maxConnections?: number | undefined
}

/**
 * Makes an address in memory: those who have this value connect to whoever listens on it.
 *
 * **Details**
 *
 * Two values are two addresses; there is no table of names behind them. A frame is copied when it is sent, so that neither
 * side sees what the other does to it later. A sender waits once about 1 MiB is underway to a reader that takes nothing.
 *
 * **Errors**
 *
 * `TransportError`: `NotListening` when nobody listens, `AddressInUse` when another does, `TooManyConnections`.
 *
 * **Example** (An echo)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Memory } from "troupe/net"
 *
 * const program = Effect.gen(function*() {
 *   const transport = Memory.make()
 *   yield* transport.listen((wire) => Effect.ignore(Effect.flatMap(wire.receive, wire.sendAll)))
 *   const wire = yield* transport.connect
 *   yield* wire.send(Uint8Array.of(1, 2, 3))
 *   return Array.from((yield* wire.receive)[0])
 * })
 *
 * await Effect.runPromise(Effect.scoped(program)) // => [1, 2, 3]
 * ```
 *
 * @category constructors
 */
export const make = (options?: Options): Transport => new Memory(options)

const name = "memory"

class Memory implements Transport {
  readonly [TypeId]: typeof TypeId = TypeId
  readonly name = name
  readonly address = name
  private readonly maxFrame: number
  private readonly maxConnections: number | undefined
  private isTaken = false
  private listener: Serving | undefined

  constructor(options: Options = {}) {
    this.maxFrame = options.maxFrame ?? defaultMaxFrame
    this.maxConnections = options.maxConnections
  }

  readonly connect: Transport["connect"] = Effect.acquireRelease(
    Effect.suspend(() => {
      const { listener } = this
      if (listener === undefined) return this.fail("connect", "NotListening", "nobody listens on it")
      if (!listener.admits()) {
        return this.fail(
          "connect",
          "TooManyConnections",
          `${this.maxConnections} wires are open, the most there may be`
        )
      }
      const [near, far] = MemoryWire.pair(this.maxFrame)
      listener.accept(far)
      return Effect.succeed(near)
    }),
    (wire) => wire.close
  )

  readonly listen = <R>(
    serve: (wire: Wire) => Effect.Effect<void, never, R>
  ): Effect.Effect<Listening, TransportError, R | Scope.Scope> =>
    Effect.gen({ self: this }, function* () {
      yield* this.claim
      const listener = yield* serving(serve, this.maxConnections)
      yield* this.open(listener)
      return { transport: this, ...listener.counts }
    })

  // Nobody else may listen until all that were served here have ended.
  private readonly claim = Effect.acquireRelease(
    Effect.suspend(() => {
      if (this.isTaken) return this.fail("listen", "AddressInUse", "another listens on it")
      this.isTaken = true
      return Effect.void
    }),
    () => Effect.sync(() => (this.isTaken = false))
  )

  private open(listener: Serving): Effect.Effect<void, never, Scope.Scope> {
    return Effect.acquireRelease(
      Effect.sync(() => void (this.listener = listener)),
      () => Effect.sync(() => (this.listener = undefined))
    )
  }

  private fail(
    doing: TransportError["doing"],
    reason: TransportError["reason"],
    detail: string
  ): Effect.Effect<never, TransportError> {
    return Effect.fail(new TransportError({ transport: name, address: name, doing, reason, detail }))
  }
}

class MemoryWire extends Line {
  // Set by `pair`, before anybody has the wire.
  private other: MemoryWire | undefined

  static pair(maxFrame: number): readonly [MemoryWire, MemoryWire] {
    const ends: Ends = { transport: name, peer: { address: name }, maxFrame }
    const one = new MemoryWire(ends, "in its turn")
    const two = new MemoryWire(ends, "in its turn")
    one.other = two
    two.other = one
    return [one, two]
  }

  hasRoom(): boolean {
    return this.other === undefined || this.other.waiting < Window
  }

  protected post(frames: ReadonlyArray<Uint8Array>): void {
    // Not `slice`, which shares the memory when the frame is one of Node's buffers.
    this.other?.push(frames.map((frame) => new Uint8Array(frame)))
  }

  protected onTaken(): void {
    this.other?.room.ring()
  }

  protected readonly shut: Effect.Effect<void> = Effect.sync(() => this.other?.finish("the other side", ""))
}
