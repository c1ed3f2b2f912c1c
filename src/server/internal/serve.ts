/**
 * The body of a server: its init, that it has started, and its loop.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { CurrentProcess } from "../../process/internal/services.ts"
import { withCell } from "../../process/internal/services.ts"
import { InvalidOption } from "../../process/ProcessError.ts"
import type { AnyBehaviour } from "./behaviour.ts"
import { Beside } from "./beside.ts"
import { Idle } from "./idle.ts"
import { Loop } from "./loop.ts"
import { Turns } from "./turns.ts"

export const serve = <E, R>(
  init: Effect.Effect<AnyBehaviour, E, R>
): Effect.Effect<void, unknown, R | CurrentProcess> =>
  withCell((cell, fiber) => {
    const turns = new Turns(cell)
    return Effect.flatMap(init, (behaviour) => {
      const beside = Beside.of(behaviour.concurrency)
      if (typeof beside === "number") return Effect.fail(invalidConcurrency(cell.definition.name, beside))
      const { idle } = behaviour
      const loop = new Loop({
        cell,
        behaviour,
        turns,
        beside,
        idle: idle && new Idle(idle.after, idle.run, fiber.getRef(Clock.Clock), () => turns.wakeSoon())
      })
      cell.startup?.settle("ready")
      return loop.run
    })
  })

const invalidConcurrency = (server: string, value: number): InvalidOption =>
  new InvalidOption({
    subject: `the server ${server}`,
    option: "concurrency",
    value: String(value),
    expected: 'a whole number from 1 on, "unbounded", or { by: (message) => key }'
  })
