/**
 * Reads the content of an object, up to a limit.
 */
import type { GetObjectCommandOutput } from "@aws-sdk/client-s3"
import { CloudStorageError, TooLarge } from "../../CloudStorageError.ts"
import { concat } from "../../internal/bytes.ts"

/** Reads all, or rejects and closes the connection: when there is more than the limit, or the signal tells. */
export const readBody = (
  { Body: body, ContentLength: length }: GetObjectCommandOutput,
  { key, maxBytes }: { readonly key: string; readonly maxBytes: number },
  signal: AbortSignal
): Promise<Uint8Array> => {
  if (body === undefined) return Promise.resolve(new Uint8Array())
  const stream = body.transformToWebStream()
  const tooLarge = (bytes: number) => new CloudStorageError({ reason: new TooLarge({ key, bytes, limit: maxBytes }) })
  if (length !== undefined && length > maxBytes) return stream.cancel().then(() => Promise.reject(tooLarge(length)))
  const chunks: Array<Uint8Array> = []
  let bytes = 0
  const sink = new WritableStream<Uint8Array>({
    write: (chunk, controller) => {
      bytes += chunk.length
      if (bytes > maxBytes) controller.error(tooLarge(bytes))
      else chunks.push(chunk)
    }
  })
  return stream.pipeTo(sink, { signal }).then(() => concat(chunks, bytes))
}
