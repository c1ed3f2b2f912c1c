import { assert, describe } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { ChildSpec, Process, ProcessHost, Server, Stash, Supervisor } from "troupe"
import { both } from "../support/both.ts"
import { collect } from "../support/logs.ts"
import { host } from "../support/processes.ts"

const Item = Rpc.make("item", { payload: Schema.String, success: Schema.String })
const Open = Rpc.make("open")
const Keeper = Process.make("test:stashing", { protocol: [Item, Open] })

/** Runs a body that has some items in its inbox, and answers what it returns and what became of the messages. */
const withItems = <A, E, R>(
  items: ReadonlyArray<string>,
  body: Effect.Effect<A, E, R>
): Effect.Effect<
  readonly [
    Exit.Exit<unknown, unknown>,
    { readonly sent: number; readonly received: number; readonly deadLetters: number }
  ],
  never,
  Exclude<R, Process.Provided<"test:stashing">>
> =>
  Effect.gen(function* () {
    const pid = yield* Process.spawn(Keeper)
    for (const item of items) yield* Process.send(pid, "item", item)
    const exit = yield* Process.await(pid)
    const { deadLetters, received, sent } = yield* ProcessHost.stats()
    return [exit, { sent, received, deadLetters }] as const
  }).pipe(
    Effect.provide(Keeper.toLayer(() => body)),
    Effect.provide(Layer.provideMerge(host, collect([]))),
    Effect.orDie
  ) as never

const takeItems = Effect.fnUntraced(function* (count: number) {
  const taken: Array<string> = []
  while (taken.length < count) taken.push((yield* Keeper.receive("item")).payload)
  return taken
})

const stashItems = Effect.fnUntraced(function* (stash: Stash.Stash<typeof Item | typeof Open>, count: number) {
  for (let i = 0; i < count; i++) yield* Stash.stash(stash, yield* Keeper.receive())
})

describe("Stash", () => {
  both("P49 what is put aside comes back before what came later, in the order of arrival", () =>
    Effect.gen(function* () {
      const [exit, counts] = yield* withItems(
        ["a", "b", "c", "d"],
        Effect.gen(function* () {
          const stash = yield* Stash.make(Keeper)
          // "c" is taken first: it comes back behind "a" all the same.
          yield* Stash.stash(stash, yield* Keeper.receive((message) => message.payload === "c"))
          yield* stashItems(stash, 1)
          assert.strictEqual(stash.size, 2)
          assert.strictEqual(yield* Stash.unstash(stash), 2)
          assert.strictEqual(stash.size, 0)
          return yield* takeItems(4)
        })
      )
      assert.deepStrictEqual(exit, Exit.succeed(["a", "b", "c", "d"]))
      assert.deepStrictEqual(counts, { sent: 4, received: 4, deadLetters: 0 })
    })
  )

  both("P49 a stash that is full is a typed error, and the message is still in hand", () =>
    Effect.gen(function* () {
      const [exit] = yield* withItems(
        ["a", "b"],
        Effect.gen(function* () {
          const stash = yield* Stash.make(Keeper, { capacity: 1 })
          yield* stashItems(stash, 1)
          const message = yield* Keeper.receive("item")
          const error = yield* Effect.flip(Stash.stash(stash, message))
          assert.deepStrictEqual([error._tag, error.capacity, error.topic], ["StashFull", 1, "item"])
          const invalid = yield* Effect.flip(Stash.make(Keeper, { capacity: 0 }))
          assert.strictEqual(invalid._tag, "InvalidOption")
          return [message.payload, stash.size]
        })
      )
      assert.deepStrictEqual(exit, Exit.succeed(["b", 1]))
    })
  )

  both("P49 what is put aside while the others come back is kept, and comes back the next time", () =>
    Effect.gen(function* () {
      const [exit] = yield* withItems(
        ["a", "b", "c"],
        Effect.gen(function* () {
          const stash = yield* Stash.make(Keeper)
          yield* stashItems(stash, 3)
          yield* Stash.unstash(stash)
          yield* stashItems(stash, 1)
          const rest = yield* takeItems(2)
          assert.strictEqual(stash.size, 1)
          yield* Stash.unstash(stash)
          return [...rest, ...(yield* takeItems(1))]
        })
      )
      assert.deepStrictEqual(exit, Exit.succeed(["b", "c", "a"]))
    })
  )

  both("P49 clearing while they come back takes out those that were not taken yet, and nothing else", () =>
    Effect.gen(function* () {
      const [exit, counts] = yield* withItems(
        ["a", "b", "c", "d"],
        Effect.gen(function* () {
          const stash = yield* Stash.make(Keeper)
          yield* stashItems(stash, 3)
          yield* Stash.unstash(stash)
          const first = yield* takeItems(1)
          yield* stashItems(stash, 1)
          const cleared = yield* Stash.clear(stash)
          assert.strictEqual(stash.size, 0)
          return [first, cleared.map(({ payload }) => payload), yield* takeItems(1)]
        })
      )
      assert.deepStrictEqual(exit, Exit.succeed([["a"], ["b", "c"], ["d"]]))
      assert.deepStrictEqual(counts, { sent: 4, received: 4, deadLetters: 0 })
    })
  )

  both("what is aside when the process ends, however it ends, is a dead letter, and its callers are told", () =>
    Effect.gen(function* () {
      for (const end of ["return", "kill"] as const) {
        yield* Effect.gen(function* () {
          const pid = yield* Process.spawn(Keeper)
          yield* Process.send(pid, "item", "a")
          const call = yield* Effect.forkChild(Effect.flip(Process.call(pid, "item", "b")))
          yield* Effect.sleep("1 milli")
          if (end === "kill") yield* Process.kill(pid)
          else yield* Process.send(pid, "open")
          assert.strictEqual((yield* Fiber.join(call))._tag, "CalleeExited")
          yield* Process.await(pid)
          const { deadLetters, received, sent } = yield* ProcessHost.stats()
          assert.deepStrictEqual([sent - received, deadLetters], [2, 2])
        }).pipe(
          Effect.provide(
            Keeper.toLayer(() =>
              Effect.gen(function* () {
                const stash = yield* Stash.make(Keeper)
                yield* stashItems(stash, 2)
                yield* Keeper.receive("open")
              })
            )
          ),
          Effect.provide(host)
        )
      }
    })
  )

  both(
    "P49 when the process fails over one that came back, the next incarnation has the others, and those aside",
    () => {
      const log: Array<string> = []
      const Shop = Server.make("test:shop", { protocol: [Item, Open] })
      let incarnations = 0
      const ShopLive = Shop.toLayer(
        Effect.fnUntraced(function* () {
          const closed = yield* Stash.make(Shop)
          let open = ++incarnations > 1
          return Shop.of({
            handlers: {
              item: (item, message) =>
                Effect.suspend((): Effect.Effect<string | Server.Later, never, Process.CurrentProcess> => {
                  if (!open) return Effect.as(Effect.orDie(Stash.stash(closed, message)), Server.later)
                  log.push(item)
                  return item === "bad" ? Effect.die(new Error("bad item")) : Effect.succeed(item)
                }),
              open: () => {
                open = true
                return Effect.asVoid(Stash.unstash(closed))
              }
            }
          })
        })
      )
      return Effect.gen(function* () {
        const Tree = Supervisor.make("test:tree", {
          children: [ChildSpec.make(Shop, undefined, { id: "shop", inbox: "keep", name: "shop" })]
        })
        yield* Effect.gen(function* () {
          yield* Supervisor.start(Tree)
          const shop = Shop.named("shop")
          yield* Process.send(shop, "item", "a")
          yield* Process.send(shop, "item", "bad")
          const call = yield* Effect.forkChild(Process.call(shop, "item", "b"))
          yield* Effect.sleep("1 milli")
          assert.deepStrictEqual(log, [])
          yield* Process.send(shop, "open")
          assert.strictEqual(yield* Fiber.join(call), "b")
          assert.deepStrictEqual(log, ["a", "bad", "b"])
        }).pipe(Effect.provide(ShopLive))
      }).pipe(Effect.provide(Layer.provideMerge(host, collect([]))))
    }
  )
})
