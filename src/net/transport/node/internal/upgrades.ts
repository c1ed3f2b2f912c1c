/**
 * Answers to requests to upgrade that are none.
 */
import type { Duplex } from "node:stream"
import type { TransportError } from "../../../TransportError.ts"

/** Why a server has answered with this status in place of an upgrade. */
export const refusalOf = (status: number | undefined): TransportError["reason"] => {
  if (status === 503 || status === 429) return "TooManyConnections"
  if (status === 401 || status === 403) return "PermissionDenied"
  // Something is there that knows nothing of WebSockets, or not on this path.
  return status !== undefined && status < 500 ? "NotListening" : "Lost"
}

/** Answers a request to upgrade with a status. */
export const refuse = (socket: Duplex, status: string): void => {
  socket.once("error", () => socket.destroy())
  socket.once("finish", () => socket.destroy())
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}
