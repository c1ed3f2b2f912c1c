/** Connects a stream socket of Node, and waits for the listener's welcome. */
import { Buffer } from "node:buffer"
import * as Result from "effect/Result"
import { encode } from "../../../internal/frames.ts"
import type { TransportError } from "../../../TransportError.ts"
import type { Begin } from "./connecting.ts"
import { type Greeting, hear } from "./greeting.ts"
import { hello, TooManyConnections, Untrusted, Welcome } from "./marks.ts"
import type { Medium } from "./medium.ts"
import type { Failures } from "./reasons.ts"
import { SocketWire } from "./SocketWire.ts"

/** `frame`: what is sent behind the hello. */
export const dial =
  (medium: Medium, failures: Failures, frame?: Uint8Array): Begin =>
  ({ failed, opened }) => {
    const dialled = Result.try(() => medium.dial())
    if (Result.isFailure(dialled)) {
      failed(failures.from("connect", dialled.failure))
      return () => undefined
    }
    const socket = dialled.success
    // Whatever it still has to say is nobody's business.
    const abandon = (): void => void socket.on("error", () => {}).destroy()
    socket.write(frame === undefined ? hello : Buffer.concat([hello, encode([frame])]))
    hear(socket, (greeting) => {
      if (greeting.mark === Welcome) {
        opened(new SocketWire(medium.name, medium.peerOf(socket), medium.maxFrame, socket, greeting.rest))
      } else {
        abandon()
        failed(refusal(failures, greeting))
      }
    })
    return abandon
  }

const refusal = (failures: Failures, greeting: Greeting): TransportError => {
  if (greeting.mark === undefined) {
    const { cause } = greeting
    return cause === undefined
      ? failures.of("connect", "Lost", "it was closed before the welcome")
      : failures.from("connect", cause)
  }
  switch (greeting.mark) {
    case TooManyConnections:
      return failures.of("connect", "TooManyConnections", "it refuses further connections")
    case Untrusted:
      return failures.of("connect", "Untrusted", "it asks for a certificate that it can check, and did not get one")
    default:
      return failures.of("connect", "InvalidAddress", "what listens there speaks another protocol")
  }
}
