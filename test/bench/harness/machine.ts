/** Which machine has measured what, for `machine.json`. */
import { execFileSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { arch, cpus, platform } from "node:os"

export interface Machine {
  readonly date: string
  readonly node: string
  readonly processor: string
  readonly cores: number
  readonly platform: string
  /** The versions of what peers are made with; those that are absent have none. */
  readonly peers: Readonly<Record<string, string>>
}

/** A machine, and the benches whose figures in `results.json` are its own. */
export interface Measured {
  readonly machine: Machine
  readonly benches: ReadonlyArray<string>
}

const said = (program: string, args: ReadonlyArray<string>): string | undefined => {
  try {
    return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim()
  } catch {
    return undefined
  }
}

const release = 'io:format("~s", [erlang:system_info(otp_release)]), halt().'

const versionOf = (name: string): string | undefined => {
  const file = new URL(`../../../node_modules/${name}/package.json`, import.meta.url)
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version : undefined
}

/** This one, today. */
export const thisMachine = (): Machine => {
  const versions = {
    "Effect": versionOf("effect"),
    "Erlang/OTP": said("erl", ["-noshell", "-eval", release]),
    "Go": said("go", ["env", "GOVERSION"])?.replace(/^go/, ""),
    "grpc-js": versionOf("@grpc/grpc-js"),
    "nact": versionOf("nact")
  }
  return {
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    processor: cpus()[0]?.model ?? "an unknown processor",
    cores: cpus().length,
    platform: `${platform()} ${arch()}`,
    peers: Object.fromEntries(
      Object.entries(versions).filter((entry): entry is [string, string] => entry[1] !== undefined)
    )
  }
}

const isSame = (a: Machine, b: Machine): boolean => JSON.stringify(a) === JSON.stringify(b)

/** What is known once a machine has measured these benches: no other machine's figures of them are left. */
export const noted = (
  known: ReadonlyArray<Measured>,
  machine: Machine,
  benches: ReadonlyArray<string>
): ReadonlyArray<Measured> => {
  const others = known
    .map((one) => ({ ...one, benches: one.benches.filter((name) => !benches.includes(name)) }))
    .filter((one) => one.benches.length > 0)
  const same = others.find((one) => isSame(one.machine, machine))
  return [...others.filter((one) => one !== same), { machine, benches: [...(same?.benches ?? []), ...benches] }]
}

/** What a file says of it; nothing where there is none. */
export const readMachines = (file: string): ReadonlyArray<Measured> =>
  existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as ReadonlyArray<Measured>) : []
