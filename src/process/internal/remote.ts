/**
 * Processes of other nodes, as this one addresses them.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import { waitIn } from "../../channel/internal/wait.ts"
import { type Address, isName } from "../Name.ts"
import type { Pid } from "../Pid.ts"
import {
  type CallError,
  CallTimeout,
  InvalidMessage,
  NoConnection,
  NoProcess,
  ProcessNotFound,
  type Request,
  type SendError
} from "../ProcessError.ts"
import type { Cell } from "./cell.ts"
import type { Topics } from "./definition.ts"
import type { HostImpl } from "./host.ts"
import type { MessageImpl } from "./message.ts"
import { topicsOf as topicsOfName } from "./name.ts"
import type { NodeImpl } from "./node.ts"
import { topicsOf as topicsOfPid } from "./pid.ts"
import { decode, detailOf, exitFromWire } from "./remoteExit.ts"
import type { Asked, RemoteNode } from "./remoteLink.ts"
import { errorOf, exitSchema, payloadOf } from "./remoteMessage.ts"
import { Consuming } from "./remoteStream.ts"
import { Question, type Reading } from "./remoteQuestion.ts"
import type { Answer, Signal, To } from "./remoteSignal.ts"

/** The other node, if it is connected; else why it can't be asked. */
type Reached = RemoteNode | NoConnection | ProcessNotFound

const isReached = (found: Reached): found is RemoteNode => !("_tag" in found)

/** How to have a process of another node end. */
export type End = Extract<Signal, { readonly _tag: "End" }>["how"]

/** A process of another node. */
export class Far {
  readonly _tag = "Far"
  private readonly node: NodeImpl
  private readonly name: string
  private readonly address: Address
  private readonly target: string

  private constructor(node: NodeImpl, name: string, address: Address) {
    this.node = node
    this.name = name
    this.address = address
    this.target = String(address)
  }

  /** `undefined` when the address is one of this node. */
  static at(node: NodeImpl, address: Address): Far | undefined {
    if (address.node === undefined || (isName(address) && address.node === node.self?.name)) return undefined
    return new Far(node, address.node, address)
  }

  /** Sends a message; the effect ends when the other node has said that it was accepted. */
  send(message: MessageImpl, fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<void, SendError> {
    const remote = this.reach(message.request)
    if (!isReached(remote)) return Exit.fail(remote)
    const crossed = payloadOf(this.topics, this.target, message, remote.self)
    if (crossed instanceof InvalidMessage) return Exit.fail(crossed)
    const question = new Question(
      remote,
      {
        what: `${this.target} to accept ${JSON.stringify(message.topic)}`,
        answered: (answer) => (answer._tag === "Done" ? Exit.void : this.refusal(answer, message, remote)),
        lost: () => Exit.fail(remote.loss(this.target, message.request))
      },
      fiber.currentDispatcher
    )
    question.begin((id) => ({ _tag: "Send", ...this.messageOf(id, message, crossed.payload, remote) }))
    return waitIn(question)
  }

  /** Sends a message, and waits for its answer. `host`: that of the caller. */
  call(
    host: HostImpl,
    message: MessageImpl,
    milliseconds: number | undefined,
    fiber: Fiber.Fiber<unknown, unknown>
  ): Effect.Effect<unknown, unknown> {
    const asked = this.ask(message, (remote, reading) => new Question(remote, reading, fiber.currentDispatcher))
    if (!(asked instanceof Question)) return Exit.fail(asked)
    if (milliseconds !== undefined) {
      asked.endAfter(milliseconds, host.deadlinesBy(fiber.getRef(Clock.Clock)), () =>
        Exit.fail(new CallTimeout({ target: this.target, request: message.request, milliseconds }))
      )
    }
    return waitIn(asked)
  }

  /** Begins a call; `make` makes what its answer goes to. */
  ask(message: MessageImpl, make: (remote: RemoteNode, reading: Reading) => Question): Question | SendError {
    const remote = this.reach(message.request)
    if (!isReached(remote)) return remote
    const crossed = payloadOf(this.topics, this.target, message, remote.self)
    if (crossed instanceof InvalidMessage) return crossed
    const { payload, topic } = crossed
    const question = make(remote, {
      what: `the answer of ${this.target} to ${JSON.stringify(message.topic)}`,
      answered: (answer) => {
        if (answer._tag !== "Replied") return this.refusal(answer, message, remote)
        const exit = decode(exitSchema(topic), answer.exit, remote.self)
        return Exit.isSuccess(exit)
          ? (exit.value as Exit.Exit<unknown, unknown>)
          : Exit.fail(
              new InvalidMessage({
                target: this.target,
                request: message.request,
                reason: "InvalidAnswer",
                detail: `it does not fit the schema of the topic: ${detailOf(exit)}`
              })
            )
      },
      lost: () => Exit.fail(remote.loss(this.target, message.request))
    })
    question.begin((id) => ({ _tag: "Call", ...this.messageOf(id, message, payload, remote) }))
    return question
  }

  /** Calls the process for a stream, which it produces while the scope is open. */
  stream(
    message: MessageImpl,
    milliseconds: number | undefined
  ): Effect.Effect<Stream.Stream<unknown, unknown>, CallError, Scope.Scope> {
    return Effect.suspend((): Effect.Effect<Stream.Stream<unknown, unknown>, CallError, Scope.Scope> => {
      const remote = this.reach(message.request)
      if (!isReached(remote)) return Effect.fail(remote)
      const crossed = payloadOf(this.topics, this.target, message, remote.self)
      if (crossed instanceof InvalidMessage) return Effect.fail(crossed)
      const reading = {
        refused: (answer: Answer) => this.refusal(answer, message, remote),
        lost: () => Exit.fail(remote.loss(this.target, message.request))
      }
      const signal = (id: number): Signal => ({
        _tag: "Stream",
        ...this.messageOf(id, message, crossed.payload, remote)
      })
      const begun = (consuming: Consuming): Effect.Effect<void, CallError> =>
        milliseconds === undefined
          ? Deferred.await(consuming.begun)
          : Effect.timeoutOrElse(Deferred.await(consuming.begun), {
              duration: milliseconds,
              orElse: () =>
                Effect.fail(new CallTimeout({ target: this.target, request: message.request, milliseconds }))
            })
      return Effect.acquireRelease(Consuming.begin(remote, crossed.topic, reading, signal), (consuming) =>
        Effect.sync(() => consuming.stop())
      ).pipe(
        Effect.tap(begun),
        Effect.map(({ stream }) => stream)
      )
    })
  }

  /** Watches the process: `tell` is called once, when it has ended or nothing more can be known of it. */
  watch(tell: (exit: Exit.Exit<unknown, unknown>) => void): () => void {
    const remote = this.reach()
    if (!isReached(remote)) {
      tell(Exit.fail(remote._tag === "NoConnection" ? remote : new NoProcess({ target: this.target })))
      return () => {}
    }
    const asked: Asked = {
      onAnswer: (answer) =>
        tell(
          answer._tag === "Exited"
            ? exitFromWire(answer.exit, remote.self)
            : Exit.fail(new NoProcess({ target: this.target }))
        ),
      onLost: () => tell(Exit.fail(remote.loss(this.target)))
    }
    const id = remote.ask(asked, (id) => ({ _tag: "Watch", id, to: this.to(remote) }))
    return () => remote.forget(id)
  }

  /** Links a process of this node with it. */
  link(cell: Cell, tell: (exit: Exit.Exit<void, ProcessNotFound | NoConnection>) => void): void {
    const remote = this.reach()
    if (isReached(remote)) remote.partners.link(cell, this.address as Pid, tell)
    else tell(Exit.fail(remote))
  }

  unlink(cell: Cell): void {
    const remote = this.reach()
    if (isReached(remote)) remote.partners.unlink(cell, this.address as Pid)
  }

  /** Has the process end, as `how` says. */
  end(
    how: End,
    from: Pid | undefined,
    fiber: Fiber.Fiber<unknown, unknown>
  ): Effect.Effect<void, ProcessNotFound | NoConnection> {
    const remote = this.reach()
    if (!isReached(remote)) return Exit.fail(remote)
    const question = new Question(
      remote,
      {
        what: `${this.target} to end`,
        answered: (answer) =>
          answer._tag === "Done" ? Exit.void : Exit.fail(new ProcessNotFound({ target: this.target })),
        lost: () => Exit.fail(remote.loss(this.target))
      },
      fiber.currentDispatcher
    )
    question.begin((id) => ({
      _tag: "End",
      id,
      to: remote.wire(this.address as Pid),
      ...(from === undefined ? {} : { from: remote.wire(from) }),
      how
    }))
    return waitIn(question)
  }

  private get topics(): Topics | undefined {
    return isName(this.address) ? topicsOfName(this.address) : topicsOfPid(this.address)
  }

  private reach(request?: Request): Reached {
    const remote = this.node.remotes.get(this.name)
    if (remote !== undefined) return remote
    // A former run of this very node, or a node that is not there.
    return this.name === this.node.self?.name
      ? new ProcessNotFound({ target: this.target, request })
      : new NoConnection({ node: this.name, target: this.target, reason: "NotConnected", request })
  }

  private to(remote: RemoteNode): To {
    return isName(this.address) ? { name: this.address.name } : { pid: remote.wire(this.address) }
  }

  private messageOf(id: number, { sender, topic }: MessageImpl, payload: unknown, remote: RemoteNode) {
    const from = sender === undefined ? {} : { from: remote.wire(sender) }
    return { id, to: this.to(remote), ...from, topic, payload }
  }

  private refusal(answer: Answer, message: MessageImpl, remote: RemoteNode): Exit.Exit<never, CallError & SendError> {
    return Exit.fail(
      answer._tag === "Refused"
        ? (errorOf(answer.refusal, this.target, message, remote.self) as CallError & SendError)
        : new ProcessNotFound({ target: this.target, request: message.request })
    )
  }
}
