/**
 * One exploration: run after run until one goes wrong, and then what there is to say about it.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { begin, complete, goOn, type Run, type Subject } from "./run.ts"
import { print, type Schedule } from "./schedule.ts"
import { shrink } from "./shrink.ts"
import { follow, type Strategy } from "./Strategy.ts"
import { differing, strayVerdict, type Verdict, verdictOf } from "./verdict.ts"

export interface Finding {
  readonly verdict: Verdict
  readonly schedules: number
  readonly replay: string
  readonly trace: string
}

export interface Explored {
  readonly finding: Finding | undefined
  readonly schedules: number
  readonly steps: number
}

/** Runs go on without a turn of the event loop for so long. */
const TimeSlice = 10

/** The first runs are repeated and compared, and then one in so many. */
const Repeated = 3
const RepeatedEvery = 100

const pause = (milliseconds: number): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    const timer = setTimeout(() => resume(Effect.void), milliseconds)
    return Effect.sync(() => clearTimeout(timer))
  })

const scheduleOf = ({ world }: Run): Schedule => ({ seed: world.seed, departures: [...world.departures] })

/** What can be seen of a run from outside and has to be the same when it is repeated. */
const digest = (run: Run): string => {
  const { exit, world } = run
  const value = exit !== undefined && Exit.isSuccess(exit) && typeof exit.value !== "object" ? String(exit.value) : ""
  return [world.fingerprint, world.steps, world.operations, verdictOf(run)?.detail, value].join(" ")
}

const again = (run: Run, traced = false): Run => {
  const schedule = scheduleOf(run)
  return complete(run.subject, follow(schedule), schedule.seed, traced)
}

/** The first line that differs in the traces of two repetitions. */
const difference = (run: Run): string => {
  const [one, other] = [again(run, true), again(run, true)].map((repeated) => repeated.world.trace?.lines ?? [])
  const index = one?.findIndex((line, index) => line !== other?.[index]) ?? -1
  if (index < 0) return "its result was another one."
  return `its step was\n  ${one?.[index]}\nand then\n  ${other?.[index] ?? "nothing"}`
}

/** Waits a little for whatever may come from outside of the run. */
const strayOf = Effect.fnUntraced(function* (run: Run) {
  for (const milliseconds of [0, 1, 10]) {
    if (run.world.stray !== undefined) break
    yield* pause(milliseconds)
  }
  return run.world.stray
})

/** The first run: before its time passes, what may come from outside is given a chance to come. */
const patiently = Effect.fnUntraced(function* (run: Run) {
  for (let i = 0; i < 3 && run.exit === undefined && run.idle; i++) {
    yield* pause(0)
    if (run.world.stray !== undefined || !goOn(run)) return
  }
  while (run.world.stray === undefined && goOn(run)) {
    // Time passes only here, where nothing can run.
  }
})

const judge = Effect.fnUntraced(function* (run: Run, repeat: boolean) {
  if (run.world.stray !== undefined) return strayVerdict(run.world.stray)
  const verdict = verdictOf(run)
  if (verdict?.tag === "Deadlock") {
    const stray = yield* strayOf(run)
    if (stray !== undefined) return strayVerdict(stray)
  }
  if ((repeat || verdict !== undefined) && digest(again(run)) !== digest(run)) return differing(difference(run))
  return verdict
})

const findingOf = (run: Run, verdict: Verdict, schedules: number, shrinking: boolean): Finding => {
  const found = scheduleOf(run)
  const plainer = shrinking && verdict.tag !== "NonDeterminism" ? shrink(run, verdict.key) : found
  const traced = complete(run.subject, follow(plainer), plainer.seed, true)
  const told = verdictOf(traced)
  return {
    verdict: told !== undefined && told.key === verdict.key ? told : verdict,
    schedules,
    replay: print(plainer),
    trace: traced.world.trace?.text ?? ""
  }
}

export const explore = Effect.fnUntraced(function* (
  subject: Subject,
  strategy: Strategy,
  options: { readonly schedules: number; readonly shrink: boolean }
): Effect.fn.Return<Explored> {
  let steps = 0
  let turned = performance.now()
  for (let index = 0; index < options.schedules; index++) {
    const next = strategy.next()
    if (next === undefined) return { finding: undefined, schedules: index, steps }
    const run =
      index === 0 ? begin(subject, next.choices, next.seed, false) : complete(subject, next.choices, next.seed)
    if (index === 0) yield* patiently(run)
    strategy.ended(run.world)
    steps += run.world.steps
    const repeat = index < Repeated || index % RepeatedEvery === 0
    const suspicious = repeat || run.exit === undefined || run.world.stray !== undefined || verdictOf(run) !== undefined
    const verdict = suspicious ? yield* judge(run, repeat) : undefined
    if (verdict !== undefined) {
      return { finding: findingOf(run, verdict, index + 1, options.shrink), schedules: index + 1, steps }
    }
    if (performance.now() - turned > TimeSlice) {
      yield* Effect.yieldNow
      turned = performance.now()
    }
  }
  return { finding: undefined, schedules: options.schedules, steps }
})
