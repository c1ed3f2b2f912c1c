/**
 * What the hosts of one application share: the table of hosts, names, groups, locks and dead letters.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as RcMap from "effect/RcMap"
import * as Semaphore from "effect/Semaphore"
import type { Counts, DeadLetter } from "../DeadLetter.ts"
import type { Name } from "../Name.ts"
import type { Pid } from "../Pid.ts"
import type { Cell } from "./cell.ts"
import { Groups } from "./groups.ts"
import type { HostImpl } from "./host.ts"
import { Names } from "./names.ts"
import { isOf, targetOf } from "./pid.ts"
import type { NodeId } from "./remoteCrossing.ts"
import type { RemoteNode } from "./remoteLink.ts"
import { Topic } from "./topic.ts"

export class NodeImpl {
  /** What others know it by, once it has a name. */
  self: NodeId | undefined = undefined
  /** The nodes that it is connected with, by name. */
  readonly remotes = new Map<string, RemoteNode>()
  readonly hosts = new Map<string, HostImpl>()
  readonly names = new Names()
  readonly groups = new Groups()
  readonly deadLetters = new Topic<DeadLetter>()
  readonly deadLetterCounts: { -readonly [R in keyof Counts]: number } = {
    Ended: 0,
    Failed: 0,
    Stopped: 0,
    Killed: 0,
    Restarting: 0,
    Exhausted: 0,
    Overflow: 0
  }
  readonly locks: RcMap.RcMap<string, Semaphore.Semaphore>

  constructor(locks: RcMap.RcMap<string, Semaphore.Semaphore>) {
    this.locks = locks
  }

  /** The process that a pid leads to; `undefined` when there is none. */
  resolve(pid: Pid): Cell | undefined {
    const cell = targetOf(pid) as Cell | undefined
    if (cell !== undefined) return cell
    return pid.node === undefined || isOf(pid, this.self) ? this.hosts.get(pid.host)?.processes.get(pid.id) : undefined
  }

  /** The process that has a name; `undefined` when there is none, or the name is one of another node. */
  named({ name, node }: Name): Cell | undefined {
    return node === undefined || node === this.self?.name ? this.names.whereis(name) : undefined
  }
}

/** The node of an application. Its layer is one value, so that all hosts that are built together share the node. */
export class Node extends Context.Service<Node, NodeImpl>()("troupe/process/internal/Node") {
  static readonly layer: Layer.Layer<Node> = Layer.effect(
    Node,
    Effect.map(RcMap.make({ lookup: (_key: string) => Semaphore.make(1) }), (locks) => new NodeImpl(locks))
  )
}
