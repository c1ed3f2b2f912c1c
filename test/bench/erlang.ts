/** The peer Erlang/OTP: a module of `peers/`, compiled when it is first run, where Debian's `erlang-base` is installed. */
import { Effect } from "effect"
import { execFile, execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import type { Absent, Arm, Run } from "./harness.ts"

const isInstalled = spawnSync("erlc", ["-help"]).error === undefined && spawnSync("erl", ["-version"]).status === 0

const compiled = new Map<string, string>()

const compile = (module: string): string => {
  const folder = mkdtempSync(join(tmpdir(), "troupe-bench-"))
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }))
  execFileSync("erlc", ["-o", folder, join(import.meta.dirname, "peers", `${module}.erl`)])
  return folder
}

/** Runs `main` of `peers/<module>.erl`, which prints what it measured and proves. */
export const erlang = (name: string, module: string, ...args: ReadonlyArray<number>): Arm | Absent =>
  isInstalled
    ? {
        name,
        run: Effect.promise(async () => {
          const folder = compiled.get(module) ?? compile(module)
          compiled.set(module, folder)
          const command = ["-noshell", "-pa", folder, "-run", module, "main"]
          const { stdout } = await promisify(execFile)("erl", [...command, ...args.map(String)])
          return JSON.parse(stdout) as Run
        })
      }
    : { name, absent: "there is no erl (Debian's erlang-base)" }
