/**
 * The implementation of `Name`: with the topics of the process, where the name was made by a definition.
 */
import type { Rpc } from "effect/rpc"
import type { Name } from "../Name.ts"
import type { Topics } from "./definition.ts"

export const TypeId = "~troupe/process/Name"

const variance = { _Rpcs: (_: Rpc.Any) => {} }

export class NameImpl implements Name<Rpc.Any> {
  readonly name: string
  readonly node: string | undefined
  readonly #topics: Topics | undefined

  constructor(name: string, node: string | undefined, topics: Topics | undefined) {
    this.name = name
    this.node = node
    this.#topics = topics
  }

  static topicsOf(name: NameImpl): Topics | undefined {
    return name.#topics
  }

  get [TypeId]() {
    return variance
  }

  toString(): string {
    return this.node === undefined ? this.name : `${this.name}@${this.node}`
  }
}

/** What the process takes that has the name; `undefined` when the compiler alone was told. */
export const topicsOf = (name: Name): Topics | undefined =>
  name instanceof NameImpl ? NameImpl.topicsOf(name) : undefined
