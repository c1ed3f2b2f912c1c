/**
 * What the status codes of gRPC, and the errors below it, say about a connection.
 */
import type { StatusObject } from "@grpc/grpc-js"
import type { Reason } from "../../../TransportError.ts"

/** The codes, by their names in the specification of gRPC. */
export const codes = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16
} as const

type Why = typeof Reason.Type

// grpc-js has the errors of the system in the text of a status alone.
const causes: ReadonlyArray<readonly [RegExp, Why]> = [
  [/ECONNREFUSED|ENOENT/, "NotListening"],
  [/ENOTFOUND|EAI_AGAIN|name resolution failed/i, "HostNotFound"],
  [/EACCES|EPERM/, "PermissionDenied"],
  [/ETIMEDOUT/, "TimedOut"],
  [/certificate|self.signed|altnames|tls|ssl|EPROTO/i, "Untrusted"]
]

// Of a server that ends a connection before it has said a word of HTTP/2: over TLS that is one to which a certificate was shown
// that it does not like.
const mute = /Last error: Failed to connect/

/** Why nothing can be connected to, by the status with which the call ended. */
export const connectReason = (
  { code, details }: Pick<StatusObject, "code" | "details">,
  over: "plain" | "TLS"
): Why => {
  switch (code) {
    case codes.UNAVAILABLE:
      if (over === "TLS" && mute.test(details)) return "Untrusted"
      return causes.find(([pattern]) => pattern.test(details))?.[1] ?? "Lost"
    case codes.DEADLINE_EXCEEDED:
      return "TimedOut"
    case codes.RESOURCE_EXHAUSTED:
      return "TooManyConnections"
    case codes.UNAUTHENTICATED:
      return "Untrusted"
    case codes.PERMISSION_DENIED:
      return "PermissionDenied"
    case codes.UNIMPLEMENTED:
      return "Unsupported"
    default:
      return "Lost"
  }
}

/** A status in one line: its name and what it says. */
export const showStatus = ({ code, details }: Pick<StatusObject, "code" | "details">): string => {
  const name = Object.entries(codes).find(([, value]) => value === code)?.[0] ?? `status ${code}`
  // The rest of the text tells how grpc-js came to it.
  const [said = ""] = details.split(" Resolution note:")
  return said === "" ? name : `${name}, ${said}`
}
