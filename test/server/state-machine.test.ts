import { assert, describe } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Logger, Option, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { ChildSpec, Message, type Pid, Process, ProcessHost, Registry, StateMachine, Supervisor, Sys } from "troupe"
import { both } from "../support/both.ts"
import { host, settle } from "../support/processes.ts"

const quiet = Logger.layer([])

const Note = Rpc.make("note", { payload: Schema.Int })
const Go = Rpc.make("go", { payload: Schema.Literals(["A", "B"]) })
const Seen = Rpc.make("seen", { success: Schema.Array(Schema.String) })

/** A machine of two states that writes down what it handles; what each test needs of it, the test gives to `build`. */
const Two = StateMachine.make("test:two", {
  protocol: [Note, Go, Seen],
  states: { A: { n: Schema.Int }, B: { n: Schema.Int } },
  internal: { step: { n: Schema.Int } },
  timers: ["one", "two"]
})
const { A, B } = Two.states

const goTo = (tag: "A" | "B") => (tag === "A" ? A({ n: 0 }) : B({ n: 0 }))

const common = (seen: Array<string>) => ({
  on: {
    note: ({ _tag }: { readonly _tag: string }, { payload }: Message.Of<typeof Note>) => {
      seen.push(`${_tag} note ${payload}`)
      return StateMachine.stay()
    },
    go: (_: unknown, { payload }: Message.Of<typeof Go>) => StateMachine.next(goTo(payload)),
    seen: () => StateMachine.stay({ reply: [...seen] })
  },
  internal: {
    step: ({ _tag }: { readonly _tag: string }, { n }: { readonly n: number }) => {
      seen.push(`${_tag} step ${n}`)
      return StateMachine.stay()
    }
  }
})

const write = (seen: Array<string>, what: string) => () => {
  seen.push(what)
  return StateMachine.stay()
}

describe("StateMachine: events", () => {
  both("P25 what is postponed in A is handled in B before newer events, in the order of arrival", () => {
    const seen: Array<string> = []
    const { internal, on } = common(seen)
    const TwoLive = Two.toLayer(() =>
      Two.of({
        initial: A({ n: 0 }),
        states: { A: { on: { ...on, note: () => StateMachine.postpone }, internal }, B: { on, internal } }
      })
    )
    return Effect.gen(function* () {
      const pid = yield* Process.start(Two)
      yield* Process.send(pid, "note", 1)
      yield* Process.send(pid, "note", 2)
      yield* Process.send(pid, "go", "B")
      yield* Process.send(pid, "note", 3)
      assert.deepStrictEqual(yield* Process.call(pid, "seen"), ["B note 1", "B note 2", "B note 3"])
    }).pipe(Effect.provide([TwoLive, host]))
  })

  both(
    "P25 an event may be postponed by the transition that leaves the state, and again; staying replays nothing",
    () => {
      const seen: Array<string> = []
      const { internal, on } = common(seen)
      const TwoLive = Two.toLayer(() =>
        Two.of({
          initial: A({ n: 0 }),
          states: {
            A: {
              on: {
                ...on,
                note: (state, { payload }) => {
                  seen.push(`A note ${payload}`)
                  return payload === 0
                    ? StateMachine.next(B({ n: 0 }), { postpone: true })
                    : StateMachine.next(A({ n: state.n + 1 }), { postpone: true })
                }
              },
              internal
            },
            B: { on, internal }
          }
        })
      )
      return Effect.gen(function* () {
        const pid = yield* Process.start(Two)
        yield* Process.send(pid, "note", 1)
        yield* Process.send(pid, "note", 2)
        yield* Process.send(pid, "go", "A")
        yield* Process.send(pid, "note", 0)
        yield* Process.send(pid, "note", 3)
        assert.deepStrictEqual(yield* Process.call(pid, "seen"), [
          "A note 1",
          "A note 2",
          "A note 0",
          "B note 1",
          "B note 2",
          "B note 0",
          "B note 3"
        ])
      }).pipe(Effect.provide([TwoLive, host]))
    }
  )

  both("P25 a call that is postponed is answered in the state in which it is handled", () => {
    const { internal, on } = common([])
    const TwoLive = Two.toLayer(() =>
      Two.of({
        initial: A({ n: 0 }),
        states: {
          A: { on: { ...on, seen: () => StateMachine.postpone }, internal },
          B: { on: { ...on, seen: () => StateMachine.stay({ reply: ["in B"] }) }, internal }
        }
      })
    )
    return Effect.gen(function* () {
      const pid = yield* Process.start(Two)
      const call = yield* Effect.forkChild(Process.call(pid, "seen", undefined, { timeout: "Infinity" }))
      yield* settle
      yield* Process.send(pid, "go", "B")
      assert.deepStrictEqual(yield* Fiber.join(call), ["in B"])
    }).pipe(Effect.provide([TwoLive, host]))
  })

  both("P27 raised events come first, in order, then what was postponed, then what has arrived", () => {
    const seen: Array<string> = []
    const { internal, on } = common(seen)
    const TwoLive = Two.toLayer(() =>
      Two.of({
        initial: A({ n: 0 }),
        states: {
          A: {
            on: {
              ...on,
              note: () => StateMachine.postpone,
              go: () =>
                StateMachine.next(B({ n: 0 }), {
                  stateTimeout: 0,
                  raise: [
                    { _tag: "step", n: 1 },
                    { _tag: "step", n: 2 }
                  ]
                })
            },
            internal
          },
          B: {
            on,
            stateTimeout: write(seen, "B timeout"),
            internal: {
              step: ({ _tag }, { n }) => {
                seen.push(`${_tag} step ${n}`)
                return n === 1 ? StateMachine.stay({ raise: [{ _tag: "step", n: 11 }] }) : StateMachine.stay()
              }
            }
          }
        }
      })
    )
    return Effect.gen(function* () {
      const pid = yield* Process.start(Two)
      yield* Sys.suspend(pid)
      for (const n of [1, 2]) yield* Process.send(pid, "note", n)
      yield* Process.send(pid, "go", "B")
      yield* Process.send(pid, "note", 3)
      yield* Sys.resume(pid)
      assert.deepStrictEqual(yield* Process.call(pid, "seen"), [
        "B step 1",
        "B step 11",
        "B step 2",
        "B note 1",
        "B note 2",
        "B timeout",
        "B note 3"
      ])
    }).pipe(Effect.provide([TwoLive, host]))
  })

  both("P27 what the start raises is handled before what arrives", () => {
    const seen: Array<string> = []
    const TwoLive = Two.toLayer(() =>
      Two.of({
        initial: A({ n: 0 }),
        actions: { raise: [{ _tag: "step", n: 0 }] },
        states: { A: common(seen), B: common(seen) }
      })
    )
    return Effect.gen(function* () {
      const pid = yield* Process.spawn(Two)
      yield* Process.send(pid, "note", 1)
      assert.deepStrictEqual(yield* Process.call(pid, "seen"), ["A step 0", "A note 1"])
    }).pipe(Effect.provide([TwoLive, host]))
  })

  both("P28 a call may be answered later, and once", () => {
    const { internal, on } = common([])
    const TwoLive = Two.toLayer(() => {
      const waiting: Array<Message.Of<typeof Seen>> = []
      const states = {
        on: {
          ...on,
          seen: (_: unknown, message: Message.Of<typeof Seen>) => {
            waiting.push(message)
            return StateMachine.stay()
          },
          note: Effect.fnUntraced(function* () {
            for (const message of waiting) yield* Message.reply(message, ["later"])
            const second = yield* Effect.forEach(waiting, (message) => Effect.flip(Message.reply(message, ["again"])))
            assert.deepStrictEqual(
              second.map((error) => error._tag),
              ["AlreadyReplied"]
            )
            return StateMachine.stay()
          })
        },
        internal
      }
      return Two.of({ initial: A({ n: 0 }), states: { A: states, B: states } })
    })
    return Effect.gen(function* () {
      const pid = yield* Process.start(Two)
      const call = yield* Effect.forkChild(Process.call(pid, "seen", undefined, { timeout: "Infinity" }))
      yield* settle
      yield* Process.send(pid, "note", 1)
      assert.deepStrictEqual(yield* Fiber.join(call), ["later"])
      assert.isTrue(Option.isSome(yield* ProcessHost.find("app:processes", pid.id)))
    }).pipe(Effect.provide([TwoLive, host]))
  })

  both("an event without a handler ends the machine with a typed error; an otherwise gets it", () => {
    const seen: Array<string> = []
    const { on } = common(seen)
    const TwoLive = Two.toLayer(() =>
      Two.of({
        initial: A({ n: 0 }),
        states: {
          A: {
            otherwise: (_, event) => {
              seen.push(event._tag === "Message" ? event.message.topic : event._tag)
              return event._tag === "Message" && event.message.topic === "go"
                ? StateMachine.next(B({ n: 0 }), { raise: [{ _tag: "step", n: 1 }] })
                : StateMachine.stay(event._tag === "Message" ? { stateTimeout: 0 } : {})
            }
          },
          B: { on }
        }
      })
    )
    return Effect.gen(function* () {
      const pid = yield* Process.start(Two)
      yield* Process.send(pid, "note", 1)
      yield* Process.send(pid, "go", "B")
      const error = yield* Effect.flip(Effect.flatten(Process.await(pid)))
      assert.include(String(error), `${pid} (test:two) has no handler in the state B for the internal event step`)
      assert.deepStrictEqual(seen, ["note", "StateTimeout", "go"])
    }).pipe(Effect.provide([TwoLive, host, quiet]))
  })
})

describe("StateMachine: states", () => {
  both("a state is entered at the start, on each change, and when it is repeated; not when its data changes", () => {
    const seen: Array<string> = []
    const { internal, on } = common(seen)
    const enter = (state: { readonly _tag: string }, previous: { readonly _tag: string } | undefined) => {
      seen.push(`${previous?._tag ?? "start"} to ${state._tag}`)
    }
    const TwoLive = Two.toLayer(() =>
      Two.of({
        initial: A({ n: 0 }),
        states: {
          A: { on: { ...on, note: (state) => StateMachine.next(A({ n: state.n + 1 })) }, internal, enter },
          B: { on: { ...on, note: (state) => StateMachine.repeat(B({ n: state.n + 1 })) }, internal, enter }
        }
      })
    )
    return Effect.gen(function* () {
      const pid = yield* Process.start(Two)
      assert.deepStrictEqual(seen, ["start to A"])
      yield* Process.send(pid, "note", 1)
      yield* Process.send(pid, "go", "B")
      yield* Process.send(pid, "note", 1)
      assert.deepStrictEqual(yield* Process.call(pid, "seen"), ["start to A", "A to B", "B to B"])
      assert.deepStrictEqual(yield* Sys.getState(Two, pid), B({ n: 1 }))
    }).pipe(Effect.provide([TwoLive, host]))
  })

  both("whoever has an answer finds the state that led to it; the log shows in, state, answer", () => {
    const { internal, on } = common([])
    const states = {
      on: {
        ...on,
        seen: (state: { readonly n: number }) => StateMachine.next(B({ n: state.n + 1 }), { reply: ["x"] })
      },
      internal
    }
    const TwoLive = Two.toLayer(() => Two.of({ initial: A({ n: 0 }), states: { A: states, B: states } }))
    return Effect.gen(function* () {
      const pid = yield* Process.start(Two)
      yield* Sys.log(pid, 9)
      yield* Process.call(pid, "seen")
      assert.deepStrictEqual(yield* Sys.getState(Two, pid), B({ n: 1 }))
      assert.deepStrictEqual(
        (yield* Sys.getLog(pid)).map((event) => event._tag),
        ["In", "State", "Reply"]
      )
    }).pipe(Effect.provide([TwoLive, host]))
  })

  both("P20 a replaced state is the one that goes on, without being entered; one that does not fit is refused", () => {
    const seen: Array<string> = []
    const TwoLive = Two.toLayer(() =>
      Two.of({
        initial: A({ n: 0 }),
        states: { A: common(seen), B: { ...common(seen), enter: () => void seen.push("entered") } }
      })
    )
    return Effect.gen(function* () {
      const pid = yield* Process.start(Two)
      yield* Sys.replaceState(Two, pid, () => B({ n: 7 }))
      yield* Process.send(pid, "note", 1)
      assert.deepStrictEqual(yield* Process.call(pid, "seen"), ["B note 1"])
      const unfit = yield* Effect.flip(Sys.replaceState(Two, pid, (state) => ({ ...state, n: 0.5 })))
      assert.strictEqual(unfit._tag, "InvalidState")
      assert.deepStrictEqual(yield* Sys.getState(Two, pid), B({ n: 7 }))
    }).pipe(Effect.provide([TwoLive, host]))
  })
})

/** A machine that adds a second after it was asked to. */
const Slow = StateMachine.make("test:slow-sum", {
  protocol: [Rpc.make("add", { payload: Schema.Int, success: Schema.Int }), Rpc.make("reset self"), Rpc.make("stop")],
  states: { Sum: { n: Schema.Int } }
})
const { Sum } = Slow.states
const SlowLive = Slow.toLayer(() =>
  Slow.of({
    initial: Sum({ n: 0 }),
    states: {
      Sum: {
        on: {
          add: ({ n }, { payload }) =>
            Effect.as(Effect.sleep("1 second"), StateMachine.next(Sum({ n: n + payload }), { reply: n + payload })),
          "reset self": ({ n }) =>
            Effect.flatMap(Slow.self, (self) =>
              Effect.as(Effect.orDie(Sys.replaceState(Slow, self, () => Sum({ n: -1 }))), StateMachine.next(Sum({ n })))
            ),
          stop: () => Effect.as(Effect.sleep("1 second"), StateMachine.stop())
        }
      }
    }
  })
)

describe("StateMachine: replacing the state while an event is handled", () => {
  both("P20 waits for the transition, and stands over it; a waiting one that is interrupted replaces nothing", () =>
    Effect.gen(function* () {
      const pid = yield* Process.start(Slow)
      const adding = yield* Effect.forkChild(Process.call(pid, "add", 5))
      yield* Process.send(pid, "reset self")
      const more = yield* Effect.forkChild(Effect.delay(Process.call(pid, "add", 1), "2 millis"))
      yield* Effect.sleep("1 milli")
      const interrupted = yield* Effect.forkChild(Sys.replaceState(Slow, pid, () => Sum({ n: 77 })))
      const replaced = yield* Effect.forkChild(Sys.replaceState(Slow, pid, ({ n }) => Sum({ n: 10 * n })))
      const wrong = yield* Effect.forkChild(Effect.flip(Sys.replaceState(Slow, pid, () => Sum({ n: 0.5 }))))
      yield* Effect.sleep("1 milli")
      yield* Fiber.interrupt(interrupted)
      assert.isUndefined(replaced.pollUnsafe())
      assert.strictEqual(yield* Fiber.join(adding), 5)
      assert.deepStrictEqual(yield* Fiber.join(replaced), Sum({ n: 50 }))
      assert.strictEqual((yield* Fiber.join(wrong))._tag, "InvalidState")
      // What the machine replaced by itself, its own transition has overwritten.
      assert.strictEqual(yield* Fiber.join(more), 51)
      // It waits: nothing has to be waited for.
      assert.deepStrictEqual(yield* Sys.replaceState(Slow, pid, () => Sum({ n: 1 })), Sum({ n: 1 }))
      assert.strictEqual(yield* Process.call(pid, "add", 1), 2)
    }).pipe(Effect.provide([SlowLive, host]))
  )

  both("P20 of a machine that ends meanwhile: it is done when the event is, or there is no such process", () =>
    Effect.gen(function* () {
      for (const end of ["by itself", "by a kill"]) {
        const pid = yield* Process.start(Slow)
        yield* Process.send(pid, "stop")
        yield* Effect.sleep("1 milli")
        const replacing = yield* Effect.forkChild(Effect.exit(Sys.replaceState(Slow, pid, () => Sum({ n: 1 }))))
        yield* Effect.sleep("1 milli")
        if (end === "by a kill") yield* Process.kill(pid)
        const exit = yield* Fiber.join(replacing)
        if (Exit.isFailure(exit)) assert.strictEqual((yield* Effect.flip(exit))._tag, "ProcessNotFound")
      }
    }).pipe(Effect.provide([SlowLive, host, quiet]))
  )
})

describe("StateMachine: timeouts", () => {
  both(
    "P26 a state timeout fires in its state; leaving cancels it, staying keeps it, setting it again restarts it",
    () => {
      const seen: Array<string> = []
      const { internal, on } = common(seen)
      const TwoLive = Two.toLayer(() =>
        Two.of({
          initial: A({ n: 0 }),
          states: {
            A: {
              on: {
                ...on,
                note: (state, { payload }) => {
                  if (payload === 0) return StateMachine.next(A({ n: state.n + 1 }))
                  return StateMachine.stay({ stateTimeout: payload < 0 ? "Infinity" : payload })
                }
              },
              internal,
              stateTimeout: write(seen, "A timeout")
            },
            B: { on, internal, stateTimeout: write(seen, "B timeout") }
          }
        })
      )
      return Effect.gen(function* () {
        const pid = yield* Process.start(Two)
        const seenBy = (time: number) => Effect.andThen(Effect.sleep(time), Process.call(pid, "seen"))
        // Staying, and changing the data, keep it.
        yield* Process.send(pid, "note", 20)
        yield* Effect.sleep(10)
        yield* Process.send(pid, "note", 0)
        assert.deepStrictEqual(yield* seenBy(5), [])
        assert.deepStrictEqual(yield* seenBy(10), ["A timeout"])
        // Setting it again restarts it.
        yield* Process.send(pid, "note", 20)
        yield* Effect.sleep(15)
        yield* Process.send(pid, "note", 20)
        assert.deepStrictEqual(yield* seenBy(15), ["A timeout"])
        assert.deepStrictEqual(yield* seenBy(10), ["A timeout", "A timeout"])
        // Without end it is cancelled.
        yield* Process.send(pid, "note", 20)
        yield* Process.send(pid, "note", -1)
        assert.strictEqual((yield* seenBy(30)).length, 2)
        // Leaving cancels it, for good.
        yield* Process.send(pid, "note", 20)
        yield* Process.send(pid, "go", "B")
        yield* Process.send(pid, "go", "A")
        assert.strictEqual((yield* seenBy(30)).length, 2)
      }).pipe(Effect.provide([TwoLive, host]))
    }
  )

  both("P26 a state timeout that has fired while the state is being left never arrives", () => {
    const seen: Array<string> = []
    const { internal, on } = common(seen)
    const states = {
      on: {
        ...on,
        note: Effect.fnUntraced(function* (state: { readonly _tag: string }) {
          yield* Effect.sleep(20)
          return state._tag === "A" ? StateMachine.next(B({ n: 0 })) : StateMachine.stay()
        })
      },
      internal,
      stateTimeout: write(seen, "timeout")
    }
    const TwoLive = Two.toLayer(() =>
      Two.of({ initial: A({ n: 0 }), actions: { stateTimeout: 10 }, states: { A: states, B: states } })
    )
    return Effect.gen(function* () {
      const pid = yield* Process.start(Two)
      yield* Process.send(pid, "note", 1)
      yield* Effect.sleep(40)
      assert.deepStrictEqual(yield* Process.call(pid, "seen"), [])
    }).pipe(Effect.provide([TwoLive, host]))
  })

  both("P26 named timers go on across states, each for itself", () => {
    const seen: Array<string> = []
    const { internal, on } = common(seen)
    const timers = (tag: string) => ({ one: write(seen, `${tag} one`), two: write(seen, `${tag} two`) })
    const TwoLive = Two.toLayer(() =>
      Two.of({
        initial: A({ n: 0 }),
        actions: { timers: { one: 10, two: 20 } },
        states: {
          A: { on, internal, timers: timers("A") },
          B: {
            on: { ...on, note: () => StateMachine.stay({ timers: { one: 10, two: "Infinity" } }) },
            internal,
            timers: timers("B")
          }
        }
      })
    )
    return Effect.gen(function* () {
      const pid = yield* Process.start(Two)
      yield* Effect.sleep(15)
      yield* Process.send(pid, "go", "B")
      yield* Effect.sleep(15)
      assert.deepStrictEqual(yield* Process.call(pid, "seen"), ["A one", "B two"])
      yield* Process.send(pid, "note", 0)
      yield* Effect.sleep(30)
      assert.deepStrictEqual(yield* Process.call(pid, "seen"), ["A one", "B two", "B one"])
    }).pipe(Effect.provide([TwoLive, host]))
  })

  both("P26 what entering sets stands over what the transition set", () => {
    const seen: Array<string> = []
    const { internal, on } = common(seen)
    const TwoLive = Two.toLayer(() =>
      Two.of({
        initial: A({ n: 0 }),
        states: {
          A: { on: { ...on, go: () => StateMachine.next(B({ n: 0 }), { stateTimeout: 0 }) }, internal },
          B: {
            on,
            internal,
            enter: () => StateMachine.stay({ stateTimeout: 20 }),
            stateTimeout: write(seen, "B timeout")
          }
        }
      })
    )
    return Effect.gen(function* () {
      const pid = yield* Process.start(Two)
      yield* Process.send(pid, "go", "B")
      yield* Effect.sleep(10)
      assert.deepStrictEqual(yield* Process.call(pid, "seen"), [])
      yield* Effect.sleep(15)
      assert.deepStrictEqual(yield* Process.call(pid, "seen"), ["B timeout"])
    }).pipe(Effect.provide([TwoLive, host]))
  })

  both("P13 any event cancels an event timeout", () => {
    const seen: Array<string> = []
    const { internal, on } = common(seen)
    const states = {
      on: { ...on, note: () => StateMachine.stay({ eventTimeout: 10 }) },
      internal,
      eventTimeout: write(seen, "quiet")
    }
    const TwoLive = Two.toLayer(() => Two.of({ initial: A({ n: 0 }), states: { A: states, B: states } }))
    return Effect.gen(function* () {
      const pid = yield* Process.start(Two)
      yield* Process.send(pid, "note", 0)
      yield* Effect.sleep(5)
      yield* Process.send(pid, "go", "B")
      yield* Effect.sleep(15)
      assert.deepStrictEqual(yield* Process.call(pid, "seen"), [])
      yield* Process.send(pid, "note", 0)
      yield* Effect.sleep(15)
      assert.deepStrictEqual(yield* Process.call(pid, "seen"), ["quiet"])
    }).pipe(Effect.provide([TwoLive, host]))
  })

  both("a message that was there before a timer went off is handled before it, a later one after it", () => {
    const seen: Array<string> = []
    const { internal, on } = common(seen)
    const states = {
      on: {
        ...on,
        go: () => Effect.as(Effect.sleep(20), StateMachine.stay())
      },
      internal,
      timers: { one: write(seen, "one") }
    }
    const TwoLive = Two.toLayer(() =>
      Two.of({ initial: A({ n: 0 }), actions: { timers: { one: 10 } }, states: { A: states, B: states } })
    )
    return Effect.gen(function* () {
      const pid = yield* Process.start(Two)
      yield* Process.send(pid, "go", "A")
      yield* Effect.sleep(5)
      yield* Process.send(pid, "note", 1)
      yield* Effect.sleep(10)
      yield* Process.send(pid, "note", 2)
      assert.deepStrictEqual(yield* Process.call(pid, "seen"), ["A note 1", "one", "A note 2"])
    }).pipe(Effect.provide([TwoLive, host]))
  })

  both("P19 a suspended machine takes no messages and no timeouts, and loses none; a Cancel ends it", () => {
    const seen: Array<string> = []
    const states = { ...common(seen), timers: { one: write(seen, "one") } }
    const TwoLive = Two.toLayer(() =>
      Two.of({ initial: A({ n: 0 }), actions: { timers: { one: 10 } }, states: { A: states, B: states } })
    )
    return Effect.gen(function* () {
      const pid = yield* Process.start(Two)
      yield* Sys.suspend(pid)
      yield* Effect.sleep(20)
      assert.deepStrictEqual(seen, [])
      yield* Sys.resume(pid)
      yield* Effect.sleep(1)
      assert.deepStrictEqual(seen, ["one"])
      yield* Sys.suspend(pid)
      yield* Process.cancel(pid)
      assert.deepStrictEqual(yield* Process.await(pid), Exit.void)
    }).pipe(Effect.provide([TwoLive, host]))
  })
})

describe("StateMachine: its life as a process", () => {
  both("P2 it has started when its first state has been entered; an init that fails is typed", () => {
    const make = (how: "enter" | "fail" | "ignore") =>
      Two.toLayer(
        Effect.fnUntraced(function* () {
          if (how === "fail") return yield* Effect.fail("no disk")
          if (how === "ignore") return yield* Process.ignore
          const enter = () => Effect.asVoid(Effect.sleep(10))
          return Two.of({ initial: A({ n: 0 }), states: { A: { ...common([]), enter }, B: common([]) } })
        })
      )
    return Effect.gen(function* () {
      const late = yield* Effect.flip(Effect.provide(Process.start(Two, undefined, { timeout: 5 }), make("enter")))
      assert.strictEqual(late._tag, "StartTimeout")
      yield* Effect.provide(Process.start(Two, undefined, { timeout: 50 }), make("enter"))
      const failed = yield* Effect.flip(Effect.provide(Process.start(Two), make("fail")))
      const ignored = yield* Effect.flip(Effect.provide(Process.start(Two), make("ignore")))
      assert.deepStrictEqual([failed._tag, ignored._tag], ["StartFailed", "StartIgnored"])
    }).pipe(Effect.provide([host, quiet]))
  })

  both("a Cancel ends it in order, its resources close, and a stop may answer first", () => {
    const closed: Array<string> = []
    const { internal, on } = common([])
    const TwoLive = Two.toLayer(
      Effect.fnUntraced(function* () {
        yield* Effect.addFinalizer(() => Effect.sync(() => closed.push("closed")))
        yield* Registry.register("two")
        const states = { on: { ...on, seen: () => StateMachine.stop(Exit.succeed(7), { reply: ["bye"] }) }, internal }
        return Two.of({ initial: A({ n: 0 }), states: { A: states, B: states } })
      })
    )
    return Effect.gen(function* () {
      const first = yield* Process.start(Two)
      yield* Process.cancel(first)
      assert.deepStrictEqual(yield* Process.await(first), Exit.void)
      assert.deepStrictEqual(closed, ["closed"])
      const second = yield* Process.start(Two)
      assert.deepStrictEqual(yield* Process.call(second, "seen"), ["bye"])
      assert.deepStrictEqual(yield* Process.await(second), Exit.succeed(7))
    }).pipe(Effect.provide([TwoLive, host]))
  })

  both("what it postponed and never handled is a dead letter, however it ends", () => {
    const { internal, on } = common([])
    const states = { on: { ...on, note: () => StateMachine.postpone }, internal }
    const TwoLive = Two.toLayer(() => Two.of({ initial: A({ n: 0 }), states: { A: states, B: states } }))
    return Effect.gen(function* () {
      for (const end of [Process.cancel, Process.terminate, Process.kill]) {
        const pid = yield* Process.start(Two)
        yield* Process.send(pid, "note", 1)
        yield* Process.call(pid, "seen")
        yield* end(pid)
        yield* Process.await(pid)
      }
      yield* settle
      const { deadLetters, received, sent } = yield* ProcessHost.stats()
      assert.deepStrictEqual([sent, received, deadLetters], [6, 3, 3])
    }).pipe(Effect.provide([TwoLive, host]))
  })

  both("events of the process reach their handler, and are passed over without one", () => {
    const seen: Array<string> = []
    const states = common(seen)
    const Child = Process.make("test:child", { success: Schema.Int })
    const ChildLive = Child.toLayer(() => Effect.succeed(3))
    const TwoLive = Two.toLayer(
      Effect.fnUntraced(function* () {
        yield* Process.spawnMonitored(Child)
        return Two.of({
          initial: A({ n: 0 }),
          states: {
            A: {
              ...states,
              event: (_, event) => {
                seen.push(event._tag)
                return Effect.as(Process.spawnMonitored(Child), StateMachine.next(B({ n: 0 })))
              }
            },
            B: states
          }
        })
      })
    )
    return Effect.gen(function* () {
      const pid = yield* Process.start(Two)
      yield* settle
      assert.deepStrictEqual(yield* Process.call(pid, "seen"), ["Exit"])
    }).pipe(Effect.provide(TwoLive.pipe(Layer.provideMerge(Layer.mergeAll(ChildLive, host, quiet)))))
  })

  both(
    "a supervisor starts it, restarts it in its first state, and one that keeps its inbox handles again what waited",
    () => {
      const seen: Array<string> = []
      const { internal, on } = common(seen)
      const TwoLive = Two.toLayer(() =>
        Two.of({
          initial: A({ n: 0 }),
          states: {
            A: {
              internal,
              on: {
                ...on,
                seen: () => StateMachine.postpone,
                note: (_, { payload }) => (payload === 0 ? Effect.fail("crashed") : StateMachine.postpone)
              }
            },
            B: { on, internal }
          }
        })
      )
      return Effect.gen(function* () {
        const spec = ChildSpec.make(Two, undefined, { id: "two", inbox: "keep" })
        const tree = yield* Supervisor.start(Supervisor.make("test:tree", { children: [spec] }))
        const pid = (yield* Supervisor.find(tree, "two")).pid as never as Pid.Pid<typeof Note | typeof Go | typeof Seen>
        yield* Process.send(pid, "note", 1)
        const call = yield* Effect.forkChild(Process.call(pid, "seen", undefined, { timeout: "Infinity" }))
        yield* Effect.sleep(1)
        for (const payload of [0, 2]) yield* Process.send(pid, "note", payload)
        yield* Effect.sleep(1)
        yield* Process.send(pid, "go", "B")
        assert.deepStrictEqual(yield* Fiber.join(call), ["B note 1"])
        yield* Effect.sleep(1)
        assert.deepStrictEqual(seen, ["B note 1", "B note 2"])
        const { deadLetters, queued, received, sent } = yield* ProcessHost.stats()
        assert.strictEqual(sent, received + queued + deadLetters)
      }).pipe(Effect.provide([TwoLive, host, quiet]))
    }
  )
})
