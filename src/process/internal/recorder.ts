/**
 * Writes down what a body does and is given.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { Journal } from "../../dispatch/internal/door.ts"
import type { Pending } from "../../dispatch/internal/pending.ts"
import type { SendError } from "../ProcessError.ts"
import type { Cell } from "./cell.ts"
import * as entries from "./entries.ts"
import { Inspection } from "./inspection.ts"
import type { MessageImpl } from "./message.ts"
import type { Sink } from "./sink.ts"
import { randomOf, type Witness } from "./witness.ts"

export const WitnessSpy = Symbol.for("troupe/process/Recording")

export class Recorder implements Witness, Journal {
  readonly random: Witness["random"]
  private readonly sinkOf: (cell: Cell) => Sink
  private readonly seed: number
  private sink: Sink | undefined = undefined
  private cell: Cell | undefined = undefined
  // The yields that were made in what the body runs at present.
  private readonly fresh = new Set<Pending>()
  private isBroken = false

  constructor(sinkOf: (cell: Cell) => Sink, seed: number) {
    this.sinkOf = sinkOf
    this.seed = seed
    this.random = randomOf(seed)
  }

  onBegin(cell: Cell, args: unknown): void {
    const sink = this.sinkOf(cell)
    this.sink = sink
    this.cell = cell
    this.write(entries.began(cell, this.seed, args))
    cell.door.journal = this
    ;(cell.inspection ??= new Inspection(cell)).install(WitnessSpy, {
      initial: undefined,
      next: (_, event) => {
        if (cell.isAnswering) return undefined
        if (event._tag === "In") this.write(entries.received(cell, event.message as MessageImpl))
        if (event._tag === "Told") this.write(entries.told(event.event))
        if (event._tag === "Reply") this.write(entries.replied(event.message.topic, event.exit))
        return undefined
      }
    })
    Effect.runSync(Scope.addFinalizer(cell.scope, sink.end))
  }

  onSend(to: string, message: MessageImpl, send: () => Effect.Effect<void, SendError>): Effect.Effect<void, SendError> {
    return Effect.onExit(Effect.suspend(send), (exit) => {
      const error = Exit.isFailure(exit) ? Cause.findErrorOption(exit.cause) : undefined
      // An interrupted send has sent nothing.
      if (error === undefined) this.write(entries.sent(to, message, undefined))
      else if (error._tag === "Some") this.write(entries.sent(to, message, error.value))
      return Effect.void
    })
  }

  onDrain(): void {
    this.write(entries.drained)
  }

  onUnplayable(what: string): void {
    this.write(entries.unplayable(what))
  }

  onEnd(exit: Exit.Exit<unknown, unknown>): void {
    this.write(entries.ended(exit))
    const { cell } = this
    if (cell === undefined) return
    cell.door.journal = undefined
    cell.inspection?.remove(WitnessSpy)
    cell.inspection?.leaveIfUnused()
  }

  onYielded(pending: Pending): void {
    this.write(entries.yielded(pending))
    this.fresh.add(pending)
    // Whatever goes on until then has not waited.
    this.cell?.host.dispatcher.scheduleTask(() => this.fresh.delete(pending), 0)
  }

  onCompleted(pending: Pending, exit: Exit.Exit<unknown, unknown>): void {
    this.write(entries.completed(pending, exit, this.fresh.delete(pending)))
  }

  onGivenUp(pending: Pending): void {
    // Yields end with their process, which has another reason.
    if (this.cell?.status === "running" || this.cell?.status === "draining") this.write(entries.givenUp(pending))
  }

  private write(made: entries.Made): void {
    if (this.isBroken) return
    if (Exit.isSuccess(made)) return this.sink?.write(JSON.stringify(made.value))
    // A recording with a hole replays nothing: it ends where it can't go on, and says so.
    this.isBroken = true
    const { cell } = this
    if (cell === undefined) return
    const report = Effect.logError(
      `the recording of ${cell.name} (${cell.definition.name}) ends: a value can't be written as JSON`,
      made.cause
    )
    Effect.runForkWith(cell.environment.base)(report)
  }
}
