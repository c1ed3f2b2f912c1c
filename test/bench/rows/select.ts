/** A select that need not wait, by how many cases it has and how many of them are ready: what deciding costs. */
import { Effect, Option } from "effect"
import { Channel, type ChannelError, Select } from "troupe"
import { type Arm, type Bench, type Run, seconds } from "../harness/measure.ts"
import { inProcess } from "../harness/inProcess.ts"

const batch = 1_000
const batches = 200

interface Variant {
  readonly name: string
  readonly cases: number
  readonly ready: number
}

const variants: ReadonlyArray<Variant> = [2, 4, 16].flatMap((cases) => [
  { name: `${cases} cases, one ready`, cases, ready: 1 },
  { name: `${cases} cases, all ready`, cases, ready: cases },
  { name: `${cases} cases, none ready`, cases, ready: 0 }
])

type Channels = ReadonlyArray<Channel.Channel<number>>

/** Counts what was done, and what came out of the channels. */
interface Tally {
  operations: number
  received: number
}

/** A batch of operations on channels, of which the first ones each hold enough for the whole batch. */
type Work = (channels: Channels, tally: Tally) => Effect.Effect<void, ChannelError.ChannelClosed>

const selects =
  ({ ready }: Variant): Work =>
  (channels, tally) => {
    const sources: Array<Channel.Channel<number> | Select.Case<void>> = [...channels]
    if (ready === 0) sources.push(Select.otherwise)
    const cases = Object.fromEntries(sources.map((source, i) => [`case${i}`, source]))
    return Effect.gen(function* () {
      for (let i = 0; i < batch; i++) {
        const { value } = yield* Select.any(cases)
        tally.received += value ?? 0
        tally.operations++
      }
    })
  }

const receives: Work = ([channel], tally) =>
  Effect.gen(function* () {
    for (let i = 0; i < batch; i++) {
      tally.received += yield* Channel.receive(channel!)
      tally.operations++
    }
  })

/** Fills, works and empties, batch after batch, and answers how many operations a second the work did. */
const rate = (variant: Variant, ready: number, work: Work, tally: Tally, sent: { sum: number }) =>
  Effect.gen(function* () {
    const channels: Array<Channel.Channel<number>> = []
    for (let i = 0; i < variant.cases; i++) channels.push(yield* Channel.unbounded<number>())
    let took = 0
    for (let i = 0; i < batches; i++) {
      for (const channel of channels.slice(0, ready)) {
        for (let value = 1; value <= batch; value++) {
          yield* Channel.send(channel, value)
          sent.sum += value
        }
      }
      took += yield* seconds(work(channels, tally))
      for (const channel of channels) {
        let rest = yield* Channel.tryReceive(channel)
        while (Option.isSome(rest)) {
          tally.received += rest.value
          rest = yield* Channel.tryReceive(channel)
        }
      }
    }
    return (batch * batches) / took
  })

const arm = (name: string, readyOf: (variant: Variant) => number, workOf: (variant: Variant) => Work): Arm => ({
  name,
  run: inProcess(
    Effect.gen(function* () {
      const tally: Tally = { operations: 0, received: 0 }
      const sent = { sum: 0 }
      const measured: Record<string, number> = {}
      for (const variant of variants) {
        measured[variant.name] = yield* rate(variant, readyOf(variant), workOf(variant), tally, sent)
      }
      const run: Run = { measured, proof: { operations: tally.operations, lost: sent.sum - tally.received } }
      return run
    })
  )
})

export const select: Bench = {
  name: "select",
  description: `selects that need not wait, ${(batch * batches).toLocaleString("en")} of each kind`,
  metrics: variants.map(({ name }) => ({ name, unit: "selects/s", better: "higher" })),
  rounds: 5,
  work: { operations: batch * batches * variants.length, lost: 0 },
  subject: arm("troupe", ({ ready }) => ready, selects),
  // Where none is ready, a select answers at once that it is so; a receive takes a value there too.
  peers: [
    arm(
      "bare receive",
      () => 1,
      () => receives
    )
  ]
}
