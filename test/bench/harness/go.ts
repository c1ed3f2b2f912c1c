/** The peer Go: `peers/channels.go`, built when it is first run, where Debian's `golang-go` is installed. */
import { Effect } from "effect"
import { execFile, execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import type { Absent, Arm, Run } from "./measure.ts"

const isInstalled = spawnSync("go", ["version"]).status === 0

let program: string | undefined = undefined

const build = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "troupe-bench-"))
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }))
  const env = {
    ...process.env,
    GOTOOLCHAIN: "local",
    GOFLAGS: "-mod=mod",
    GOPROXY: "off",
    GOCACHE: join(folder, "cache")
  }
  const binary = join(folder, "channels")
  execFileSync("go", ["build", "-o", binary, join(import.meta.dirname, "..", "peers", "channels.go")], { env })
  return binary
}

/** A bench of `peers/channels.go`. */
export const go = (bench: "ping-pong" | "one-way" | "local", count: number, capacity: number): Arm | Absent =>
  isInstalled
    ? {
        name: "Go",
        startsPrograms: true,
        run: Effect.promise(async () => {
          program ??= build()
          const { stdout } = await promisify(execFile)(program, [bench, String(count), String(capacity)])
          return JSON.parse(stdout) as Run
        })
      }
    : { name: "Go", absent: "there is no go (Debian's golang-go)" }
