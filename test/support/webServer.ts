/**
 * Real servers for tests: on a free port, with their connections in sight, and gone with their scope.
 */
import { createServer, type RequestListener, type Server } from "node:http"
import type { AddressInfo, Socket } from "node:net"
import { Effect } from "effect"

export interface WebServer {
  readonly server: Server
  readonly port: number
  readonly url: string
  readonly sockets: ReadonlySet<Socket>
  /** Completes when no connection is open. */
  readonly drained: Effect.Effect<void>
}

/** Starts a server. */
export const webServer = (listener?: RequestListener) =>
  Effect.acquireRelease(
    Effect.callback<WebServer>((resume) => {
      const server = createServer(listener)
      const sockets = new Set<Socket>()
      const empty = new Set<() => void>()
      server.on("connection", (socket) => {
        sockets.add(socket)
        socket.on("close", () => {
          sockets.delete(socket)
          if (sockets.size === 0) for (const tell of empty) tell()
        })
      })
      const drained = Effect.callback<void>((resume) => {
        if (sockets.size === 0) return resume(Effect.void)
        const tell = (): void => resume(Effect.void)
        empty.add(tell)
        return Effect.sync(() => empty.delete(tell))
      })
      server.listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo
        resume(Effect.succeed({ server, port, url: `http://127.0.0.1:${port}`, sockets, drained }))
      })
    }),
    ({ server, sockets }) =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        for (const socket of sockets) socket.destroy()
      })
  )

/** Completes when the connection is closed. */
export const closed = (socket: Socket): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    if (socket.destroyed) return resume(Effect.void)
    socket.once("close", () => resume(Effect.void))
  })

/** A port of this machine on which nobody listens. */
export const freePort: Effect.Effect<number> = Effect.scoped(Effect.map(webServer(), ({ port }) => port))
