import { describe, expectTypeOf, it } from "@effect/vitest"
import type { Layer } from "effect"
import { Context, Effect, Schema } from "effect"
import { Rpc } from "effect/rpc"
import type { Message, ProcessHost, ProcessError, SysError } from "troupe"
import { Process, StateMachine, Sys } from "troupe"

const Button = Rpc.make("button", { payload: Schema.Int })
const IsOpen = Rpc.make("isOpen", { success: Schema.Boolean, error: Schema.String })

const Door = StateMachine.make("app:door", {
  args: Schema.Struct({ code: Schema.Array(Schema.Int) }),
  protocol: [Button, IsOpen],
  states: { Locked: { digits: Schema.Array(Schema.Int) }, Open: {} },
  internal: { alarm: { level: Schema.Int } },
  timers: ["check"]
})
const { Locked, Open } = Door.states

class Bell extends Context.Service<Bell, { readonly ring: Effect.Effect<void> }>()("app/Bell") {}

const open = { on: { button: () => StateMachine.postpone, isOpen: () => StateMachine.stay({ reply: true }) } }

describe("StateMachine types", () => {
  it("a handler sees the data of its state and its message, and the layer needs what handlers require", () => {
    const DoorLive = Door.toLayer(
      Effect.fnUntraced(function* ({ code }) {
        expectTypeOf(code).toEqualTypeOf<ReadonlyArray<number>>()
        yield* Effect.void
        return Door.of({
          initial: Locked({ digits: [] }),
          actions: { raise: [{ _tag: "alarm", level: 1 }], timers: { check: "1 second" } },
          states: {
            Locked: {
              enter: (state, previous) => {
                expectTypeOf(state.digits).toEqualTypeOf<ReadonlyArray<number>>()
                expectTypeOf(previous?._tag).toEqualTypeOf<"Locked" | "Open" | undefined>()
              },
              on: {
                button: Effect.fnUntraced(function* (state, message) {
                  expectTypeOf(state._tag).toEqualTypeOf<"Locked">()
                  expectTypeOf(message).toEqualTypeOf<Message.Of<typeof Button>>()
                  yield* (yield* Bell).ring
                  return message.payload === 0 ? StateMachine.next(Open()) : StateMachine.stay()
                }),
                isOpen: () => StateMachine.stay({ reply: false })
              },
              internal: {
                alarm: (_, event) => {
                  expectTypeOf(event.level).toEqualTypeOf<number>()
                  return StateMachine.stay()
                }
              },
              timers: { check: (state) => StateMachine.next(Locked({ digits: state.digits })) }
            },
            Open: open
          }
        })
      })
    )
    expectTypeOf(DoorLive).toEqualTypeOf<Layer.Layer<Process.Implementation<"app:door">, never, Bell>>()
  })

  it("a transition to an unknown state, or to a known one with other data, does not compile", () => {
    Door.of({
      initial: Open(),
      states: {
        Locked: {
          on: {
            // @ts-expect-error no such state
            button: () => StateMachine.next({ _tag: "Ajar" }),
            // @ts-expect-error other data
            isOpen: () => StateMachine.next({ _tag: "Locked", digits: "none" })
          }
        },
        Open: open
      }
    })
    // @ts-expect-error data is missing
    Locked()
    // @ts-expect-error no such state
    Door.of({ initial: { _tag: "Ajar" }, states: { Locked: open, Open: open } })
  })

  it("a reply is typed by its topic, and what has no topic has no reply", () => {
    Door.of({
      initial: Open(),
      states: {
        Locked: {
          on: {
            button: () => StateMachine.stay(),
            // @ts-expect-error the success is a boolean
            isOpen: () => StateMachine.stay({ reply: "no" })
          },
          // @ts-expect-error a timeout is not a call
          stateTimeout: () => StateMachine.stay({ reply: true })
        },
        Open: {
          on: {
            button: () => StateMachine.stay(),
            isOpen: () => StateMachine.stay({ replyFail: "the sensor is broken" })
          }
        }
      }
    })
    Door.of({
      initial: Open(),
      states: {
        Locked: {
          on: {
            button: () => StateMachine.stay(),
            // @ts-expect-error the error is a string
            isOpen: Effect.fnUntraced(function* () {
              yield* Effect.void
              return StateMachine.stay({ replyFail: 1 })
            })
          }
        },
        Open: open
      }
    })
  })

  it("every state has a handler for each topic, or an otherwise", () => {
    Door.of({
      initial: Open(),
      states: {
        // @ts-expect-error isOpen is missing
        Locked: { on: { button: () => StateMachine.stay() } },
        Open: open
      }
    })
    // @ts-expect-error a state is missing
    Door.of({ initial: Open(), states: { Open: open } })
    Door.of({
      initial: Open(),
      states: {
        Locked: {
          otherwise: (state, event) => {
            expectTypeOf(state._tag).toEqualTypeOf<"Locked">()
            if (event._tag === "Message") expectTypeOf(event.message.topic).toEqualTypeOf<"button" | "isOpen">()
            return StateMachine.stay()
          }
        },
        Open: open
      }
    })
  })

  it("entering can't change the state, postpone or raise; timers and internal events are known", () => {
    Door.of({
      initial: Open(),
      states: {
        Locked: {
          ...open,
          // @ts-expect-error another state
          enter: () => StateMachine.next(Open())
        },
        Open: {
          ...open,
          // @ts-expect-error an event
          enter: () => StateMachine.stay({ raise: [{ _tag: "alarm", level: 1 }] })
        }
      }
    })
    Door.of({
      initial: Open(),
      states: {
        Locked: {
          ...open,
          // @ts-expect-error nothing to postpone
          enter: () => StateMachine.postpone
        },
        Open: {
          ...open,
          // @ts-expect-error no such timer
          stateTimeout: () => StateMachine.stay({ timers: { bell: "1 second" } }),
          // @ts-expect-error no such event
          eventTimeout: () => StateMachine.stay({ raise: [{ _tag: "fire" }] })
        }
      }
    })
  })

  it("a machine is a process like any other", () => {
    const spawned = Process.start(Door, { code: [1] })
    expectTypeOf<Effect.Services<typeof spawned>>().toEqualTypeOf<
      Process.Implementation<"app:door"> | ProcessHost.ProcessHost
    >()
    const state = Effect.flatMap(spawned, (pid) => Sys.getState(Door, pid))
    type State = Effect.Success<typeof state>
    expectTypeOf<State["_tag"]>().toEqualTypeOf<"Locked" | "Open">()
    expectTypeOf<Extract<State, { _tag: "Locked" }>["digits"]>().toEqualTypeOf<ReadonlyArray<number>>()
    const read = Effect.flatMap(Process.self, (pid) => Sys.getState(Door, pid))
    expectTypeOf<Effect.Error<typeof read>>().toEqualTypeOf<
      ProcessError.ProcessNotFound | SysError.OtherDefinition | SysError.NoState
    >()
  })
})
