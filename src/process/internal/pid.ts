/**
 * The implementation of `Pid`: host and number, and, where it was made by the host itself, a direct way to the process, so
 * that a send needs no look-up. A pid of another node has its incarnation and its topics instead, out of sight.
 */
import * as Equal from "effect/Equal"
import * as Hash from "effect/Hash"
import type { Rpc } from "effect/rpc"
import type { Pid } from "../Pid.ts"
import type { Topics } from "./definition.ts"
import type { NodeId } from "./remoteCrossing.ts"

export const TypeId = "~troupe/process/Pid"

const variance = { _Rpcs: (_: Rpc.Any) => {} }

class PidImpl implements Pid<Rpc.Any> {
  readonly node: string | undefined
  readonly host: string
  readonly id: number
  readonly #target: object | undefined

  constructor(node: string | undefined, host: string, id: number, target: object | undefined) {
    this.node = node
    this.host = host
    this.id = id
    this.#target = target
  }

  static targetOf(pid: PidImpl): object | undefined {
    return pid.#target
  }

  get [TypeId]() {
    return variance
  }

  [Equal.symbol](that: unknown): boolean {
    return (
      isPid(that) &&
      this.id === that.id &&
      this.host === that.host &&
      this.node === that.node &&
      (this.node === undefined || incarnationOf(this) === incarnationOf(that))
    )
  }

  [Hash.symbol](): number {
    return Hash.combine(Hash.string(this.host), Hash.number(this.id))
  }

  toString(): string {
    return textOf(this.node, this)
  }

  toJSON(): string {
    return this.toString()
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString()
  }
}

class FarPid extends PidImpl {
  readonly #incarnation: string | undefined
  readonly #topics: Topics | undefined

  constructor(node: NodeId, host: string, id: number, topics: Topics | undefined) {
    super(node.name, host, id, undefined)
    this.#incarnation = node.incarnation
    this.#topics = topics
  }

  static incarnationOf(pid: FarPid): string | undefined {
    return pid.#incarnation
  }

  static topicsOf(pid: FarPid): Topics | undefined {
    return pid.#topics
  }
}

export const isPid = (u: unknown): u is Pid => u instanceof PidImpl

const textOf = (node: string | undefined, { host, id }: { readonly host: string; readonly id: number }): string => {
  const where = node === undefined ? host : `${node}@${host}`
  return `{${where}|0x${id.toString(16).padStart(5, "0")}}`
}

const pattern = /^\{(?:([^\s@|{}#]+)(?:#([^\s@|{}#]+))?@)?([^\s@|{}]+)\|0x([0-9a-f]{1,13})\}$/

/**
 * Reads the form in which a pid prints, or crosses to another node; `undefined` when the text has another. `topics`: what
 * the process takes, if that is known.
 */
export const parseUnsafe = (text: string, topics?: () => Topics): Pid<Rpc.Any> | undefined => {
  const match = pattern.exec(text)
  if (match === null) return undefined
  const [, name, incarnation, host = "", digits = ""] = match
  const id = Number.parseInt(digits, 16)
  if (id <= 0 || !Number.isSafeInteger(id)) return undefined
  return name === undefined
    ? new PidImpl(undefined, host, id, undefined)
    : new FarPid({ name, incarnation }, host, id, topics?.())
}

/** A pid that leads to `target` without a look-up. */
export const makeUnsafe = (host: string, id: number, target: object): Pid<Rpc.Any> =>
  new PidImpl(undefined, host, id, target)

/** What a pid was made to lead to; `undefined` when it was read from text. */
export const targetOf = (pid: object): object | undefined =>
  pid instanceof PidImpl ? PidImpl.targetOf(pid) : undefined

/** Which incarnation of its node a pid belongs to; `undefined` when it was read from text that does not say. */
export const incarnationOf = (pid: Pid): string | undefined =>
  pid instanceof FarPid ? FarPid.incarnationOf(pid) : undefined

/** What the process of another node takes; `undefined` when nobody has said so. */
export const topicsOf = (pid: Pid): Topics | undefined => (pid instanceof FarPid ? FarPid.topicsOf(pid) : undefined)

/** Whether a pid that names a node belongs to that one; a pid that does not say of which incarnation belongs to any. */
export const isOf = (pid: Pid, node: NodeId | undefined): boolean => {
  if (pid.node !== node?.name) return false
  const incarnation = incarnationOf(pid)
  return incarnation === undefined || incarnation === node?.incarnation
}

/**
 * The form in which a pid leaves its node: every node reads it as the same process. `node`: what a pid belongs to that does
 * not say.
 */
export const toWire = (pid: Pid, node: NodeId): string => {
  const isKnown = pid.node === undefined || pid.node === node.name
  const incarnation = incarnationOf(pid) ?? (isKnown ? node.incarnation : undefined)
  const name = pid.node ?? node.name
  return textOf(incarnation === undefined ? name : `${name}#${incarnation}`, pid)
}

/** Reads what {@link toWire} wrote: a pid of the node that reads it is one of its own again. */
export const fromWire = (text: string, self: NodeId, topics?: () => Topics): Pid<Rpc.Any> | undefined => {
  const pid = parseUnsafe(text, topics)
  return pid?.node !== undefined && isOf(pid, self) ? new PidImpl(undefined, pid.host, pid.id, undefined) : pid
}

/** Whether a text can stand as a host's name in a pid. */
export const isHostName = (name: string): boolean => /^[^\s@|{}]+$/.test(name)

/** Whether a text can stand as a node's name in a pid. */
export const isNodeName = (name: string): boolean => /^[^\s@|{}#]+$/.test(name)
