/**
 * Answers the calls of `troupe.v1.Calls`.
 */
import type { handleServerStreamingCall, handleUnaryCall, ServerUnaryCall, ServerWritableStream } from "@grpc/grpc-js"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { EventEmitter } from "node:events"
import type { CallFailed, CallRequest, Calls } from "../GrpcCalls.ts"
import { codes } from "./grpcErrors.ts"
import { subjectOf } from "./grpcSettings.ts"
import { decodeCallRequest, encodePayload } from "./protobuf.ts"

type Surface = ServerUnaryCall<Uint8Array, Uint8Array> | ServerWritableStream<Uint8Array, Uint8Array>

/** Starts a fiber. */
export type Run = <A, E>(effect: Effect.Effect<A, E>) => Fiber.Fiber<A, E>

type Failure = Error & { readonly code: number; readonly details: string }

const failure = (code: number, details: string): Failure => Object.assign(new Error(details), { code, details })

const malformed = failure(codes.INVALID_ARGUMENT, "the request is malformed")

const requestOf = (call: Surface): CallRequest | undefined => {
  const decoded = decodeCallRequest(call.request)
  if (decoded === undefined) return undefined
  const deadline = Number(call.getDeadline())
  return {
    ...decoded,
    metadata: call.metadata.getMap(),
    deadline: Number.isFinite(deadline) ? deadline : undefined,
    peer: { address: call.getPeer(), certificate: subjectOf(call.getAuthContext()) }
  }
}

// What a defect has to say is not for strangers.
const failureOf = (cause: Cause.Cause<CallFailed>): Failure =>
  Option.match(Cause.findErrorOption(cause), {
    onSome: ({ detail, status }) => failure(codes[status], detail),
    onNone: () =>
      Cause.hasInterruptsOnly(cause)
        ? failure(codes.CANCELLED, "it was interrupted")
        : failure(codes.INTERNAL, "the handler failed")
  })

const start = <A>(
  run: Run,
  call: EventEmitter,
  effect: Effect.Effect<A, CallFailed>,
  done: (exit: Exit.Exit<A, CallFailed>) => void
): void => {
  const logged = Effect.tapCause(effect, (cause) =>
    Cause.hasDies(cause) ? Effect.logError("A handler of calls over gRPC failed.", cause) : Effect.void
  )
  const fiber = run(logged)
  call.on("cancelled", () => fiber.interruptUnsafe())
  fiber.addObserver(done)
}

/** Answers `Call`. */
export const answering =
  ({ authorize, call: handler }: Calls, run: Run): handleUnaryCall<Uint8Array, Uint8Array> =>
  (call, answer) => {
    const request = requestOf(call)
    if (request === undefined) return answer(malformed)
    start(
      run,
      call,
      Effect.suspend(() => Effect.flatMap(authorize(request), () => handler(request))),
      (exit) => (Exit.isSuccess(exit) ? answer(null, encodePayload(exit.value)) : answer(failureOf(exit.cause)))
    )
  }

/** Answers `Watch`. */
export const watching =
  ({ authorize, watch: handler }: Calls, run: Run): handleServerStreamingCall<Uint8Array, Uint8Array> =>
  (call) => {
    const request = requestOf(call)
    if (request === undefined) return void call.emit("error", malformed)
    // Each is waited for: written it is when HTTP/2 has taken it, which it does as the caller keeps up.
    const write = (chunk: Uint8Array): Effect.Effect<void> =>
      Effect.callback((resume) => {
        call.write(encodePayload(chunk), () => resume(Effect.void))
      })
    start(
      run,
      call,
      Effect.suspend(() =>
        Effect.flatMap(authorize(request), () =>
          Stream.runForEach(
            Stream.suspend(() => handler(request)),
            write
          )
        )
      ),
      (exit) => (Exit.isSuccess(exit) ? call.end() : call.emit("error", failureOf(exit.cause)))
    )
  }
