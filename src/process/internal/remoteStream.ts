/**
 * Streams between nodes: the process that answers with one produces it, and sends no more than the other side has asked for.
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as RpcSchema from "effect/rpc/RpcSchema"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { CalleeExited } from "../ProcessError.ts"
import type { Cell } from "./cell.ts"
import type { Topic } from "./definition.ts"
import type { MessageImpl } from "./message.ts"
import { produceIn } from "./produce.ts"
import { decode, detailOf, encode } from "./remoteExit.ts"
import type { Asked, RemoteNode } from "./remoteLink.ts"
import { invalidAnswer } from "./remoteMessage.ts"
import type { Answer, Signal } from "./remoteSignal.ts"

/** How many values are underway at most. */
const Window = 16

interface Schemas {
  readonly value: Schema.Top
  readonly end: Schema.Top
}

const known = new WeakMap<Topic, Schemas>()

const schemasOf = (topic: Topic): Schemas => {
  let schemas = known.get(topic)
  if (schemas === undefined) {
    const { errorSchema, successSchema } = topic.rpc
    const [value, error] = RpcSchema.isStreamSchema(successSchema)
      ? [successSchema.success, Schema.Union([successSchema.error, errorSchema])]
      : [successSchema, errorSchema]
    schemas = { value, end: Schema.Exit(Schema.Void, error, Schema.Defect()) }
    known.set(topic, schemas)
  }
  return schemas
}

/** What a stream of this node is to the node that consumes it. */
export interface Consumer {
  readonly remote: RemoteNode
  readonly id: number
  /** The stream has ended. */
  readonly onEnd: (answer: Answer) => void
}

/** A stream that a process of this node produces for another node. */
export class Producing {
  private credit = Window
  private wanting: Deferred.Deferred<void> | undefined
  private readonly topic: Topic
  private readonly consumer: Consumer
  private readonly fiber: Fiber.Fiber<unknown, unknown>

  constructor(
    callee: Cell,
    topic: Topic,
    message: MessageImpl,
    values: Stream.Stream<unknown, unknown>,
    consumer: Consumer
  ) {
    this.topic = topic
    this.consumer = consumer
    this.post([])
    const producing = Effect.scoped(
      Effect.flatMap(produceIn(callee, message.request, values), (stream) =>
        Stream.runForEachArray(stream, (values) => this.send(values))
      )
    )
    this.fiber = Effect.runForkWith(callee.environment.base)(producing)
    this.fiber.addObserver((exit) => this.onExit(exit))
  }

  /** The other side wants so many more. */
  grant(amount: number): void {
    this.credit += amount
    const { wanting } = this
    this.wanting = undefined
    // Who waits goes on in here, and may come to wait again.
    if (wanting !== undefined) Deferred.doneUnsafe(wanting, Exit.void)
  }

  stop(): void {
    this.fiber.interruptUnsafe()
  }

  private send(values: ReadonlyArray<unknown>): Effect.Effect<void, Unsendable> {
    const json: Array<Schema.Json> = []
    for (const value of values.slice(0, this.credit)) {
      const one = encode(schemasOf(this.topic).value, value, this.consumer.remote.self)
      if (Exit.isFailure(one)) return Effect.fail(new Unsendable(detailOf(one)))
      json.push(one.value)
    }
    this.credit -= json.length
    if (json.length > 0) this.post(json)
    if (json.length === values.length) return Effect.void
    this.wanting = Deferred.makeUnsafe()
    return Effect.andThen(
      Deferred.await(this.wanting),
      Effect.suspend(() => this.send(values.slice(json.length)))
    )
  }

  private post(values: ReadonlyArray<Schema.Json>): void {
    const { id, remote } = this.consumer
    remote.post({ _tag: "Values", id, values })
  }

  private onExit(exit: Exit.Exit<unknown, unknown>): void {
    const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
    // Nobody is there any more who would hear of it.
    if (Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)) return
    const { onEnd, remote } = this.consumer
    if (error instanceof CalleeExited) return onEnd(remote.refusal(error))
    if (error instanceof Unsendable) return onEnd(invalidAnswer(error.detail))
    const json = encode(schemasOf(this.topic).end, Exit.asVoid(exit), remote.self)
    onEnd(Exit.isSuccess(json) ? { _tag: "Replied", exit: json.value } : invalidAnswer(detailOf(json)))
  }
}

class Unsendable {
  readonly detail: string
  constructor(detail: string) {
    this.detail = detail
  }
}

/** What the answers to a stream's call are to who consumes it. */
interface Reading {
  readonly refused: (answer: Answer) => Exit.Exit<never, unknown>
  readonly lost: () => Exit.Exit<never, unknown>
}

/** A stream that a process of another node produces. */
export class Consuming implements Asked {
  /** Waits until the callee has answered with the stream, or otherwise. */
  readonly begun: Deferred.Deferred<void> = Deferred.makeUnsafe()
  private readonly values: Queue.Queue<unknown, unknown>
  private readonly remote: RemoteNode
  private readonly topic: Topic
  private readonly reading: Reading
  private id = 0

  private constructor(remote: RemoteNode, topic: Topic, reading: Reading, values: Queue.Queue<unknown, unknown>) {
    this.remote = remote
    this.topic = topic
    this.reading = reading
    this.values = values
  }

  static begin(
    remote: RemoteNode,
    topic: Topic,
    reading: Reading,
    signal: (id: number) => Signal
  ): Effect.Effect<Consuming> {
    return Effect.map(Queue.unbounded<unknown, unknown>(), (values) => {
      const consuming = new Consuming(remote, topic, reading, values)
      consuming.id = remote.ask(consuming, signal)
      return consuming
    })
  }

  /** The values; whoever takes them has as many more sent. */
  get stream(): Stream.Stream<unknown, unknown> {
    return Stream.fromQueue(this.values as Queue.Queue<unknown, Cause.Done>).pipe(
      Stream.mapArrayEffect((values) => {
        this.remote.post({ _tag: "More", id: this.id, amount: values.length })
        const { value } = schemasOf(this.topic)
        return Effect.forEach(values, (json) => this.read(value, json))
      })
    )
  }

  stop(): void {
    this.remote.forget(this.id)
  }

  onValues(values: ReadonlyArray<unknown>): void {
    Deferred.doneUnsafe(this.begun, Exit.void)
    for (const value of values) Queue.offerUnsafe(this.values, value)
  }

  onAnswer(answer: Answer): void {
    if (answer._tag !== "Replied") return this.end(this.reading.refused(answer))
    const exit = this.read(schemasOf(this.topic).end, answer.exit)
    this.end(Exit.isSuccess(exit) ? (exit.value as Exit.Exit<void, unknown>) : exit)
  }

  onLost(): void {
    this.end(this.reading.lost())
  }

  private read(schema: Schema.Top, json: unknown): Exit.Exit<unknown, unknown> {
    const value = decode(schema, json, this.remote.self)
    return Exit.isSuccess(value) ? value : this.reading.refused(invalidAnswer(detailOf(value)))
  }

  // Behind the values that have come.
  private end(exit: Exit.Exit<unknown, unknown>): void {
    Deferred.doneUnsafe(this.begun, Exit.void)
    if (Exit.isSuccess(exit)) Queue.endUnsafe(this.values as Queue.Queue<unknown, Cause.Done>)
    else Queue.failCauseUnsafe(this.values, exit.cause)
  }
}
