/**
 * The lines of a stream as a source to select over: read when the first is asked for, and not far ahead of the reader.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as Option from "effect/Option"
import type { SchedulerDispatcher } from "effect/Scheduler"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Mailbox } from "../../channel/internal/Mailbox.ts"
import type { Waiter } from "../../channel/Selectable.ts"

/** How many lines are read ahead at most. */
const Ahead = 64

export class LineSource extends Mailbox<Option.Option<string>> {
  private readonly asked = Latch.makeUnsafe(false)
  private readonly room = Latch.makeUnsafe(true)
  private ended = false

  private constructor(dispatcher: SchedulerDispatcher) {
    super(dispatcher)
  }

  /** The stream is read in the scope. An error of the stream is its end: there is nothing more to read. */
  static make<E>(stream: Stream.Stream<string, E>): Effect.Effect<LineSource, never, Scope.Scope> {
    return Effect.withFiber((fiber) => {
      const source = new LineSource(fiber.currentDispatcher)
      const read = Stream.runForEach(stream, (line) => source.take(line)).pipe(
        Effect.exit,
        Effect.andThen(Effect.sync(() => source.end()))
      )
      return Effect.as(Effect.forkScoped(Effect.andThen(source.asked.await, read)), source)
    })
  }

  override parkUnsafe(waiter: Waiter): undefined {
    super.parkUnsafe(waiter)
    // Afterwards: opening it runs the reader at once, which may have a line in this very step.
    this.asked.openUnsafe()
    return undefined
  }

  override pollUnsafe(): Exit.Exit<Option.Option<string>> | undefined {
    const exit = super.pollUnsafe()
    if (exit === undefined) return this.ended ? Exit.succeed(Option.none()) : undefined
    if (this.length < Ahead) this.room.openUnsafe()
    return exit
  }

  override isReadyUnsafe(): boolean {
    return this.ended || super.isReadyUnsafe()
  }

  private take(line: string): Effect.Effect<void> {
    this.offerUnsafe(Option.some(line))
    if (this.length >= Ahead) this.room.closeUnsafe()
    return this.room.await
  }

  private end(): void {
    this.ended = true
    // One `None` wakes who waits; after it the end is ready for ever.
    this.offerUnsafe(Option.none())
  }
}
