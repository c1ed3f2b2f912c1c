/**
 * The steps of a run in words, one line each. It names fibers by their number and the functions they are in, and nothing
 * that changes from run to run, so that a schedule's trace is the same byte for byte whenever it is replayed.
 */
import * as Exit from "effect/Exit"
import { describe } from "./verdict.ts"
import type { Tracked } from "./Tracked.ts"
import type { World } from "./World.ts"

/** What one fiber did in one step, without a break. */
interface Stretch {
  readonly fiber: Tracked
  operations: number
  readonly notes: Array<string>
}

const firstLine = (text: string): string => (text.split("\n", 1)[0] ?? "").trim()

const outcome = (exit: Exit.Exit<unknown, unknown>): string =>
  Exit.isSuccess(exit) ? "ends" : `ends with ${firstLine(describe(exit.cause))}`

/** Of a long trace its beginning and its end are shown, so many lines of each. */
const Shown = 100

export class Trace {
  readonly lines: Array<string> = []
  private stretches: Array<Stretch> = []
  private readonly preemptedNow = new Set<Tracked>()

  get text(): string {
    const { lines } = this
    const left = lines.length - 2 * Shown
    if (left <= 1) return lines.join("\n")
    return [...lines.slice(0, Shown), `        … ${left} lines …`, ...lines.slice(-Shown)].join("\n")
  }

  appeared(fiber: Tracked): void {
    this.stretch(fiber).notes.push("begins")
  }

  operation(fiber: Tracked): void {
    fiber.observe()
    this.stretch(fiber).operations++
  }

  preempted(fiber: Tracked): void {
    this.preemptedNow.add(fiber)
  }

  log(fiber: Tracked, message: string): void {
    this.stretch(fiber).notes.push(`says ${JSON.stringify(message)}`)
  }

  time(milliseconds: number): void {
    this.lines.push(`         the clock goes on to ${milliseconds} ms`)
  }

  stepped(world: World): void {
    const last = new Map(this.stretches.map((stretch) => [stretch.fiber, stretch]))
    const texts = this.stretches.map((stretch) => {
      const { fiber, notes, operations } = stretch
      const doing = [...notes, `${operations} ${operations === 1 ? "operation" : "operations"}`]
      if (last.get(fiber) === stretch) doing.push(this.state(fiber, world))
      const frames = fiber.frames.length === 0 ? "" : ` in ${fiber.frames.join(" < ")}`
      return `${fiber.name}: ${doing.join(", ")}${fiber.alive ? frames : ""}`
    })
    const text = texts.length === 0 ? "a task without a fiber" : texts.join("; then ")
    this.lines.push(`${String(world.steps).padStart(6)}  ${text}`)
    this.stretches = []
    this.preemptedNow.clear()
  }

  private state(fiber: Tracked, { waits }: World): string {
    const exit = fiber.fiber.pollUnsafe()
    if (exit !== undefined) return outcome(exit)
    if (this.preemptedNow.has(fiber)) return "preempted"
    return fiber.ready ? "yields" : `waits${waits?.of(fiber, false) ?? ""}`
  }

  private stretch(fiber: Tracked): Stretch {
    const last = this.stretches.at(-1)
    if (last !== undefined && last.fiber === fiber) return last
    const made: Stretch = { fiber, operations: 0, notes: [] }
    this.stretches.push(made)
    return made
  }
}
