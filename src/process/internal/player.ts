/**
 * Plays a recording again: the body runs, what it was given it is given in the same order, and what it does is compared
 * with what it did.
 */
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Journal, Script } from "../../dispatch/internal/door.ts"
import type { Pending } from "../../dispatch/internal/pending.ts"
import type { ProcessEvent } from "../ProcessEvent.ts"
import type { SendError } from "../ProcessError.ts"
import type { Entry } from "../RecordingEntry.ts"
import { InvalidRecording, NotReplayable, ReplayDiverged } from "../RecordingError.ts"
import { Call } from "./call.ts"
import type { Cell } from "./cell.ts"
import { exitOf, jsonOf } from "./codecs.ts"
import * as entries from "./entries.ts"
import { Inspection } from "./inspection.ts"
import { MessageImpl } from "./message.ts"
import { parseUnsafe } from "./pid.ts"
import { WitnessSpy } from "./recorder.ts"
import { sendErrorOf } from "./sendErrors.ts"
import { randomOf, type Witness } from "./witness.ts"

/** How a replay ended. */
export interface Played {
  /** How the body ended; `undefined` when the recording ends before. */
  readonly exit: Exit.Exit<unknown, unknown> | undefined
  /** Whether it ended as it did when it was recorded. */
  readonly matches: boolean
}

export type Failure = InvalidRecording | NotReplayable | ReplayDiverged

// What a body is given comes when it can do nothing more by itself.
const WhenIdle = 1000

export class Player implements Witness, Journal, Script {
  readonly random: Witness["random"]
  private readonly process: string
  private readonly entries: ReadonlyArray<Entry>
  private readonly onOver: (outcome: Exit.Exit<Played, Failure>) => void
  private cell: Cell | undefined = undefined
  // The line that comes next: the first one, of the beginning, has been read.
  private at = 1
  private isOver = false
  private isFeeding = false
  // Whether what comes next is there for the body to take.
  private isOffered = false

  constructor(
    process: string,
    seed: number,
    entries: ReadonlyArray<Entry>,
    onOver: (outcome: Exit.Exit<Played, Failure>) => void
  ) {
    this.process = process
    this.random = randomOf(seed)
    this.entries = entries
    this.onOver = onOver
  }

  /** How far it has come. */
  get line(): number {
    return this.at
  }

  onBegin(cell: Cell): void {
    this.cell = cell
    cell.door.journal = this
    cell.door.script = this
    const [began] = this.entries
    if (began?._tag === "Began") cell.door.given = began.tag
    ;(cell.inspection ??= new Inspection(cell)).install(WitnessSpy, {
      initial: undefined,
      next: (_, event) => {
        if (event._tag === "In" || event._tag === "Told") this.takes()
        if (event._tag === "Reply") this.does(entries.replied(event.message.topic, event.exit))
        return undefined
      }
    })
    this.advance()
  }

  /** The body waits for what does not come. */
  onStalled(): void {
    this.diverge(
      "nothing: the body waits for what is not in the recording, or sleeps by itself, longer than patience allows (Clock.sleep is a command)"
    )
  }

  // ---------------------------------------------------------------- what the body does

  onYielded(pending: Pending): void {
    this.does(entries.yielded(pending))
  }

  answer(pending: Pending): Exit.Exit<unknown, unknown> | undefined {
    // Finalizers of a body that was stopped shall not wait for answers.
    if (this.isOver) return Exit.interrupt()
    const { next } = this
    if (next?._tag !== "Completed" || next.tag !== pending.tag || !next.atOnce) return undefined
    const exit = this.read(exitOf(pending.command).decode(next.exit)) as Exit.Exit<unknown, unknown> | undefined
    if (exit === undefined) return Exit.interrupt()
    this.at++
    this.advance()
    return exit
  }

  // It was completed from here.
  onCompleted(): void {}

  onGivenUp(pending: Pending): void {
    this.does(entries.givenUp(pending))
  }

  onSend(to: string, message: MessageImpl): Effect.Effect<void, SendError> {
    const { next } = this
    const error = next?._tag === "Sent" && next.error !== null ? sendErrorOf(next.error, message.request) : undefined
    this.does(entries.sent(to, message, error))
    return error === undefined ? Exit.void : Exit.fail(error)
  }

  // It was drained from here.
  onDrain(): void {}

  onUnplayable(what: string): void {
    this.does(entries.unplayable(what))
  }

  onEnd(exit: Exit.Exit<unknown, unknown>): void {
    if (this.isOver) return
    const made = entries.ended(exit)
    const { next } = this
    if (next === undefined || next._tag === "Ended") {
      const matches =
        next === undefined || (Exit.isSuccess(made) && JSON.stringify(made.value) === JSON.stringify(next))
      this.finish(Exit.succeed({ exit, matches }))
    } else this.does(made)
  }

  private does(made: entries.Made): void {
    if (this.isOver) return
    if (this.next === undefined) return this.finish(Exit.succeed({ exit: undefined, matches: true }))
    if (Exit.isFailure(made)) return this.diverge(String(made.cause))
    const actual = JSON.stringify(made.value)
    if (actual !== JSON.stringify(this.next)) return this.diverge(actual)
    this.at++
    if (made.value._tag === "Unplayable") {
      const { process } = this
      return this.finish(Exit.fail(new NotReplayable({ process, line: this.at, what: made.value.what })))
    }
    this.advance()
  }

  // ---------------------------------------------------------------- what it is given

  // The body has taken what it was offered.
  private takes(): void {
    if (!this.isOffered) return
    this.isOffered = false
    this.at++
    this.advance()
  }

  // Messages and events are there as soon as all that came before them has happened, since the body may not have waited
  // for them; and each alone, since it may have looked how many there are. What it waited for comes when it can do nothing
  // more by itself.
  private advance(): void {
    const { cell, isOffered, next } = this
    if (cell === undefined || isOffered || this.isOver) return
    if (next?._tag === "Received") this.offer(cell, next)
    else if (next?._tag === "Told") this.tell(cell, next)
    else if (next?._tag === "Drained") this.drain(cell)
    else this.feedSoon()
  }

  private get next(): Entry | undefined {
    return this.entries[this.at]
  }

  private feedSoon(): void {
    if (this.isFeeding || this.isOver) return
    this.isFeeding = true
    this.cell?.host.dispatcher.scheduleTask(() => {
      this.isFeeding = false
      if (!this.isOver) this.feed()
    }, WhenIdle)
  }

  private feed(): void {
    const { cell, next } = this
    if (cell === undefined) return
    if (next === undefined || (next._tag === "Ended" && next.interrupted)) {
      return this.finish(Exit.succeed({ exit: undefined, matches: true }))
    }
    if (next._tag === "Completed") this.complete(cell, next)
  }

  private complete(cell: Cell, { exit, tag }: Extract<Entry, { _tag: "Completed" }>): void {
    const pending = cell.door.find(tag)
    if (pending === undefined) return this.diverge(`nothing: no yield is pending under the tag ${tag}`)
    const outcome = this.read(exitOf(pending.command).decode(exit))
    if (outcome === undefined) return
    this.at++
    pending.settle(outcome as Exit.Exit<unknown, unknown>)
    this.advance()
  }

  private offer(cell: Cell, { call, from, payload, topic }: Extract<Entry, { _tag: "Received" }>): void {
    const schema = cell.definition.topics.get(topic)?.schema
    const value = schema === undefined ? payload : this.read(jsonOf(schema).decode(payload))
    if (this.isOver) return
    const message = new MessageImpl(topic, value, from === null ? undefined : parseUnsafe(from))
    // Who replies finds a call, whose caller is nobody: the reply is compared.
    if (call) message.call = new Call(message, cell, undefined, cell.host.dispatcher)
    this.isOffered = true
    cell.accept(message)
  }

  private drain(cell: Cell): void {
    this.at++
    cell.drain()
    this.advance()
  }

  private tell(cell: Cell, { event }: Extract<Entry, { _tag: "Told" }>): void {
    const { _tag, from, reason } = event as { readonly _tag: string; readonly from?: string; readonly reason?: string }
    if (_tag !== "Cancel") {
      const what = `the event ${_tag} of a monitor, a link or an inbox`
      return this.finish(Exit.fail(new NotReplayable({ process: this.process, line: this.at + 1, what })))
    }
    this.isOffered = true
    const pid = from === undefined || from === null ? undefined : parseUnsafe(from)
    const cancel: ProcessEvent = { _tag: "Cancel", from: pid, reason: reason ?? "" }
    cell.tell(cancel)
  }

  // ---------------------------------------------------------------- how it ends

  private read<A>(exit: Exit.Exit<A, { readonly message: string }>): A | undefined {
    if (Exit.isSuccess(exit)) return exit.value
    this.finish(Exit.fail(new InvalidRecording({ line: this.at + 1, detail: String(exit.cause) })))
    return undefined
  }

  private diverge(actual: string): void {
    const { next, process } = this
    this.finish(Exit.fail(new ReplayDiverged({ process, line: this.at + 1, expected: JSON.stringify(next), actual })))
  }

  private finish(outcome: Exit.Exit<Played, Failure>): void {
    if (this.isOver) return
    this.isOver = true
    // The body is in a step of its own, in which nobody else shall go on.
    this.cell?.host.dispatcher.scheduleTask(() => this.onOver(outcome), 0)
  }
}
