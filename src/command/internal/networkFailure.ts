/**
 * What a failure of a network client means, read from the error codes in the chain of its causes: clients wrap the error
 * of the system in one of their own, and name it by its code alone.
 */
import { withShownUrls } from "./shownUrl.ts"

/** What went wrong; `Other` where no code says so, as in browsers, which hide it. */
export interface NetworkFailure {
  readonly kind: "HostNotFound" | "Unreachable" | "Tls" | "ConnectionClosed" | "Other"
  readonly detail: string
}

const kinds: ReadonlyArray<readonly [pattern: RegExp, kind: NetworkFailure["kind"]]> = [
  [/^(ENOTFOUND|EAI_)/, "HostNotFound"],
  [/^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ENETDOWN|EADDRNOTAVAIL|ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT)$/, "Unreachable"],
  [/^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|EPROTO$)/, "Tls"],
  [/^(ECONNRESET|EPIPE|UND_ERR_SOCKET|UND_ERR_CLOSED|ERR_STREAM_PREMATURE_CLOSE)$/, "ConnectionClosed"]
]

const field = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null && name in value ? Reflect.get(value, name) : undefined

/** The failure and what it wraps, outermost first; no deeper than any client nests them, since a cause may be a circle. */
const chain = (failure: unknown): ReadonlyArray<unknown> => {
  const found: Array<unknown> = []
  for (let next = failure; next !== undefined && found.length < 8;) {
    found.push(next)
    // The first of several is that of the first address of a host.
    next = field(next, "cause") ?? field(next, "error") ?? field(field(next, "errors"), "0")
  }
  return found
}

/** Tells what a failure means. */
export const networkFailure = (failure: unknown): NetworkFailure => {
  const causes = chain(failure)
  const messages = causes.map((cause) => field(cause, "message")).filter((text) => typeof text === "string")
  const detail = withShownUrls(messages.findLast((text) => text !== "") ?? "the client does not say why")
  for (const cause of causes) {
    const code = field(cause, "code")
    const kind = typeof code === "string" ? kinds.find(([pattern]) => pattern.test(code))?.[1] : undefined
    if (kind !== undefined) return { kind, detail }
  }
  return { kind: "Other", detail }
}
