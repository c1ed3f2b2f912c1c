/**
 * A client in Python, with code that protoc makes of `troupe.proto`.
 */
import { Effect } from "effect"
import { execFileSync, spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { runs } from "../absent.ts"

const client = fileURLToPath(new URL("client.py", import.meta.url))
const proto = fileURLToPath(new URL("../../../src/net/transport/node/troupe.proto", import.meta.url))

// Packages of the system are those of the system's Python.
const python = ["/usr/bin/python3", "python3"].find((command) => runs(command, "-c", "import grpc, google.protobuf"))

/** Why there is no client in Python here, if so. */
export const pythonAbsent: string | undefined =
  python === undefined
    ? "python3-grpcio or python3-protobuf is not installed"
    : runs("protoc", "--version")
      ? undefined
      : "protobuf-compiler is not installed"

/** What the client does, one after the other. */
export type Doing = readonly [name: "echo" | "pieces" | "refused" | "call" | "watch", args: Record<string, unknown>]

/** Runs the client, and answers what came of each thing that it did. */
export const runPython = (given: {
  readonly address: string
  readonly tls?: Record<string, string>
  readonly do: ReadonlyArray<Doing>
}): Effect.Effect<ReadonlyArray<Record<string, unknown>>> =>
  Effect.acquireUseRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "troupe-python-"))),
    (directory) =>
      Effect.callback<ReadonlyArray<Record<string, unknown>>>((resume) => {
        execFileSync("protoc", [`--proto_path=${dirname(proto)}`, `--python_out=${directory}`, proto])
        const child = spawn(python ?? "python3", [client, directory], { stdio: ["pipe", "pipe", "pipe"] })
        let out = ""
        let complaint = ""
        child.stdout.on("data", (chunk) => (out += String(chunk)))
        child.stderr.on("data", (chunk) => (complaint += String(chunk)))
        child.on("close", (code) =>
          resume(code === 0 ? Effect.sync(() => JSON.parse(out)) : Effect.die(new Error(complaint)))
        )
        child.stdin.end(JSON.stringify(given))
        return Effect.sync(() => void child.kill("SIGKILL"))
      }),
    (directory) => Effect.sync(() => rmSync(directory, { recursive: true }))
  )
