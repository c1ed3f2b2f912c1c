/**
 * Stopping processes, side by side, each in its own time.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Cell } from "../../process/internal/cell.ts"
import type { Timed } from "../../process/internal/deadlines.ts"
import type { Watcher } from "../../process/internal/watcher.ts"
import type { Child } from "./Child.ts"

/** Waits until each of the processes has ended, or is down to be restarted in place. */
export const awaitDown = (cells: Iterable<Cell>): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const waiting = new Set<Cell>()
    const down = (cell: Cell) => {
      cell.unwatch(watcher)
      waiting.delete(cell)
      // Through a step of the run queue: the process has yet to tell others, and is not to begin again meanwhile.
      if (waiting.size === 0) cell.host.dispatcher.scheduleTask(() => resume(Effect.void), 0)
    }
    const watcher: Watcher = { onExit: down, onRestart: down }
    for (const cell of cells) {
      if (isDown(cell)) continue
      waiting.add(cell)
      cell.watch(watcher)
    }
    if (waiting.size === 0) return resume(Effect.void)
    return Effect.sync(() => {
      for (const cell of waiting) cell.unwatch(watcher)
    })
  })

const isDown = (cell: Cell): boolean => cell.status === "ended" || cell.isResting

/** The processes that have until the same deadline to end. */
class Late implements Timed {
  readonly cells: Array<Cell> = []
  readonly deadline: number
  isOver = false
  private readonly supervisor: Cell

  constructor(deadline: number, supervisor: Cell) {
    this.deadline = deadline
    this.supervisor = supervisor
  }

  expire(): void {
    for (const cell of this.cells) cell.kill(this.supervisor.pid)
  }
}

/** Asks the children to end, all at once, and kills those that take longer than they may. */
export const stopTogether = (children: ReadonlyArray<Child>, supervisor: Cell): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    const deadlines = supervisor.host.deadlinesBy(fiber.getRef(Clock.Clock))
    const reason = `its supervisor ${supervisor.name} stops it`
    const cells: Array<Cell> = []
    // Most children have the same time, so that one deadline serves them.
    const byTime = new Map<number, Late>()
    for (const { cell, spec } of children) {
      if (cell === undefined || cell.isResting) continue
      const { shutdown } = spec
      if (shutdown === "brutal") {
        cell.kill(supervisor.pid)
        continue
      }
      cells.push(cell)
      const millis = Duration.toMillis(shutdown)
      if (Number.isFinite(millis)) {
        const late = byTime.get(millis) ?? new Late(deadlines.after(millis), supervisor)
        late.cells.push(cell)
        byTime.set(millis, late)
      }
      cell.cancelOrStop({ _tag: "Cancel", from: supervisor.pid, reason })
    }
    if (cells.every(isDown)) return Effect.void
    for (const late of byTime.values()) deadlines.add(late)
    const over = Effect.sync(() => {
      for (const late of byTime.values()) {
        late.isOver = true
        deadlines.onOver(fiber.currentDispatcher)
      }
    })
    return Effect.ensuring(awaitDown(cells), over)
  })
