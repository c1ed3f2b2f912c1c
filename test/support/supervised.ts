/**
 * Processes that do as they are told, for tests of supervisors.
 */
import { Effect, Layer, Logger, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { ChildSpec, Message, type Pid, Process, ProcessError, Supervisor } from "troupe"
import { host } from "./processes.ts"

/** To `stumble` is to crash after 10 ms. */
const Deed = Schema.Literals(["crash", "stumble", "die", "return", "shutdown"])

/** What an actor does while it comes up, and while it goes. */
interface Part {
  readonly id: string
  /** Where it writes what happens to it. */
  readonly log: Array<string>
  /** What it does before it is ready. */
  readonly init?: Effect.Effect<unknown, unknown, Process.CurrentProcess> | undefined
  /** How long it takes to end, in milliseconds. */
  readonly slow?: number | undefined
}

const Do = Rpc.make("do", { payload: Deed })
const Note = Rpc.make("note", { payload: Schema.Int })
const Ping = Rpc.make("ping", { success: Schema.String })

export const Actor = Process.make("test:actor", {
  args: Schema.declare((u): u is Part => typeof u === "object"),
  protocol: [Do, Note, Ping],
  start: "acknowledged"
})

export const ActorLive = Actor.toLayer(
  Effect.fnUntraced(function* ({ id, init = Effect.yieldNow, log, slow = 0 }: Part) {
    log.push(`${id} begins`)
    yield* Effect.addFinalizer(() =>
      Effect.andThen(
        slow === 0 ? Effect.void : Effect.sleep(slow),
        Effect.sync(() => log.push(`${id} ends`))
      )
    )
    yield* init
    log.push(`${id} is up`)
    yield* Process.ready
    while (true) {
      const message = yield* Actor.receive()
      if (message.topic === "note") log.push(`${id} notes ${message.payload}`)
      if (message.topic === "ping") yield* Message.reply(message, id)
      if (message.topic !== "do") continue
      if (message.payload === "stumble") yield* Effect.sleep("10 millis")
      if (message.payload === "crash" || message.payload === "stumble") return yield* Effect.fail("crashed")
      if (message.payload === "die") return yield* Effect.die("died")
      if (message.payload === "shutdown") return yield* new ProcessError.Shutdown({ reason: "done" })
      return
    }
  })
)

/** The child `id` of a supervisor, which writes into `log`. */
export const actor = (
  id: string,
  log: Array<string>,
  { init, slow, ...options }: Omit<ChildSpec.Options, "id"> & Pick<Part, "init" | "slow"> = {}
): ChildSpec.ChildSpec<Process.Implementation<"test:actor">> =>
  ChildSpec.make(Actor, { id, log, init, slow }, { id, ...options })

export const stage = Layer.mergeAll(ActorLive, host, Logger.layer([]))

/** The pid of a child. */
export const pidOf = (supervisor: Pid.Pid, id: string) =>
  Effect.map(Supervisor.find(supervisor, id), ({ pid }) => pid as Pid.Pid<Rpc.Any> as ActorPid)

type ActorPid = Pid.Pid<typeof Do | typeof Note | typeof Ping>

/** Has a child do something, and waits until all have done what follows of it. */
export const tell = Effect.fnUntraced(function* (supervisor: Pid.Pid, id: string, deed: typeof Deed.Type) {
  yield* Process.send(yield* pidOf(supervisor, id), "do", deed)
  yield* Effect.sleep(1)
})

/** Kills a child, and waits until all have done what follows of it. */
export const kill = Effect.fnUntraced(function* (supervisor: Pid.Pid, id: string) {
  yield* Process.kill(yield* pidOf(supervisor, id))
  yield* Effect.sleep(1)
})

/** What was written since the last time. */
export const takeAll = (log: Array<string>): Array<string> => log.splice(0)
