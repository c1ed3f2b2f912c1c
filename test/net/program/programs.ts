/**
 * Programs of their own for tests: the files beside this one, in Node, which are killed with the scope.
 */
import { Effect, Redacted } from "effect"
import { type ChildProcessByStdio, spawn } from "node:child_process"
import type { Readable } from "node:stream"
import { type Transport, TypeId } from "../../../src/net/Transport.ts"
import * as Grpc from "../../../src/net/transport/node/Grpc.ts"
import * as Tcp from "../../../src/net/transport/node/Tcp.ts"
import * as Tls from "../../../src/net/transport/node/Tls.ts"
import * as Unix from "../../../src/net/transport/node/Unix.ts"
import * as WebSocket from "../../../src/net/transport/node/WebSocket.ts"
import { until } from "../sockets.ts"

const root = new URL("../../../", import.meta.url)

/** Starts `file` with what it is to do. */
export const start = (file: string, todo: object) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const child: ChildProcessByStdio<null, Readable, null> = spawn(
        process.execPath,
        ["-C", "source", `test/net/program/${file}`, JSON.stringify(todo)],
        { cwd: root, stdio: ["ignore", "pipe", "inherit"] }
      )
      let output = ""
      child.stdout.on("data", (chunk) => (output += String(chunk)))
      const lines = () => output.split("\n").slice(0, -1)
      return {
        lines,
        /** How often it said so. */
        count: (line: string) => lines().filter((one) => one === line).length,
        /** Waits until it has said so, `times` times. */
        said: (line: string, times = 1) => until(() => lines().filter((one) => one === line).length >= times),
        /** Waits until it has said something that begins so, and answers the rest. */
        told: (beginning: string) =>
          Effect.map(
            until(() => lines().some((line) => line.startsWith(beginning))),
            () =>
              lines()
                .find((line) => line.startsWith(beginning))!
                .slice(beginning.length)
          ),
        signal: (signal: NodeJS.Signals) => Effect.sync(() => void child.kill(signal)),
        /** Kills it, and waits until it is gone. */
        kill: Effect.andThen(
          Effect.sync(() => void child.kill("SIGKILL")),
          until(() => child.exitCode !== null || child.signalCode !== null)
        )
      }
    }),
    ({ signal }) => signal("SIGKILL")
  )

/** Where a program is: by text, so that it can be told to another one. */
export interface Place {
  readonly transport: "unix" | "tcp" | "tls" | "websocket" | "grpc"
  /** A path, or a port. */
  readonly at: string
  /** With what a server over TLS shows who it is, and what its clients trust. */
  readonly pem?: { readonly authority: string; readonly certificate: string; readonly key: string }
}

const host = "127.0.0.1"

export const transportAt = ({ at, pem, transport }: Place): Transport => {
  const port = Number(at)
  switch (transport) {
    case "unix":
      return Unix.make({ path: at })
    case "tcp":
      return Tcp.make({ host, port })
    case "tls": {
      const { authority, certificate, key } = pem!
      return Tls.make({ host, port, authorities: [authority], identity: { certificate, key: Redacted.make(key) } })
    }
    case "websocket":
      return WebSocket.make({ url: `ws://${host}:${port}/wire` })
    case "grpc":
      return overGrpc(port)
  }
}

// It is loaded when it is used.
const overGrpc = (port: number): Transport => {
  const made = Effect.orDie(Grpc.make({ host, port }))
  return {
    [TypeId]: TypeId,
    name: "grpc",
    address: `grpc://${host}:${port}`,
    connect: Effect.flatMap(made, ({ connect }) => connect),
    listen: (serve) => Effect.flatMap(made, ({ listen }) => listen(serve))
  }
}

/** Where somebody listens that listened on a place, whose port may have been 0. */
export const placeOf = (place: Place, { address }: Transport): Place =>
  place.transport === "unix" ? place : { ...place, at: /:(\d+)(\/|$)/.exec(address)![1]! }
