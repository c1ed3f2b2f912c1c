import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Scope } from "effect"
import { Explore } from "troupe/testing"

const leak = <A, E>(program: Effect.Effect<A, E>) =>
  Effect.flatMap(Effect.flip(Explore.check(program, { schedules: 50 })), (error) =>
    error._tag === "ExplorationFailed" && error.verdict === "Leak" ? Effect.succeed(error.detail) : Effect.die(error)
  )

const resource = Effect.acquireRelease(Effect.void, () => Effect.void)

describe("a scope that is left open", () => {
  it.live("is a leak, and named by who made it and where", () =>
    Effect.gen(function* () {
      const open = Effect.fn("open")(function* () {
        const scope = yield* Scope.make()
        yield* Scope.provide(resource, scope)
        yield* Scope.addFinalizer(scope, Effect.void)
      })
      const text = "The program has ended, and 1 scope is left open:\n  a scope of #1 open since step 1 in open: "
      assert.strictEqual(yield* leak(open()), `${text}2 finalizers have not run`)
      yield* Explore.check(open(), { leaks: "ignore" })
    })
  )

  it.live("is called by its name, and a child of it is no leak beside it", () =>
    Effect.gen(function* () {
      const detail = yield* leak(
        Effect.gen(function* () {
          const pool = yield* Scope.make().pipe(Explore.named("pool"))
          const child = yield* Scope.fork(pool)
          yield* Scope.addFinalizer(child, Effect.void)
        })
      )
      const text = 'The program has ended, and 1 scope is left open:\n  scope "pool" of #1 main since step 1: '
      assert.strictEqual(detail, `${text}1 finalizer has not run`)
    })
  )

  it.live("stands beside the fibers that are left", () =>
    Effect.gen(function* () {
      const detail = yield* leak(
        Effect.gen(function* () {
          const scope = yield* Scope.make()
          yield* Effect.forkIn(Effect.never, scope)
        })
      )
      assert.strictEqual(
        detail,
        [
          "The program has ended, and 1 fiber is left:",
          "  #2 waits for ever since step 2",
          "and 1 scope is left open:",
          "  a scope of #1 main since step 1: 1 finalizer has not run"
        ].join("\n")
      )
    })
  )

  it.live("is seen in some schedules only, if it is closed in others", () =>
    Effect.gen(function* () {
      const program = Effect.gen(function* () {
        const using = Effect.gen(function* () {
          const scope = yield* Scope.make()
          yield* Scope.provide(resource, scope)
          yield* Scope.close(scope, Exit.void)
        })
        const fiber = yield* Effect.forkChild(using)
        yield* Effect.yieldNow
        yield* Fiber.interrupt(fiber)
      })
      assert.include(yield* leak(program), "a scope of #2 since step ")
    })
  )

  it.live("is seen when it is made by makeUnsafe, as soon as a fiber has it as its scope", () =>
    Effect.gen(function* () {
      const provided = Effect.suspend(() => Scope.provide(resource, Scope.makeUnsafe()))
      assert.include(yield* leak(provided), "a scope of #1 main since step 1: 1 finalizer has not run")
      // The limit: nobody ever has this one.
      yield* Explore.check(Effect.suspend(() => Scope.addFinalizer(Scope.makeUnsafe(), Effect.void)))
    })
  )
})

describe("no leak is", () => {
  const programs: Record<string, Effect.Effect<unknown, unknown>> = {
    "a scope that is closed": Effect.flatMap(Scope.make(), (scope) =>
      Effect.andThen(Scope.provide(resource, scope), Scope.close(scope, Exit.void))
    ),
    "a scope without finalizers": Scope.make(),
    "one whose resources are all gone": Effect.gen(function* () {
      const scope = yield* Scope.make()
      yield* Fiber.join(yield* Effect.forkIn(Effect.void, scope))
    }),
    "a child of a scope that is closed": Effect.scoped(
      Effect.flatMap(Effect.scope, (scope) => Effect.flatMap(Scope.fork(scope), (own) => Scope.provide(resource, own)))
    ),
    "the scope of a layer": Effect.provide(Effect.void, Layer.effectDiscard(resource)),
    "a scope that a fiber closes later": Effect.gen(function* () {
      const scope = yield* Scope.make()
      yield* Scope.provide(resource, scope)
      yield* Effect.forkDetach(Effect.andThen(Effect.yieldNow, Scope.close(scope, Exit.void)))
    })
  }
  for (const [name, program] of Object.entries(programs)) it.live(name, () => Explore.check(program, { schedules: 50 }))

  it.effect("the scope in which the exploration runs", () => Explore.check(resource, { schedules: 50 }))
})
