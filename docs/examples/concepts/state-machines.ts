import { Context, Effect, Layer, Option, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Process, ProcessHost, StateMachine, Sys } from "troupe"

// #region button
const PushButton = StateMachine.make("app:push-button", {
  protocol: [Rpc.make("push", { success: Schema.String }), Rpc.make("count", { success: Schema.Int })],
  states: { Off: { count: Schema.Int }, On: { count: Schema.Int } }
})

const PushButtonLive = PushButton.toLayer(() => {
  const { Off, On } = PushButton.states
  // A handler that several states share takes what they have in common.
  const count = (state: { readonly count: number }) => StateMachine.stay({ reply: state.count })
  return PushButton.of({
    initial: Off({ count: 0 }),
    states: {
      Off: { on: { count, push: (state) => StateMachine.next(On({ count: state.count + 1 }), { reply: "on" }) } },
      On: { on: { count, push: (state) => StateMachine.next(Off({ count: state.count }), { reply: "off" }) } }
    }
  })
})
// #endregion button

// #region definition
export const Door = StateMachine.make("app:door", {
  args: Schema.Struct({ code: Schema.Array(Schema.Int) }),
  protocol: [Rpc.make("button", { payload: Schema.Int }), Rpc.make("isOpen", { success: Schema.Boolean })],
  states: { Locked: { digits: Schema.Array(Schema.Int) }, Open: {} }
})
// #endregion definition

// #region door
const { Locked, Open } = Door.states

export const DoorLive = Door.toLayer(({ code }) =>
  Door.of({
    initial: Locked({ digits: [] }),
    states: {
      Locked: {
        on: {
          button: (state, { payload }) => {
            const digits = [...state.digits, payload].slice(-code.length)
            return digits.join() === code.join()
              ? StateMachine.next(Open())
              : StateMachine.next(Locked({ digits }), { stateTimeout: "30 seconds" })
          },
          isOpen: () => StateMachine.stay({ reply: false })
        },
        stateTimeout: () => StateMachine.next(Locked({ digits: [] }))
      },
      Open: {
        enter: () => StateMachine.stay({ stateTimeout: "10 seconds" }),
        on: {
          button: () => StateMachine.postpone, // whoever comes next may begin to type
          isOpen: () => StateMachine.stay({ reply: true })
        },
        stateTimeout: () => StateMachine.next(Locked({ digits: [] }))
      }
    }
  })
)
// #endregion door

// #region use
const door = Effect.gen(function* () {
  const pid = yield* Process.start(Door, { code: [1, 2] })
  for (const digit of [9, 1, 2]) yield* Process.send(pid, "button", digit)
  const opened = yield* Process.call(pid, "isOpen")
  yield* Process.send(pid, "button", 7)
  yield* Effect.sleep("11 seconds")
  const closed = yield* Process.call(pid, "isOpen")
  return { opened, closed, state: yield* Sys.getState(Door, pid) }
  // { opened: true, closed: false, state: { _tag: "Locked", digits: [7] } }
})
// #endregion use

// #region link
class Database extends Context.Service<
  Database,
  { readonly connect: Effect.Effect<string, string>; readonly ask: (session: string, query: string) => string }
>()("app/Database") {}

const Link = StateMachine.make("app:link", {
  protocol: [Rpc.make("query", { payload: Schema.String, success: Schema.String })],
  states: { Down: {}, Up: { session: Schema.String } },
  internal: { connect: {} }
})

const LinkLive = Link.toLayer(() =>
  Link.of({
    initial: Link.states.Down(),
    actions: { raise: [{ _tag: "connect" }] },
    states: {
      Down: {
        on: { query: () => StateMachine.postpone },
        internal: {
          connect: Effect.fn(function* () {
            const session = yield* Effect.option((yield* Database).connect)
            return Option.isSome(session)
              ? StateMachine.next(Link.states.Up({ session: session.value }))
              : StateMachine.stay({ stateTimeout: "1 second" })
          })
        },
        stateTimeout: () => StateMachine.stay({ raise: [{ _tag: "connect" }] })
      },
      Up: {
        on: {
          query: Effect.fn(function* ({ session }, { payload }) {
            return StateMachine.stay({ reply: (yield* Database).ask(session, payload) })
          })
        }
      }
    }
  })
)
// #endregion link

const button = Effect.gen(function* () {
  const pid = yield* Process.start(PushButton)
  const pushed = [yield* Process.call(pid, "push"), yield* Process.call(pid, "push"), yield* Process.call(pid, "push")]
  return [...pushed, yield* Process.call(pid, "count")]
})

const link = Effect.gen(function* () {
  const pid = yield* Process.start(Link)
  return yield* Process.call(pid, "query", "who is there?", { timeout: "1 minute" })
})

const DatabaseLive = Layer.sync(Database, () => {
  let attempts = 0
  return {
    connect: Effect.suspend(() => (++attempts < 3 ? Effect.fail("refused") : Effect.succeed("session 1"))),
    ask: (session, query) => `${session}, attempt ${attempts}: ${query}`
  }
})

export const program = Effect.all({ button, door, link }).pipe(
  Effect.provide([PushButtonLive, DoorLive, Layer.provide(LinkLive, DatabaseLive), ProcessHost.layer("app:processes")])
)
