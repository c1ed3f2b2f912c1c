/** A bench as the gate of every change runs it: in rounds for which every change has time, beside the steadiest peers. */
import type { Absent, Arm, Bench } from "./measure.ts"

// An odd number, so that the median is a round that there was, and two rounds that were disturbed leave it alone.
const rounds = 5

/** What has next to nothing to do, so that it is as fast as the engine has happened to compile it: no loss of ours. */
export const unsteady = ["a direct call", "raw Effect, started at once", "raw Effect, takeAll"]

/** What takes longest, always beside another peer: a loss of ours shows beside that one, too, and there is time for more rounds. */
export const slow = ["nact", "raceAll"]

const isKept = (peer: Arm | Absent): boolean =>
  "run" in peer && peer.startsPrograms !== true && !unsteady.includes(peer.name) && !slow.includes(peer.name)

/** Peers that start programs of their own are left out, too. */
export const shortened = (bench: Bench): Bench => ({ ...bench, rounds, peers: bench.peers.filter(isKept) })

/** Those that it leaves out, by name. */
export const leftOut = (bench: Bench): ReadonlyArray<string> =>
  bench.peers.filter((peer) => !isKept(peer)).map(({ name }) => name)
