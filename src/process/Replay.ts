/**
 * Replaying: the body of a process runs again, with no handler and on a host of its own, and is given what it was given
 * when it was recorded.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type { Rpc } from "effect/rpc"
import type * as Schema from "effect/Schema"
import type { AnyModule, NameOf } from "../dispatch/Command.ts"
import type { Handles } from "../dispatch/Dispatcher.ts"
import { type Definition, type Implementation, TypeId } from "./Definition.ts"
import { jsonOf } from "./internal/codecs.ts"
import { interruption } from "./internal/exit.ts"
import { makeHost } from "./internal/makeHost.ts"
import { Node } from "./internal/node.ts"
import { parseUnsafe } from "./internal/pid.ts"
import { type Failure, type Played, Player } from "./internal/player.ts"
import type { SpawnError } from "./ProcessError.ts"
import type { Recording } from "./Recording.ts"
import { InvalidRecording, type NotReplayable, type ReplayDiverged } from "./RecordingError.ts"

/**
 * How a replay ended.
 *
 * @category models
 */
export interface Replayed<out A> {
  /** How the body ended; `undefined` when the recording ends before, since its program crashed. */
  readonly exit: Exit.Exit<A, unknown> | undefined
  /** Whether it ended as it did when it was recorded. */
  readonly matches: boolean
}

/**
 * Why a replay can fail.
 *
 * @category errors
 */
export type ReplayError = ReplayDiverged | NotReplayable | InvalidRecording | SpawnError

/**
 * That modules are handled, one by one.
 *
 * @category utility types
 */
export type Unhandled<M extends AnyModule> = M extends AnyModule ? Handles<NameOf<M>> : never

/**
 * Says of modules that nothing handles them, to the compiler: the layer of a body that is only replayed needs no handlers,
 * and what it yields nevertheless fails with `UnknownCommand`.
 *
 * @category layers
 */
export const unhandled = <Modules extends ReadonlyArray<AnyModule>>(
  ..._modules: Modules
): Layer.Layer<Unhandled<Modules[number]>> => Layer.empty as Layer.Layer<never> as never

/**
 * Runs the body of a process as it was recorded: every command is answered from the recording, messages come in the order in
 * which they were taken, sends go nowhere, and random numbers are the same. No handler is called.
 *
 * **Details**
 *
 * - `process`: the definition; its implementation is required of the context.
 * - `recording`: what `Recording.read` or a recorder in memory answers.
 * - `options.patience`: how long a body may do nothing while the recording has something for it to do: 1 second of real time
 *   when absent.
 *
 * The process has the pid that it had. What it does is compared with the recording, byte for byte, and the replay stops at
 * the first difference; only its end may differ: `matches` tells. So a body that was mended passes as well, and the test
 * says how it ends now. An interrupted replay interrupts the body.
 *
 * **Errors**
 *
 * - `ReplayDiverged`: the body does something else, or ends before; both lines are in the error.
 * - `NotReplayable`: the body made a call, or took an event of a monitor or link, which are no commands.
 * - `InvalidRecording`: it is of another process, or does not fit the schemas of its commands any more.
 * - those of `spawn`.
 *
 * @category replaying
 */
export const run = Effect.fnUntraced(function* <
  Name extends string,
  Rpcs extends Rpc.Any,
  Args extends Schema.Top,
  Success extends Schema.Top,
  State extends Schema.Top
>(
  process: Definition<Name, Rpcs, Args, Success, State>,
  recording: Recording,
  options?: { readonly patience?: Duration.Input | undefined }
): Effect.fn.Return<Replayed<Success["Type"]>, ReplayError, Implementation<Name>> {
  const definition = process[TypeId]
  const [first] = recording.entries
  const wrong = (detail: string) => new InvalidRecording({ line: 1, detail })
  if (first?._tag !== "Began") return yield* wrong("a recording begins with how the process began")
  if (first.process !== process.name) return yield* wrong(`it is of ${first.process}, and not of ${process.name}`)
  const pid = parseUnsafe(first.pid)
  if (pid === undefined) return yield* wrong(`${first.pid} is not a pid`)
  const args = yield* Effect.mapError(jsonOf(definition.args).decode(first.args), (error) =>
    wrong(`its arguments do not fit: ${error.message}`)
  )
  const outcome = yield* Deferred.make<Played, Failure>()
  const player = new Player(process.name, first.seed, recording.entries, (played) =>
    Deferred.doneUnsafe(outcome, played)
  )
  const replayed = Effect.gen(function* () {
    const host = yield* makeHost(pid.host, undefined)
    host.numberFrom(pid.id)
    const spawned = yield* Effect.withFiber((fiber) => host.spawn(definition, args, fiber, { witness: player }))
    yield* Effect.addFinalizer(() => Effect.sync(() => spawned.stop(interruption(undefined))))
    return yield* Effect.raceFirst(Deferred.await(outcome), stalling(player, options?.patience ?? "1 second"))
  })
  const scoped = Effect.scoped(Effect.provide(replayed, Node.layer, { local: true }))
  const played = yield* Effect.catchTag(scoped, ["HostAlreadyExists"], Effect.die)
  return played as Replayed<Success["Type"]>
})

const liveClock = Context.get(Context.empty(), Clock.Clock)

// Whether the body has stopped is a matter of real time, whichever clock the program runs on.
const stalling = (player: Player, patience: Duration.Input): Effect.Effect<never> =>
  Effect.suspend(() => {
    const { line } = player
    const later = Effect.provideService(Effect.sleep(patience), Clock.Clock, liveClock)
    return Effect.andThen(later, () => {
      if (player.line === line) player.onStalled()
      return stalling(player, patience)
    })
  })
