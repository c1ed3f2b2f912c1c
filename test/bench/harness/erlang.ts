/** The peer Erlang: the programs under `peers/`, compiled when they are first run, where Debian's `erlang-base` is. */
import { Effect } from "effect"
import { execFile, execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import type { Absent, Arm, Run } from "./measure.ts"

const isInstalled = spawnSync("erlc", ["-version"]).error === undefined

const compiled = new Map<string, string>()

/** Compiles a module of `peers/`, once; answers the folder that has it. */
const compile = (module: string): string => {
  const known = compiled.get(module)
  if (known !== undefined) return known
  const folder = mkdtempSync(join(tmpdir(), "troupe-bench-"))
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }))
  execFileSync("erlc", ["-o", folder, join(import.meta.dirname, "..", "peers", `${module}.erl`)])
  compiled.set(module, folder)
  return folder
}

/** A run of `module:function(Args)`, which prints what it measured and proves as JSON; the flags are the emulator's. */
export const runErlang = async (
  module: string,
  function_: string,
  args: ReadonlyArray<number | string>,
  flags: ReadonlyArray<string> = []
): Promise<Run> => {
  const program = [...flags, "-noshell", "-pa", compile(module), "-run", module, function_, ...args.map(String)]
  const { stdout } = await promisify(execFile)("erl", program)
  return JSON.parse(stdout) as Run
}

/** An arm that starts Erlang, where it is installed. */
export const ifErlang = (name: string, run: Effect.Effect<Run>): Arm | Absent =>
  isInstalled ? { name, startsPrograms: true, run } : { name, absent: "there is no erlc (Debian's erlang-base)" }

/** An arm that is a program of Erlang's alone. */
export const erlang = (
  name: string,
  module: string,
  args: ReadonlyArray<number>,
  function_ = "main",
  flags: ReadonlyArray<string> = []
): Arm | Absent =>
  ifErlang(
    name,
    Effect.promise(() => runErlang(module, function_, args, flags))
  )
