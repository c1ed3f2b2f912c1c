/**
 * What a server does of its own accord, in turn with its messages.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { Cell } from "../process/internal/cell.ts"
import { withCell } from "../process/internal/services.ts"
import type { CurrentServer } from "./Definition.ts"
import type { Turn } from "./internal/behaviour.ts"
import { Turns } from "./internal/turns.ts"

/**
 * Has the server do something next, before any event and any message; in an init, before the first.
 *
 * **Details**
 *
 * Continuations run in the order in which they were added, and may add others. They are done when a server that is
 * stopped or cancelled ends. A failure ends the server with it.
 *
 * **Example** (Starting quickly, and loading then)
 *
 * ```ts import.meta.vitest
 * import { Effect, Ref, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Process, ProcessHost, Server } from "troupe"
 *
 * const Cache = Server.make("app:cache", { protocol: [Rpc.make("size", { success: Schema.Int })] })
 * const CacheLive = Cache.toLayer(Effect.fn(function*() {
 *   const size = yield* Ref.make(0)
 *   yield* Server.continueWith(Effect.andThen(Effect.sleep("5 millis"), Ref.set(size, 1000)))
 *   return Cache.of({ handlers: { size: () => Ref.get(size) } })
 * }))
 *
 * const program = Effect.flatMap(Process.start(Cache), (cache) => Process.call(cache, "size"))
 * await Effect.runPromise(Effect.provide(program, [CacheLive, ProcessHost.layer("app:processes")])) // => 1000
 * ```
 *
 * @category running
 */
export const continueWith = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<void, never, R | CurrentServer> =>
  inServer(effect, (turns, turn) => {
    turns.addNext(turn)
    return Exit.void
  })

/**
 * Has the server do something when a time has passed, in turn with the handlers and before the messages that wait,
 * however many come; answers how to call that off.
 *
 * **Details**
 *
 * It costs a sleeping fiber until then, and ends with the server. When it is called off after it was done, nothing
 * happens. A failure ends the server with it.
 *
 * **Example** (A session that ends)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit, Schema } from "effect"
 * import { Process, ProcessHost, Server } from "troupe"
 *
 * const Session = Server.make("app:session", { args: Schema.String })
 * const SessionLive = Session.toLayer(Effect.fn(function*() {
 *   yield* Server.after("10 millis", Process.exit(Exit.succeed("expired")))
 *   return Session.of({ handlers: {} })
 * }))
 *
 * const program = Effect.flatMap(Process.start(Session, "Ada"), Process.await)
 * await Effect.runPromise(Effect.provide(program, [SessionLive, ProcessHost.layer("app:processes")]))
 * // => Exit.succeed("expired")
 * ```
 *
 * @category running
 */
export const after = <A, E, R>(
  duration: Duration.Input,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<Effect.Effect<void>, never, R | CurrentServer> =>
  inServer(effect, (turns, turn, cell) => {
    const delay = Effect.sleep(Duration.fromInputUnsafe(duration))
    const timer = Effect.andThen(
      delay,
      Effect.sync(() => turns.addDue(turn))
    )
    const fiber = Fiber.runIn(Effect.runForkWith(cell.context)(timer), cell.scope)
    return Exit.succeed(
      Effect.sync(() => {
        fiber.interruptUnsafe()
        turns.due.remove(turn)
      })
    )
  })

// The effect sees what is given where it is asked for, though it runs elsewhere.
const inServer = <A, E, R, B>(
  effect: Effect.Effect<A, E, R>,
  add: (turns: Turns, turn: Turn, cell: Cell) => Exit.Exit<B>
): Effect.Effect<B, never, R | CurrentServer> => {
  const added = withCell((cell, fiber) => {
    const turns = Turns.of(cell)
    if (turns === undefined) return Effect.die(new Error(`The process ${cell.name} is not a server.`))
    const given = fiber.context
    const turn = given === cell.context ? effect : Effect.provideContext(effect, given as never)
    return add(turns, turn as Turn, cell)
  })
  // That it runs in a server is known to the compiler as `CurrentServer`, and at run time as `CurrentProcess`.
  return added as unknown as Effect.Effect<B, never, R | CurrentServer>
}
