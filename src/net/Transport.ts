/**
 * Transports: ways between two programs, or two parts of one, that carry frames of bytes in order. Whatever talks to a peer
 * is built on this trait, so that it works over each of them, and over one of the user's own.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { FrameTooLarge, TransportError, WireClosed } from "./TransportError.ts"

/**
 * The type-level and runtime key of `Transport`.
 *
 * @category type ids
 */
export const TypeId = "~troupe/net/Transport"

/**
 * The type of {@link TypeId}.
 *
 * @category type ids
 */
export type TypeId = typeof TypeId

/**
 * A transport with its address: what can be connected to, and listened on.
 *
 * @category models
 */
export interface Transport {
  readonly [TypeId]: TypeId
  /** What it is: `unix`, `tcp`, … */
  readonly name: string
  /** Where it leads, as errors and logs have it. */
  readonly address: string

  /**
   * Connects to whoever listens; the wire is closed with the scope.
   *
   * An interrupted attempt leaves nothing open.
   */
  readonly connect: Effect.Effect<Wire, TransportError, Scope.Scope>

  /**
   * Listens until the scope closes, and serves each wire in a fiber of its own, which is interrupted then.
   *
   * It listens when the effect succeeds. A wire is closed when `serve` ends, or the other side closes it.
   */
  readonly listen: <R>(
    serve: (wire: Wire) => Effect.Effect<void, never, R>
  ) => Effect.Effect<Listening, TransportError, R | Scope.Scope>
}

/**
 * One that listens.
 *
 * @category models
 */
export interface Listening {
  /** The transport with the address that was given to it, as by a system that chose a port: others connect to this one. */
  readonly transport: Transport
  /** How many wires are open. */
  readonly wires: Effect.Effect<number>
  /** How many were refused since it served as many as it may; absent where there is no such limit. */
  readonly refused?: Effect.Effect<number> | undefined
}

/**
 * A connection that carries frames: what is sent on one side is received on the other, whole, once, and in order.
 *
 * @category models
 */
export interface Wire {
  /** The name of the transport. */
  readonly transport: string
  /** The other side, as far as the transport knows it. */
  readonly peer: Peer
  /** How many bytes a frame may have, in both directions. */
  readonly maxFrame: number

  /**
   * Sends a frame; waits while the other side does not keep up.
   *
   * Frames that are sent by several fibers do not mix. An interrupted send has sent the whole frame, or nothing. What was
   * sent before the wire was lost may or may not have arrived.
   */
  readonly send: (frame: Uint8Array) => Effect.Effect<void, WireClosed | FrameTooLarge>

  /** Sends frames one after the other, in one go where the transport can; of a refused frame's list none is sent. */
  readonly sendAll: (frames: NonEmptyReadonlyArray<Uint8Array>) => Effect.Effect<void, WireClosed | FrameTooLarge>

  /**
   * Takes what has arrived, waiting until something has; one fiber takes at a time.
   *
   * An interrupted take has taken nothing. Fails when the wire is closed and everything that came before was taken, and with
   * `FrameTooLarge` when the other side breaks the limit, which closes the wire. Who does not take has the other side wait.
   */
  readonly receive: Effect.Effect<NonEmptyReadonlyArray<Uint8Array>, WireClosed | FrameTooLarge>

  /** Waits until the wire is closed, and answers why. */
  readonly closed: Effect.Effect<WireClosed>

  /** Closes it in order: what was sent before arrives, as far as the other side takes it. Closing twice is closing once. */
  readonly close: Effect.Effect<void>
}

/**
 * Who is on the other side.
 *
 * @category models
 */
export interface Peer {
  /** Where it is, as logs have it. */
  readonly address: string
  /**
   * The subject of the certificate that it has shown, and that was checked: its parts from the least to the most general, as
   * `CN=ada, O=Example`, with a backslash before what would look like another part.
   */
  readonly certificate?: string | undefined
}

/**
 * How many bytes a frame may have when nothing else is asked for: 16 MiB.
 *
 * @category limits
 */
export const defaultMaxFrame: number = 16 * 1024 * 1024

/**
 * Whether a value is a transport.
 *
 * @category guards
 */
export const isTransport = (u: unknown): u is Transport => typeof u === "object" && u !== null && TypeId in u
