/**
 * Stopping processes, side by side, each in its own time.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { Cell } from "../../process/internal/cell.ts"
import type { Child } from "./Child.ts"

/** Waits until each of the processes has ended, or is down to be restarted in place. */
export const awaitDown = (cells: Iterable<Cell>): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const waiting = new Map<Cell, () => void>()
    const down = (cell: Cell) => {
      waiting.get(cell)?.()
      waiting.delete(cell)
      // Through a step of the run queue: the process has yet to tell others, and is not to begin again meanwhile.
      if (waiting.size === 0) cell.host.dispatcher.scheduleTask(() => resume(Effect.void), 0)
    }
    for (const cell of cells) {
      if (!isDown(cell)) waiting.set(cell, cell.watch({ onExit: down, onRestart: down }))
    }
    if (waiting.size === 0) return resume(Effect.void)
    return Effect.sync(() => {
      for (const unwatch of waiting.values()) unwatch()
    })
  })

const isDown = (cell: Cell): boolean => cell.status === "ended" || cell.isResting

/** Asks the children to end, all at once, and kills those that take longer than they may. */
export const stopTogether = (children: ReadonlyArray<Child>, supervisor: Cell): Effect.Effect<void> =>
  Effect.suspend(() => {
    const cells: Array<Cell> = []
    // Most children have the same time, so that one sleeper serves them.
    const byTime = new Map<number, Array<Cell>>()
    for (const { cell, spec } of children) {
      if (cell === undefined || cell.isResting) continue
      const { shutdown } = spec
      if (shutdown === "brutal") {
        cell.kill(supervisor.pid)
        continue
      }
      cells.push(cell)
      const millis = Duration.toMillis(shutdown)
      const late = byTime.get(millis)
      if (late !== undefined) late.push(cell)
      else if (Number.isFinite(millis)) byTime.set(millis, [cell])
      cell.cancelOrStop({ _tag: "Cancel", from: supervisor.pid, reason: `its supervisor ${supervisor.name} stops it` })
    }
    if (cells.every(isDown)) return Effect.void
    const killing = Effect.forEach(
      byTime,
      ([millis, late]) =>
        Effect.andThen(
          Effect.sleep(millis),
          Effect.sync(() => {
            for (const cell of late) cell.kill(supervisor.pid)
          })
        ),
      { concurrency: "unbounded", discard: true }
    )
    return Effect.flatMap(Effect.forkChild(killing), (fiber) =>
      Effect.andThen(awaitDown(cells), Fiber.interrupt(fiber))
    )
  })
