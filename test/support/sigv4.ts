/**
 * Checks requests signed with AWS Signature Version 4, in a header or in the query, as Amazon documents it for S3.
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto"
import type { IncomingMessage } from "node:http"

/** Why a request is refused: what S3 answers, as status and code. */
export class Refusal extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string = code) {
    super(message)
    this.status = status
    this.code = code
  }
}

export interface Signer {
  readonly region: string
  /** The secret of each access key. */
  readonly secrets: Readonly<Record<string, string>>
  /** The time of the server, in milliseconds. */
  readonly now: () => number
}

const sha256 = (data: string | Uint8Array): string => createHash("sha256").update(data).digest("hex")
const hmac = (key: string | Uint8Array, data: string): Buffer => createHmac("sha256", key).update(data).digest()

const encode = (text: string): string =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b))

/** The path and the query of a request, decoded. */
export const urlOf = ({ url = "/" }: IncomingMessage) => {
  const [path = "/", search = ""] = url.split(/\?(.*)/s)
  const query = search
    .split("&")
    .filter((part) => part !== "")
    .map((part) => part.split(/=(.*)/s).map((text) => decodeURIComponent(text.replaceAll("+", "%20"))))
    .map(([name = "", value = ""]): readonly [string, string] => [name, value])
  return { segments: path.split("/").slice(1).map(decodeURIComponent), query: new Map(query) }
}

const timeOf = (date: string): number =>
  Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"))

/** Passes a request whose signature is right and not too old, with the content that it was signed for. */
export const verify = (request: IncomingMessage, body: Uint8Array, signer: Signer): void => {
  const { query, segments } = urlOf(request)
  const { authorization } = request.headers
  const presigned = query.has("X-Amz-Signature")
  if (authorization === undefined && !presigned) throw new Refusal(403, "AccessDenied", "Access Denied")

  const header = new Map(
    (authorization ?? "")
      .replace(/^AWS4-HMAC-SHA256 /, "")
      .split(/, */)
      .map((part) => part.split(/=(.*)/s) as [string, string])
  )
  const part = (inHeader: string, inQuery: string): string =>
    (presigned ? query.get(inQuery) : header.get(inHeader)) ?? ""
  const signature = part("Signature", "X-Amz-Signature")
  const [accessKey = "", day = "", region = "", service = "", end = ""] = part("Credential", "X-Amz-Credential").split(
    "/"
  )
  const signedHeaders = part("SignedHeaders", "X-Amz-SignedHeaders").split(";")
  const date = presigned ? (query.get("X-Amz-Date") ?? "") : String(request.headers["x-amz-date"])

  const secret = Object.hasOwn(signer.secrets, accessKey) ? signer.secrets[accessKey] : undefined
  if (secret === undefined) throw new Refusal(403, "InvalidAccessKeyId")
  if (
    region !== signer.region ||
    service !== "s3" ||
    end !== "aws4_request" ||
    !date.startsWith(day) ||
    day.length !== 8
  ) {
    throw new Refusal(400, "AuthorizationHeaderMalformed")
  }
  const unsigned = Object.keys(request.headers).filter(
    (name) => /^(host|x-amz-.*)$/.test(name) && !signedHeaders.includes(name)
  )
  if (unsigned.length > 0) throw new Refusal(403, "AccessDenied", `not signed: ${unsigned.join(", ")}`)

  const age = signer.now() - timeOf(date)
  if (presigned) {
    const seconds = Number(query.get("X-Amz-Expires"))
    if (!(seconds >= 1 && seconds <= 604_800)) throw new Refusal(400, "AuthorizationQueryParametersError")
    if (!(age < seconds * 1000)) throw new Refusal(403, "AccessDenied", "Request has expired")
  }
  if (!(age > -900_000) || (!presigned && age > 900_000)) throw new Refusal(403, "RequestTimeTooSkewed")

  const payload = presigned ? "UNSIGNED-PAYLOAD" : String(request.headers["x-amz-content-sha256"])
  const canonical = [
    request.method,
    `/${segments.map(encode).join("/")}`,
    [...query]
      .filter(([name]) => name !== "X-Amz-Signature")
      .map(([name, value]) => [encode(name), encode(value)] as const)
      .toSorted(([a, x], [b, y]) => compare(a, b) || compare(x, y))
      .map((pair) => pair.join("="))
      .join("&"),
    ...signedHeaders.map(
      (name) =>
        `${name}:${String(request.headers[name] ?? "")
          .trim()
          .replaceAll(/ +/g, " ")}`
    ),
    "",
    signedHeaders.join(";"),
    payload
  ].join("\n")
  const toSign = ["AWS4-HMAC-SHA256", date, [day, region, service, end].join("/"), sha256(canonical)].join("\n")
  const key = [region, service, end].reduce(hmac, hmac(`AWS4${secret}`, day))
  const expected = hmac(key, toSign)
  const received = Buffer.from(signature, "hex")
  if (received.length !== expected.length || !timingSafeEqual(received, expected)) {
    throw new Refusal(403, "SignatureDoesNotMatch")
  }
  if (payload.startsWith("STREAMING-")) throw new Refusal(501, "NotImplemented", "streaming signatures")
  if (payload !== "UNSIGNED-PAYLOAD" && payload !== sha256(body)) throw new Refusal(400, "XAmzContentSHA256Mismatch")
}
