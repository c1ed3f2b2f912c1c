/**
 * Services that do as they are told, for tests of services and applications.
 */
import { Clock, Effect } from "effect"
import { Process, type ProcessError, Selectable, Service } from "troupe"
import { Actor } from "./supervised.ts"

interface Options extends Service.Options {
  /** What it does before it is ready. */
  readonly init?: Effect.Effect<unknown, unknown, Process.CurrentProcess>
  /** How long it takes to end, in milliseconds. */
  readonly slow?: number
}

/** The service `id`, started with its application, which writes into `log`. */
export const service = (id: string, log: Array<string>, { init, slow, ...options }: Options = {}) =>
  Service.make(id, Actor, { id, log, init, slow }, { autoStart: true, ...options })

/** A start that fails so many times, and then no more. */
export const failing = (times: number) => {
  let left = times
  return Effect.suspend(() => (left-- > 0 ? Effect.fail("no disk") : Effect.void))
}

/** The states of the services, as they are listed. */
export const states = Effect.map(Service.list, (services) => services.map(({ id, state }) => `${id} ${state}`))

/** Has the process of a service do something, and waits until all have done what follows of it. */
export const tell = Effect.fnUntraced(function* (id: string, deed: "crash" | "return" | "stumble" | "die") {
  const { pid } = yield* Service.find(id)
  yield* Process.send(pid as never, "do" as never, deed as never) as Effect.Effect<void, ProcessError.SendError>
  yield* Effect.sleep(1)
})

/** What has changed since the subscription, or the last time. */
export const seen = Effect.fnUntraced(function* (changes: Selectable.Selectable<Service.Status>) {
  const all: Array<string> = []
  let next = yield* Selectable.poll(changes)
  while (next._tag === "Some") {
    const { attempts, id, state } = next.value
    all.push(attempts === 0 ? `${id} ${state}` : `${id} ${state} ${attempts}`)
    next = yield* Selectable.poll(changes)
  }
  return all
})

/** How long an effect takes, in milliseconds. */
export const lasting = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const before = yield* Clock.currentTimeMillis
    yield* effect
    return (yield* Clock.currentTimeMillis) - before
  })
