/** Connects a stream socket of Node, and waits for the listener's welcome. */
import * as Effect from "effect/Effect"
import type { Socket } from "node:net"
import type { TransportError } from "../../../TransportError.ts"
import { hear } from "./greeting.ts"
import { hello, TooManyConnections, Untrusted, Welcome } from "./marks.ts"
import type { Failures } from "./reasons.ts"
import { SocketWire } from "./SocketWire.ts"
import type { Medium } from "./medium.ts"

/** An attempt to connect, which ends as a wire or leaves nothing. */
export class Dialling {
  private readonly medium: Medium
  private readonly failures: Failures
  private socket: Socket | undefined

  constructor(medium: Medium, failures: Failures) {
    this.medium = medium
    this.failures = failures
  }

  /** To be called when the attempt fails, or is given up. */
  abandon(): void {
    // Whatever it still has to say is nobody's business.
    this.socket?.on("error", () => {})
    this.socket?.destroy()
  }

  readonly wire: Effect.Effect<SocketWire, TransportError> = Effect.suspend(() =>
    Effect.try({ try: () => this.medium.dial(), catch: (cause) => this.failures.from("connect", cause) })
  ).pipe(
    Effect.flatMap((socket) => {
      this.socket = socket
      return Effect.callback<SocketWire, TransportError>((resume) => this.attend(socket, resume))
    })
  )

  private attend(socket: Socket, resume: (effect: Effect.Effect<SocketWire, TransportError>) => void): void {
    const fail = (error: TransportError): void => {
      this.abandon()
      resume(Effect.fail(error))
    }
    socket.write(hello)
    hear(socket, (greeting) => {
      if (greeting.mark === Welcome) {
        const { maxFrame, name, peerOf } = this.medium
        resume(Effect.succeed(new SocketWire(name, peerOf(socket), maxFrame, socket, greeting.rest)))
      } else if (greeting.mark !== undefined) {
        fail(this.refusal(greeting.mark))
      } else if (greeting.cause !== undefined) {
        fail(this.failures.from("connect", greeting.cause))
      } else {
        fail(this.failures.of("connect", "Lost", "it was closed before the welcome"))
      }
    })
  }

  private refusal(code: number): TransportError {
    switch (code) {
      case TooManyConnections:
        return this.failures.of("connect", "TooManyConnections", "it refuses further connections")
      case Untrusted:
        return this.failures.of(
          "connect",
          "Untrusted",
          "it asks for a certificate that it can check, and did not get one"
        )
      default:
        return this.failures.of("connect", "InvalidAddress", "what listens there speaks another protocol")
    }
  }
}
