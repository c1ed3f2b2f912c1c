/**
 * Runs a benchmark: all arms in turn, round after round, so that whatever disturbs the machine disturbs them alike; an
 * arm counts only if it proves how much work it completed.
 */
import { Effect, type Scope } from "effect"
import { apart } from "./apart.ts"

/** What a bench measures. */
export interface Metric {
  readonly name: string
  readonly unit: string
  /** Which of two values is the better one. */
  readonly better: "higher" | "lower"
}

/**
 * What one run of an arm measured, by the names of the metrics, of which a peer may leave some out; and the work that it
 * completed, as it counted it.
 */
export interface Run {
  readonly measured: Readonly<Record<string, number>>
  readonly proof: Readonly<Record<string, number>>
}

/** One of those that are compared. */
export interface Arm {
  readonly name: string
  readonly run: Effect.Effect<Run>
  /**
   * Whether it starts programs of its own. Every other arm runs in an OS process that is started for it, so that none has
   * the garbage of another one, or code that was compiled for both.
   */
  readonly startsPrograms?: true
}

/** A peer that can't be run here, and why. */
export interface Absent {
  readonly name: string
  readonly absent: string
}

export interface Bench {
  readonly name: string
  readonly description: string
  readonly metrics: ReadonlyArray<Metric>
  readonly rounds: number
  /** What every run of every arm has to prove. */
  readonly work: Readonly<Record<string, number>>
  readonly subject: Arm
  readonly peers: ReadonlyArray<Arm | Absent>
}

export interface Summary {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** A metric that a peer has no figure for. */
export interface Unmeasured {
  readonly unmeasured: true
}

/** One metric of a bench, as `results.json` has it. A ratio is above 1 where ours is better. */
export interface Row extends Summary {
  readonly name: string
  readonly unit: string
  readonly subject: string
  readonly rounds: number
  readonly peers: Readonly<Record<string, Summary | Omit<Absent, "name"> | Unmeasured>>
  readonly ratio: Readonly<Record<string, number>>
}

/** The arms of a bench that can be run here; ours is the first. */
export const armsOf = (bench: Bench): ReadonlyArray<Arm> => [
  bench.subject,
  ...bench.peers.filter((peer) => "run" in peer)
]

// How to run an arm again and again.
const running = (bench: Bench, arm: Arm): Effect.Effect<Effect.Effect<Run>, never, Scope.Scope> =>
  arm.startsPrograms === true ? Effect.succeed(arm.run) : apart(bench.name, arm.name)

/** What each arm of a bench has run. */
export type Runs = ReadonlyMap<Arm, ReadonlyArray<Run>>

/** Runs a bench; a run that does not prove its work is a defect. */
export const runsOf = Effect.fnUntraced(function* (bench: Bench) {
  const arms = armsOf(bench)
  const runs = new Map(arms.map((arm) => [arm, [] as Array<Run>]))
  const run = new Map<Arm, Effect.Effect<Run>>()
  for (const arm of arms) run.set(arm, yield* running(bench, arm))
  for (let round = 0; round < bench.rounds; round++) {
    // Each arm goes first as often as any other.
    for (let i = 0; i < arms.length; i++) {
      const arm = arms[(round + i) % arms.length]!
      const made = yield* run.get(arm)!
      yield* checkProof(bench, arm, made)
      yield* checkFigures(bench, arm, made)
      runs.get(arm)!.push(made)
    }
  }
  return runs
}, Effect.scoped)

/** A row for each metric of a bench. */
export const rowsOf = (bench: Bench, runs: Runs): ReadonlyArray<Row> =>
  bench.metrics.map((metric) => {
    const ofArm = (arm: Arm) => summarize(runs.get(arm)!.map((run) => run.measured[metric.name]!))
    const measures = (arm: Arm) => runs.get(arm)!.every((run) => run.measured[metric.name] !== undefined)
    const ours = ofArm(bench.subject)
    const present = bench.peers.filter((peer) => "run" in peer)
    return {
      name: bench.metrics.length === 1 ? bench.name : `${bench.name}: ${metric.name}`,
      unit: metric.unit,
      subject: bench.subject.name,
      ...ours,
      rounds: runs.get(bench.subject)!.length,
      peers: Object.fromEntries(
        bench.peers.map((peer) => [
          peer.name,
          "absent" in peer ? { absent: peer.absent } : measures(peer) ? ofArm(peer) : { unmeasured: true }
        ])
      ),
      ratio: Object.fromEntries(present.filter(measures).map((peer) => [peer.name, ratio(metric, ours, ofArm(peer))]))
    }
  })

/** Runs a bench and answers its rows. */
export const measure = (bench: Bench): Effect.Effect<ReadonlyArray<Row>> =>
  Effect.map(runsOf(bench), (runs) => rowsOf(bench, runs))

/** Whether a row, or one of `results.json`, is one of a bench's. */
export const isRowOf =
  (bench: { readonly name: string }) =>
  (row: { readonly name: string }): boolean =>
    row.name === bench.name || row.name.startsWith(`${bench.name}: `)

const checkProof = (bench: Bench, { name }: Arm, { proof }: Run): Effect.Effect<void> => {
  const wrong = Object.entries(bench.work).filter(([what, amount]) => proof[what] !== amount)
  return wrong.length === 0
    ? Effect.void
    : Effect.die(
        new Error(
          `${bench.name}, ${name}: ${wrong.map(([what, amount]) => `${what} is ${proof[what]}, not ${amount}`).join(", ")}`
        )
      )
}

// A figure is a finite number, and ours has all of them.
const checkFigures = (bench: Bench, arm: Arm, { measured }: Run): Effect.Effect<void> => {
  const wrong = bench.metrics.filter(({ name }) => {
    const figure = measured[name]
    return figure === undefined ? arm === bench.subject : !Number.isFinite(figure)
  })
  return wrong.length === 0
    ? Effect.void
    : Effect.die(
        new Error(`${bench.name}, ${arm.name}: ${wrong.map(({ name }) => `${name} is ${measured[name]}`).join(", ")}`)
      )
}

/** The middle of what was measured, and its ends. */
export const summarize = (values: ReadonlyArray<number>): Summary => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
  return { median, min: sorted[0]!, max: sorted.at(-1)! }
}

/** By which factor ours is better: above 1 where it is, also where less is better. */
export const ratio = ({ better }: Metric, ours: Summary, theirs: Summary): number =>
  better === "higher" ? ours.median / theirs.median : theirs.median / ours.median

/** Frees what can be freed, and what was held weakly, in a later turn of the event loop. */
export const collectGarbage: Effect.Effect<void> = Effect.suspend(() => {
  if (globalThis.gc === undefined) return Effect.die(new Error("Run it with node --expose-gc."))
  globalThis.gc()
  return Effect.andThen(Effect.sleep("10 millis"), Effect.sync(globalThis.gc))
})

/** The bytes in use on the heap, without garbage. */
export const heapUsed: Effect.Effect<number> = Effect.map(collectGarbage, () => process.memoryUsage().heapUsed)

/** How many seconds an effect takes. */
export const seconds = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<number, E, R> =>
  Effect.suspend(() => {
    const start = performance.now()
    return Effect.map(effect, () => (performance.now() - start) / 1000)
  })
