/** Benchmarks of the Savina suite in nact. */
import { Effect } from "effect"
import { dispatch, query, type Ref, spawn, start, stop } from "nact"
import type { Arm, Run } from "../harness/measure.ts"
import { complement, next, other, transactionsOf } from "../harness/savina.ts"

type Settle = (proof: Run["proof"]) => void

/** An arm that sets its actors up, and times what they do from then on until they have settled what they did. */
const nact = (metric: string, count: number, setUp: (system: ReturnType<typeof start>, settle: Settle) => () => void) =>
  ({
    name: "nact",
    run: Effect.promise(async () => {
      const system = start()
      let begun = 0
      const proof = await new Promise<Run["proof"]>((settle) => {
        const begin = setUp(system, settle)
        begun = performance.now()
        begin()
      })
      const took = (performance.now() - begun) / 1000
      stop(system)
      return { measured: { [metric]: count / took }, proof }
    })
  }) satisfies Arm

interface Ball {
  readonly topic: "start" | "ping" | "pong"
  readonly from: number
}

/** Actors that ping others at random, and answer their pings. */
export const nactBig = (members: number, each: number): Arm =>
  nact("pings", members * each, (system, settle) => {
    let done = 0
    const returned = { returned: 0, sum: 0 }
    const sink = spawn(
      system,
      (_: undefined, { count, sum }: { readonly count: number; readonly sum: number }) => {
        returned.returned += count
        returned.sum += sum
        if (++done === members) settle(returned)
      },
      "sink"
    )
    const refs: Array<Ref<Ball>> = []
    const member = (number: number) => {
      let random = number
      let count = 0
      let sum = 0
      return (_: undefined, { from, topic }: Ball) => {
        if (topic === "ping") {
          dispatch(refs[from]!, { topic: "pong", from: number })
          return
        }
        if (topic === "pong") {
          count++
          sum += from
        }
        if (count === each) {
          dispatch(sink, { count, sum })
          return
        }
        random = next(random)
        dispatch(refs[other(number, random, members)]!, { topic: "ping", from: number })
      }
    }
    for (let number = 0; number < members; number++) refs.push(spawn(system, member(number), `member-${number}`))
    return () => {
      for (const ref of refs) dispatch(ref, { topic: "start", from: 0 })
    }
  })

type Meeting =
  | { readonly topic: "met"; readonly color: number; readonly other: Ref<Meeting> }
  | { readonly topic: "change"; readonly color: number }
  | { readonly topic: "begin" | "fade" }

type Meet =
  | { readonly topic: "meet"; readonly color: number; readonly from: Ref<Meeting> }
  | { readonly topic: "faded"; readonly met: number }

/** Actors that meet in pairs at one place. */
export const nactChameneos = (chameneos: number, meetings: number): Arm =>
  nact("meetings", meetings, (system, settle) => {
    let left = meetings
    let waiting: Ref<Meeting> | undefined = undefined
    const total = { met: 0, faded: 0 }
    const mall = spawn(
      system,
      (_: undefined, message: Meet) => {
        if (message.topic === "faded") {
          total.met += message.met
          if (++total.faded === chameneos) settle(total)
        } else if (left === 0) {
          dispatch(message.from, { topic: "fade" })
        } else if (waiting === undefined) {
          waiting = message.from
        } else {
          left--
          dispatch(waiting, { topic: "met", color: message.color, other: message.from })
          waiting = undefined
        }
      },
      "mall"
    )
    const chameneo = (first: number) => {
      let color = first
      let met = 0
      return (_: undefined, message: Meeting, { self }: { readonly self: Ref<Meeting> }) => {
        if (message.topic === "fade") {
          dispatch(mall, { topic: "faded", met })
          return
        }
        if (message.topic === "change") {
          met++
          color = message.color
        } else if (message.topic === "met") {
          met++
          color = complement(color, message.color)
          dispatch(message.other, { topic: "change", color })
        }
        dispatch(mall, { topic: "meet", color, from: self })
      }
    }
    return () => {
      for (let i = 0; i < chameneos; i++) dispatch(spawn(system, chameneo(i % 3), `chameneo-${i}`), { topic: "begin" })
    }
  })

type Managed =
  | { readonly topic: "item"; readonly item: number; readonly from: Ref<"produce"> }
  | { readonly topic: "available"; readonly from: Ref<number | "begin"> }

/** A manager that holds items, and producers up while it has too many. */
export const nactBoundedBuffer = (producers: number, consumers: number, capacity: number, each: number): Arm =>
  nact("items", producers * each, (system, settle) => {
    // A list of which the first are gone, from `head` on.
    let items: Array<number> = []
    let head = 0
    const available: Array<Ref<number | "begin">> = []
    const waiting: Array<Ref<"produce">> = []
    const manager = spawn(
      system,
      (_: undefined, message: Managed) => {
        if (message.topic === "item") {
          const consumer = available.pop()
          if (consumer === undefined) items.push(message.item)
          else dispatch(consumer, message.item)
          if (items.length - head < capacity) dispatch(message.from, "produce")
          else waiting.push(message.from)
        } else if (head === items.length) {
          available.push(message.from)
        } else {
          dispatch(message.from, items[head++]!)
          if (head === 1024) {
            items = items.slice(head)
            head = 0
          }
          const producer = waiting.pop()
          if (producer !== undefined) dispatch(producer, "produce")
        }
      },
      "manager"
    )
    const producer = (number: number) => {
      let produced = 0
      return (_: undefined, _produce: "produce", { self }: { readonly self: Ref<"produce"> }) => {
        if (produced === each) return
        dispatch(manager, { topic: "item", item: number * each + produced++, from: self })
      }
    }
    const total = { consumed: 0, sum: 0 }
    const consumer =
      () =>
      (_: undefined, item: number | "begin", { self }: { readonly self: Ref<number | "begin"> }) => {
        if (item !== "begin") {
          total.sum += item
          if (++total.consumed === producers * each) settle(total)
        }
        dispatch(manager, { topic: "available", from: self })
      }
    return () => {
      for (let i = 0; i < consumers; i++) dispatch(spawn(system, consumer(), `consumer-${i}`), "begin")
      for (let i = 0; i < producers; i++) dispatch(spawn(system, producer(i), `producer-${i}`), "produce")
    }
  })

type Request =
  | { readonly topic: "transfer"; readonly amount: number; readonly to: Ref<Request> }
  | { readonly topic: "deposit"; readonly amount: number; readonly reply: Ref<true> }

const timeout = 5000

/** Accounts that pay into each other, and wait until the other one has it. */
export const nactBanking = (accounts: number, transactions: number, initial: number): Arm =>
  nact("transactions", transactions, (system, settle) => {
    const balances = Array.from({ length: accounts }, () => initial)
    const total = { done: 0, paid: 0 }
    const teller = spawn(
      system,
      (_: undefined, amount: number) => {
        total.paid += amount
        if (++total.done === transactions) settle({ ...total, balance: balances.reduce((sum, one) => sum + one, 0) })
      },
      "teller"
    )
    const account = (number: number) => (_: undefined, message: Request) => {
      if (message.topic === "deposit") {
        balances[number]! += message.amount
        dispatch(message.reply, true)
        return
      }
      balances[number]! -= message.amount
      const { amount, to } = message
      return query(to, (reply: Ref<true>): Request => ({ topic: "deposit", amount, reply }), timeout).then(() =>
        dispatch(teller, amount)
      )
    }
    const refs = balances.map((_, number) => spawn(system, account(number), `account-${number}`))
    return () => {
      for (const { amount, from, to } of transactionsOf(transactions, accounts)) {
        dispatch(refs[from]!, { topic: "transfer", amount, to: refs[to]! })
      }
    }
  })
