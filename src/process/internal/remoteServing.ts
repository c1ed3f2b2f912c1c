/**
 * What this node does for another one: it delivers its messages, has its calls answered, and tells how processes ended.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { SchedulerDispatcher } from "effect/Scheduler"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { CallError, SendError } from "../ProcessError.ts"
import { Call } from "./call.ts"
import type { Cell } from "./cell.ts"
import type { Watcher } from "./watcher.ts"
import type { Topic } from "./definition.ts"
import { absenceOf, offer } from "./delivery.ts"
import { interruption } from "./exit.ts"
import { MessageImpl } from "./message.ts"
import type { NodeImpl } from "./node.ts"
import { decode, detailOf, encode, exitToWire } from "./remoteExit.ts"
import type { RemoteNode } from "./remoteLink.ts"
import { exitSchema, invalidAnswer } from "./remoteMessage.ts"
import type { Answer, Signal, To } from "./remoteSignal.ts"
import { Producing } from "./remoteStream.ts"

type SendSignal = Extract<Signal, { readonly _tag: "Send" }>
type CallSignal = Extract<Signal, { readonly _tag: "Call" | "Stream" }>
type WatchSignal = Extract<Signal, { readonly _tag: "Watch" }>
type LinkSignal = Extract<Signal, { readonly _tag: "Link" }>
type EndSignal = Extract<Signal, { readonly _tag: "End" }>

/** A call that a process of another node has made. No fiber of this node waits in it. */
class ServedCall extends Call {
  private readonly onReply: (exit: Exit.Exit<unknown, unknown>) => void
  private readonly onRefused: (exit: Exit.Exit<unknown, CallError>) => void

  constructor(
    message: MessageImpl,
    callee: Cell,
    dispatcher: SchedulerDispatcher,
    on: {
      readonly reply: (exit: Exit.Exit<unknown, unknown>) => void
      readonly refused: (exit: Exit.Exit<unknown, CallError>) => void
    }
  ) {
    super(message, callee, undefined, dispatcher)
    this.onReply = on.reply
    this.onRefused = on.refused
  }

  // The reply of the callee, in its step.
  override resume(exit: Exit.Exit<unknown, unknown>): void {
    this.onReply(exit)
  }

  override conclude(exit: Exit.Exit<unknown, CallError>): void {
    if (!this.isOver) this.onRefused(exit)
    this.giveUp()
  }
}

export class Serving {
  private readonly node: NodeImpl
  private readonly remote: RemoteNode
  // By the number of the question: how to stop.
  private readonly running = new Map<number, () => void>()
  private readonly producing = new Map<number, Producing>()

  constructor(node: NodeImpl, remote: RemoteNode) {
    this.node = node
    this.remote = remote
  }

  serve(signal: SendSignal | CallSignal | WatchSignal | LinkSignal | EndSignal): void {
    switch (signal._tag) {
      case "Send":
        return this.send(signal)
      case "Call":
      case "Stream":
        return this.call(signal)
      case "Watch":
        return this.watch(signal)
      case "Link":
        return this.link(signal)
      case "End":
        return this.end(signal)
    }
  }

  /** The other node waits for the answer no longer. */
  forget(id: number): void {
    this.running.get(id)?.()
    this.running.delete(id)
  }

  /** The connection is lost. */
  stop(): void {
    const running = [...this.running.values()]
    this.running.clear()
    for (const stop of running) stop()
  }

  private answer(id: number, answer: Answer): void {
    this.running.delete(id)
    this.remote.answer(id, answer)
  }

  private fail(id: number, error: CallError): void {
    this.answer(id, this.remote.refusal(error))
  }

  private failWith(id: number, exit: Exit.Exit<unknown, CallError>): void {
    const [reason] = Exit.isFailure(exit) ? exit.cause.reasons : []
    if (reason?._tag === "Fail") this.fail(id, reason.error)
  }

  private at(to: To): Cell | undefined {
    return "pid" in to ? this.remote.cell(to.pid) : this.node.names.whereis(to.name)
  }

  /** The message as its receiver takes it; `undefined` when it was refused. */
  private messageOf(signal: SendSignal | CallSignal): readonly [Cell, MessageImpl] | undefined {
    const { from, id, payload: json, to, topic } = signal
    const sender = from === undefined ? undefined : this.remote.pid(from)
    const known = this.at(to)?.definition.topics.get(topic)
    const payload = known === undefined ? Exit.succeed(json) : decode(known.rpc.payloadSchema, json, this.remote.self)
    if (Exit.isFailure(payload)) {
      const refusal = { reason: "InvalidPayload" as const, detail: `the payload did not cross: ${detailOf(payload)}` }
      this.answer(id, { _tag: "Refused", refusal: { _tag: "InvalidMessage", ...refusal } })
      return undefined
    }
    const message = new MessageImpl(topic, payload.value, sender)
    const pid = "pid" in to ? this.remote.pid(to.pid) : undefined
    const cell = this.at(to)
    const refusal = cell === undefined ? absenceOf(this.node, pid ?? textOf(to), message) : cell.refusal(message)
    if (cell !== undefined && refusal === undefined) return [cell, message]
    if (refusal !== undefined) this.fail(id, refusal)
    return undefined
  }

  private send(signal: SendSignal): void {
    const found = this.messageOf(signal)
    if (found === undefined) return
    const { id } = signal
    const [cell, message] = found
    const onSent = (exit: Exit.Exit<void, SendError>): void => {
      if (Exit.isSuccess(exit)) this.answer(id, { _tag: "Done" })
      else this.failWith(id, exit)
    }
    const sent = offer(cell, message)
    if (sent !== undefined) return onSent(sent)
    // It waits for space in the inbox.
    const waiting = cell.queueFor(message.topic).sendWhenThereIsSpace(message)
    const fiber = Effect.runForkWith(cell.environment.base)(waiting)
    this.running.set(id, () => fiber.interruptUnsafe())
    fiber.addObserver(onSent)
  }

  private call(signal: CallSignal): void {
    const found = this.messageOf(signal)
    if (found === undefined) return
    const { id } = signal
    const [callee, message] = found
    if (callee.status === "restarting") {
      return this.answer(id, { _tag: "Refused", refusal: { _tag: "ProcessRestarting" } })
    }
    const topic = callee.definition.topics.get(signal.topic)
    const call = new ServedCall(message, callee, callee.host.dispatcher, {
      reply: (exit) => this.reply(signal, callee, message, topic, exit),
      refused: (exit) => this.failWith(id, exit)
    })
    message.call = call
    const accepted = offer(callee, message)
    if (accepted !== undefined && Exit.isFailure(accepted)) return call.conclude(accepted)
    if (accepted === undefined) call.parkIn(callee.queueFor(message.topic))
    this.running.set(id, () => call.giveUp())
    call.begin(callee.host)
  }

  private reply(
    { _tag, id }: CallSignal,
    callee: Cell,
    message: MessageImpl,
    topic: Topic | undefined,
    exit: Exit.Exit<unknown, unknown>
  ): void {
    if (_tag === "Stream" && topic !== undefined && Exit.isSuccess(exit) && Stream.isStream(exit.value)) {
      const values = exit.value as Stream.Stream<unknown, unknown>
      const onEnd = (answer: Answer): void => {
        this.producing.delete(id)
        this.answer(id, answer)
      }
      const producing = new Producing(callee, topic, message, values, { remote: this.remote, id, onEnd })
      this.producing.set(id, producing)
      this.running.set(id, () => {
        this.producing.delete(id)
        producing.stop()
      })
      return
    }
    const json = encode(topic === undefined ? Untyped : exitSchema(topic), exit, this.remote.self)
    this.answer(id, Exit.isSuccess(json) ? { _tag: "Replied", exit: json.value } : invalidAnswer(detailOf(json)))
  }

  /** The other node wants so many more values of a stream. */
  grant(id: number, amount: number): void {
    this.producing.get(id)?.grant(amount)
  }

  /** What is being done for a question can't be told. */
  refuse(id: number, answer: Answer): void {
    this.forget(id)
    this.remote.answer(id, answer)
  }

  private watch({ id, to }: WatchSignal): void {
    const cell = this.at(to)
    const onExit = (ended: Cell, exit: Exit.Exit<unknown, unknown>): void =>
      this.answer(id, { _tag: "Exited", exit: exitToWire(exit, ended.definition.success, this.remote.self) })
    if (cell !== undefined && cell.status !== "ended") this.await(id, cell, onExit)
    else this.notFound(id)
  }

  private await(id: number, cell: Cell, onExit: Watcher["onExit"]): void {
    const watcher: Watcher = { onExit }
    cell.watch(watcher)
    this.running.set(id, () => cell.unwatch(watcher))
  }

  private notFound(id: number): void {
    this.answer(id, { _tag: "Refused", refusal: { _tag: "ProcessNotFound" } })
  }

  private link({ from, id, to }: LinkSignal): void {
    const cell = this.remote.cell(to)
    const pid = this.remote.pid(from)
    if (cell === undefined || pid === undefined || cell.status === "ended") {
      return this.notFound(id)
    }
    this.remote.partners.accept(cell, pid)
    this.answer(id, { _tag: "Done" })
  }

  private end({ from, how, id, to }: EndSignal): void {
    const cell = this.remote.cell(to)
    if (cell === undefined || cell.status === "ended") {
      return this.notFound(id)
    }
    const by = from === undefined ? undefined : this.remote.pid(from)
    switch (how._tag) {
      case "Cancel":
        cell.tell({ _tag: "Cancel", from: by, reason: how.reason })
        return this.answer(id, { _tag: "Done" })
      case "Kill":
        cell.kill(by)
        return this.answer(id, { _tag: "Done" })
      case "Terminate": {
        this.await(id, cell, () => this.answer(id, { _tag: "Done" }))
        cell.dismiss()
        return cell.stop(interruption(by))
      }
    }
  }
}

// The exit of a reply to a topic that is not in the protocol of the callee.
const Untyped = Schema.Exit(Schema.Unknown, Schema.Unknown, Schema.Defect())

const textOf = (to: To): string => ("pid" in to ? to.pid : to.name)
