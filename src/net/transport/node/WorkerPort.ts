/**
 * A transport between threads of one program, over the `MessagePort`s of `node:worker_threads`: frames are handed over
 * without being copied on the way.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { MessageChannel, MessagePort, parentPort, Worker, type WorkerOptions } from "node:worker_threads"
import { defaultMaxFrame, type Listening, type Transport, TypeId, type Wire } from "../../Transport.ts"
import { TransportError } from "../../TransportError.ts"
import { type Serving, serving } from "../internal/serving.ts"
import { PortWire } from "./internal/PortWire.ts"

/**
 * What a transport over ports can be told.
 *
 * @category models
 */
export interface Options {
  /** How many bytes a frame may have: `Transport.defaultMaxFrame` when absent. */
  readonly maxFrame?: number | undefined
  /** How long connecting may take, until it fails with `TimedOut`: 10 seconds when absent. */
  readonly connectTimeout?: Duration.Input | undefined
  /** How many wires a listener has open at once; who comes then fails with `TooManyConnections`. Any number when absent. */
  readonly maxConnections?: number | undefined
}

/**
 * Makes the transport to whoever has the other end of a port: a worker, for the one that has started it, or the other port
 * of a `MessageChannel`.
 *
 * **Details**
 *
 * Either end can connect, and either end can listen. Each wire has a port of its own, so that there can be many. The port
 * may be used for other messages too. Make the transport of a worker in the step that starts it: what a worker posts before
 * anybody looks is lost.
 *
 * A frame is copied once, when it is sent. A sender waits once about 1 MiB is underway to a reader that takes nothing. A
 * thread that ends without closing its wires, by whatever reason, loses them.
 *
 * **Errors**
 *
 * `TransportError`: `NotListening` when the other end has a transport that does not listen, or is gone; `TimedOut` when it
 * has none; `AddressInUse` when this end listens already; `TooManyConnections`.
 *
 * **Example** (An echo between two ports)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { MessageChannel } from "node:worker_threads"
 * import * as WorkerPort from "troupe/net/worker-port"
 *
 * const program = Effect.gen(function*() {
 *   const { port1, port2 } = new MessageChannel()
 *   yield* WorkerPort.make(port1).listen((wire) => Effect.ignore(Effect.flatMap(wire.receive, wire.sendAll)))
 *   const wire = yield* WorkerPort.make(port2).connect
 *   yield* wire.send(Uint8Array.of(1, 2, 3))
 *   const [frame] = yield* wire.receive
 *   port1.close()
 *   return Array.from(frame)
 * })
 *
 * await Effect.runPromise(Effect.scoped(program)) // => [1, 2, 3]
 * ```
 *
 * @category constructors
 */
export const make = (port: MessagePort | Worker, options?: Options): Transport =>
  new WorkerPort(port, port instanceof Worker ? `worker ${port.threadId}` : "port", options)

/**
 * Starts a worker thread, which ends with the scope, and answers the transport to it.
 *
 * **Details**
 *
 * The thread is ended there and then when the scope closes. An error that ends it is logged, and named by the wires that
 * are lost with it.
 *
 * **Errors**
 *
 * `TransportError`: `InvalidAddress` when the thread can't be started. A script that isn't there, or fails, is an error
 * that ends the thread.
 *
 * **Example** (A thread that is listened to)
 *
 * ```ts no-run
 * import { Effect } from "effect"
 * import * as WorkerPort from "troupe/net/worker-port"
 *
 * const program = Effect.gen(function*() {
 *   const worker = yield* WorkerPort.start(new URL("./worker.js", import.meta.url))
 *   yield* worker.listen((wire) => Effect.ignore(Effect.flatMap(wire.receive, wire.sendAll)))
 *   return yield* Effect.never
 * })
 * ```
 *
 * @category constructors
 */
export const start = (
  script: string | URL,
  options?: Options & { readonly worker?: WorkerOptions | undefined }
): Effect.Effect<Transport, TransportError, Scope.Scope> =>
  Effect.gen(function* () {
    const context = yield* Effect.context()
    const worker = yield* Effect.acquireRelease(
      Effect.try({
        try: () => new Worker(script, options?.worker),
        catch: (error) => failure("listen", String(script))("InvalidAddress", String(error))
      }),
      (worker) => Effect.promise(() => worker.terminate())
    )
    let fault: string | undefined
    worker.on("error", (error: unknown) => {
      fault = `its thread has failed: ${String(error)}`
      Effect.runForkWith(context)(Effect.logError(`the worker thread ${String(script)} failed`, error))
    })
    return new WorkerPort(worker, `worker ${worker.threadId}`, options, () => fault)
  })

/**
 * The transport to the thread that has started this one.
 *
 * **Errors**
 *
 * `TransportError`: `Unsupported` when this is no worker thread.
 *
 * **Example** (A thread that connects)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import * as WorkerPort from "troupe/net/worker-port"
 *
 * const program = Effect.gen(function*() {
 *   const parent = yield* WorkerPort.parent()
 *   const wire = yield* parent.connect
 *   yield* wire.send(Uint8Array.of(1, 2, 3))
 * })
 *
 * await Effect.runPromise(Effect.flip(Effect.scoped(program))).then(({ message }) => message)
 * // => "Can't connect to parent (worker): this is no worker thread. It can't be done here. Choose another transport."
 * ```
 *
 * @category constructors
 */
export const parent = (options?: Options): Effect.Effect<Transport, TransportError> =>
  Effect.suspend(() =>
    parentPort === null
      ? Effect.fail(failure("connect", "parent")("Unsupported", "this is no worker thread"))
      : Effect.succeed(new WorkerPort(parentPort, "parent", options))
  )

const name = "worker"

// The key of the message that asks for a wire, with the port of the wire; other messages are for others.
const Asks = "~troupe/net/WorkerPort"

const Accepted = "accepted"

type Refusal = "NotListening" | "TooManyConnections"

const details: { readonly [R in Refusal]: string } = {
  NotListening: "the other side does not listen, or is gone",
  TooManyConnections: "the other side has as many wires open as it may"
}

const failure =
  (doing: TransportError["doing"], address: string) =>
  (reason: TransportError["reason"], detail: string): TransportError =>
    new TransportError({ transport: name, address, doing, reason, detail })

/** An end of a port: answers those who ask for a wire, if only that nobody listens. */
class Gate {
  isTaken = false
  accept: ((port: MessagePort) => Refusal | undefined) | undefined
  private isOpen = false

  open(port: MessagePort | Worker): void {
    if (this.isOpen) return
    this.isOpen = true
    // Nobody listens so far: this alone does not keep the program alive, nor does it end what others keep it alive by.
    const isNeeded = port instanceof Worker || port.hasRef()
    port.on("message", (message: unknown) => this.onMessage(message))
    if (!isNeeded) port.unref()
  }

  private onMessage(message: unknown): void {
    if (typeof message !== "object" || message === null || !(Asks in message)) return
    const port = message[Asks]
    if (!(port instanceof MessagePort)) return
    const refusal = this.accept === undefined ? "NotListening" : this.accept(port)
    if (refusal === undefined) return
    port.postMessage(refusal)
    port.close()
  }
}

const gates = new WeakMap<MessagePort | Worker, Gate>()

const gateOf = (port: MessagePort | Worker): Gate => {
  const gate = gates.get(port) ?? new Gate()
  gates.set(port, gate)
  return gate
}

class WorkerPort implements Transport {
  readonly [TypeId]: typeof TypeId = TypeId
  readonly name = name
  readonly address: string
  private readonly port: MessagePort | Worker
  private readonly options: Options
  private readonly maxFrame: number
  private readonly gate: Gate
  private readonly faultOf: (() => string | undefined) | undefined

  constructor(port: MessagePort | Worker, address: string, options: Options = {}, faultOf?: () => string | undefined) {
    this.port = port
    this.address = address
    this.options = options
    this.maxFrame = options.maxFrame ?? defaultMaxFrame
    this.faultOf = faultOf
    this.gate = gateOf(port)
    // The port to the parent keeps a thread alive while somebody looks at it, and those who do so later count on it.
    if (port !== parentPort) this.gate.open(port)
  }

  readonly connect: Transport["connect"] = Effect.uninterruptibleMask((restore) =>
    Effect.suspend(() => {
      const failed = failure("connect", this.address)
      const timeout = Duration.fromInputUnsafe(this.options.connectTimeout ?? "10 seconds")
      const { port1, port2 } = new MessageChannel()
      const accepted = Effect.callback<Wire, TransportError>((resume) => {
        const onAnswer = (answer: unknown) => {
          port1.off("message", onAnswer)
          // In the same turn: what comes right behind is told at once.
          if (answer === Accepted) return resume(Effect.succeed(this.wire(port1)))
          const reason = answer === "TooManyConnections" ? answer : "NotListening"
          resume(Effect.fail(failed(reason, details[reason])))
        }
        port1.on("message", onAnswer)
        port1.once("close", () => resume(Effect.fail(failed("NotListening", details.NotListening))))
        if (isDead(this.port)) port1.close()
        else this.port.postMessage({ [Asks]: port2 }, [port2])
      })
      const inTime = Effect.timeoutOrElse(accepted, {
        duration: timeout,
        orElse: () => Effect.fail(failed("TimedOut", `no answer within ${Duration.format(timeout)}`))
      })
      return restore(inTime).pipe(
        Effect.onError(() => Effect.sync(() => port1.close())),
        Effect.tap((wire) => Effect.addFinalizer(() => wire.close))
      )
    })
  )

  readonly listen = <R>(
    serve: (wire: Wire) => Effect.Effect<void, never, R>
  ): Effect.Effect<Listening, TransportError, R | Scope.Scope> =>
    Effect.gen({ self: this }, function* () {
      yield* this.claim
      const served = yield* serving(serve, this.options.maxConnections)
      yield* this.accepting(served)
      return { transport: this, ...served.counts }
    })

  // Nobody else may listen until all that were served here have ended.
  private readonly claim = Effect.acquireRelease(
    Effect.suspend(() => {
      if (this.gate.isTaken) {
        return Effect.fail(failure("listen", this.address)("AddressInUse", "this end of it is listened on"))
      }
      this.gate.isTaken = true
      return Effect.void
    }),
    () => Effect.sync(() => (this.gate.isTaken = false))
  )

  private accepting(served: Serving): Effect.Effect<void, never, Scope.Scope> {
    const accept = (port: MessagePort): Refusal | undefined => {
      if (!served.admits()) return "TooManyConnections"
      port.postMessage(Accepted)
      served.accept(this.wire(port))
      return undefined
    }
    const { gate, port } = this
    return Effect.acquireRelease(
      Effect.sync(() => {
        gate.accept = accept
        gate.open(port)
        return port instanceof Worker ? () => undefined : keep(port)
      }),
      (release) =>
        Effect.sync(() => {
          gate.accept = undefined
          release()
        })
    )
  }

  private wire(port: MessagePort): PortWire {
    const { address, faultOf, maxFrame } = this
    return new PortWire({ transport: name, peer: { address }, maxFrame }, port, faultOf)
  }
}

// As a server does, one that listens keeps its program alive. Answers how to end that.
const keep = (port: MessagePort): (() => void) => {
  if (port.hasRef()) return () => undefined
  port.ref()
  return () => port.unref()
}

// A thread that has ended takes nothing, and says nothing of it.
const isDead = (port: MessagePort | Worker): boolean => port instanceof Worker && port.threadId === -1
