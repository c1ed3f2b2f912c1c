/** Addresses of hosts and ports. */
import * as Effect from "effect/Effect"
import { isIPv6, type Socket } from "node:net"
import type { Address, Dialer } from "../../../Address.ts"
import type { Peer, Transport } from "../../../Transport.ts"
import type { TransportError } from "../../../TransportError.ts"

/** A host as it stands in a URL. */
export const bracketed = (host: string): string => (isIPv6(host) ? `[${host}]` : host)

export const hostAndPort = (host: string, port: number): string => `${bracketed(host)}:${port}`

/** What is wrong with an address, if anything is. */
export const hostFault = (doing: TransportError["doing"], host: string, port: number): string | undefined => {
  if (host === "" || host.includes("\0")) return "a host is missing"
  if (!Number.isInteger(port) || port < 0 || port > 65_535) return `${port} is no port`
  return port === 0 && doing === "connect" ? "port 0 is for listening alone" : undefined
}

export const peerOf = ({ remoteAddress, remotePort }: Socket): Peer => ({
  address: hostAndPort(remoteAddress ?? "unknown", remotePort ?? 0)
})

/** Dials addresses that read as `hostAndPort` writes them. */
export const hostDialer = (
  transport: string,
  dial: (host: string, port: number, options: Address["options"]) => Effect.Effect<Transport, string>
): Dialer => ({
  transport,
  dial: ({ address, options }) => {
    const [, name, bare, digits] = /^(?:grpcs?:\/\/)?(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(address) ?? []
    const [host, port] = [name ?? bare ?? "", Number(digits)]
    const fault = hostFault("connect", host, port)
    return fault === undefined ? dial(host, port, options) : Effect.fail(`${fault}: the address reads host:port`)
  }
})
