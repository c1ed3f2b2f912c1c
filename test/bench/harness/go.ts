/** The peer Go: the programs under `peers/`, built when they are first run, where Debian's `golang-go` is installed. */
import { Effect } from "effect"
import { execFile, execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import type { Absent, Arm, Run } from "./measure.ts"

const isInstalled = spawnSync("go", ["version"]).status === 0

const built = new Map<string, string>()

/** Builds a program of `peers/`, once; answers the binary. */
const build = (program: string): string => {
  const known = built.get(program)
  if (known !== undefined) return known
  const folder = mkdtempSync(join(tmpdir(), "troupe-bench-"))
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }))
  const env = {
    ...process.env,
    GOTOOLCHAIN: "local",
    GOFLAGS: "-mod=mod",
    GOPROXY: "off",
    GOCACHE: join(folder, "cache")
  }
  const binary = join(folder, program)
  execFileSync("go", ["build", "-o", binary, join(import.meta.dirname, "..", "peers", `${program}.go`)], { env })
  built.set(program, binary)
  return binary
}

/** A bench of a program of `peers/`. */
export const go = (program: string, bench: string, ...args: ReadonlyArray<number>): Arm | Absent =>
  isInstalled
    ? {
        name: "Go",
        startsPrograms: true,
        run: Effect.promise(async () => {
          const { stdout } = await promisify(execFile)(build(program), [bench, ...args.map(String)])
          return JSON.parse(stdout) as Run
        })
      }
    : { name: "Go", absent: "there is no go (Debian's golang-go)" }
