/**
 * Calls over gRPC from programs in other languages, by the name of a route: the service `troupe.v1.Calls` of `troupe.proto`.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Peer } from "../../Transport.ts"

/**
 * A call that came in.
 *
 * @category models
 */
export interface CallRequest {
  readonly route: string
  readonly payload: Uint8Array
  /** What gRPC carries beside a call: text, or bytes where the name ends in `-bin`. */
  readonly metadata: { readonly [name: string]: string | Uint8Array }
  /** When the caller gives up, in milliseconds since 1970; the call is interrupted then. */
  readonly deadline?: number | undefined
  readonly peer: Peer
}

/**
 * The status with which a call fails, by its name in the specification of gRPC.
 *
 * @category errors
 */
export const FailedStatus = Schema.Literals([
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED"
])

/**
 * A call fails; its caller sees the status and the detail.
 *
 * @category errors
 */
export class CallFailed extends Schema.TaggedError<CallFailed>()("CallFailed", {
  status: FailedStatus,
  detail: Schema.String
}) {
  override get message(): string {
    return `The call failed with ${this.status}: ${this.detail}`
  }
}

/**
 * What answers calls: each in a fiber of its own, which is interrupted when its caller cancels it or does not wait longer.
 *
 * @category models
 */
export interface Calls<R = never> {
  /**
   * Asked before each call: fails when the caller may not make it, with `UNAUTHENTICATED` or `PERMISSION_DENIED` by custom. What
   * a caller shows for itself is in the metadata, or is its certificate; no acceptor asks it for more.
   */
  readonly authorize: (request: CallRequest) => Effect.Effect<void, CallFailed, R>
  /** One answer. */
  readonly call: (request: CallRequest) => Effect.Effect<Uint8Array, CallFailed, R>
  /** Answers one after the other; nothing is pulled while the caller does not keep up. */
  readonly watch: (request: CallRequest) => Stream.Stream<Uint8Array, CallFailed, R>
}

/**
 * Gives handlers of calls what they need here and now, so that a transport can be made with them.
 *
 * **Example** (Greeting callers in any language)
 *
 * ```ts no-run
 * import { Effect, Stream } from "effect"
 * import * as Grpc from "troupe/net/grpc"
 *
 * const program = Effect.gen(function* () {
 *   const calls = yield* Grpc.serveCalls({
 *     authorize: ({ metadata }) =>
 *       metadata["authorization"] === "Bearer 7c1f"
 *         ? Effect.void
 *         : new Grpc.CallFailed({ status: "UNAUTHENTICATED", detail: "show a token that is valid" }),
 *     call: ({ payload, route }) =>
 *       route === "echo"
 *         ? Effect.succeed(payload)
 *         : new Grpc.CallFailed({ status: "NOT_FOUND", detail: `there is no route ${route}` }),
 *     watch: ({ payload }) => Stream.make(payload, payload)
 *   })
 *   const transport = yield* Grpc.make({ host: "127.0.0.1", port: 50051, calls })
 *   yield* transport.listen((wire) => wire.close)
 * })
 * ```
 *
 * @category calls
 */
export const serveCalls = <R>(calls: Calls<R>): Effect.Effect<Calls, never, R> =>
  Effect.map(Effect.context<R>(), (context) => ({
    authorize: (request) => Effect.provideContext(calls.authorize(request), context),
    call: (request) => Effect.provideContext(calls.call(request), context),
    watch: (request) => Stream.provideContext(calls.watch(request), context)
  }))
