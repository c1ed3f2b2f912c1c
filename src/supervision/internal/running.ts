/**
 * An application that runs: it is built, runs until there is a reason to end, and is stopped within a time.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { Node, type NodeImpl } from "../../process/internal/node.ts"
import { Shutdown } from "../../process/TerminalHost.ts"
import { ApplicationStopTimeout } from "../ApplicationError.ts"
import { freeze } from "../../dispatch/Dispatcher.ts"
import { registryLayer } from "../../dispatch/internal/services.ts"
import { ServiceFailed } from "../ServiceError.ts"
import { tableOf } from "./ServiceTable.ts"

// What is killed has this time, in milliseconds, to let the rest of the application close.
const afterKill = 1000

/** Builds the application, runs `main` in it, or waits until it is asked to end, stops it and answers the exit code. */
export const runUntilEnd = <ROut, E, RIn, E2>(
  layer: Layer.Layer<ROut, E, RIn>,
  main: Effect.Effect<number, E2, ROut> | undefined,
  stopMillis: number
): Effect.Effect<number, E | E2 | ServiceFailed | ApplicationStopTimeout, RIn> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const memoMap = yield* Layer.makeMemoMap
      // The hosts of the application will have this node, so that it is known what runs even if the start fails.
      const node = Context.get(yield* Layer.buildWithMemoMap(Node.layer, memoMap, scope), Node)
      const dispatcher = yield* Layer.buildWithMemoMap(registryLayer, memoMap, scope)
      const shutdown = yield* Shutdown
      const built = Deferred.makeUnsafe<void>()
      let askedAt: number | undefined
      const work = Effect.gen(function* () {
        const context = yield* Layer.buildWithMemoMap(layer, memoMap, scope)
        // What comes to be handled later would be handled only in what is spawned later.
        yield* Effect.provideContext(freeze, dispatcher)
        yield* Deferred.succeed(built, undefined)
        return yield* Effect.provideContext(main ?? Effect.never, context)
      })
      const asked = Effect.gen(function* () {
        yield* shutdown
        askedAt = yield* Clock.currentTimeMillis
        // A main program is asked by its terminal host, and ends by itself.
        if (main !== undefined && Deferred.isDoneUnsafe(built)) yield* Effect.sleep(stopMillis)
        return 0
      })
      // What fails before that is the error of the layer.
      const failed = Effect.andThen(Deferred.await(built), failureOf(node))
      const working = yield* Effect.forkDetach(Effect.interruptible(work))
      const exit = yield* Effect.exit(restore(Effect.raceAllFirst([Fiber.join(working), asked, failed])))
      const now = yield* Clock.currentTimeMillis
      const millisLeft = Math.max(0, stopMillis - (now - (askedAt ?? now)))

      const context = yield* Effect.context<never>()
      const hurry = Deferred.makeUnsafe<void>()
      const close = Effect.andThen(Fiber.interrupt(working), Scope.close(scope, exit))
      // In fibers of their own: this one may have been interrupted, and what closes may never end.
      const closing = Effect.runForkWith(context)(close)
      const deadline = Effect.raceFirst(Effect.sleep(millisLeft), Deferred.await(hurry))
      const stopping = Effect.runForkWith(context)(stopped(closing, deadline, node))
      const stop = Fiber.join(stopping)
      const kill = Effect.andThen(Deferred.succeed(hurry, undefined), stop)
      // An interruption is to stop it in order, too; one that follows a request, or comes while it stops, is to end it at
      // once: what is restored here is then interrupted.
      const isFirstRequest = Exit.hasInterrupts(exit) && askedAt === undefined
      const left = yield* isFirstRequest ? stop : Effect.onInterrupt(restore(stop), () => kill)
      if (left === undefined) return yield* exit
      const late = new ApplicationStopTimeout({ milliseconds: stopMillis, left })
      if (Exit.isSuccess(exit)) return yield* Effect.fail(late)
      yield* Effect.logError(late)
      return yield* exit
    })
  )

/** Fails when a service that the application can't do without has failed for good. */
const failureOf = (node: NodeImpl): Effect.Effect<never, ServiceFailed> => {
  const table = tableOf(node)
  const failed = () => table.all.find(({ isEssential, status }) => isEssential && status.state === "failed")
  return Effect.flatMap(
    table.until(() => failed() !== undefined),
    () => Effect.fail(new ServiceFailed({ service: String(failed()?.id), exit: failed()?.status.exit }))
  )
}

/** Waits until all is closed; at the deadline, kills every process that is left, and answers what that was. */
const stopped = (
  closing: Fiber.Fiber<void>,
  deadline: Effect.Effect<void>,
  node: NodeImpl
): Effect.Effect<ReadonlyArray<string> | undefined> =>
  Effect.gen(function* () {
    const isClosedBefore = (end: Effect.Effect<void>) =>
      Effect.raceFirst(Effect.as(Fiber.await(closing), true), Effect.as(end, false))
    if (yield* isClosedBefore(deadline)) return undefined
    const cells = [...node.hosts.values()].flatMap((host) => host.cells)
    const left = cells.map(({ definition, pid }) => `${definition.name} ${pid}`)
    for (const cell of cells) cell.kill(undefined)
    return (yield* isClosedBefore(Effect.sleep(afterKill))) ? left : [...left, "a finalizer of a layer"]
  })
