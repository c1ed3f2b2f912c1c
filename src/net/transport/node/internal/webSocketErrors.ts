/**
 * What the errors of a WebSocket's connection, and the answers in place of one, mean.
 */
import type { Duplex } from "node:stream"
import type { TransportError } from "../../../TransportError.ts"

type Reason = TransportError["reason"]

const reasons: { readonly [code: string]: Reason } = {
  EACCES: "PermissionDenied",
  EADDRINUSE: "AddressInUse",
  EADDRNOTAVAIL: "InvalidAddress",
  EAI_AGAIN: "HostNotFound",
  ECONNREFUSED: "NotListening",
  ENOTFOUND: "HostNotFound",
  EPERM: "PermissionDenied",
  ERR_SOCKET_BAD_PORT: "InvalidAddress",
  ETIMEDOUT: "TimedOut"
}

// As OpenSSL and Node name what is wrong with a certificate.
const aboutCertificates = /CERT|UNABLE_TO_VERIFY|SELF_SIGNED/

/** Why a connection or a server did not come about. */
export const reasonOf = (error: Error): Reason => {
  const code = "code" in error && typeof error.code === "string" ? error.code : ""
  return reasons[code] ?? (aboutCertificates.test(code) ? "Untrusted" : "Lost")
}

/** Why a server has answered with this status in place of an upgrade. */
export const refusalOf = (status: number | undefined): Reason => {
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
