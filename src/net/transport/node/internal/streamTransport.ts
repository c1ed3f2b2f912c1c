/** Transports over stream sockets of Node: what unix, TCP and TLS have in common. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Transport from "../../../Transport.ts"
import { FrameTooLarge, type TransportError } from "../../../TransportError.ts"
import { canSendFirst } from "../../internal/early.ts"
import { connecting } from "./connecting.ts"
import { dial } from "./dial.ts"
import { Listener } from "./Listener.ts"
import type { Medium } from "./medium.ts"
import { Failures } from "./reasons.ts"
import type { SocketWire } from "./SocketWire.ts"

export const make = (medium: Medium): Transport.Transport => {
  const failures = new Failures(medium.name, medium.address)
  const checked = (doing: TransportError["doing"]): Effect.Effect<void, TransportError> =>
    Effect.suspend(() => {
      const fault = medium.fault(doing)
      return fault === undefined ? Effect.void : Effect.fail(failures.of(doing, "InvalidAddress", fault))
    })

  const dialled = (frame?: Uint8Array) =>
    Effect.andThen(checked("connect"), connecting(medium.connectTimeout, failures, dial(medium, failures, frame)))

  const connectWith = (frame: Uint8Array) => {
    const { address, maxFrame } = medium
    const bytes = frame.length
    return bytes > maxFrame
      ? Effect.fail(new FrameTooLarge({ peer: address, direction: "out", bytes, limit: maxFrame }))
      : dialled(frame)
  }

  const listen = <R>(
    serve: (wire: Transport.Wire) => Effect.Effect<void, never, R>
  ): Effect.Effect<Transport.Listening, TransportError, R | Scope.Scope> =>
    Effect.gen(function* () {
      yield* checked("listen")
      const fork = Effect.runForkWith(yield* Effect.context<R>())
      const server = yield* Effect.try({
        try: () => medium.server(),
        catch: (cause) => failures.from("listen", cause)
      })
      const listener = new Listener(medium, failures, server, (wire: SocketWire) =>
        fork(Effect.ensuring(report(Effect.suspend(() => serve(wire))), wire.close))
      )
      yield* Effect.addFinalizer(() => listener.stop)
      const transport = yield* medium.bind(listener, failures)
      return {
        transport,
        wires: Effect.sync(() => listener.open),
        refused: Effect.sync(() => listener.refused)
      }
    }).pipe(whole)

  const { address, name } = medium
  return { [Transport.TypeId]: Transport.TypeId, name, address, connect: canSendFirst(dialled(), connectWith), listen }
}

// Who dies serving a wire takes nothing but the wire along.
const report = Effect.ignoreCause({ log: "Error", message: "A wire was closed, since what served it died" })

// What failed halfway is undone at once, and not when the scope closes.
const whole = <A, E, R>(listen: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | Scope.Scope> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const scope = yield* Scope.fork(yield* Effect.scope)
      return yield* restore(listen).pipe(
        Effect.provideService(Scope.Scope, scope),
        Effect.onExit((exit) => (Exit.isSuccess(exit) ? Effect.void : Scope.close(scope, exit)))
      )
    })
  )
