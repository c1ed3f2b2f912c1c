/**
 * What a worker thread does that is an instance of a `WorkerRuntime`: it serves the thread that has started it, and ends when
 * it is to.
 */
import type * as Effect from "effect/Effect"
import type { Rpc } from "effect/rpc"
import type { InvalidArgument } from "../../ConnectionError.ts"
import type { Handlers, OnlyRoutes, Protocol, Services } from "../../Protocol.ts"
import type { TransportError } from "../../TransportError.ts"
import type { Options } from "./ProcessInstance.ts"
import { serving } from "./internal/workerServing.ts"

export type { Options } from "./ProcessInstance.ts"

/**
 * Serves as the instance that this thread was started as, until it is to end; then it lets nobody in any more, answers what
 * it has admitted within `stopTimeout`, and succeeds.
 *
 * **Errors**
 *
 * `InvalidArgument` when this thread was not started by a `WorkerRuntime`; `TransportError` when it can't listen, which its
 * runtime is told.
 *
 * **Example** (A thread)
 *
 * ```ts no-run
 * import { Effect, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Protocol } from "troupe/net"
 * import * as WorkerInstance from "troupe/net/worker-instance"
 *
 * const Measure = Protocol.make("app:measure", {
 *   server: [Rpc.make("length", { payload: Schema.String, success: Schema.Int })]
 * })
 *
 * Effect.runFork(WorkerInstance.serve(Measure, { handlers: { length: (text) => Effect.succeed(text.length) } }))
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
): Effect.Effect<void, InvalidArgument | TransportError, Services<H> | R> => serving(protocol, options)
