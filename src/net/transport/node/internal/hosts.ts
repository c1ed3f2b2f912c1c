/** Addresses of hosts and ports. */
import { isIPv6, type Socket } from "node:net"
import type { Peer } from "../../../Transport.ts"
import type { TransportError } from "../../../TransportError.ts"

export const hostAndPort = (host: string, port: number): string =>
  isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`

/** What is wrong with an address, if anything is. */
export const hostFault = (doing: TransportError["doing"], host: string, port: number): string | undefined => {
  if (host === "" || host.includes("\0")) return "a host is missing"
  if (!Number.isInteger(port) || port < 0 || port > 65_535) return `${port} is no port`
  return port === 0 && doing === "connect" ? "port 0 is for listening alone" : undefined
}

export const peerOf = ({ remoteAddress, remotePort }: Socket): Peer => ({
  address: hostAndPort(remoteAddress ?? "unknown", remotePort ?? 0)
})
