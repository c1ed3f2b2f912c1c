/**
 * A stream of this side that the other one consumes: it goes as far ahead as the consumer has room.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { Bell } from "../../transport/internal/Bell.ts"
import { bodyOfAll, type Codec } from "./codec.ts"
import type { Fault } from "./fault.ts"
import { encode, Kind } from "./packet.ts"
import type { Session } from "./Session.ts"

/** A value can't be sent. */
export class Unsendable {
  readonly fault: Fault
  constructor(fault: Fault) {
    this.fault = fault
  }
}

export class Producing {
  private readonly session: Session
  private readonly id: number
  private readonly codec: Codec
  private credit = 0
  private readonly more = new Bell()

  constructor(session: Session, id: number, codec: Codec) {
    this.session = session
    this.id = id
    this.codec = codec
  }

  /** The consumer has room for so many more. */
  grant(values: number): void {
    this.credit += values
    this.more.ring()
  }

  run<E>(values: Stream.Stream<unknown, E>): Effect.Effect<void, E | Unsendable> {
    return Stream.runForEachArray(values, (chunk) => this.sendFrom(chunk, 0))
  }

  private sendFrom(values: ReadonlyArray<unknown>, at: number): Effect.Effect<void, Unsendable> {
    if (at === values.length) return Effect.void
    return Effect.flatMap(
      this.more.until(() => this.credit > 0),
      () => {
        const end = Math.min(values.length, at + this.credit)
        this.credit -= end - at
        const fault = this.post(values.slice(at, end))
        return fault === undefined ? this.sendFrom(values, end) : Effect.fail(new Unsendable(fault))
      }
    )
  }

  // Those that are too much for one frame go in several.
  private post(values: ReadonlyArray<unknown>): Fault | undefined {
    const body = bodyOfAll(this.codec, values)
    if (Result.isFailure(body)) return { _tag: "InvalidMessage", part: "reply", detail: body.failure }
    const frame = encode(Kind.Values, this.id, body.success)
    const limit = this.session.wire.maxFrame
    if (frame.length <= limit) {
      this.session.post(frame)
      return undefined
    }
    if (values.length === 1) return { _tag: "FrameTooLarge", bytes: frame.length, limit }
    const half = values.length >> 1
    return this.post(values.slice(0, half)) ?? this.post(values.slice(half))
  }
}
