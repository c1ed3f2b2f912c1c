/** Serves what connects to a server of Node. */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { ListenOptions, Server, Socket } from "node:net"
import type { TransportError } from "../../../TransportError.ts"
import { hear } from "./greeting.ts"
import { Hello, tooManyConnections, untrusted } from "./marks.ts"
import type { Failures } from "./reasons.ts"
import { SocketWire } from "./SocketWire.ts"
import type { Binding, Medium } from "./medium.ts"

// How long those who are refused have to take the reason.
const Patience = 2000

export class Listener implements Binding {
  private readonly medium: Medium
  private readonly failures: Failures
  private readonly server: Server
  private readonly serve: (wire: SocketWire) => Fiber.Fiber<void>
  private readonly fibers = new Set<Fiber.Fiber<void>>()
  private readonly wires = new Set<SocketWire>()
  // All that the system has accepted, with those that are refused and those whose handshake is not over.
  private readonly sockets = new Set<Socket>()
  private readonly stopped = Deferred.makeUnsafe<void>()
  private isListening = false
  private isServing = false
  refused = 0

  constructor(medium: Medium, failures: Failures, server: Server, serve: (wire: SocketWire) => Fiber.Fiber<void>) {
    this.medium = medium
    this.failures = failures
    this.server = server
    this.serve = serve
    server.on("connection", (socket) => {
      this.sockets.add(socket)
      socket.on("error", () => {})
      socket.on("close", () => this.sockets.delete(socket))
    })
    server.on(medium.accepted, (socket: Socket) => this.greet(socket))
  }

  /** How many wires are open. */
  get open(): number {
    let open = 0
    for (const wire of this.wires) if (!wire.isClosed) open++
    return open
  }

  get port(): number {
    const address = this.server.address()
    return address === null || typeof address === "string" ? 0 : address.port
  }

  listen(options: ListenOptions, listening: () => void): Effect.Effect<void, TransportError> {
    const listens = Effect.callback<void, TransportError>((resume) => {
      this.server.once("error", (cause) => {
        // Later ones are of single connections, which know them too.
        this.server.on("error", () => {})
        resume(Effect.fail(this.failures.from("listen", cause)))
      })
      this.server.listen(options, () => {
        this.isListening = true
        listening()
        resume(Effect.void)
      })
    })
    // Node can't be told to stop before it listens: whoever is interrupted meanwhile has it stop then.
    return Effect.uninterruptible(listens)
  }

  readonly begin = (): void => {
    this.isServing = true
  }

  /** Accepts nobody any more, ends those who serve, and closes the wires in order. */
  readonly stop: Effect.Effect<void> = Effect.suspend(() => {
    if (!this.isListening) return Effect.void
    this.isListening = false
    this.isServing = false
    this.server.close(() => Deferred.doneUnsafe(this.stopped, Exit.void))
    return Fiber.interruptAll(this.fibers).pipe(
      Effect.andThen(Effect.forEach(this.wires, (wire) => wire.close, { concurrency: "unbounded", discard: true })),
      Effect.andThen(
        Effect.suspend(() => {
          for (const socket of this.sockets) socket.destroy()
          return Deferred.await(this.stopped)
        })
      )
    )
  })

  // Whoever does not say hello is no wire: one that only looks whether somebody listens, or that speaks another protocol.
  private greet(socket: Socket): void {
    socket.on("error", () => {})
    const impatience = setTimeout(() => socket.destroy(), Duration.toMillis(this.medium.connectTimeout))
    hear(socket, (greeting) => {
      clearTimeout(impatience)
      if (greeting.mark === Hello && this.isServing) this.accept(socket, greeting.rest)
      else socket.destroy()
    })
  }

  private accept(socket: Socket, start: Uint8Array): void {
    const { admits, maxConnections, maxFrame, name, peerOf } = this.medium
    if (!admits(socket)) {
      refuse(socket, untrusted)
    } else if (this.wires.size >= maxConnections) {
      this.refused++
      refuse(socket, tooManyConnections)
    } else {
      const wire = new SocketWire(name, peerOf(socket), maxFrame, socket, start)
      wire.welcome()
      this.wires.add(wire)
      socket.on("close", () => this.wires.delete(wire))
      const fiber = this.serve(wire)
      this.fibers.add(fiber)
      fiber.addObserver(() => this.fibers.delete(fiber))
    }
  }
}

const refuse = (socket: Socket, reason: Uint8Array): void => {
  const timer = setTimeout(() => socket.destroy(), Patience)
  socket.on("close", () => clearTimeout(timer))
  // Read, so that the system lets the reason arrive, and drop it.
  socket.resume()
  socket.end(reason)
}
