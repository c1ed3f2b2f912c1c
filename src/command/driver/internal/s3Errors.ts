/**
 * Tells what an error of the S3 client means.
 */
import {
  AccessDenied,
  CloudStorageError,
  ConnectionLost,
  NoSuchBucket,
  NoSuchKey,
  PreconditionFailed,
  Refused,
  Unreachable,
  type Reason
} from "../../CloudStorageError.ts"

/** What a request was about. */
export interface Target {
  readonly bucket: string
  readonly key?: string | undefined
  readonly endpoint: string
}

interface Failure {
  readonly name: string
  readonly message: string
  readonly code?: unknown
  readonly $metadata?: { readonly httpStatusCode?: number; readonly attempts?: number }
}

/** Codes of a connection that was never made, so that nothing can have been done. */
const unconnected = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ERR_INVALID_URL",
  "CERT_HAS_EXPIRED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE"
])

const failureOf = (error: unknown): Failure =>
  error instanceof Error ? error : { name: "Error", message: String(error) }

/** A network's error may have several behind it, one for each address that was tried. */
const detailOf = ({ code, message }: Failure): string => (message === "" ? String(code) : message)

export const reasonOf = (error: unknown, { bucket, endpoint, key }: Target): Reason => {
  if (error instanceof CloudStorageError) return error.reason
  const failure = failureOf(error)
  const { $metadata: metadata, code, message, name } = failure
  const status = metadata?.httpStatusCode
  const lost = (detail: string): Reason => new ConnectionLost({ endpoint, detail })
  if (name === "CredentialsProviderError") return new AccessDenied({ bucket, key, code: name })
  // The system's errors have a code; those of the storage and of the SDK have a name.
  if (typeof code === "string") {
    return unconnected.has(code) ? new Unreachable({ endpoint, detail: detailOf(failure) }) : lost(detailOf(failure))
  }
  if (name === "TimeoutError" || message.startsWith("Checksum mismatch")) return lost(message)
  if (name === "NoSuchBucket") return new NoSuchBucket({ bucket })
  if (status === 404 && (name === "NoSuchKey" || name === "NotFound")) {
    return key === undefined ? new NoSuchBucket({ bucket }) : new NoSuchKey({ bucket, key })
  }
  if (status === 401 || status === 403) return new AccessDenied({ bucket, key, code: name })
  if (status === 412 && key !== undefined) {
    // An earlier attempt, whose answer was lost, may be what is in the way of this one.
    return (metadata?.attempts ?? 1) > 1
      ? lost("the object may have been uploaded before it was")
      : new PreconditionFailed({ bucket, key })
  }
  return new Refused({ bucket, key, code: name, detail: status === undefined ? message : `${status} ${message}` })
}
