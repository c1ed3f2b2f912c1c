/**
 * The one implementation of `Pid`: host and number, and, where it was made by the host itself, a direct way to the
 * process, so that a send needs no look-up.
 */
import * as Equal from "effect/Equal"
import * as Hash from "effect/Hash"
import type { Rpc } from "effect/rpc"
import type { Pid } from "../Pid.ts"

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
    return isPid(that) && this.id === that.id && this.host === that.host && this.node === that.node
  }

  [Hash.symbol](): number {
    return Hash.combine(Hash.string(this.host), Hash.number(this.id))
  }

  toString(): string {
    const where = this.node === undefined ? this.host : `${this.node}@${this.host}`
    return `{${where}|0x${this.id.toString(16).padStart(5, "0")}}`
  }

  toJSON(): string {
    return this.toString()
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString()
  }
}

export const isPid = (u: unknown): u is Pid => u instanceof PidImpl

const pattern = /^\{(?:([^\s@|{}]+)@)?([^\s@|{}]+)\|0x([0-9a-f]{1,13})\}$/

/** Reads the form in which a pid prints; `undefined` when the text has another. */
export const parseUnsafe = (text: string): Pid<Rpc.Any> | undefined => {
  const match = pattern.exec(text)
  if (match === null) return undefined
  const [, node, host = "", digits = ""] = match
  const id = Number.parseInt(digits, 16)
  return id > 0 && Number.isSafeInteger(id) ? new PidImpl(node, host, id, undefined) : undefined
}

/** A pid that leads to `target` without a look-up. */
export const makeUnsafe = (host: string, id: number, target: object): Pid<Rpc.Any> =>
  new PidImpl(undefined, host, id, target)

/** What a pid was made to lead to; `undefined` when it was read from text. */
export const targetOf = (pid: Pid): object | undefined => (pid instanceof PidImpl ? PidImpl.targetOf(pid) : undefined)

/** Whether a text can stand as a host's name in a pid. */
export const isHostName = (name: string): boolean => /^[^\s@|{}]+$/.test(name)
