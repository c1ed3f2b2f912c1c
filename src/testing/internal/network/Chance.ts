/**
 * What the conditions of a network leave to chance, drawn from one source.
 */
import type * as Random from "effect/Random"

/** The options of a network, with all times in milliseconds. */
export interface Conditions {
  readonly latency: { readonly min: number; readonly max: number }
  readonly breaks: number
  readonly datagrams: { readonly loss: number; readonly duplication: number; readonly reordering: number } | undefined
  readonly detection: number
  readonly connectTimeout: number
  readonly window: number
  readonly maxFrame: number
}

// How much later than its due time a frame may come that others overtake, in latencies.
const Overtaken = 4

export class Chance {
  private readonly latencies: Conditions["latency"]
  private readonly random: (typeof Random.Random)["Service"]

  constructor(random: (typeof Random.Random)["Service"], latencies: Conditions["latency"]) {
    this.random = random
    this.latencies = latencies
  }

  happens(chance: number): boolean {
    return chance > 0 && this.random.nextDoubleUnsafe() < chance
  }

  between(min: number, max: number): number {
    return min === max ? min : min + this.random.nextDoubleUnsafe() * (max - min)
  }

  upTo(most: number): number {
    return Math.floor(this.random.nextDoubleUnsafe() * (most + 1))
  }

  latency(): number {
    return this.between(this.latencies.min, this.latencies.max)
  }

  delay(): number {
    return this.between(0, Overtaken * Math.max(1, this.latencies.max))
  }

  shuffled<A>(values: ReadonlyArray<A>): Array<A> {
    const shuffled = [...values]
    for (let at = shuffled.length - 1; at > 0; at--) {
      const other = this.upTo(at)
      const value = shuffled[at] as A
      shuffled[at] = shuffled[other] as A
      shuffled[other] = value
    }
    return shuffled
  }
}
