import { Context, Effect, Exit, Layer, Metric, Ref, Schedule, Schema } from "effect"
import { Application, Command, Component, Dispatcher, Interceptor, Policy, Process, ProcessHost, Select } from "troupe"

// #region module
export class SoldOut extends Schema.TaggedError<SoldOut>()("SoldOut", { item: Schema.String, left: Schema.Int }) {}

export const Stock = Command.module("stock", {
  reserve: Command.make(300, {
    payload: { item: Schema.String, count: Schema.Int },
    success: Schema.Int, // how many are left
    error: SoldOut
  }),
  release: Command.make(301, { payload: { item: Schema.String, count: Schema.Int } })
})
// #endregion module

// #region handlers
export const StockLive = Dispatcher.layer(
  Stock,
  Effect.gen(function* () {
    const items = yield* Ref.make<Readonly<Record<string, number>>>({ tea: 3 })
    const add = (item: string, count: number) =>
      Ref.updateAndGet(items, (all) => ({ ...all, [item]: (all[item] ?? 0) + count }))
    return Stock.of({
      reserve: Effect.fn(function* ({ count, item }) {
        const left = (yield* Ref.get(items))[item] ?? 0
        if (left < count) return yield* new SoldOut({ item, left })
        return (yield* add(item, -count))[item] ?? 0
      }),
      release: ({ count, item }) => Effect.asVoid(add(item, count))
    })
  })
)
// #endregion handlers

// #region yield
export const Order = Process.make("app:order", { args: Schema.Int })

export const OrderLive = Order.toLayer(
  Effect.fn(function* (count) {
    return yield* Process.yield(Stock.reserve, { item: "tea", count }).pipe(
      Effect.map((left) => `reserved, ${left} left`),
      Effect.catchTag("SoldOut", ({ left }) => Effect.succeed(`only ${left} left`))
    )
  })
).pipe(Layer.provide(StockLive))
// #endregion yield

const ordered = Effect.gen(function* () {
  const answers: Array<unknown> = []
  for (const count of [2, 2]) {
    answers.push(yield* Effect.flatten(Process.await(yield* Process.spawn(Order, count))))
  }
  return answers
})

const Quote = Command.module("quote", {
  price: Command.make(310, { payload: { from: Schema.String, millis: Schema.Int }, success: Schema.Int })
})
const asked: Array<string> = []
const QuoteLive = Dispatcher.layer(Quote, {
  price: ({ from, millis }) =>
    Effect.sleep(millis).pipe(
      Effect.as(millis),
      Effect.onExit((exit) => Effect.sync(() => asked.push(`${from} ${Exit.isSuccess(exit) ? "answered" : "stopped"}`)))
    )
})

// #region async
const Buyer = Process.make("app:buyer")

const BuyerLive = Buyer.toLayer(
  Effect.fn(function* () {
    const near = yield* Process.yieldAsync(Quote.price, { from: "near", millis: 5 })
    const far = yield* Process.yieldAsync(Quote.price, { from: "far", millis: 5000 })
    // An inbox or a timer may be a case, too.
    const first = yield* Select.any({ near, far })
    // Its handler is interrupted, and its finalizers have run.
    yield* far.cancel
    return [near.tag, far.tag, first._tag] // [1, 2, "near"]
  })
).pipe(Layer.provide(QuoteLive))
// #endregion async

// #region timeout
const Hasty = Process.make("app:hasty")

const HastyLive = Hasty.toLayer(
  Effect.fn(function* () {
    return yield* Process.yield(Quote.price, { from: "far", millis: 5000 }, { timeout: "10 millis" }).pipe(
      Effect.catchTag("YieldTimeout", ({ tag }) => Effect.succeed(`no answer under the tag ${tag}`))
    )
  })
).pipe(Layer.provide(QuoteLive))
// #endregion timeout

const raced = Effect.gen(function* () {
  const buyer = yield* Effect.flatten(Effect.flatMap(Process.spawn(Buyer), Process.await))
  const hasty = yield* Effect.flatten(Effect.flatMap(Process.spawn(Hasty), Process.await))
  return { buyer, hasty, asked: [...asked] }
})

// #region later
const Approval = Command.module("approval", {
  ask: Command.make(320, { payload: { question: Schema.String }, success: Schema.Boolean })
})

class Desk extends Context.Service<
  Desk,
  // What waits for somebody to decide.
  { readonly open: Map<string, (approved: boolean) => boolean> }
>()("app/Desk") {}

const ApprovalLive = Dispatcher.layer(
  Approval,
  Effect.map(Desk, ({ open }) =>
    Approval.of({
      ask: ({ question }, yielded) =>
        Effect.sync(() => {
          open.set(question, (approved) => yielded.completeUnsafe(Exit.succeed(approved)))
          return Dispatcher.later(Effect.sync(() => open.delete(question)))
        })
    })
  )
)
// #endregion later

// #region decide
const decide = Effect.fn(function* (question: string, approved: boolean) {
  const decided = (yield* Desk).open.get(question)
  return decided?.(approved) ?? false
})
// #endregion decide

const Applicant = Process.make("app:applicant", { args: Schema.String })
const ApplicantLive = Applicant.toLayer((question) => Process.yield(Approval.ask, { question })).pipe(
  Layer.provideMerge(ApprovalLive),
  Layer.provideMerge(Layer.sync(Desk, () => ({ open: new Map() })))
)

const waiting = Effect.gen(function* () {
  const { open } = yield* Desk
  while (open.size === 0) yield* Effect.sleep(1)
})

// #region statistics
const approved = Effect.gen(function* () {
  const patient = yield* Process.spawn(Applicant, "a raise")
  yield* waiting
  const first = yield* decide("a raise", true) // true: the process goes on
  // Again: false, since it is dropped, and counted.
  const again = yield* decide("a raise", false)
  const exit = yield* Process.await(patient) // Exit.succeed(true)

  const { completions, dropped, yields } = yield* Dispatcher.statistics
  // True, false, Exit.succeed(true), and [1, 1, 1].
  return { first, again, exit, counts: [yields, completions, dropped.late] }
})
// #endregion statistics

const withdrawn = Effect.gen(function* () {
  const impatient = yield* Process.spawn(Applicant, "a car")
  yield* waiting
  yield* Process.terminate(impatient)
  const { open } = yield* Desk
  return [open.size, yield* decide("a car", true)]
})

// #region policy
const Guest = Process.make("app:guest")

const GuestLive = Guest.toLayer(() =>
  Process.yield(Stock.reserve, { item: "tea", count: 1 }).pipe(
    Effect.as("reserved"),
    Effect.catchTag("CommandDenied", ({ message }) => Effect.succeed(message))
  )
).pipe(Layer.provide(StockLive))

const denied = Effect.gen(function* () {
  const guest = yield* Process.spawn(Guest, undefined, { policy: Policy.allow(Stock.release) })
  return yield* Effect.flatten(Process.await(guest))
})
// #endregion policy

// #region within
const careful = <A, E, R>(tool: Effect.Effect<A, E, R>) => Policy.within(tool, Policy.allow(Quote))
// #endregion within

const Porter = Process.make("app:porter")
const PorterLive = Porter.toLayer(() =>
  Effect.flip(careful(Process.yield(Stock.reserve, { item: "tea", count: 1 })))
).pipe(Layer.provide(StockLive))

const restricted = Effect.gen(function* () {
  const error = yield* Effect.flatten(Effect.flatMap(Process.spawn(Porter), Process.await))
  return (error as { readonly _tag: string })._tag
})

// #region interceptors
const retried = Interceptor.make((yielded, work) =>
  yielded.command.module === "quote" ? Effect.retry(work, Schedule.recurs(2)) : work
)

// The first one is outermost.
const Watched = Interceptor.layer(Interceptor.spans, Interceptor.metrics, retried)
// #endregion interceptors

// #region fake
const Empty = Interceptor.layer(
  Interceptor.of(Stock.reserve, ({ item }) => Effect.fail(new SoldOut({ item, left: 0 })))
)

const refused = Effect.gen(function* () {
  const order = yield* Process.spawn(Order, 1)
  return yield* Effect.flatten(Process.await(order)) // "only 0 left"
}).pipe(Effect.provide([OrderLive, Empty, ProcessHost.layer("app:test")]))
// #endregion fake

const Moody = Command.module("quote", { price: Command.make(310, { success: Schema.Int, error: Schema.String }) })
let moods = 0
const MoodyLive = Dispatcher.layer(Moody, {
  price: () => Effect.suspend(() => (++moods < 3 ? Effect.fail("not now") : Effect.succeed(moods)))
})
const Stubborn = Process.make("app:stubborn")
const StubbornLive = Stubborn.toLayer(() => Process.yield(Moody.price)).pipe(Layer.provide([MoodyLive, Watched]))

const watched = Effect.gen(function* () {
  const third = yield* Effect.flatten(Effect.flatMap(Process.spawn(Stubborn), Process.await))
  const snapshot = yield* Metric.snapshot
  const counted = snapshot.find(({ id }) => id === "troupe_commands_total")
  return [third, counted?.attributes]
})

// #region components
class Rates extends Context.Service<Rates, { readonly ofEuro: number }>()("app/Rates") {}

const Exchange = Command.module("exchange", {
  dollars: Command.make(330, { payload: Schema.Number, success: Schema.Number })
})

const log: Array<string> = []
const noted = (name: string) =>
  Effect.acquireRelease(
    Effect.sync(() => log.push(`${name} starts`)),
    () => Effect.sync(() => log.push(`${name} stops`))
  )

const rates = Component.make({
  name: "rates",
  layer: Layer.effect(Rates, Effect.as(noted("rates"), { ofEuro: 1.25 }))
})

const exchange = Component.make({
  name: "dispatcher.exchange",
  dependsOn: ["rates"],
  layer: Dispatcher.layer(
    Exchange,
    Effect.gen(function* () {
      const { ofEuro } = yield* Rates
      yield* noted("exchange")
      return Exchange.of({ dollars: (euros) => Effect.succeed(euros * ofEuro) })
    })
  )
})

// Rates starts first, and stops last.
const Booted = Component.boot([exchange, rates])
// #endregion components

const booted = Effect.gen(function* () {
  const commands = yield* Effect.provide(Dispatcher.list, Booted)
  const circle = Component.boot([
    Component.make({ name: "hen", dependsOn: ["egg"], layer: Layer.empty }),
    Component.make({ name: "egg", dependsOn: ["hen"], layer: Layer.empty })
  ])
  const error = yield* Effect.flip(Effect.provide(Effect.void, circle))
  return { commands: commands.map(({ command, id }) => `${id} ${command}`), log: [...log], circle: error.message }
})

// #region conflict
// The id of stock.reserve.
const Rival = Command.module("rival", { reserve: Command.make(300) })

const conflicting = Effect.void.pipe(
  Effect.provide([StockLive, Dispatcher.layer(Rival, { reserve: () => Effect.void })]),
  Effect.flip,
  Effect.map(({ message }) => message)
)
// #endregion conflict

// #region freeze
const late = Effect.gen(function* () {
  const refusal = yield* Effect.flip(Effect.provide(Effect.void, QuoteLive))
  return refusal._tag // "RegistryFrozen"
})
// #endregion freeze

let frozen: string | undefined
const main = Effect.map(late, (tag) => {
  frozen = tag
  return 0
})

const frozenLate = Effect.gen(function* () {
  const exitCode = yield* Application.run(StockLive, { main })
  return [exitCode, frozen]
})

// What the page says of interruption: the handler's finalizers have run when the process has ended.
const Far = Process.make("app:far")
const FarLive = Far.toLayer(() => Process.yield(Quote.price, { from: "far", millis: 5000 })).pipe(
  Layer.provide(QuoteLive)
)

const interrupted = Effect.gen(function* () {
  asked.length = 0
  const pid = yield* Process.spawn(Far)
  yield* Effect.sleep(5)
  yield* Process.terminate(pid)
  return asked
})

const here = <A, E, R, P, PE, PR>(program: Effect.Effect<A, E, R>, layer: Layer.Layer<P, PE, PR>) =>
  Effect.provide(program, [layer, ProcessHost.layer("app:processes")])

export const program = Effect.all({
  ordered: here(ordered, OrderLive),
  raced: here(raced, Layer.merge(BuyerLive, HastyLive)),
  approved: here(approved, ApplicantLive),
  withdrawn: here(withdrawn, ApplicantLive),
  denied: here(denied, GuestLive),
  restricted: here(restricted, PorterLive),
  refused,
  watched: here(watched, StubbornLive),
  booted,
  conflicting,
  frozen: frozenLate,
  interrupted: here(interrupted, FarLive)
})
