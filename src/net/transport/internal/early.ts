/**
 * What connecting over a transport of this library can do beside the trait, for the session above it: a frame goes out with what
 * the transport itself says first, so that the other side has it a round trip sooner.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Transport, Wire } from "../../Transport.ts"
import type { FrameTooLarge, TransportError } from "../../TransportError.ts"

type ConnectWith = (frame: Uint8Array) => Effect.Effect<Wire, TransportError | FrameTooLarge, Scope.Scope>

// Known by the effect itself, and not by the transport: whoever wraps a transport with a `connect` of its own has all of its
// connections go through that.
const known = new WeakMap<Transport["connect"], ConnectWith>()

/** The effect, which can do it. */
export const canSendFirst = (connect: Transport["connect"], connectWith: ConnectWith): Transport["connect"] => {
  known.set(connect, connectWith)
  return connect
}

/**
 * Connects, and sends the frame: with the first words where that can be done, and else over the wire. Why a wire has closed
 * meanwhile its reader learns.
 */
export const connectWith = ({ connect }: Transport, frame: Uint8Array): ReturnType<ConnectWith> =>
  known.get(connect)?.(frame) ??
  Effect.tap(connect, (wire) => Effect.catchTag(wire.send(frame), "WireClosed", () => Effect.void))
