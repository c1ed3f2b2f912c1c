/**
 * The nodes that this one is connected with, and how two nodes become so: at most one connection joins them.
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { step } from "../../../channel/internal/step.ts"
import type { NodeImpl } from "../../../process/internal/node.ts"
import { RemoteNode } from "../../../process/internal/remoteLink.ts"
import { Topic } from "../../../process/internal/topic.ts"
import type { Transport } from "../../Transport.ts"
import type { Connection } from "../../Connection.ts"
import type { Event } from "../../Node.ts"
import { NodeRefused } from "../../NodeError.ts"
import { Bell } from "../../transport/internal/Bell.ts"
import { carrying } from "./carrying.ts"
import { Outgoing } from "./Outgoing.ts"
import type { Self } from "./protocol.ts"

/** A node that this one is connected with. */
interface Member {
  readonly peer: Self
  readonly connection: Connection
  readonly remote: RemoteNode
}

const reasonOf = (cause: Cause.Cause<never>): string =>
  Cause.hasInterruptsOnly(cause) ? "this node stops" : Cause.pretty(cause)

export class Membership {
  readonly self: Self
  /** Where it listens. */
  transport: Option.Option<Transport> = Option.none()
  readonly events = new Topic<Event>()
  private readonly node: NodeImpl
  private readonly context: Context.Context<never>
  private readonly scope: Scope.Scope
  private readonly members = new Map<string, Member>()
  /** Those that this node has asked to join, by name. */
  private readonly joining = new Set<string>()
  /** The connections to each node that were lost since the two were connected last. */
  private readonly lost = new Map<string, Set<string>>()
  private readonly changed = new Bell()

  /** `context`, `scope`: those in which signals are carried. */
  constructor(node: NodeImpl, self: Self, context: Context.Context<never>, scope: Scope.Scope) {
    this.node = node
    this.context = context
    this.self = self
    this.scope = scope
  }

  get name(): string {
    return this.self.name
  }

  get peers(): ReadonlyArray<Self> {
    return Array.from(this.members.values(), ({ peer }) => peer)
  }

  /** Whether this side may ask the other one to join; the caller says so with {@link begin}. */
  refusalOfAsking(peer: Self): NodeRefused | undefined {
    return this.refusalOfName(peer) ?? this.refusalOfSecond(peer)
  }

  /** Lets the other side join, which has asked to. `lost`: the connections that are over, as it knows. */
  admit(peer: Self, lost: ReadonlyArray<string>, connection: Connection): Effect.Effect<void, NodeRefused> {
    return step(() => {
      const refusal = this.refusalOf(peer, lost)
      return refusal === undefined ? Exit.succeed(this.join(peer, connection)) : Exit.fail(refusal)
    })
  }

  private refusalOf(peer: Self, lost: ReadonlyArray<string>): NodeRefused | undefined {
    const refusal = this.refusalOfName(peer)
    if (refusal !== undefined) return refusal
    const member = this.members.get(peer.name)
    // The other side has lost the connection that this side still has.
    if (member !== undefined && member.peer.incarnation === peer.incarnation && lost.includes(member.connection.id)) {
      this.leave(member, "the other side has lost it")
    }
    const second = this.refusalOfSecond(peer)
    if (second !== undefined) return second
    // Both ask each other at once: the one whose name comes first goes on.
    return this.joining.has(peer.name) && this.self.name < peer.name
      ? this.refuse(peer, "Connected", "it is being connected to already")
      : undefined
  }

  /** This side asks the other one to join. Answers with which connections it has lost. */
  begin(peer: Self): ReadonlyArray<string> {
    this.joining.add(peer.name)
    return [...(this.lost.get(peer.name) ?? [])]
  }

  /** The other side has answered, or never will. */
  settle(peer: Self): void {
    this.joining.delete(peer.name)
  }

  /** The other side may hold this one for connected, though it is not. */
  forget(peer: string, connection: Connection): void {
    const lost = this.lost.get(peer)
    if (lost === undefined) this.lost.set(peer, new Set([connection.id]))
    else lost.add(connection.id)
  }

  /** From here on the two are connected, until the connection is closed. To be called in a step. */
  join(peer: Self, connection: Connection): void {
    const outgoing = new Outgoing()
    const remote = new RemoteNode(this.node, this.self, peer, outgoing)
    const member: Member = { peer, connection, remote }
    this.members.set(peer.name, member)
    this.node.remotes.set(peer.name, remote)
    this.events.publish({ _tag: "NodeUp", node: peer.name })
    this.changed.ring()
    const carried = Effect.scoped(carrying(connection, remote, outgoing)).pipe(
      Effect.onExit((exit) =>
        step(() => {
          this.leave(member, Exit.isSuccess(exit) ? exit.value : reasonOf(exit.cause))
          return Exit.void
        })
      ),
      // Also when a fault of this side ended it: the other side would wait for ever.
      Effect.ensuring(connection.close)
    )
    this.lost.delete(peer.name)
    Fiber.runIn(Effect.runForkWith(this.context)(carried), this.scope)
  }

  /** Waits until the two are connected. */
  untilConnected(name: string): Effect.Effect<void> {
    return this.changed.until(() => this.members.has(name))
  }

  /** Waits until the two are not connected any more. */
  whileConnected(name: string): Effect.Effect<void> {
    return this.changed.until(() => !this.members.has(name))
  }

  /** Forgets every node: this one stops. */
  readonly stop: Effect.Effect<void> = step(() => {
    for (const member of this.members.values()) this.leave(member, "this node stops")
    return Exit.void
  })

  private leave(member: Member, detail: string): void {
    const { connection, peer, remote } = member
    if (this.members.get(peer.name) !== member) return
    this.members.delete(peer.name)
    this.node.remotes.delete(peer.name)
    this.forget(peer.name, connection)
    remote.lose()
    this.events.publish({ _tag: "NodeDown", node: peer.name, detail })
    this.changed.ring()
  }

  private refusalOfName(peer: Self): NodeRefused | undefined {
    return peer.name === this.self.name
      ? this.refuse(peer, "SameName", "it has the same name. Give each node a name of its own")
      : undefined
  }

  private refusalOfSecond(peer: Self): NodeRefused | undefined {
    const member = this.members.get(peer.name)
    if (member === undefined) return undefined
    return member.peer.incarnation === peer.incarnation
      ? this.refuse(peer, "Connected", "the two are connected already")
      : this.refuse(
          peer,
          "NameTaken",
          "another node of that name is connected. Give each node a name of its own, or wait until a former run of it is lost"
        )
  }

  private refuse(peer: Self, reason: NodeRefused["reason"], detail: string): NodeRefused {
    return new NodeRefused({ node: this.self.name, peer: JSON.stringify(peer.name), reason, detail })
  }
}
