/** Savina's `bankTransaction`: accounts that pay into each other and wait until the other one has it. */
import { Deferred, Effect, Queue, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Pid, Process, Server } from "troupe"
import { erlang } from "../harness/erlang.ts"
import { go } from "../harness/go.ts"
import { asBodyOf } from "../harness/inProcess.ts"
import type { Bench } from "../harness/measure.ts"
import { transactionsOf } from "../harness/savina.ts"
import { timed } from "../harness/timed.ts"
import { nactBanking } from "../peers/nactSavina.ts"

const accounts = 1000
const transactions = 100_000

/** What each account has at first. */
const initial = 1_000_000

const Done = Rpc.make("done", { payload: Schema.Int })
const Deposit = Rpc.make("deposit", { payload: Schema.Int })
const Transfer = Rpc.make("transfer", { payload: { amount: Schema.Int, to: Pid.of(Deposit) } })
const Balance = Rpc.make("balance", { success: Schema.Int })
const Account = Server.make("bench:account", { protocol: [Transfer, Deposit, Balance], args: Pid.of(Done) })
const Teller = Process.make("bench:teller", { protocol: [Done] })

const AccountLive = Account.toLayer((teller) =>
  Effect.sync(() => {
    let balance = initial
    return Account.of({
      handlers: {
        transfer: Effect.fnUntraced(function* ({ amount, to }) {
          balance -= amount
          yield* Process.call(to, "deposit", amount)
          yield* Process.send(teller, "done", amount)
        }, Effect.orDie),
        deposit: (amount) => Effect.sync(() => void (balance += amount)),
        balance: () => Effect.sync(() => balance)
      }
    })
  })
)

const teller = Effect.gen(function* () {
  const self = yield* Teller.self
  const pids: Array<Pid.Pid<typeof Transfer | typeof Deposit | typeof Balance>> = []
  for (let i = 0; i < accounts; i++) pids.push(yield* Process.start(Account, self))
  const work = Effect.gen(function* () {
    for (const { amount, from, to } of transactionsOf(transactions, accounts)) {
      yield* Process.send(pids[from]!, "transfer", { amount, to: pids[to]! })
    }
    let paid = 0
    let done = 0
    for (; done < transactions; done++) paid += (yield* Teller.receive()).payload
    return { done, paid }
  })
  const run = yield* timed("transactions", transactions, work)
  let balance = 0
  for (const pid of pids) balance += yield* Process.call(pid, "balance")
  return { ...run, proof: { ...run.proof, balance } }
})

type RawMessage =
  | { readonly topic: "transfer"; readonly amount: number; readonly to: Queue.Queue<RawMessage> }
  | { readonly topic: "deposit"; readonly amount: number; readonly reply: Deferred.Deferred<void> }
  | { readonly topic: "balance"; readonly reply: Deferred.Deferred<number> }

const rawAccount = Effect.fnUntraced(function* (inbox: Queue.Queue<RawMessage>, done: Queue.Queue<number>) {
  let balance = initial
  while (true) {
    const message = yield* Queue.take(inbox)
    switch (message.topic) {
      case "transfer": {
        const reply = yield* Deferred.make<void>()
        balance -= message.amount
        yield* Queue.offer(message.to, { topic: "deposit", amount: message.amount, reply })
        yield* Deferred.await(reply)
        yield* Queue.offer(done, message.amount)
        break
      }
      case "deposit":
        balance += message.amount
        yield* Deferred.succeed(message.reply, undefined)
        break
      case "balance":
        yield* Deferred.succeed(message.reply, balance)
    }
  }
})

const raw = Effect.gen(function* () {
  const replies = yield* Queue.unbounded<number>()
  const inboxes: Array<Queue.Queue<RawMessage>> = []
  for (let i = 0; i < accounts; i++) {
    const inbox = yield* Queue.unbounded<RawMessage>()
    inboxes.push(inbox)
    yield* Effect.forkScoped(rawAccount(inbox, replies))
  }
  const work = Effect.gen(function* () {
    for (const { amount, from, to } of transactionsOf(transactions, accounts)) {
      yield* Queue.offer(inboxes[from]!, { topic: "transfer", amount, to: inboxes[to]! })
    }
    let paid = 0
    let done = 0
    for (; done < transactions; done++) paid += yield* Queue.take(replies)
    return { done, paid }
  })
  const run = yield* timed("transactions", transactions, work)
  let balance = 0
  for (const inbox of inboxes) {
    const reply = yield* Deferred.make<number>()
    yield* Queue.offer(inbox, { topic: "balance", reply })
    balance += yield* Deferred.await(reply)
  }
  return { ...run, proof: { ...run.proof, balance } }
}).pipe(Effect.scoped)

const amounts = (): number => transactionsOf(transactions, accounts).reduce((sum, { amount }) => sum + amount, 0)

export const banking: Bench = {
  name: "banking",
  description: `Savina: ${accounts.toLocaleString("en")} accounts, ${transactions.toLocaleString("en")} transactions between two of them`,
  metrics: [{ name: "transactions", unit: "transactions/s", better: "higher" }],
  rounds: 7,
  work: { done: transactions, paid: amounts(), balance: accounts * initial },
  subject: { name: "troupe", run: asBodyOf(Teller, teller, AccountLive) },
  peers: [
    { name: "raw Effect", run: raw },
    erlang("Erlang", "savina", [accounts, transactions, initial], "banking"),
    go("savina", "banking", [accounts, transactions, initial]),
    nactBanking(accounts, transactions, initial)
  ]
}
