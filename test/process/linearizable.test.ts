import { it } from "@effect/vitest"
import { Effect, Fiber, Layer, Option } from "effect"
import { type Pid, Process, Registry } from "troupe"
import { Explore, Linearizability } from "troupe/testing"
import { host } from "../support/processes.ts"

type Operation = { readonly register: number } | { readonly kill: number } | "whereis"

interface State {
  readonly owner: number | "nobody"
  readonly dead: ReadonlyArray<number>
}

/** One name as one would explain it: it has an owner until that is killed. */
const name: Linearizability.Model<State, Operation, unknown> = {
  initial: { owner: "nobody", dead: [] },
  step: (state, operation) => {
    const { dead, owner } = state
    if (operation === "whereis") return [owner, state]
    if ("kill" in operation) {
      const { kill } = operation
      if (dead.includes(kill)) return ["gone", state]
      return ["killed", { owner: owner === kill ? "nobody" : owner, dead: [...dead, kill].toSorted((a, b) => a - b) }]
    }
    const { register } = operation
    if (dead.includes(register)) return ["gone", state]
    if (owner !== "nobody" && owner !== register) return ["taken", state]
    return ["registered", { ...state, owner: register }]
  }
}

const Idle = Process.make("test:idle")
const live = Layer.provideMerge(
  Idle.toLayer(() => Effect.never),
  host
)

const run = (pids: ReadonlyArray<Pid.Pid>, operation: Operation) => {
  if (operation === "whereis") {
    return Effect.map(Registry.whereis("name"), (found) =>
      Option.match(found, { onNone: () => "nobody", onSome: ({ id }) => id })
    )
  }
  if ("kill" in operation) {
    return Effect.match(Process.kill(pids[operation.kill - 1] as Pid.Pid), {
      onFailure: () => "gone",
      onSuccess: () => "killed"
    })
  }
  return Effect.match(Registry.registerPid("name", pids[operation.register - 1] as Pid.Pid), {
    onFailure: (error) => (error._tag === "AlreadyRegistered" ? "taken" : "gone"),
    onSuccess: () => "registered"
  })
}

it.live("a name of the registry is linearizable while processes take it and are killed, in 2,000 schedules", () =>
  Explore.check(
    Effect.gen(function* () {
      const pids = yield* Effect.all([Process.spawn(Idle), Process.spawn(Idle)])
      const history = yield* Linearizability.make(name)
      const script: ReadonlyArray<ReadonlyArray<Operation>> = [
        [{ register: 1 }, "whereis", { kill: 1 }],
        [{ register: 2 }, "whereis", { register: 1 }],
        ["whereis", { kill: 2 }, "whereis"]
      ]
      const fibers = yield* Effect.forEach(script, (operations) =>
        Effect.forkChild(Effect.forEach(operations, (operation) => history.record(operation, run(pids, operation))))
      )
      yield* Effect.forEach(fibers, Fiber.join)
      yield* Linearizability.check(history)
    }).pipe(Effect.provide(live)),
    { schedules: 2000 }
  )
)
