/**
 * A transport between threads of one program, over the `MessagePort`s of `node:worker_threads`: frames are handed over
 * without being copied on the way.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { MessageChannel, MessagePort, parentPort, Worker, type WorkerOptions } from "node:worker_threads"
import { type Listening, type Transport, TypeId, type Wire } from "../../Transport.ts"
import type { TransportError } from "../../TransportError.ts"
import { type Serving, serving } from "../internal/serving.ts"
import { connecting } from "./internal/connecting.ts"
import { type Limits, limitsOf } from "./internal/limits.ts"
import { PortWire } from "./internal/PortWire.ts"
import { Failures } from "./internal/reasons.ts"

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
        catch: (error) => new Failures(name, String(script)).of("listen", "InvalidAddress", String(error))
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
      ? Effect.fail(new Failures(name, "parent").of("connect", "Unsupported", "this is no worker thread"))
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
  private readonly limits: Limits
  private readonly gate: Gate
  private readonly faultOf: (() => string | undefined) | undefined

  constructor(port: MessagePort | Worker, address: string, options: Options = {}, faultOf?: () => string | undefined) {
    this.port = port
    this.address = address
    this.limits = limitsOf(options)
    this.faultOf = faultOf
    this.gate = gateOf(port)
    // The port to the parent keeps a thread alive while somebody looks at it, and those who do so later count on it.
    if (port !== parentPort) this.gate.open(port)
  }

  readonly connect: Transport["connect"] = Effect.suspend(() => {
    const failures = new Failures(name, this.address)
    return connecting(this.limits.connectTimeout, failures, ({ failed, opened }) => {
      const { port1, port2 } = new MessageChannel()
      const refused = (reason: Refusal) => failed(failures.of("connect", reason, details[reason]))
      const onAnswer = (answer: unknown) => {
        port1.off("message", onAnswer)
        // In the same turn: what comes right behind is told at once.
        if (answer === Accepted) opened(this.wire(port1))
        else refused(answer === "TooManyConnections" ? answer : "NotListening")
      }
      port1.on("message", onAnswer)
      port1.once("close", () => refused("NotListening"))
      if (isDead(this.port)) port1.close()
      else this.port.postMessage({ [Asks]: port2 }, [port2])
      return () => port1.close()
    })
  })

  readonly listen = <R>(
    serve: (wire: Wire) => Effect.Effect<void, never, R>
  ): Effect.Effect<Listening, TransportError, R | Scope.Scope> =>
    Effect.gen({ self: this }, function* () {
      yield* this.claim
      const served = yield* serving(serve, this.limits.maxConnections)
      yield* this.accepting(served)
      return { transport: this, ...served.counts }
    })

  // Nobody else may listen until all that were served here have ended.
  private readonly claim = Effect.acquireRelease(
    Effect.suspend(() => {
      if (this.gate.isTaken) {
        return Effect.fail(
          new Failures(name, this.address).of("listen", "AddressInUse", "this end of it is listened on")
        )
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
    const { address, faultOf, limits } = this
    return new PortWire({ transport: name, peer: { address }, maxFrame: limits.maxFrame }, port, faultOf)
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
