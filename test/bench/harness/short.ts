/** A bench as the gate of every change runs it: few rounds, and only peers whose figures hold still in so few. */
import type { Absent, Arm, Bench } from "./measure.ts"

const rounds = 3

// An empty loop, which the engine compiles away to various degrees: its figures differ by more than the gate tolerates.
const unsteady = "a direct call"

const isKept = (peer: Arm | Absent): boolean => "run" in peer && peer.startsPrograms !== true && peer.name !== unsteady

/** Peers that start programs of their own are left out. */
export const shortened = (bench: Bench): Bench => ({ ...bench, rounds, peers: bench.peers.filter(isKept) })

/** Those that it leaves out, by name. */
export const leftOut = (bench: Bench): ReadonlyArray<string> =>
  bench.peers.filter((peer) => !isKept(peer)).map(({ name }) => name)
