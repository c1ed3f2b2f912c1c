import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Layer, Random, Schema, Scope } from "effect"
import { Application, Command, Dispatcher, DispatchError, Process } from "troupe"
import { both } from "../support/both.ts"
import { allEnded, inProcessWith, yieldAny, yieldAnyAsync } from "../support/dispatched.ts"
import { host, inProcess } from "../support/processes.ts"

/** A command that answers its own id, whatever that is. */
const echo = (module: string, id: number) =>
  Command.module(module, { run: Command.make(id, { success: Schema.Number }) })

const echoing = (module: ReturnType<typeof echo>) =>
  Dispatcher.layer(module, { run: (_, { command }) => Effect.succeed(command.id) })

const Lamp = Command.module("lamp", { on: Command.make(300), off: Command.make(301) })
const LampLive = Dispatcher.layer(Lamp, { on: () => Effect.void, off: () => Effect.void })

/** As the lamp, from somebody else: the first of its commands is free, the second one has an id of the lamp. */
const Heater = Command.module("heater", { warm: Command.make(310), off: Command.make(301) })
const HeaterLive = Dispatcher.layer(Heater, { warm: () => Effect.void, off: () => Effect.void })

const listed = Effect.map(Dispatcher.list, (commands) => commands.map(({ command, id }) => `${id} ${command}`))

describe("D1 looking up handlers", () => {
  it.effect("D1 every id that a module can have finds its handler", () =>
    Effect.gen(function* () {
      // The first and the last id of each.
      const kept = Object.entries(Command.ranges).map(([module, [first, last]]) =>
        Command.module(module, {
          run: Command.make(first as number, { success: Schema.Number }),
          last: Command.make(last as number, { success: Schema.Number })
        })
      )
      const own = [256, 257, 1000, 2 ** 31, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER].map((id) => echo(`own ${id}`, id))
      const echoingBoth = (module: (typeof kept)[number]) =>
        Dispatcher.layer(module, {
          run: (_, { command }) => Effect.succeed(command.id),
          last: (_, { command }) => Effect.succeed(command.id)
        })
      const commands = [...kept.flatMap(({ last, run }) => [run, last]), ...own.map(({ run }) => run)]
      const layers = [...kept.map(echoingBoth), ...own.map(echoing)]
      const ids = yield* inProcess(Effect.forEach(commands, (command) => yieldAny(command))).pipe(
        Effect.provide(layers as never as [Layer.Layer<never>])
      )
      assert.deepStrictEqual(
        ids,
        commands.map(({ id }) => id)
      )
      assert.strictEqual(new Set(ids).size, commands.length)
    }).pipe(Effect.provide(host))
  )

  for (const [where, layer] of [
    ["where nothing is handled", Layer.empty],
    ["beside what is handled", LampLive]
  ] as const) {
    both(`D1 an id without a handler is UnknownCommand for that yield, ${where}`, () =>
      Effect.gen(function* () {
        const { run } = yield* Random.choice([echo("clock", 10), echo("own", 256), echo("own", 2 ** 40)])
        const { errors, pid } = yield* inProcessWith(
          Effect.gen(function* () {
            const first = yield* Effect.flip(yieldAny(run))
            const second = yield* Effect.flip(yieldAny(run, undefined, { timeout: "1 second" }))
            const third = yield* yieldAnyAsync(run)
            return { pid: String(yield* Process.self), errors: [first, second, yield* Effect.flip(third.await)] }
          }),
          layer
        )
        for (const error of errors) {
          assert.deepStrictEqual(
            error,
            new DispatchError.UnknownCommand({
              command: run._tag,
              id: run.id,
              process: pid,
              modules: layer === LampLive ? ["lamp"] : []
            })
          )
          assert.include(error.message, pid)
          assert.include(error.message, `${run._tag} (${run.id})`)
        }
      }).pipe(Effect.provide(host))
    )
  }

  it.effect("D1 a command that shares its id with a handled one does not reach that one's handler", () =>
    Effect.gen(function* () {
      const Impostor = Command.module("impostor", { on: Command.make(300) })
      const handled: Array<string> = []
      const layer = Dispatcher.layer(Lamp, {
        on: () => Effect.sync(() => void handled.push("on")),
        off: () => Effect.void
      })
      const error = yield* inProcessWith(Effect.flip(yieldAny(Impostor.on)), layer as never as Layer.Layer<never>)
      assert.strictEqual(error._tag, "UnknownCommand")
      assert.deepStrictEqual(handled, [])
    }).pipe(Effect.provide(host))
  )

  it.effect("D1 what goes unhandled is counted", () =>
    Effect.gen(function* () {
      const body = Effect.all([Process.yield(Lamp.on), Effect.exit(yieldAny(Heater.warm))])
      yield* inProcess(body)
      const { completions, unknownCommands, yields } = yield* allEnded
      assert.deepStrictEqual([yields, completions, unknownCommands], [2, 2, 1])
    }).pipe(Effect.provide([LampLive, host]))
  )
})

describe("D2 conflicts", () => {
  it.effect("D2 the same id in two modules: the layers fail with an error that names both", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Effect.scoped(Layer.build(Layer.merge(LampLive, HeaterLive))))
      assert.instanceOf(error, DispatchError.CommandConflict)
      assert.sameMembers([error.module, error.registeredModule], ["lamp", "heater"])
      assert.sameMembers([error.command, error.registered], ["lamp.off", "heater.off"])
      assert.strictEqual(error.id, 301)
      for (const part of ["lamp.off", "heater.off", "301"]) assert.include(error.message, part)
    })
  )

  it.effect("D2 two modules of one name: an error that names it, and the commands of both", () =>
    Effect.gen(function* () {
      const other = echo("lamp", 900)
      const error = yield* Effect.flip(Effect.scoped(Layer.build(Layer.merge(LampLive, echoing(other)))))
      assert(error._tag === "ModuleConflict")
      assert.strictEqual(error.module, "lamp")
      for (const part of ["lamp.on", "lamp.off", "lamp.run"]) assert.include(error.message, part)
    })
  )

  it.effect("D2 an application whose modules have a conflict does not start", () =>
    Effect.gen(function* () {
      const main = Effect.die("it has started")
      const exit = yield* Effect.exit(Application.run(Layer.merge(LampLive, HeaterLive), { main }))
      const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
      assert.instanceOf(error, DispatchError.CommandConflict)
      assert.sameMembers([error.module, error.registeredModule], ["lamp", "heater"])
    })
  )

  it.effect("D2 of a module that has a conflict nothing is registered, and the other one goes on", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Effect.provide(Effect.void, HeaterLive))
      assert.strictEqual(error._tag, "CommandConflict")
      assert.deepStrictEqual(yield* listed, ["300 lamp.on", "301 lamp.off"])
      yield* inProcess(Process.yield(Lamp.off))
      assert.strictEqual((yield* Effect.flip(inProcess(yieldAny(Heater.warm))))._tag, "UnknownCommand")
    }).pipe(Effect.provide([LampLive, host]))
  )

  it.effect("D2 a module whose own commands share an id, and one that is handled twice, are conflicts too", () =>
    Effect.gen(function* () {
      const Twins = Command.module("twins", { one: Command.make(320), other: Command.make(320) })
      const twins = yield* Effect.flip(
        Effect.provide(Effect.void, Dispatcher.layer(Twins, { one: () => Effect.void, other: () => Effect.void }))
      )
      assert.instanceOf(twins, DispatchError.CommandConflict)
      assert.sameMembers([twins.command, twins.registered], ["twins.one", "twins.other"])
      const again = yield* Effect.flip(
        Effect.provide(Effect.void, Dispatcher.layer(Lamp, { on: () => Effect.void, off: () => Effect.void }))
      )
      assert.instanceOf(again, DispatchError.CommandConflict)
      assert.include(again.message, "lamp has handlers already")
      assert.deepStrictEqual(yield* listed, ["300 lamp.on", "301 lamp.off"])
    }).pipe(Effect.provide(LampLive))
  )

  it.effect("D2 an id is taken as long as its layer is open", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      yield* Layer.buildWithScope(HeaterLive, scope).pipe(Effect.exit)
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(yield* listed, [])
      yield* Effect.scoped(Layer.build(LampLive))
      yield* Effect.scoped(Layer.build(HeaterLive))
      assert.deepStrictEqual(yield* Effect.provide(listed, LampLive), ["300 lamp.on", "301 lamp.off"])
      assert.deepStrictEqual(yield* listed, [])
    }).pipe(Effect.provide(Layer.effectDiscard(Effect.void).pipe(Layer.provideMerge(emptyDispatcher))))
  )
})

// A dispatcher that handles nothing.
const emptyDispatcher = Dispatcher.layer(Command.module("empty", {}), {})

describe("D3 the freeze", () => {
  it.effect("D3 after the freeze a registration fails and takes nothing, and look-ups go on", () =>
    Effect.gen(function* () {
      yield* Dispatcher.freeze
      yield* Dispatcher.freeze
      const error = yield* Effect.flip(Effect.provide(Effect.void, HeaterLive))
      assert.deepStrictEqual(error, new DispatchError.RegistryFrozen({ module: "heater" }))
      assert.include(error.message, "heater")
      assert.deepStrictEqual(yield* listed, ["300 lamp.on", "301 lamp.off"])
      yield* inProcess(Process.yield(Lamp.on))
    }).pipe(Effect.provide([LampLive, host]))
  )

  it.effect("D3 layers that are closed after the freeze make their commands unknown, and nothing hangs", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const services = yield* Layer.buildWithScope(LampLive, scope)
      yield* Effect.gen(function* () {
        yield* Dispatcher.freeze
        yield* inProcess(Process.yield(Lamp.on))
        yield* Scope.close(scope, Exit.void)
        const error = yield* Effect.flip(inProcess(Process.yield(Lamp.on)))
        assert.strictEqual(error._tag, "UnknownCommand")
        assert.deepStrictEqual(yield* listed, [])
      }).pipe(Effect.provideContext(services))
    }).pipe(Effect.provide(host))
  )

  both("D3 a yield that is pending when its layer closes is completed all the same", () =>
    Effect.gen(function* () {
      const Slow = Command.module("slow", { run: Command.make(300, { success: Schema.String }) })
      const SlowLive = Dispatcher.layer(Slow, { run: () => Effect.as(Effect.sleep("1 second"), "done") })
      const scope = yield* Scope.make()
      const services = yield* Layer.buildWithScope(SlowLive, scope)
      const body = Effect.gen(function* () {
        const pending = yield* Process.yieldAsync(Slow.run)
        yield* Effect.sleep(1)
        yield* Scope.close(scope, Exit.void)
        return [yield* pending.await, yield* Effect.flip(Process.yield(Slow.run))] as const
      })
      const [answer, error] = yield* Effect.provideContext(inProcess(body), services)
      assert.deepStrictEqual([answer, error._tag], ["done", "UnknownCommand"])
    }).pipe(Effect.provide(host))
  )
})

describe("D13 ids that only the start can tell", () => {
  const refused = (module: string, id: number) => Effect.flip(Effect.provide(Effect.void, echoing(echo(module, id))))

  for (const [module, id, expected] of [
    ["clock", 9, "10 to 29"],
    ["clock", 30, "10 to 29"],
    ["clock", 300, "10 to 29"],
    ["process", 0, "1 to 9"],
    ["contract", 200, "190 to 199"],
    ["own", 255, "256"],
    ["own", 10, "256"],
    ["own", -1, "256"],
    ["own", 256.5, "256"],
    ["own", Number.NaN, "256"],
    ["own", Infinity, "256"],
    ["own", 2 ** 53, "256"],
    // Names that every object has are names of modules like any other.
    ["toString", 10, "256"],
    ["constructor", 12, "256"]
  ] as const) {
    it.effect(`D13 ${module} can't have the id ${id}: its registration fails with a typed error`, () =>
      Effect.gen(function* () {
        const error = yield* refused(module, id)
        assert.instanceOf(error, DispatchError.InvalidCommandId)
        assert.strictEqual(error.command, `${module}.run`)
        assert.include(error.message, expected)
        assert.include(error.message, String(id))
      })
    )
  }
})
