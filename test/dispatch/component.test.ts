import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Random, Schema, Scope } from "effect"
import { Command, Component, ComponentError, Dispatcher, Process } from "troupe"
import { inTime } from "../support/both.ts"
import { host, inProcess } from "../support/processes.ts"

class Base extends Context.Service<Base, string>()("test/Base") {}
class Upper extends Context.Service<Upper, string>()("test/Upper") {}
class Outer extends Context.Service<Outer, string>()("test/Outer") {}

/** Writes when it starts and stops. */
const noting = (log: Array<string>, name: string): Layer.Layer<never> =>
  Layer.effectDiscard(
    Effect.acquireRelease(
      Effect.sync(() => log.push(`+${name}`)),
      () => Effect.sync(() => log.push(`-${name}`))
    )
  )

const component = <const D extends string = never>(
  log: Array<string>,
  name: string,
  ...dependsOn: ReadonlyArray<D>
): Component.Component<string, D, never, never, never> => Component.make({ name, dependsOn, layer: noting(log, name) })

/** Starts and stops them; answers what was written. */
const run = (log: Array<string>, components: ReadonlyArray<Component.Any>): Effect.Effect<ReadonlyArray<string>> =>
  Effect.as(Effect.orDie(Effect.provide(Effect.void, Component.boot(components) as Layer.Layer<never, unknown>)), log)

describe("D14 components", () => {
  it.effect(
    "D14 start in dependency order, and among those that are free in the order given, and stop in reverse",
    () =>
      Effect.gen(function* () {
        const log: Array<string> = []
        yield* run(log, [
          component(log, "web", "store", "log"),
          component(log, "metrics"),
          component(log, "store", "disk"),
          component(log, "log"),
          component(log, "disk")
        ])
        const started = ["metrics", "log", "disk", "store", "web"]
        assert.deepStrictEqual(log, [
          ...started.map((name) => `+${name}`),
          ...started.toReversed().map((name) => `-${name}`)
        ])
      })
  )

  it.effect("D14 each starts when the one before it has started, and stops when the one after it has stopped", () =>
    inTime(
      Effect.gen(function* () {
        const log: Array<string> = []
        const slow = (name: string, millis: number) =>
          Layer.effectDiscard(
            Effect.acquireRelease(
              Effect.andThen(
                Effect.sleep(millis),
                Effect.sync(() => log.push(`+${name}`))
              ),
              () =>
                Effect.andThen(
                  Effect.sleep(millis),
                  Effect.sync(() => log.push(`-${name}`))
                )
            )
          )
        const app = Component.boot([
          Component.make({ name: "slow", layer: slow("slow", 100) }),
          Component.make({ name: "quick", layer: slow("quick", 1) }),
          Component.make({ name: "last", layer: slow("last", 10) })
        ])
        yield* Effect.provide(Effect.void, app)
        assert.deepStrictEqual(log, ["+slow", "+quick", "+last", "-last", "-quick", "-slow"])
      })
    )
  )

  it.effect("D14 each sees what those before it provide, over what is provided from outside", () =>
    Effect.gen(function* () {
      const base = Component.make({
        name: "base",
        layer: Layer.effect(
          Base,
          Effect.map(Outer, (outer) => `${outer}.base`)
        )
      })
      const upper = Component.make({
        name: "upper",
        dependsOn: ["base"],
        layer: Layer.effect(
          Upper,
          Effect.gen(function* () {
            return `${yield* Base}.upper`
          })
        )
      })
      const seen = yield* Effect.provide(
        Effect.all([Base, Upper]),
        Component.boot([upper, base]).pipe(
          Layer.provide([Layer.succeed(Outer, "outer"), Layer.succeed(Base, "not this one")])
        )
      )
      assert.deepStrictEqual(seen, ["outer.base", "outer.base.upper"])
    })
  )

  it.effect(
    "D14 handlers of components share the dispatcher of the application, and are gone when it has stopped",
    () =>
      Effect.gen(function* () {
        const One = Command.module("one", { run: Command.make(300) })
        const Two = Command.module("two", { run: Command.make(301) })
        const app = Component.boot([
          Component.make({ name: "two", dependsOn: ["one"], layer: Dispatcher.layer(Two, { run: () => Effect.void }) }),
          Component.make({ name: "one", layer: Dispatcher.layer(One, { run: () => Effect.void }) })
        ])
        const scope = yield* Scope.make()
        const services = yield* Layer.buildWithScope(app, scope)
        const listed = Effect.provideContext(Dispatcher.list, services)
        assert.deepStrictEqual(
          (yield* listed).map(({ command }) => command),
          ["one.run", "two.run"]
        )
        const body = Effect.andThen(Process.yield(One.run), Process.yield(Two.run))
        yield* Effect.provideContext(Effect.provide(inProcess(body), host), services)
        yield* Scope.close(scope, Exit.void)
        assert.deepStrictEqual(yield* listed, [])
      })
  )

  it.effect("D14 when one can't start, those that have started stop in reverse, and the layer fails as it did", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const app = Component.boot([
        component(log, "first"),
        component(log, "second"),
        Component.make({
          name: "third",
          layer: Layer.merge(noting(log, "third"), Layer.effectDiscard(Effect.fail("no disk")))
        }),
        component(log, "fourth")
      ])
      const exit = yield* Effect.exit(Effect.provide(Effect.void, app))
      assert.deepStrictEqual(exit, Exit.fail("no disk"))
      const stops = log.filter((line) => line.startsWith("-"))
      assert.deepStrictEqual(log.slice(0, 2), ["+first", "+second"])
      assert.deepStrictEqual(stops.slice(-2), ["-second", "-first"])
      assert.strictEqual(log.filter((line) => line.startsWith("+")).length, stops.length)
      assert.isFalse(log.includes("+fourth"))
    })
  )

  it.effect("D14 so does a defect, and an interruption while one starts", () =>
    inTime(
      Effect.gen(function* () {
        const log: Array<string> = []
        const dying = Component.make({ name: "dying", layer: Layer.effectDiscard(Effect.die("broken")) })
        const exit = yield* Effect.exit(Effect.provide(Effect.void, Component.boot([component(log, "first"), dying])))
        assert.deepStrictEqual(exit, Exit.die("broken"))
        const hanging = Component.make({ name: "hanging", layer: Layer.effectDiscard(Effect.never) })
        yield* Effect.provide(Effect.void, Component.boot([component(log, "second"), hanging])).pipe(
          Effect.timeoutOption("1 second")
        )
        assert.deepStrictEqual(log, ["+first", "-first", "+second", "-second"])
      })
    )
  )

  it.effect("D14 a cycle is a typed error that names it, and nothing starts", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const boot = (components: ReadonlyArray<Component.Any>) =>
        Effect.flip(Effect.provide(Effect.void, Component.boot(components) as Layer.Layer<never, unknown>))
      const cycle = yield* boot([
        component(log, "free"),
        component(log, "outside", "b"),
        component(log, "a", "free", "b"),
        component(log, "b", "c"),
        component(log, "c", "a")
      ])
      assert.instanceOf(cycle, ComponentError.ComponentCycle)
      assert.deepStrictEqual(cycle.cycle, ["b", "c", "a", "b"])
      assert.include(cycle.message, "b → c → a → b")
      const self = yield* boot([component(log, "self", "self")])
      assert.instanceOf(self, ComponentError.ComponentCycle)
      assert.deepStrictEqual(self.cycle, ["self", "self"])
      assert.deepStrictEqual(log, [])
    })
  )

  it.effect(
    "D14 a dependency that is not there, and a name that is there twice, are typed errors; nothing starts",
    () =>
      Effect.gen(function* () {
        const log: Array<string> = []
        const missing = yield* Effect.flip(
          Effect.provide(Effect.void, Component.boot([component(log, "store"), component(log, "web", "stor")]))
        )
        assert.deepStrictEqual(
          missing,
          new ComponentError.ComponentNotFound({ component: "web", dependency: "stor", known: ["store", "web"] })
        )
        assert.include(missing.message, `"web" depends on "stor"`)
        assert.include(missing.message, `"store", "web"`)
        const twice = yield* Effect.flip(
          Effect.provide(Effect.void, Component.boot([component(log, "web"), component(log, "web")]))
        )
        assert.deepStrictEqual(twice, new ComponentError.DuplicateComponent({ component: "web" }))
        assert.include(twice.message, `"web"`)
        assert.deepStrictEqual(log, [])
      })
  )

  it.effect("D14 no components are no layer", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* Effect.provide(Effect.succeed(1), Component.boot([])), 1)
    })
  )

  it.effect.prop(
    "D14 whatever they depend on: all start once, none before what it depends on, and stop in reverse",
    [Schema.Array(Schema.Tuple([Schema.Int, Schema.Int])), Schema.Int],
    ([edges, seed]) =>
      Effect.gen(function* () {
        const names = Array.from({ length: 12 }, (_, i) => i)
        const given = yield* Random.shuffle(names)
        // Each depends on some of those after it in a hidden order: there is no circle.
        const at = (n: number) => Math.abs(n) % names.length
        const dependsOn = (name: number) =>
          edges.filter(([a, b]) => at(a) === name && at(b) > name).map(([, b]) => String(at(b)))
        const log: Array<string> = []
        yield* run(
          log,
          given.map((name) => component(log, String(name), ...dependsOn(name)))
        )
        const started = log.slice(0, names.length).map((line) => Number(line.slice(1)))
        assert.deepStrictEqual(log, [
          ...started.map((name) => `+${name}`),
          ...started.toReversed().map((name) => `-${name}`)
        ])
        assert.deepStrictEqual(
          started.toSorted((a, b) => a - b),
          names
        )
        for (const name of names) {
          for (const dependency of dependsOn(name)) {
            assert.isBelow(started.indexOf(Number(dependency)), started.indexOf(name))
          }
        }
      }).pipe(Random.withSeed(seed))
  )
})
