/**
 * What a program does that is an instance of a `ProcessRuntime`: it serves where it was told to, and ends when it is to.
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import type { Rpc } from "effect/rpc"
import type * as Scope from "effect/Scope"
import { rmdir } from "node:fs/promises"
import { dirname } from "node:path"
import process from "node:process"
import type * as Acceptor from "../../Acceptor.ts"
import * as Authentication from "../../Authentication.ts"
import { InvalidArgument } from "../../ConnectionError.ts"
import * as InstanceId from "../../InstanceId.ts"
import { accepting } from "../../internal/session/accepting.ts"
import type { Handlers, OnlyRoutes, Protocol, Services } from "../../Protocol.ts"
import type { TransportError } from "../../TransportError.ts"
import * as Tcp from "../../transport/node/Tcp.ts"
import * as Unix from "../../transport/node/Unix.ts"
import { everyWay } from "./internal/everyWay.ts"
import { Asks, Failed, type FromChild, isTold, Ready, type Told } from "./internal/familyTalk.ts"

/**
 * How an instance serves: as an acceptor does. Who it is and whom it lets in is its runtime's affair.
 *
 * @category models
 */
export type Options<Server extends Rpc.Any, Client extends Rpc.Any, H, R> = Omit<
  Acceptor.Options<Server, Client, H, R>,
  "authenticator" | "instanceId"
>

/**
 * Serves as the instance that this program was started as, until it is to end: at `SIGTERM`, or when the program that has
 * started it is gone.
 *
 * **Details**
 *
 * It listens at the socket and on a port of 127.0.0.1, lets in who knows the secret of this start, and tells its runtime
 * that it is ready. When it is to end it lets nobody in any more, answers what it has admitted within `stopTimeout`, and
 * succeeds. Do what has to be done before it can serve before this, and what has to be done at the end in an
 * `Effect.ensuring` around it, or in a scope: `NodeRuntime.runMain` interrupts its program at `SIGTERM`, so that what is
 * admitted is answered and these run, but what follows this does not, and the exit code is 130.
 *
 * Where the program that has started it is gone and something else keeps this one alive, it is ended 5 seconds after that.
 *
 * **Errors**
 *
 * `InvalidArgument` when this program was not started by a `ProcessRuntime`; `TransportError` when it can't listen, which its
 * runtime is told.
 *
 * **Example** (A program)
 *
 * ```ts no-run
 * import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
 * import { Effect, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Protocol } from "troupe/net"
 * import * as ProcessInstance from "troupe/net/process-instance"
 *
 * const Measure = Protocol.make("app:measure", {
 *   server: [Rpc.make("length", { payload: Schema.String, success: Schema.Int })]
 * })
 *
 * ProcessInstance.serve(Measure, { handlers: { length: (text) => Effect.succeed(text.length) } }).pipe(NodeRuntime.runMain)
 * ```
 *
 * @category serving
 */
export const serve = <
  Server extends Rpc.Any,
  Client extends Rpc.Any,
  const H extends Handlers<Server, Client>,
  R = never
>(
  protocol: Protocol<Server, Client>,
  options: Options<Server, Client, H, R> & OnlyRoutes<Server, H>
): Effect.Effect<void, InvalidArgument | TransportError, Services<H> | R> =>
  Effect.scoped(
    Effect.gen(function* () {
      const id = yield* InstanceId.fromEnvironment(process.env)
      const over = yield* ending(Duration.fromInputUnsafe(options.stopTimeout ?? "10 seconds"))
      const begin = yield* Effect.raceFirst(told, Effect.as(over, undefined))
      if (begin === undefined) return
      const { secret, socket } = begin
      yield* Effect.addFinalizer(() => leave(socket))
      const { listening, transport } = everyWay([Unix.make({ path: socket }), Tcp.make({ host: "127.0.0.1", port: 0 })])
      const account = String(id)
      const known = Redacted.make(secret)
      yield* accepting(transport, protocol, {
        ...options,
        instanceId: id,
        authenticator: Authentication.sharedSecret((who) => Effect.succeed(who === account ? known : undefined))
      }).pipe(Effect.tapError(({ message }) => say(Failed.make({ detail: message }))))
      yield* say(Ready.make({ ports: [Number(listening()[1]?.address.split(":").at(-1))] }))
      yield* over
    })
  )

/** Answers what waits until this program is to end; it is listened for from now on. */
const ending = (stopTimeout: Duration.Duration): Effect.Effect<Effect.Effect<void>, InvalidArgument, Scope.Scope> =>
  Effect.gen(function* () {
    if (!process.connected) {
      const detail = "is not there: have its runtime start this program, which ends when its parent is gone"
      return yield* new InvalidArgument({ argument: "The channel to the parent", detail })
    }
    const over = Deferred.makeUnsafe<void>()
    const end = () => Deferred.doneUnsafe(over, Exit.void)
    const onOrphaned = () => {
      end()
      // Nobody is there to kill it when it does not end.
      setTimeout(() => process.exit(), Duration.toMillis(stopTimeout) + 5000).unref()
    }
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        process.on("SIGTERM", end)
        process.on("disconnect", onOrphaned)
      }),
      () =>
        Effect.sync(() => {
          process.off("SIGTERM", end)
          process.off("disconnect", onOrphaned)
          // The channel keeps the program alive.
          if (process.connected) process.disconnect?.()
        })
    )
    return Deferred.await(over)
  })

const send = (message: FromChild): void => {
  // Where the parent is gone `disconnect` tells so; without this a message to it would be an uncaught error as well.
  process.send?.(message, undefined, undefined, () => {})
}

const say = (message: FromChild): Effect.Effect<void> => Effect.sync(() => send(message))

// Asked for, so that nothing is told while somebody else listens.
const told: Effect.Effect<typeof Told.Type> = Effect.callback((resume) => {
  const onMessage = (message: unknown) => {
    if (!isTold(message)) return
    process.off("message", onMessage)
    resume(Effect.succeed(message))
  }
  process.on("message", onMessage)
  send(Asks.make({}))
  return Effect.sync(() => process.off("message", onMessage))
})

// The folder is its parent's to remove, unless that is gone. Removed is what is empty.
const leave = (socket: string): Effect.Effect<void> =>
  Effect.suspend(() =>
    process.connected ? Effect.void : Effect.ignore(Effect.tryPromise(() => rmdir(dirname(socket))))
  )
