/** The delays of a schedule, from the first one on as often as it is begun anew. */
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import * as Schedule from "effect/Schedule"

type Step<Input> = (now: number, input: Input) => Pull.Pull<[unknown, Duration.Duration], never, unknown>

export class Delays<in Input> {
  private readonly schedule: Schedule.Schedule<unknown, Input>
  private step: Step<Input> | undefined

  constructor(schedule: Schedule.Schedule<unknown, Input>) {
    this.schedule = schedule
  }

  anew(): void {
    this.step = undefined
  }

  /** `undefined` when the schedule has ended. */
  next(input: Input): Effect.Effect<Duration.Duration | undefined> {
    return Effect.gen({ self: this }, function* () {
      const step = (this.step ??= yield* Schedule.toStep(this.schedule))
      const now = yield* Clock.currentTimeMillis
      return yield* Pull.catchDone(
        Effect.map(step(now, input), ([, delay]): Duration.Duration | undefined => delay),
        () => Effect.undefined
      )
    })
  }
}
