/**
 * Addresses of directories as people write them: `unix:./directory.sock`, `tcp:10.0.0.7:4000`, `wss://example.com/directory`.
 */
import * as Effect from "effect/Effect"
import { Address } from "../../net/Address.ts"
import { InvalidDirectory } from "./errors.ts"

const forms = "unix:<path>, tcp:<host>:<port>, tls:<host>:<port>, grpc:<host>:<port>, ws://… or wss://…"

/** Reads an address; a path stays as it is written. */
export const parseAddress = (text: string): Effect.Effect<Address, InvalidDirectory> => {
  const fail = (detail: string) => Effect.fail(new InvalidDirectory({ address: text, detail }))
  const [, scheme = "", rest = ""] = /^([a-z]+):(.*)$/s.exec(text) ?? []
  const isUrl = scheme === "ws" || scheme === "wss"
  const address = isUrl ? text : rest
  if (!isUrl && !["unix", "tcp", "tls", "grpc"].includes(scheme)) return fail(`reads ${forms}`)
  if (rest === "") return fail(`has nothing behind "${scheme}:"`)
  if (address.length > 1024) return fail("is longer than 1024 characters")
  return Effect.succeed(new Address({ transport: isUrl ? "websocket" : scheme, address, options: {} }))
}

/** How an address reads in `troupe.json`. */
export const printAddress = ({ address, transport }: Address): string =>
  transport === "websocket" ? address : `${transport}:${address}`
