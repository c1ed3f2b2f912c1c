/**
 * Those who wait to send what is sent only while the other side keeps up: in line, first come, first served.
 */
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { tellAfterwards, type Told } from "../../../channel/internal/telling.ts"
import { Wait } from "../../../channel/internal/wait.ts"
import type { TellError } from "../../ConnectionError.ts"
import type { FrameTooLarge } from "../../TransportError.ts"
import { Deque } from "../../../scheduler/internal/Deque.ts"
import { Bell } from "../../transport/internal/Bell.ts"
import type { Session } from "./Session.ts"

/** A frame in the line, with whoever is told what has become of it. */
export interface Turn {
  readonly frame: Uint8Array
  readonly route: string
  /** To be called in a step. */
  conclude(exit: Exit.Exit<void, TellError>): void
}

/** One that waits to send a frame. */
export class Sending extends Wait implements Turn, Told {
  readonly frame: Uint8Array
  readonly route: string
  /** Whether it was sent, once that is known. */
  outcome: Exit.Exit<void, TellError> | undefined
  private readonly line: Line

  constructor(line: Line, frame: Uint8Array, route: string) {
    super()
    this.line = line
    this.frame = frame
    this.route = route
  }

  /** It goes on behind the step. */
  conclude(exit: Exit.Exit<void, TellError>): void {
    this.outcome = exit
    tellAfterwards(this)
  }

  tell(): void {
    this.resume(this.outcome as Effect.Effect<void, TellError>)
  }

  protected onInterrupted(): void {
    this.line.leave(this)
  }
}

export class Line {
  private readonly window: number
  private readonly waiting = new Deque<Turn>()
  private readonly emptied = new Bell()
  private credit: number
  private weight = 0

  constructor(window: number) {
    this.window = window
    this.credit = window
  }

  get isEmpty(): boolean {
    return this.waiting.length === 0
  }

  /** How many wait. */
  get length(): number {
    return this.waiting.length
  }

  /** How many bytes they have. */
  get bytes(): number {
    return this.weight
  }

  /** Waits until none waits. */
  get settled(): Effect.Effect<void> {
    return this.emptied.until(() => this.isEmpty)
  }

  /** Whether one more may be sent now; it counts as sent then. */
  take(): boolean {
    if (this.credit === 0 || !this.isEmpty) return false
    this.credit--
    return true
  }

  join(turn: Turn): void {
    this.waiting.push(turn)
    this.weight += turn.frame.length
  }

  leave(turn: Turn): void {
    if (this.waiting.remove(turn)) this.onLeft(turn)
  }

  /** There is a new link, and nothing is underway over it. */
  begin(session: Session, refusalOf: (frame: Uint8Array) => FrameTooLarge | undefined): void {
    this.credit = this.window
    this.pass(session, refusalOf)
  }

  /** The other side takes so many more. */
  grant(amount: number, session: Session, refusalOf: (frame: Uint8Array) => FrameTooLarge | undefined): void {
    this.credit = Math.min(this.window, this.credit + amount)
    this.pass(session, refusalOf)
  }

  /** None of those who wait is sent. */
  fail(errorOf: (turn: Turn) => TellError): void {
    for (const turn of this.waiting.drain()) {
      this.onLeft(turn)
      turn.conclude(Exit.fail(errorOf(turn)))
    }
  }

  private onLeft({ frame }: Turn): void {
    this.weight -= frame.length
    if (this.isEmpty) this.emptied.ring()
  }

  private pass(session: Session, refusalOf: (frame: Uint8Array) => FrameTooLarge | undefined): void {
    while (this.credit > 0) {
      const turn = this.waiting.shift()
      if (turn === undefined) return
      this.onLeft(turn)
      const refusal = refusalOf(turn.frame)
      if (refusal === undefined) {
        this.credit--
        session.post(turn.frame)
      }
      turn.conclude(refusal === undefined ? Exit.void : Exit.fail(refusal))
    }
  }
}
