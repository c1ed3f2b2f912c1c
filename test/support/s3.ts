/**
 * A storage that speaks the S3 protocol, on a socket of this machine: objects in buckets in memory, with signatures
 * verified. It has what the tests need and answers NotImplemented to all else.
 */
import { createHash } from "node:crypto"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo, Socket } from "node:net"
import { crc32 } from "node:zlib"
import { Effect, Queue, type Scope } from "effect"
import { Refusal, type Signer, urlOf, verify } from "./sigv4.ts"

interface Stored {
  readonly body: Uint8Array
  readonly etag: string
  readonly modified: number
  readonly contentType: string
  readonly metadata: Readonly<Record<string, string>>
}

/** What goes wrong with a request: see `S3Server.fault`. */
export type Fault =
  /** The connection closes without an answer, before or after the work was done. */
  | "closeBefore"
  | "closeAfter"
  /** There is no answer. */
  | "hang"
  /** Half of the content comes, and then the connection closes, or nothing more. */
  | "cut"
  | "stall"
  /** A bit of the content is turned over. */
  | "damage"
  /** The content comes without its length. */
  | "chunked"
  /** An answer of 503. */
  | "busy"

export interface S3Server {
  readonly endpoint: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** What happens to the next request for which this answers something. */
  fault: (request: IncomingMessage, path: string) => Fault | undefined
  /** How far the server's clock is ahead. */
  skew: number
  /** The requests, as method and path, in order. */
  readonly requests: Array<string>
  /** A value for each connection that closed. */
  readonly closed: Queue.Queue<void>
  /** A value for each request that hangs or stalls. */
  readonly stuck: Queue.Queue<void>
  /** How many connections are open. */
  readonly connections: () => number
  /** Ends the server as a crash would. */
  readonly kill: Effect.Effect<void>
}

const escape = (text: string): string => text.replaceAll(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)

const xml = (name: string, content: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<${name} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${content}</${name}>`

const element = (name: string, text: string | number | boolean): string => `<${name}>${escape(String(text))}</${name}>`

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

const listed = (bucket: string, objects: ReadonlyMap<string, Stored>, query: ReadonlyMap<string, string>): string => {
  const prefix = query.get("prefix") ?? ""
  const delimiter = query.get("delimiter") ?? ""
  const token = query.get("continuation-token")
  const after = token === undefined ? "" : Buffer.from(token, "base64url").toString()
  const limit = Math.min(Number(query.get("max-keys") ?? 1000), 1000)
  const show = (text: string): string =>
    query.get("encoding-type") === "url" ? encodeURIComponent(text).replaceAll("%20", "+").replaceAll("%2F", "/") : text
  const entryOf = (key: string): string => {
    const end = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length)
    return end < 0 ? key : key.slice(0, end + delimiter.length)
  }
  const keys = [...objects.keys()].filter((key) => key.startsWith(prefix))
  const entries = [...new Set(keys.map(entryOf))].toSorted(byBytes).filter((entry) => byBytes(entry, after) > 0)
  const page = entries.slice(0, limit)
  const truncated = entries.length > limit
  const content = page.map((entry) => {
    const object = entryOf(entry) === entry && objects.get(entry)
    return object !== undefined &&
      object !== false &&
      !(delimiter !== "" && entry.endsWith(delimiter) && entry.length > prefix.length)
      ? `<Contents>${element("Key", show(entry))}${element("LastModified", new Date(object.modified).toISOString())}${element("ETag", object.etag)}${element("Size", object.body.length)}</Contents>`
      : `<CommonPrefixes>${element("Prefix", show(entry))}</CommonPrefixes>`
  })
  const next = truncated ? element("NextContinuationToken", Buffer.from(page.at(-1) ?? "").toString("base64url")) : ""
  const encoding = query.get("encoding-type") === "url" ? element("EncodingType", "url") : ""
  return xml(
    "ListBucketResult",
    `${element("Name", bucket)}${element("Prefix", show(prefix))}${element("KeyCount", page.length)}${element("MaxKeys", limit)}${element("IsTruncated", truncated)}${encoding}${next}${content.join("")}`
  )
}

interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
}

const describe = ({ body, contentType, etag, metadata, modified }: Stored): Record<string, string> => ({
  "content-length": String(body.length),
  "content-type": contentType,
  etag,
  "last-modified": new Date(modified).toUTCString(),
  ...Object.fromEntries(Object.entries(metadata).map(([name, value]) => [`x-amz-meta-${name}`, value]))
})

const checksum = (body: Uint8Array): string => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(crc32(body))
  return bytes.toString("base64")
}

/** Does what a verified request asks for. */
const serve = (
  buckets: ReadonlyMap<string, Map<string, Stored>>,
  request: IncomingMessage,
  body: Uint8Array,
  now: number
): Answer => {
  const { query, segments } = urlOf(request)
  const [bucket = "", ...rest] = segments
  const { headers, method } = request
  const key = rest.join("/")
  const objects = buckets.get(bucket)
  if (objects === undefined) throw new Refusal(404, "NoSuchBucket")
  if (key === "") {
    if (method === "HEAD") return { status: 200 }
    if (method === "GET" && query.get("list-type") === "2") {
      return { status: 200, headers: { "content-type": "application/xml" }, body: listed(bucket, objects, query) }
    }
    throw new Refusal(501, "NotImplemented")
  }
  const object = objects.get(key)
  switch (method) {
    case "PUT": {
      if (headers["if-none-match"] !== undefined && headers["if-none-match"] !== "*")
        throw new Refusal(501, "NotImplemented")
      if (headers["if-none-match"] === "*" && object !== undefined) throw new Refusal(412, "PreconditionFailed")
      const claimed = headers["x-amz-checksum-crc32"] ?? query.get("x-amz-checksum-crc32")
      if (claimed !== undefined && claimed !== checksum(body)) throw new Refusal(400, "BadDigest")
      const etag = `"${createHash("md5").update(body).digest("hex")}"`
      const metadata = Object.entries(headers)
        .filter(([name]) => name.startsWith("x-amz-meta-"))
        .map(([name, value]) => [name.slice("x-amz-meta-".length), String(value)])
      const contentType = headers["content-type"] ?? "binary/octet-stream"
      objects.set(key, { body, etag, contentType, metadata: Object.fromEntries(metadata), modified: now })
      return { status: 200, headers: { etag } }
    }
    case "DELETE":
      objects.delete(key)
      return { status: 204 }
    case "HEAD":
    case "GET": {
      if (object === undefined) throw new Refusal(404, "NoSuchKey")
      return {
        status: 200,
        headers: { ...describe(object), "x-amz-checksum-crc32": checksum(object.body) },
        body: object.body
      }
    }
    default:
      throw new Refusal(501, "NotImplemented")
  }
}

const answerOf = (work: () => Answer): Answer => {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const body = xml("Error", element("Code", error.code) + element("Message", error.message)).replace(
      / xmlns="[^"]*"/,
      ""
    )
    return { status: error.status, headers: { "content-type": "application/xml" }, body }
  }
}

const write = (
  response: ServerResponse,
  { body = "", headers, status }: Answer,
  fault: Fault | undefined,
  head: boolean
): void => {
  const bytes = Buffer.from(body)
  const { "content-length": length = String(bytes.length), ...others } = headers ?? {}
  // An answer to HEAD tells the length of what it does not have.
  const known = fault === "chunked" || status === 204 ? {} : { "content-length": head && status >= 300 ? "0" : length }
  response.writeHead(status, { ...others, ...known })
  if (head) return void response.end()
  if (fault === "damage") bytes[0]! ^= 1
  if (fault !== "cut" && fault !== "stall") return void response.end(bytes)
  response.write(bytes.subarray(0, bytes.length / 2), () => fault === "cut" && response.destroy())
}

/** Starts a storage with these buckets; it ends with the scope. */
export const makeS3 = (buckets: ReadonlyArray<string>): Effect.Effect<S3Server, never, Scope.Scope> =>
  Effect.gen(function* () {
    const objects = new Map(buckets.map((bucket) => [bucket, new Map<string, Stored>()]))
    const closed = yield* Queue.unbounded<void>()
    const stuck = yield* Queue.unbounded<void>()
    const sockets = new Set<Socket>()
    const credentials = { accessKeyId: "tester", secretAccessKey: "the tester's secret" }
    const region = "eu-test-1"
    const now = (): number => Date.now() + self.skew
    const signer: Signer = { region, now, secrets: { [credentials.accessKeyId]: credentials.secretAccessKey } }

    const handle = (request: IncomingMessage, response: ServerResponse, body: Uint8Array): void => {
      const path = request.url!.split("?")[0]!
      self.requests.push(`${request.method} ${path}`)
      const fault = self.fault(request, path)
      if (fault === "closeBefore") return void request.socket.destroy()
      if (fault === "hang" || fault === "stall") Queue.offerUnsafe(stuck, undefined)
      if (fault === "hang") return
      const answer = answerOf(() => {
        verify(request, body, signer)
        if (fault === "busy") throw new Refusal(503, "SlowDown")
        return serve(objects, request, body, now())
      })
      if (fault === "closeAfter") return void request.socket.destroy()
      write(response, answer, fault, request.method === "HEAD")
    }

    const server = createServer((request, response) => {
      const chunks: Array<Uint8Array> = []
      request.on("data", (chunk: Uint8Array) => chunks.push(chunk))
      request.on("error", () => undefined)
      request.on("end", () => handle(request, response, Buffer.concat(chunks)))
    })
    server.on("connection", (socket) => {
      sockets.add(socket)
      socket.on("close", () => {
        sockets.delete(socket)
        Queue.offerUnsafe(closed, undefined)
      })
    })

    const kill = Effect.callback<void>((resume) => {
      for (const socket of sockets) socket.destroy()
      server.close(() => resume(Effect.void))
    })
    yield* Effect.acquireRelease(
      Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
      () => kill
    )
    const self: S3Server = {
      ...credentials,
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      region,
      fault: () => undefined,
      skew: 0,
      requests: [],
      closed,
      stuck,
      connections: () => sockets.size,
      kill
    }
    return self
  })
