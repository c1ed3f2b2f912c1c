import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Layer, Logger, Random, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { ChildSpec, Command, Dispatcher, DispatchError, Policy, Process, ProcessHost, Supervisor } from "troupe"
import { both } from "../support/both.ts"
import { allEnded, inProcessWith } from "../support/dispatched.ts"
import { host, inProcess } from "../support/processes.ts"

const silent = Logger.layer([])

const Door = Command.module("door", {
  open: Command.make(300),
  close: Command.make(301),
  lock: Command.make(302)
})
const Bell = Command.module("bell", { ring: Command.make(310) })

const commands = [Door.open, Door.close, Door.lock, Bell.ring] as const
type Name = (typeof commands)[number]["_tag"]

/** Handlers that write down what they did. */
const house = () => {
  const done: Array<string> = []
  const doing = (_: void, { command }: { readonly command: Command.Any }) =>
    Effect.sync(() => void done.push(command._tag))
  const HouseLive = Layer.mergeAll(
    Dispatcher.layer(Door, { open: doing, close: doing, lock: doing }),
    Dispatcher.layer(Bell, { ring: doing }),
    silent
  )
  return { done, HouseLive }
}

/** What the process that runs it may yield: it tries all. */
const allowed = Effect.gen(function* () {
  const may: Array<Name> = []
  for (const command of commands) {
    const exit = yield* Effect.exit(Process.yield(command))
    if (Exit.isSuccess(exit)) may.push(command._tag)
  }
  return may
})

const Child = Process.make("test:child", { success: Schema.Array(Schema.String) })
// Something handles the commands where it is spawned.
const ChildLive = Child.toLayer(() => allowed) as never as Layer.Layer<Process.Implementation<"test:child">>

const spawned = (options?: Process.SpawnOptions<never>) =>
  Effect.flatten(Effect.flatMap(Process.spawn(Child, undefined, options), Process.await)) as Effect.Effect<
    ReadonlyArray<string>,
    unknown,
    Process.Implementation<"test:child"> | ProcessHost.ProcessHost
  >

const live = Layer.mergeAll(ChildLive, host)

describe("D15 a policy", () => {
  both("D15 what it does not allow fails with an error that names the process, the command and what is allowed", () =>
    Effect.gen(function* () {
      const { done, HouseLive } = house()
      const Guest = Process.make("test:guest", { success: Schema.Unknown })
      const GuestLive = Guest.toLayer(() =>
        Effect.gen(function* () {
          yield* Process.yield(Door.close)
          const one = yield* Effect.flip(Process.yield(Door.open))
          const other = yield* Effect.flip(Process.yield(Bell.ring, undefined, { timeout: "1 second" }))
          const going = yield* Process.yieldAsync(Door.lock)
          return [one, other, yield* Effect.flip(going.await)]
        })
      )
      yield* Effect.gen(function* () {
        const policy = Policy.allow(Door.close)
        const guest = yield* Effect.provide(Process.spawn(Guest, undefined, { policy }), GuestLive)
        const errors = (yield* Effect.flatten(Process.await(guest))) as ReadonlyArray<unknown>
        const denied = (command: Command.Any) =>
          new DispatchError.CommandDenied({
            command: command._tag,
            id: command.id,
            process: String(guest),
            allowed: ["door.close"]
          })
        assert.deepStrictEqual(errors, [denied(Door.open), denied(Bell.ring), denied(Door.lock)])
        for (const part of [String(guest), "door.open (300)", '"door.close"']) {
          assert.include((errors[0] as Error).message, part)
        }
        assert.deepStrictEqual(done, ["door.close"])
        assert.strictEqual((yield* allEnded).denied, 3)
      }).pipe(Effect.provide(HouseLive))
    }).pipe(Effect.provide(host))
  )

  it.effect("D15 allows commands, modules, both, or nothing; without one everything is allowed", () =>
    Effect.gen(function* () {
      const { HouseLive } = house()
      yield* Effect.gen(function* () {
        const may = (policy: Policy.Policy) => spawned({ policy })
        assert.deepStrictEqual(yield* may(Policy.allow(Door)), ["door.open", "door.close", "door.lock"])
        assert.deepStrictEqual(yield* may(Policy.allow(Door.lock, Bell)), ["door.lock", "bell.ring"])
        assert.deepStrictEqual(yield* may(Policy.allow()), [])
        assert.deepStrictEqual(
          yield* spawned(),
          commands.map(({ _tag }) => _tag)
        )
        assert.deepStrictEqual(Policy.allow(Door.lock, Bell).commands, ["door.lock", "bell.ring"])
      }).pipe(Effect.provide(HouseLive))
    }).pipe(Effect.provide(live))
  )

  it.effect(
    "D15 a denied command is denied whether it is handled or not, and a payload that does not fit does not matter",
    () =>
      Effect.gen(function* () {
        const body = Policy.within(Effect.flip(Process.yield(Door.open)), Policy.allow())
        const error = yield* inProcess(body as never as Effect.Effect<DispatchError.DispatchError>)
        assert.strictEqual(error._tag, "CommandDenied")
      }).pipe(Effect.provide(host))
  )

  it.effect("D15 a command of another module under an allowed id is not allowed", () =>
    Effect.gen(function* () {
      const { HouseLive } = house()
      const Impostor = Command.module("impostor", { open: Command.make(300) })
      assert.deepStrictEqual(yield* Effect.provide(spawned({ policy: Policy.allow(Impostor.open, Bell) }), HouseLive), [
        "bell.ring"
      ])
    }).pipe(Effect.provide(live))
  )
})

/** Runs an effect with everything that lies in the context under the name of a policy taken away. */
const forging = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(Effect.context<R>(), (context) => {
    const keys = Array.from(context.mapUnsafe.keys()).filter((key) => key.includes("Allowed"))
    assert.strictEqual(keys.length, 1)
    const forged = Context.Reference<unknown>(keys[0] as string, { defaultValue: () => undefined })
    return Effect.provideService(effect, forged, undefined)
  })

describe("D15 a policy is inherited", () => {
  /** All ways in which a process has something run or spawned on its behalf: each must be as narrow as it. */
  const ways: Record<string, Effect.Effect<ReadonlyArray<string>, unknown, never>> = {
    "its own body": allowed as never,
    "a coroutine": Effect.flatMap(Process.fork(allowed), Fiber.join) as never,
    "a forked fiber": Effect.flatMap(Effect.forkChild(allowed), Fiber.join) as never,
    "a detached fiber": Effect.flatMap(Effect.forkDetach(allowed), Fiber.join) as never,
    "a child": spawned() as never,
    "a child with a wider policy": spawned({ policy: Policy.allow(Door, Bell) }) as never,
    "a child on another host": spawned({ host: "app:other" }) as never,
    "a child of a coroutine": Effect.flatMap(Process.fork(spawned()), Fiber.join) as never,
    "a part with a wider policy": Policy.within(allowed, Policy.allow(Door, Bell)) as never,
    "a child that is started": Effect.flatten(
      Effect.flatMap(Process.start(Child, undefined, { policy: Policy.allow(Door, Bell) }), Process.await)
    ) as never,
    "a part with what it has put under the name of the policy's key": forging(allowed) as never,
    "a child that it spawns with that": forging(spawned()) as never,
    "a child that a coroutine spawns with that": forging(Effect.flatMap(Process.fork(spawned()), Fiber.join)) as never,
    "a monitored child": Effect.flatMap(Process.spawnMonitored(Child), ({ pid }) =>
      Effect.flatten(Process.await(pid))
    ) as never,
    "a part with the services of a layer that was built outside": Effect.flatMap(
      Layer.build(Layer.effectDiscard(Effect.void)),
      (context) => Effect.provideContext(allowed, context)
    ) as never
  }

  for (const [way, attempt] of Object.entries(ways)) {
    both(`D15 by ${way}`, () =>
      Effect.gen(function* () {
        const { done, HouseLive } = house()
        const Narrow = Process.make("test:narrow", { success: Schema.Array(Schema.String) })
        const NarrowLive = Narrow.toLayer(() => attempt)
        yield* Effect.gen(function* () {
          const policy = Policy.allow(Door.close, Bell)
          const pid = yield* Effect.provide(Process.spawn(Narrow, undefined, { policy }), NarrowLive)
          assert.deepStrictEqual(yield* Effect.flatten(Process.await(pid)), ["door.close", "bell.ring"])
          assert.deepStrictEqual(done, ["door.close", "bell.ring"])
        }).pipe(Effect.provide(HouseLive))
      }).pipe(Effect.provide(Layer.provideMerge(ProcessHost.layer("app:other"), live)))
    )
  }

  both("D15 by supervised children, when they are started again too, and by those that a supervisor takes in", () =>
    Effect.gen(function* () {
      const { HouseLive } = house()
      const seen: Array<ReadonlyArray<string>> = []
      const Worker = Process.make("test:worker", { protocol: [Rpc.make("crash")] })
      const WorkerLive = Worker.toLayer(
        Effect.fnUntraced(function* () {
          seen.push(yield* allowed)
          yield* Worker.receive()
          return yield* Effect.fail("crashed")
        })
      )
      const crash = (tree: Parameters<typeof Supervisor.find>[0], id: string) =>
        Effect.gen(function* () {
          const { pid } = yield* Supervisor.find(tree, id)
          yield* Process.send(pid as never, "crash" as never) as Effect.Effect<void>
          yield* Effect.sleep(1)
        })
      const Root = Process.make("test:root")
      const RootLive = Root.toLayer(() =>
        Effect.gen(function* () {
          const tree = yield* Supervisor.start(
            Supervisor.make("test:tree", {
              intensity: 10,
              children: [
                ChildSpec.make(Worker, undefined, { id: "anew" }),
                ChildSpec.make(Worker, undefined, { id: "in place", inbox: "keep" })
              ]
            })
          )
          yield* Effect.sleep(1)
          yield* crash(tree, "anew")
          yield* crash(tree, "in place")
          yield* Supervisor.startChild(tree, ChildSpec.make(Worker, undefined, { id: "late" }))
          yield* Effect.sleep(1)
          yield* crash(tree, "late")
          yield* Supervisor.stop(tree)
        })
      )
      yield* Effect.gen(function* () {
        const policy = Policy.allow(Door.lock)
        const root = yield* Effect.provide(
          Process.spawn(Root, undefined, { policy }),
          Layer.provideMerge(RootLive, WorkerLive)
        )
        assert.deepStrictEqual(yield* Process.await(root), Exit.void)
        assert.deepStrictEqual(
          seen,
          Array.from({ length: 6 }, () => ["door.lock"])
        )
      }).pipe(Effect.provide(HouseLive))
    }).pipe(Effect.provide(host))
  )

  both("D15 by what a process becomes: neither an upgrade nor a restart in place widens it", () =>
    Effect.gen(function* () {
      const { HouseLive } = house()
      const Second = Process.make("test:second", { success: Schema.Array(Schema.String) })
      const First = Process.make("test:first", { success: Schema.Array(Schema.String) })
      const SecondLive = Second.toLayer(() =>
        Effect.flatMap(spawned(), (child) => Effect.map(allowed, (own) => [...child, ...own]))
      )
      const FirstLive = First.toLayer(() => Process.upgrade(Second)).pipe(Layer.provide(SecondLive))
      yield* Effect.gen(function* () {
        const policy = Policy.allow(Bell)
        const pid = yield* Effect.provide(Process.spawn(First, undefined, { policy }), FirstLive)
        assert.deepStrictEqual(yield* Effect.flatten(Process.await(pid)), ["bell.ring", "bell.ring"])
      }).pipe(Effect.provide(HouseLive))
    }).pipe(Effect.provide(live))
  )

  both("D15 by what a part with a narrower policy has its process become", () =>
    Effect.gen(function* () {
      const { HouseLive } = house()
      const First = Process.make("test:first", { success: Schema.Array(Schema.String) })
      const FirstLive = First.toLayer(() => Policy.within(Process.upgrade(Child), Policy.allow(Bell)))
      yield* Effect.gen(function* () {
        const pid = yield* Effect.provide(Process.spawn(First), FirstLive)
        assert.deepStrictEqual(yield* Effect.flatten(Process.await(pid)), ["bell.ring"])
      }).pipe(Effect.provide(HouseLive))
    }).pipe(Effect.provide(live))
  )

  it.effect("D15 a layer that is built by one process does not widen another one that runs with its services", () =>
    Effect.gen(function* () {
      const { HouseLive } = house()
      const Narrow = Process.make("test:narrow", { success: Schema.Array(Schema.String) })
      const body = Effect.gen(function* () {
        // Its implementation is built where everything is allowed, and where less is.
        const pid = yield* Process.spawn(Narrow, undefined, { policy: Policy.allow(Bell) })
        return yield* Effect.flatten(Process.await(pid))
      }).pipe(Effect.provide(Narrow.toLayer(() => allowed)))
      assert.deepStrictEqual(yield* inProcessWith(body, HouseLive), ["bell.ring"])
      const nested = Policy.within(body, Policy.allow(Door))
      assert.deepStrictEqual(yield* inProcessWith(nested, HouseLive), [])
    }).pipe(Effect.provide(live))
  )

  both("D15 a handler spawns with the policy of the process that yields, and not with that of its layer", () =>
    Effect.gen(function* () {
      const { HouseLive } = house()
      const Agency = Command.module("agency", { hire: Command.make(320, { success: Schema.Array(Schema.String) }) })
      const AgencyLive = Dispatcher.layer(Agency, {
        hire: () => Effect.orDie(spawned()) as Effect.Effect<ReadonlyArray<string>>
      })
      const body = Policy.within(Process.yield(Agency.hire), Policy.allow(Agency, Bell))
      assert.deepStrictEqual(yield* Effect.provide(inProcess(body), Layer.merge(AgencyLive, HouseLive)), ["bell.ring"])
    }).pipe(Effect.provide(live))
  )
})

describe("D15 in random trees of processes", () => {
  both("D15 what a process may yield is what all of its ancestors may", () =>
    Effect.gen(function* () {
      const { done, HouseLive } = house()
      const Node = Process.make("test:node", { args: Schema.Array(Schema.String), success: Schema.Int })
      const randomPolicy = Effect.gen(function* () {
        if ((yield* Random.nextIntBetween(0, 3)) === 0) return undefined
        const some: Array<(typeof commands)[number]> = []
        for (const command of commands) if (yield* Random.nextBoolean) some.push(command)
        return some
      })
      const within = (may: ReadonlyArray<string>, policy: ReadonlyArray<Command.Any> | undefined) =>
        policy === undefined ? may : may.filter((name) => policy.some(({ _tag }) => _tag === name))
      let left = 8
      // `may`: what it must be able to yield.
      const NodeLive = Node.toLayer(
        (may): Effect.Effect<number, never, never> =>
          Effect.gen(function* () {
            assert.deepStrictEqual(yield* allowed, may)
            let nodes = 1
            const children = yield* Random.nextIntBetween(0, 3)
            for (let i = 0; i < children; i++) {
              if (left-- <= 0) break
              const part = yield* randomPolicy
              const policy = yield* randomPolicy
              const spawn = Effect.flatMap(
                Process.spawn(Node, within(within(may, part), policy), {
                  ...(policy && { policy: Policy.allow(...policy) }),
                  ...((yield* Random.nextBoolean) && { host: "app:other" })
                }),
                Process.await
              )
              const inPart = part === undefined ? spawn : Policy.within(spawn, Policy.allow(...part))
              const inCoroutine = (yield* Random.nextBoolean)
                ? Effect.flatMap(Process.fork(inPart), Fiber.join)
                : inPart
              nodes += Number(yield* Effect.flatten(inCoroutine))
              assert.deepStrictEqual(yield* allowed, may)
            }
            return nodes
          }) as never as Effect.Effect<number>
      )
      yield* Effect.gen(function* () {
        const all = commands.map(({ _tag }) => _tag)
        const policy = yield* randomPolicy
        const root = yield* Process.spawn(Node, within(all, policy), policy && { policy: Policy.allow(...policy) })
        assert.isAtLeast(Number(yield* Effect.flatten(Process.await(root))), 1)
        const { completions, denied } = yield* allEnded
        assert.strictEqual(completions - denied, done.length)
      }).pipe(Effect.provide(Layer.mergeAll(HouseLive, NodeLive)))
    }).pipe(Effect.provide(Layer.provideMerge(ProcessHost.layer("app:other"), host)))
  )
})
