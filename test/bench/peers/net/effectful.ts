/** Runs the loads of a peer whose requests are effects. */
import { Effect, type Exit, Fiber, Scope } from "effect"
import type { Address, Client, Connect } from "./peer.ts"

/** What a client of effects does. */
export interface Calls {
  readonly request: (n: number) => Effect.Effect<number, unknown>
  readonly tell: (n: number) => Effect.Effect<void, unknown>
  /** Waits until the server has handled so many tells. */
  readonly settled: (tells: number) => Effect.Effect<unknown, unknown>
}

/** How an effect of the client is run. */
export type Run = <A>(effect: Effect.Effect<A, unknown>) => Promise<A>

const callInTurn = ({ request }: Calls, each: number): Effect.Effect<number, unknown> =>
  Effect.gen(function* () {
    let answered = 0
    for (let n = 0; n < each; n++) {
      if ((yield* request(n)) === n + 1) answered++
    }
    return answered
  })

const callAll = (calls: Calls, callers: number, each: number): Effect.Effect<number, unknown> =>
  Effect.gen(function* () {
    if (callers === 1) return yield* callInTurn(calls, each)
    const fibers: Array<Fiber.Fiber<number, unknown>> = []
    for (let i = 0; i < callers; i++) fibers.push(yield* Effect.forkChild(callInTurn(calls, each)))
    let answered = 0
    for (const fiber of fibers) answered += yield* Fiber.join(fiber)
    return answered
  })

const tellAll = (calls: Calls, count: number): Effect.Effect<void, unknown> =>
  Effect.gen(function* () {
    for (let n = 0; n < count; n++) yield* calls.tell(n)
    yield* calls.settled(count)
  })

/** A client whose connection lives in a scope. */
export const clientOf =
  (connect: (address: Address) => Effect.Effect<Calls, unknown, Scope.Scope>, run: Run): Connect =>
  async (address) => {
    const scope = Scope.makeUnsafe()
    const calls = await run(Scope.provide(connect(address), scope))
    const client: Client = {
      request: ({ callers, each }) => run(callAll(calls, callers, each)),
      tell: (count) => run(tellAll(calls, count)),
      close: () => run(Scope.close(scope, Effect.runSync(Effect.exit(Effect.void)) as Exit.Exit<void>))
    }
    return client
  }
