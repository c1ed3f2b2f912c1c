/**
 * The search for an order in which the operations of a history could have happened one after the other: Wing and Gong,
 * "Testing and Verifying Concurrent Objects" (JPDC 1993), with the memoisation of Lowe, "Testing for Linearizability"
 * (Concurrency and Computation 2017): a state that was reached with the same operations is not searched again.
 */
import * as Equal from "effect/Equal"
import * as Hash from "effect/Hash"

/** An operation: when it was called and, if it has returned, when and with what. */
export interface Recorded<Operation, Output> {
  readonly operation: Operation
  readonly calledAt: number
  returned: { readonly at: number; readonly output: Output } | undefined
}

export interface Sequential<State, Operation, Output> {
  readonly initial: State
  readonly step: (state: State, operation: Operation) => readonly [output: Output, state: State] | undefined
}

/** A call, or a return, in the doubly linked list of events. */
interface Entry<Operation, Output> {
  readonly index: number
  readonly recorded: Recorded<Operation, Output>
  /** Of a call that has returned: its return. Of a return: none. */
  readonly match: Entry<Operation, Output> | undefined
  readonly isCall: boolean
  previous: Entry<Operation, Output> | undefined
  next: Entry<Operation, Output> | undefined
}

const unlink = <O, A>(entry: Entry<O, A>): void => {
  if (entry.previous !== undefined) entry.previous.next = entry.next
  if (entry.next !== undefined) entry.next.previous = entry.previous
}

const relink = <O, A>(entry: Entry<O, A>): void => {
  if (entry.previous !== undefined) entry.previous.next = entry
  if (entry.next !== undefined) entry.next.previous = entry
}

/** The events in the order of their times, behind a head that is no event. */
const link = <O, A>(history: ReadonlyArray<Recorded<O, A>>): Entry<O, A> => {
  const timed = history.flatMap((recorded, index) => {
    const blank = { index, recorded, previous: undefined, next: undefined }
    if (recorded.returned === undefined) {
      return [{ at: recorded.calledAt, entry: { ...blank, match: undefined, isCall: true } as Entry<O, A> }]
    }
    const end: Entry<O, A> = { ...blank, match: undefined, isCall: false }
    const call: Entry<O, A> = { ...blank, match: end, isCall: true }
    return [
      { at: recorded.calledAt, entry: call },
      { at: recorded.returned.at, entry: end }
    ]
  })
  const head = { index: -1, recorded: undefined, match: undefined, isCall: false } as unknown as Entry<O, A>
  let last = head
  for (const { entry } of timed.toSorted((left, right) => left.at - right.at)) {
    last.next = entry
    entry.previous = last
    last = entry
  }
  return head
}

/** The states that were reached, each with the set of the operations that have happened. */
class Reached<State> {
  private readonly buckets = new Map<number, Array<readonly [bigint, State]>>()

  /** Answers whether it is new. */
  add(done: bigint, state: State): boolean {
    const hash = Hash.combine(Hash.hash(done), Hash.hash(state))
    const bucket = this.buckets.get(hash)
    if (bucket === undefined) {
      this.buckets.set(hash, [[done, state]])
      return true
    }
    if (bucket.some(([otherDone, otherState]) => otherDone === done && Equal.equals(otherState, state))) return false
    bucket.push([done, state])
    return true
  }
}

/** Whether there is such an order. An operation that has not returned may have happened, with whatever output, or not. */
export const isLinearizable = <State, Operation, Output>(
  model: Sequential<State, Operation, Output>,
  history: ReadonlyArray<Recorded<Operation, Output>>
): boolean => {
  const head = link(history)
  const reached = new Reached<State>()
  const chosen: Array<{ readonly call: Entry<Operation, Output>; readonly before: State }> = []
  let returns = history.filter(({ returned }) => returned !== undefined).length
  let done = 0n
  let state = model.initial
  let entry = head.next

  while (returns > 0) {
    if (entry !== undefined && entry.isCall) {
      const { returned, operation } = entry.recorded
      const stepped = model.step(state, operation)
      const fits = stepped !== undefined && (returned === undefined || Equal.equals(stepped[0], returned.output))
      if (fits && reached.add(done | (1n << BigInt(entry.index)), stepped[1])) {
        chosen.push({ call: entry, before: state })
        done |= 1n << BigInt(entry.index)
        state = stepped[1]
        unlink(entry)
        if (entry.match !== undefined) {
          unlink(entry.match)
          returns--
        }
        entry = head.next
      } else entry = entry.next
    } else {
      // An operation returns here that has not happened yet: one before was the wrong one.
      const last = chosen.pop()
      if (last === undefined) return false
      const { before, call } = last
      if (call.match !== undefined) {
        relink(call.match)
        returns++
      }
      relink(call)
      done &= ~(1n << BigInt(call.index))
      state = before
      entry = call.next
    }
  }
  return true
}

/** The shortest beginning of a history that is not linearizable: up to some return, with what was called by then. */
export const minimalPrefix = <State, Operation, Output>(
  model: Sequential<State, Operation, Output>,
  history: ReadonlyArray<Recorded<Operation, Output>>
): ReadonlyArray<Recorded<Operation, Output>> => {
  const until = (time: number) =>
    history
      .filter(({ calledAt }) => calledAt <= time)
      .map(({ calledAt, operation, returned }) => ({
        calledAt,
        operation,
        returned: returned !== undefined && returned.at <= time ? returned : undefined
      }))
  const times = history
    .flatMap(({ returned }) => (returned === undefined ? [] : [returned.at]))
    .toSorted((a, b) => a - b)
  // A beginning of a linearizable history is linearizable, so that halving finds the first that is not.
  let low = 0
  let high = times.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (isLinearizable(model, until(times[middle] as number))) low = middle + 1
    else high = middle
  }
  return until(times[low] ?? 0)
}
