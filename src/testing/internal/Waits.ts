/**
 * Who waits on what, in a run whose steps are written down. Every object that fibers wait in and that the run has come to
 * see is looked at around each operation: a waiter that is new in it was put there by the fiber of that operation.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { WaitReport } from "../../scheduler/internal/Waited.ts"
import { isSemaphore, reporterOf } from "./kinds.ts"
import { PermitHolders } from "./PermitHolders.ts"
import type { Tracked } from "./Tracked.ts"

/** An operation that is evaluated, and the fiber that does it. */
interface Operation {
  readonly fiber: Tracked
  /** Whether the fiber may wait in it. Only then do those who observe a fiber or a process wait for it. */
  readonly waits: boolean
  /** The operation in which it is evaluated. */
  readonly outer: Operation | undefined
}

interface Known {
  readonly object: object
  readonly report: () => WaitReport
  /** The functions and spans in which it was made. */
  readonly place: string
  readonly permits: PermitHolders | undefined
  /** Its number among those of its kind, from when it is looked at for the first time. */
  number: number
}

// More objects than this are not all looked at: those in which nobody waits are forgotten, since a run without an end may
// make any number of them.
const Remembered = 1000

const list = (words: ReadonlyArray<string>): string => words.join(", ")

export class Waits {
  private readonly known = new Map<object, Known>()
  private readonly numbers = new Map<string, number>()
  private limit = Remembered
  private readonly owners = new WeakMap<object, Tracked | undefined>()
  private readonly semaphores = new Set<object>()
  private readonly last = new Map<Tracked, object>()
  private readonly names: ReadonlyMap<object, string>
  private readonly trackedOf: (fiber: Fiber.Fiber<unknown, unknown>) => Tracked | undefined
  private current: Operation | undefined

  constructor(
    names: ReadonlyMap<object, string>,
    trackedOf: (fiber: Fiber.Fiber<unknown, unknown>) => Tracked | undefined
  ) {
    this.names = names
    this.trackedOf = trackedOf
  }

  /** Takes note of an object, if it is one that fibers wait in. */
  know(object: object, by: Tracked | undefined): void {
    if (this.known.has(object)) return
    const report = reporterOf(object)
    if (report === undefined) return
    const permits = isSemaphore(object) ? new PermitHolders(object) : undefined
    if (this.known.size >= this.limit) this.forget()
    this.known.set(object, { object, report, place: by === undefined ? "" : by.frames.join(" < "), permits, number: 0 })
    if (permits !== undefined) this.semaphores.add(object)
  }

  /** An operation begins, maybe within another one. */
  begin(fiber: Tracked, effect: object, waits: boolean): Operation {
    this.settle(waits)
    const operation = { fiber, waits, outer: this.current }
    this.current = operation
    if (waits) this.last.set(fiber, effect)
    return operation
  }

  /** It has ended, and its fiber waits or goes on; operations within it that have not have thrown. */
  end(operation: Operation, goesOn: boolean): void {
    this.current = goesOn ? { ...operation, waits: false } : operation
    this.settle(operation.waits)
    this.current = operation.outer
  }

  /** A step begins: no operation is under way, even if one has thrown. */
  reset(): void {
    this.current = undefined
  }

  /** What a fiber that waits waits on, in words that go on from "waits". */
  of(fiber: Tracked, details: boolean): string {
    if (this.last.get(fiber) === Effect.never) return " for ever"
    const groups = new Map<string, Array<string>>()
    for (const known of this.known.values()) {
      for (const [doing, waiters] of known.report().waiting) {
        for (const waiter of waiters) {
          if (this.owners.get(waiter) !== fiber) continue
          const group = groups.get(doing) ?? []
          const title = known.object === fiber.fiber ? "itself" : this.title(known)
          group.push(title + (details ? this.details(known, fiber) : ""))
          groups.set(doing, group)
          break
        }
      }
    }
    return groups.size === 0 ? "" : ` ${list([...groups].map(([doing, titles]) => `${doing} ${list(titles)}`))}`
  }

  private settle(all: boolean): void {
    const { current } = this
    for (const semaphore of this.semaphores) {
      const known = this.known.get(semaphore) as Known
      known.permits?.settle(current?.fiber)
      this.attribute(known, current?.fiber)
    }
    if (!all) return
    const owner = current?.waits === true ? current.fiber : undefined
    for (const known of this.known.values()) this.attribute(known, owner)
  }

  private attribute(known: Known, owner: Tracked | undefined): void {
    for (const [, waiters] of this.look(known).waiting) {
      for (const waiter of waiters) if (!this.owners.has(waiter)) this.owners.set(waiter, owner)
    }
  }

  // An object that is announced while it is made can tell what it is only later: its number is given then.
  private look(known: Known): WaitReport {
    const report = known.report()
    if (report.isKind && known.number === 0) {
      known.number = (this.numbers.get(report.what) ?? 0) + 1
      this.numbers.set(report.what, known.number)
    }
    return report
  }

  private forget(): void {
    for (const known of this.known.values()) {
      const { object, permits } = known
      const isIdle = this.look(known).waiting.every(([, waiters]) => [...waiters].length === 0)
      const isAlive = Fiber.isFiber(object) && object.pollUnsafe() === undefined
      if (!isIdle || isAlive || this.names.has(object) || (permits !== undefined && permits.held.size > 0)) continue
      this.known.delete(object)
      this.semaphores.delete(object)
    }
    this.limit = Math.max(Remembered, 2 * this.known.size)
  }

  private title({ number, object, report }: Known): string {
    if (Fiber.isFiber(object)) return this.trackedOf(object)?.name ?? "a fiber that has not begun"
    const { isKind, what } = report()
    const name = this.names.get(object)
    if (name !== undefined) return `${what} ${JSON.stringify(name)}`
    return isKind ? `${what} ${number}` : what
  }

  private details({ object, permits, place, report }: Known, waiting: Tracked): string {
    const holders = [...(permits?.held.keys() ?? [])].map((fiber) => (fiber === waiting ? "itself" : fiber.name))
    const isPlain = report().isKind && !this.names.has(object) && !Fiber.isFiber(object)
    const made = isPlain && place !== "" ? [`made in ${place}`] : []
    const held = holders.length === 0 ? [] : [`held by ${list(holders)}`]
    const words = [...made, ...held]
    return words.length === 0 ? "" : ` (${list(words)})`
  }
}
