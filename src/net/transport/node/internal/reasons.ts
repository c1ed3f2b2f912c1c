/** What the errors of the system mean for a transport. */
import { TransportError } from "../../../TransportError.ts"

type Reason = TransportError["reason"]
type Doing = TransportError["doing"]

const either: { readonly [code: string]: Reason } = {
  EACCES: "PermissionDenied",
  EPERM: "PermissionDenied",
  EADDRINUSE: "AddressInUse",
  EADDRNOTAVAIL: "InvalidAddress",
  EAFNOSUPPORT: "InvalidAddress",
  EINVAL: "InvalidAddress",
  ELOOP: "InvalidAddress",
  ENAMETOOLONG: "InvalidAddress",
  ENOTDIR: "InvalidAddress",
  EPROTOTYPE: "InvalidAddress",
  EROFS: "PermissionDenied",
  ENOTFOUND: "HostNotFound",
  EAI_AGAIN: "HostNotFound",
  EAI_FAIL: "HostNotFound",
  ETIMEDOUT: "TimedOut",
  ECONNREFUSED: "NotListening",
  EHOSTUNREACH: "NotListening",
  ENETUNREACH: "NotListening",
  // A unix socket whose queue of connections is full.
  EAGAIN: "TooManyConnections",
  EMFILE: "TooManyConnections",
  ENFILE: "TooManyConnections"
}

/** The code of an error of Node or of a package for it; empty where it has none. */
export const codeOf = (cause: unknown): string =>
  typeof cause === "object" && cause !== null && "code" in cause && typeof cause.code === "string" ? cause.code : ""

const textOf = (cause: unknown): string => {
  const message = cause instanceof Error ? cause.message : String(cause)
  // Node has none where it has tried several addresses of a host.
  return message === "" ? codeOf(cause) : message
}

/** Errors of the system name their call; those of certificates and of the protocol of TLS don't. */
const isOfTheSystem = (cause: unknown): boolean =>
  typeof cause === "object" && cause !== null && ("syscall" in cause || "errors" in cause)

const spokenToPlainly = new Set(["ERR_SSL_WRONG_VERSION_NUMBER", "ERR_SSL_PACKET_LENGTH_TOO_LONG"])

const reasonOf = (doing: Doing, cause: unknown): Reason => {
  const code = codeOf(cause)
  const known = either[code]
  if (known !== undefined) return known
  if (code === "ENOENT") return doing === "connect" ? "NotListening" : "InvalidAddress"
  if (code.startsWith("ERR_INVALID_ARG") || code === "ERR_SOCKET_BAD_PORT") return "InvalidAddress"
  if (spokenToPlainly.has(code)) return "InvalidAddress"
  if (code !== "" && code !== "ECONNRESET" && code !== "EPIPE" && !isOfTheSystem(cause)) return "Untrusted"
  return doing === "connect" ? "Lost" : "Unsupported"
}

/** Makes the errors of one transport. */
export class Failures {
  private readonly transport: string
  private readonly address: string

  constructor(transport: string, address: string) {
    this.transport = transport
    this.address = address
  }

  of(doing: Doing, reason: Reason, detail: string): TransportError {
    return new TransportError({ transport: this.transport, address: this.address, doing, reason, detail })
  }

  from(doing: Doing, cause: unknown): TransportError {
    return this.of(doing, reasonOf(doing, cause), textOf(cause))
  }
}
