/**
 * One instance of an invoker: its connection, how it is, and what was counted of it.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import type * as Schedule from "effect/Schedule"
import type { Candidate } from "../../Balance.ts"
import type { Heartbeat, State as ConnectionState } from "../../Connection.ts"
import type { Instance } from "../../Instance.ts"
import type { State, Status } from "../../Invocation.ts"
import type { Any } from "../../Protocol.ts"
import { Bell } from "../../transport/internal/Bell.ts"
import type { ConnectionImpl } from "../session/ConnectionImpl.ts"
import { construct, type Surroundings } from "../session/connecting.ts"
import { Delays } from "../runtime/Delays.ts"
import { Health } from "./routes.ts"

/** What all instances of an invoker have in common. */
export interface Settings {
  readonly protocol: Any
  readonly surroundings: Surroundings
  readonly heartbeat: Heartbeat | undefined
  /** How many invocations it has at once. */
  readonly underway: number
  readonly interval: Duration.Input
  readonly timeout: Duration.Input
  /** After how many failures in a row it is set aside. */
  readonly failures: number
  readonly backoff: Schedule.Schedule<unknown, string>
  /** In milliseconds. */
  readonly idle: number
  /** Is told in the step in which it happens. */
  readonly onState: (member: Member) => void
  /** It is watched no longer, and has no connection. */
  readonly onForgotten: (member: Member) => void
}

// A connection has checks besides invocations.
const ForChecks = 8

export class Member implements Candidate {
  readonly instance: Instance
  readonly position: number
  readonly name: string
  state: State = { _tag: "Available" }
  /** How often it has answered; while that does not change, nothing is known of it. */
  answers = 0
  private readonly settings: Settings
  private readonly invocations = { begun: 0, succeeded: 0, failed: 0, interrupted: 0, underway: 0 }
  private readonly checks = { succeeded: 0, failed: 0 }
  private failures = 0
  /** How often in a row it said that it is not well: answers to invocations do not say otherwise, only a check does. */
  private unwell = 0
  private setAside = 0
  private lastUsed: number
  private connection: ConnectionImpl | undefined
  private readonly changed = new Bell()
  private keeping: Fiber.Fiber<void> | undefined
  private forgetting: Fiber.Fiber<void> | undefined

  constructor(instance: Instance, position: number, settings: Settings) {
    this.instance = instance
    this.position = position
    this.name = String(instance.id)
    this.settings = settings
    this.lastUsed = this.now
  }

  /** Watches it from now on. */
  start(): void {
    const ended = Effect.map(this.instance.ended, ({ detail, how }) =>
      this.leave(detail === "" ? `it has ended (${how})` : `it has ended (${how}): ${detail}`)
    )
    this.keeping = Effect.runForkWith(this.settings.surroundings.context)(Effect.raceFirst(this.keep, ended))
  }

  get underway(): number {
    return this.invocations.underway
  }

  /** Whether it takes invocations, though perhaps not now. */
  get isAvailable(): boolean {
    return this.state._tag === "Available"
  }

  get hasRoom(): boolean {
    return this.isAvailable && this.underway < this.settings.underway
  }

  private get now(): number {
    return this.settings.surroundings.deadlines.clock.currentTimeMillisUnsafe()
  }

  /** An invocation is given to it. */
  begin(): void {
    this.invocations.begun++
    this.invocations.underway++
  }

  /** What has become of that. */
  end(outcome: "succeeded" | "failed" | "interrupted"): void {
    this.invocations.underway--
    this.invocations[outcome]++
    this.lastUsed = this.now
    if (this.state._tag === "Gone" && this.underway === 0) this.drop()
  }

  /** It has answered something. */
  onAnswer(): void {
    this.answers++
    this.failures = 0
  }

  /** It has failed in some way. */
  onFailure(why: string): void {
    this.failures++
    if (this.isAvailable && Math.max(this.failures, this.unwell) >= this.settings.failures) this.putAside(why)
  }

  /** The connection, which is made anew when there is none. */
  get link(): ConnectionImpl {
    if (this.connection !== undefined) return this.connection
    const { instance, settings } = this
    const { credentials, id, strategy } = instance
    const { heartbeat, protocol, surroundings, underway } = settings
    const connection: ConnectionImpl = construct(
      strategy,
      protocol,
      { instanceId: id, credentials, heartbeat, reconnect: "never", limits: { pending: underway + ForChecks } },
      {
        name: this.name,
        opening: () => undefined,
        onState: (state) => this.onLink(connection, state),
        onLeaving: () => this.onLeaving(connection)
      },
      surroundings
    )
    this.lastUsed = this.now
    this.connection = connection
    return connection
  }

  /** Whether it is still the one that there is. */
  isLinkedBy(connection: ConnectionImpl): boolean {
    return this.connection === connection && !connection.isClosed
  }

  private onLink(connection: ConnectionImpl, state: ConnectionState): void {
    if (state._tag !== "Closed" || this.connection !== connection) return
    this.connection = undefined
    const { message } = connection.lastError ?? state.error
    if (this.state._tag === "Draining") this.putAside("it has stopped")
    else this.onFailure(message)
  }

  private onLeaving(connection: ConnectionImpl): void {
    if (this.connection === connection && this.isAvailable) this.enter({ _tag: "Draining" })
  }

  private putAside(why: string): void {
    this.setAside++
    this.enter({ _tag: "SetAside", why, attempt: 0 })
  }

  /** It is none of the instances any more: what is underway is waited for, and then it is disconnected. */
  leave(why: string): void {
    if (this.state._tag === "Gone") return
    this.enter({ _tag: "Gone", why })
    if (this.underway === 0) this.drop()
  }

  private enter(state: State): void {
    this.state = state
    this.settings.onState(this)
    this.changed.ring()
  }

  // Whoever interrupts it waits until the connection is closed, since nobody else knows of it then.
  private readonly disconnect: Effect.Effect<void> = Effect.suspend(() => {
    const { connection } = this
    this.connection = undefined
    return connection === undefined ? Effect.void : Effect.uninterruptible(connection.close)
  })

  /** Watches it no longer, and disconnects it; whoever asks again waits for the same end. */
  readonly forget: Effect.Effect<void> = Effect.suspend(() => Effect.asVoid(Fiber.await(this.drop())))

  private drop(): Fiber.Fiber<void> {
    const { keeping, settings } = this
    this.forgetting ??= Effect.runForkWith(settings.surroundings.context)(
      Effect.andThen(keeping === undefined ? Effect.void : Fiber.interrupt(keeping), this.disconnect).pipe(
        Effect.ensuring(Effect.sync(() => settings.onForgotten(this)))
      )
    )
    return this.forgetting
  }

  get status(): Status {
    return {
      instance: this.instance,
      state: this.state,
      failures: this.failures,
      invocations: { ...this.invocations },
      checks: { ...this.checks },
      setAside: this.setAside,
      transport: this.connection?.link?.wire.transport,
      connection: undefined
    }
  }

  /** With what has gone over its connection. */
  readonly stats: Effect.Effect<Status> = Effect.suspend(() => {
    const { connection, status } = this
    if (connection === undefined) return Effect.succeed(status)
    return Effect.map(connection.stats, (stats) => ({ ...status, connection: stats }))
  })

  // It is checked at intervals while it is connected, and on the backoff while it is set aside.
  private readonly keep: Effect.Effect<never> = Effect.forever(
    Effect.suspend(() => (this.state._tag === "SetAside" ? this.comeBack : this.watch))
  )

  private readonly watch: Effect.Effect<void> = Effect.suspend(() =>
    Effect.raceFirst(
      Effect.forever(Effect.andThen(Effect.sleep(this.settings.interval), this.look)),
      this.changed.until(() => this.state._tag === "SetAside")
    )
  )

  private readonly look: Effect.Effect<void> = Effect.suspend(() => {
    const { connection } = this
    if (connection === undefined || !this.isAvailable) return Effect.void
    if (this.underway === 0 && this.now - this.lastUsed >= this.settings.idle) return this.disconnect
    return Effect.flatMap(this.check, (result) =>
      Effect.sync(() => {
        // A link that is lost was counted when it was.
        if (Result.isFailure(result) && this.isLinkedBy(connection)) this.onFailure(result.failure)
      })
    )
  })

  private readonly comeBack: Effect.Effect<void> = Effect.gen({ self: this }, function* () {
    const delays = new Delays(this.settings.backoff)
    while (this.state._tag === "SetAside") {
      const delay = yield* delays.next(this.state.why)
      if (delay === undefined) return yield* Effect.never
      yield* Effect.sleep(delay)
      const result = yield* this.check
      if (this.state._tag !== "SetAside") return
      if (Result.isSuccess(result)) {
        this.enter({ _tag: "Available" })
      } else {
        this.enter({ _tag: "SetAside", why: result.failure, attempt: this.state.attempt + 1 })
        // The next one begins with a new link.
        if (this.underway === 0) yield* this.disconnect
      }
    }
  })

  // Fails with why it is not well.
  private readonly check: Effect.Effect<Result.Result<void, string>> = Effect.suspend(() =>
    Effect.map(
      Effect.result(this.link.request(Health._tag, undefined, { timeout: this.settings.timeout })),
      Result.match({
        onSuccess: () => {
          this.checks.succeeded++
          this.unwell = 0
          this.onAnswer()
          return Result.void
        },
        onFailure: (error) => {
          this.checks.failed++
          if (typeof error === "string") this.unwell++
          return Result.fail(
            typeof error === "string"
              ? `it says that it is not well: ${error}`
              : error instanceof Error
                ? error.message
                : String(error)
          )
        }
      })
    )
  )
}
