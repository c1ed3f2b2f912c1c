/**
 * The body of a server: its init, that it has started, and its loop.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Cell } from "../../process/internal/cell.ts"
import { type CurrentProcess, withCell } from "../../process/internal/services.ts"
import { InvalidOption } from "../../process/ProcessError.ts"
import type { AnyBehaviour } from "./behaviour.ts"
import { type Beside, Slots } from "./beside.ts"
import { Idle } from "./idle.ts"
import { Lanes } from "./lanes.ts"
import { Loop } from "./loop.ts"
import { Turns } from "./turns.ts"

export const serve = <E, R>(
  init: Effect.Effect<AnyBehaviour, E, R>
): Effect.Effect<void, unknown, R | CurrentProcess> =>
  withCell((cell, fiber) => {
    const turns = new Turns(cell)
    return Effect.flatMap(init, (behaviour) => {
      const beside = besideOf(cell, behaviour.concurrency)
      if (beside instanceof InvalidOption) return Effect.fail(beside)
      const { idle } = behaviour
      const loop = new Loop({
        cell,
        behaviour,
        turns,
        beside,
        idle: idle && new Idle(idle.after, idle.run, fiber.getRef(Clock.Clock), () => turns.wakeSoon())
      })
      cell.ready()
      return loop.run
    })
  })

// `undefined` when messages are handled one after the other.
const besideOf = (
  cell: Cell,
  concurrency: NonNullable<AnyBehaviour["concurrency"]> = 1
): Beside | InvalidOption | undefined => {
  if (typeof concurrency === "object") return new Lanes(cell, concurrency.by)
  if (concurrency === 1) return undefined
  if (concurrency === "unbounded") return new Slots(Infinity)
  if (Number.isInteger(concurrency) && concurrency > 1) return new Slots(concurrency)
  return new InvalidOption({
    subject: `the server ${cell.definition.name}`,
    option: "concurrency",
    value: String(concurrency),
    expected: 'a whole number from 1 on, "unbounded", or { by: (message) => key }'
  })
}
