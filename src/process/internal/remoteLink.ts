/**
 * What two connected nodes know of each other: the questions that this one has asked, what it does for the other one, and
 * the links between processes of both. Nothing of it outlives the connection.
 */
import type { Rpc } from "effect/rpc"
import type { Pid } from "../Pid.ts"
import { type CallError, NoConnection, type Request } from "../ProcessError.ts"
import type { NodeImpl } from "./node.ts"
import type { Cell } from "./cell.ts"
import { fromWire, toWire } from "./pid.ts"
import type { NodeId } from "./remoteCrossing.ts"
import { refusalOf } from "./remoteMessage.ts"
import { Partners } from "./remotePartners.ts"
import { Serving } from "./remoteServing.ts"
import type { Answer, Signal } from "./remoteSignal.ts"

/** The way to another node, which a connection provides. */
export interface Carrier {
  /**
   * Takes a signal, without waiting; those that were taken arrive in order, each once, unless the connection is lost. A
   * question stays with who asks until it is answered, so that no more than that can pile up.
   */
  readonly post: (signal: Signal) => void
}

/** Who asked the other node something; it is told once, unless it forgets. */
export interface Asked {
  onAnswer(answer: Answer): void
  /** A part of the answer, where it is a stream. */
  onValues?(values: ReadonlyArray<unknown>): void
  /** The connection was lost before the answer came. */
  onLost(): void
}

export class RemoteNode {
  readonly id: NodeId
  /** The name and incarnation of this node. */
  readonly self: NodeId
  readonly partners: Partners
  private readonly node: NodeImpl
  private readonly serving: Serving
  private readonly carrier: Carrier
  private readonly asked = new Map<number, Asked>()
  private lastId = 0
  private isUp = true

  constructor(node: NodeImpl, self: NodeId, id: NodeId, carrier: Carrier) {
    this.node = node
    this.self = self
    this.id = id
    this.carrier = carrier
    this.partners = new Partners(this)
    this.serving = new Serving(node, this)
  }

  post(signal: Signal): void {
    if (this.isUp) this.carrier.post(signal)
  }

  /** Asks the other node; `signal` makes the question of its number, by which it can be forgotten. */
  ask(asked: Asked, signal: (id: number) => Signal): number {
    const id = ++this.lastId
    if (!this.isUp) {
      asked.onLost()
      return id
    }
    this.asked.set(id, asked)
    this.carrier.post(signal(id))
    return id
  }

  /** Nobody waits for the answer any longer. */
  forget(id: number): void {
    if (this.asked.delete(id)) this.post({ _tag: "Forget", id })
  }

  answer(id: number, answer: Answer): void {
    this.post({ _tag: "Answer", id, answer })
  }

  /** Takes what the other node tells. */
  receive(signal: Signal): void {
    if (!this.isUp) return
    switch (signal._tag) {
      case "Answer":
        return this.onAnswer(signal.id, signal.answer)
      case "Values":
        return this.asked.get(signal.id)?.onValues?.(signal.values)
      case "More":
        return this.serving.grant(signal.id, signal.amount)
      case "Forget":
        return this.serving.forget(signal.id)
      case "LinkExit":
        return this.partners.onExit(signal)
      case "Unlink":
        return this.partners.onUnlink(signal)
      default:
        return this.serving.serve(signal)
    }
  }

  /** A signal can't be carried: it has not left, and never will. */
  refuse(signal: Signal, reason: "TooLarge" | "InvalidPayload", detail: string): void {
    switch (signal._tag) {
      case "Send":
      case "Call":
      case "Stream":
      case "Watch":
      case "Link":
      case "End":
        return this.onAnswer(signal.id, refused(reason, detail))
      case "Answer":
        return this.answer(signal.id, substitute(signal.answer, detail))
      case "Values":
        return this.serving.refuse(signal.id, refused("InvalidAnswer", detail))
      case "LinkExit":
        return this.post({ ...signal, exit: unspeakable(detail) })
      default:
    }
  }

  /** The connection is lost: whoever waits for something of the other node learns it, once. */
  lose(): void {
    if (!this.isUp) return
    this.isUp = false
    const asked = [...this.asked.values()]
    this.asked.clear()
    this.serving.stop()
    for (const one of asked) one.onLost()
    this.partners.onLost()
  }

  /** Why nothing more is known of a process of the other node. */
  loss(target: string, request?: Request): NoConnection {
    return new NoConnection({ node: this.id.name, target, reason: "Lost", request })
  }

  /** An error of this node, as the answer to a question of the other one. */
  refusal(error: CallError): Answer {
    return { _tag: "Refused", refusal: refusalOf(error, this.self) }
  }

  /** A pid as it leaves, for one of this node or of the other one. */
  wire(pid: Pid): string {
    return toWire(pid, pid.node === undefined ? this.self : this.id)
  }

  /** The process of this node under a pid that arrived. */
  cell(wire: string): Cell | undefined {
    const pid = this.pid(wire)
    return pid?.node === undefined ? pid && this.node.resolve(pid) : undefined
  }

  /** A pid as it arrived. */
  pid(wire: string): Pid<Rpc.Any> | undefined {
    return fromWire(wire, this.self)
  }

  private onAnswer(id: number, answer: Answer): void {
    const asked = this.asked.get(id)
    this.asked.delete(id)
    asked?.onAnswer(answer)
  }
}

const refused = (reason: "TooLarge" | "InvalidPayload" | "InvalidAnswer", detail: string): Answer => ({
  _tag: "Refused",
  refusal: { _tag: "InvalidMessage", reason, detail }
})

const unspeakable = (detail: string) => ({
  _tag: "Failure" as const,
  reasons: [{ _tag: "Fail" as const, error: { _tag: "Other" as const, kind: "InvalidAnswer", detail } }]
})

const substitute = (answer: Answer, detail: string): Answer =>
  answer._tag === "Exited" ? { _tag: "Exited", exit: unspeakable(detail) } : refused("InvalidAnswer", detail)
