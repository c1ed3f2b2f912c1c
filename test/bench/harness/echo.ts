/** How long a program takes to answer what another one writes to its socket. */
import { fork } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import * as Net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Echoed } from "../peers/echo.ts"
import { endOf, message } from "./talking.ts"

/** Starts the one that writes, and runs who listens on the path and echoes until it has enough, and closes. */
export const withEcho = async <A>(listen: (path: string) => Promise<A>): Promise<readonly [A, Echoed]> => {
  const folder = mkdtempSync(join(tmpdir(), "troupe-bench-"))
  const path = join(folder, "echo.sock")
  const writer = fork(join(import.meta.dirname, "..", "peers", "echo.ts"), [path])
  try {
    const [echoed, result] = await Promise.all([message(writer), listen(path)])
    return [result, echoed as Echoed]
  } finally {
    await endOf(writer)
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Echoes with a socket of Node in this program while it works, from when the writer has connected. */
export const echoing =
  <A>(work: () => Promise<A>) =>
  async (path: string): Promise<A> => {
    const server = Net.createServer((socket) => {
      socket.on("error", () => {})
      socket.on("data", (bytes) => socket.write(bytes))
    })
    server.listen(path)
    const [socket] = (await once(server, "connection")) as [Net.Socket]
    const result = await work()
    socket.destroy()
    server.close()
    return result
  }
