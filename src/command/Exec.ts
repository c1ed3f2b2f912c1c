/**
 * Child processes: programs of the operating system that a process starts, writes to, reads from and waits for.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Schema from "effect/Schema"
import type { Yielder } from "../dispatch/Yielded.ts"
import * as Command from "../dispatch/Command.ts"
import * as Dispatcher from "../dispatch/Dispatcher.ts"
import type { InvalidOption } from "../process/ProcessError.ts"
import * as Process from "../process/Yielding.ts"
import * as ExecError from "./ExecError.ts"
import * as child from "./internal/child.ts"
import * as Handles from "../dispatch/Handles.ts"
import { limitsOf, mebibytes } from "./internal/limits.ts"
import { runChild } from "./internal/runChild.ts"

/**
 * The schema of {@link Child}.
 *
 * @category schemas
 */
export const Child = Schema.Int.pipe(Schema.brand("troupe/command/Exec/Child"))

/**
 * A child of the process that started it, which ends with it.
 *
 * @category models
 */
export type Child = typeof Child.Type

/**
 * The schema of {@link Ended}.
 *
 * @category schemas
 */
export const Ended = Schema.TaggedUnion({ Exited: { code: Schema.Int }, Signaled: { signal: Schema.String } })

/**
 * How a child has ended: `Exited` with a code of its own, or `Signaled`, when a signal ended it.
 *
 * @category models
 */
export type Ended = typeof Ended.Type

/**
 * The schema of {@link Output}.
 *
 * @category schemas
 */
export const Output = Schema.Struct({ code: Schema.Int, stdout: Schema.Uint8Array, stderr: Schema.Uint8Array })

/**
 * What a child that was run has answered: its exit code, and the bytes that it wrote.
 *
 * @category models
 */
export type Output = typeof Output.Type

/**
 * The schema of {@link Signal}.
 *
 * @category schemas
 */
export const Signal = Schema.Literals(["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGABRT", "SIGKILL"])

/**
 * The signals that ask a child to end.
 *
 * @category models
 */
export type Signal = typeof Signal.Type

const starting = {
  command: Schema.String,
  args: Schema.Array(Schema.String),
  cwd: Schema.optionalKey(Schema.String),
  env: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  inheritEnv: Schema.optionalKey(Schema.Boolean)
}

const maxBytes = Schema.optionalKey(Schema.Int.check(Schema.isGreaterThan(0)))

/**
 * The commands of the module `exec`.
 *
 * @category commands
 */
export const commands = Command.module("exec", {
  start: Command.make(150, { payload: starting, success: Child, error: ExecError.ExecError }),
  write: Command.make(151, { payload: { child: Child, bytes: Schema.Uint8Array }, error: ExecError.ExecError }),
  end: Command.make(152, { payload: { child: Child }, error: ExecError.ExecError }),
  read: Command.make(153, {
    payload: { child: Child, output: Schema.Literals(["stdout", "stderr"]), maxBytes },
    success: Schema.Option(Schema.Uint8Array),
    error: ExecError.ExecError
  }),
  wait: Command.make(154, { payload: { child: Child }, success: Ended, error: ExecError.ExecError }),
  kill: Command.make(155, {
    payload: { child: Child, signal: Signal, forceAfter: Schema.optionalKey(Schema.Duration) },
    error: ExecError.ExecError
  }),
  close: Command.make(156, { payload: { child: Child } }),
  run: Command.make(157, {
    payload: { ...starting, stdin: Schema.optionalKey(Schema.Uint8Array), maxBytes },
    success: Output,
    error: ExecError.ExecError
  })
})

/**
 * What a layer of child processes can be told.
 *
 * @category models
 */
export interface Options {
  /**
   * How many bytes a command carries at most: one write, one read, and of a run the input and each of the outputs. 1 MiB
   * when absent.
   */
  readonly maxBytes?: number | undefined
  /** After how long a child that was told to end, and has not, is killed: 5 seconds when absent. */
  readonly killAfter?: Duration.Input | undefined
}

/**
 * Handles the module with Effect's `ChildProcessSpawner`, which `NodeServices.layer` of `@effect/platform-node` has.
 *
 * **Details**
 *
 * A child belongs to the process that started it. When that process ends, however it does, the child and its process group
 * get SIGTERM, then SIGKILL after `killAfter`. The process waits for it, as for all its finalizers; one that is killed is
 * gone at once, and its children follow. What has left the process group, as a daemon does, is not reached.
 *
 * What a child writes is buffered up to some 400 KiB for each output; then the child waits until it is read.
 *
 * **Errors**
 *
 * `InvalidOption` for a `maxBytes` that is no whole number from 1 on.
 *
 * @category layers
 */
export const layer = (
  options?: Options
): Layer.Layer<
  Dispatcher.Handles<"exec"> | Dispatcher.Dispatcher,
  Dispatcher.RegistrationError | InvalidOption,
  ChildProcessSpawner
> =>
  Dispatcher.layer(
    commands,
    Effect.gen(function* () {
      const limit = yield* limitsOf("Exec.layer").count("maxBytes", options?.maxBytes, mebibytes(1), 1)
      const killAfter = Duration.fromInputUnsafe(options?.killAfter ?? "5 seconds")
      const children = Handles.make<child.Child>()
      const within = <A>(
        process: Yielder,
        id: Child,
        use: (child: child.Child) => Effect.Effect<A, ExecError.ExecError>
      ) => {
        const found = children.find(process, id)
        return found === undefined
          ? Effect.fail(child.failure(new ExecError.ChildNotFound({ child: id, process: process.id })))
          : use(found)
      }
      const startOf = (payload: {
        readonly command: string
        readonly args: ReadonlyArray<string>
        readonly cwd?: string
        readonly env?: Readonly<Record<string, string>>
        readonly inheritEnv?: boolean
      }) => ({
        command: payload.command,
        args: payload.args,
        cwd: payload.cwd,
        env: payload.env,
        inheritEnv: payload.inheritEnv ?? true,
        killAfter
      })
      const fits = (command: string, bytes: Uint8Array | undefined) =>
        bytes === undefined || bytes.length <= limit
          ? Effect.void
          : Effect.fail(child.failure(new ExecError.InputTooLarge({ command, limit, size: bytes.length })))
      return commands.of({
        start: (payload, { process }) =>
          Effect.map(children.open(process, child.Child.start(startOf(payload))), (id) => Child.make(id)),
        write: ({ bytes, child }, { process }) =>
          within(process, child, (found) => Effect.andThen(fits(found.command, bytes), found.write(bytes))),
        end: ({ child }, { process }) => within(process, child, ({ end }) => end),
        read: ({ child, maxBytes, output }, { process }) =>
          within(process, child, (found) => found.read(output, Math.min(maxBytes ?? limit, limit))),
        wait: ({ child }, { process }) => within(process, child, ({ wait }) => wait),
        kill: ({ child, forceAfter, signal }, { process }) =>
          within(process, child, (found) => found.kill(signal, forceAfter ?? killAfter)),
        close: ({ child }, { process }) => Effect.asVoid(children.close(process, child)),
        run: (payload) => {
          const { command, maxBytes, stdin } = payload
          return Effect.andThen(
            fits(command, stdin),
            runChild(startOf(payload), stdin, Math.min(maxBytes ?? limit, limit))
          )
        }
      })
    })
  )

/**
 * How a child is started.
 *
 * @category models
 */
export interface StartOptions {
  /** The folder that it runs in: that of this program when absent. */
  readonly cwd?: string | undefined
  /** Variables for it. They are recorded with the yield; give secrets by its input or in a file. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** Whether it has the variables of this program too: true when absent. */
  readonly inheritEnv?: boolean | undefined
}

const payloadOf = (command: string, args: ReadonlyArray<string>, options: StartOptions | undefined) => ({
  command,
  args,
  ...(options?.cwd === undefined ? {} : { cwd: options.cwd }),
  ...(options?.env === undefined ? {} : { env: options.env }),
  ...(options?.inheritEnv === undefined ? {} : { inheritEnv: options.inheritEnv })
})

const bytesOf = (text: string | Uint8Array): Uint8Array =>
  typeof text === "string" ? new TextEncoder().encode(text) : text

/**
 * Starts a child, which ends with the process at the latest.
 *
 * **Details**
 *
 * - `command`: its name, looked up in PATH, or its path. No shell is between: the arguments reach it as they are, and
 *   nothing in them is expanded. For a script there is the command `/bin/sh` with the arguments `-c` and the script.
 * - `args`: its arguments.
 * - `options`: its folder and variables.
 *
 * It stays known when it has ended, so that its output can be read and how it ended be asked, until it is closed.
 *
 * **Errors**
 *
 * `ExecError` with the reason `CommandNotFound`, `PermissionDenied`, `FolderNotFound`, or `SystemRefused`.
 *
 * **Example** (Talking to a child)
 *
 * ```ts import.meta.vitest
 * import * as NodeServices from "@effect/platform-node/NodeServices"
 * import { Effect, Layer, Option } from "effect"
 * import { Process, ProcessHost } from "troupe"
 * import { Exec } from "troupe/command"
 *
 * const Shouter = Process.make("app:shouter")
 * const ShouterLive = Shouter.toLayer(Effect.fn(function*() {
 *   const tr = yield* Exec.start("tr", ["a-z", "A-Z"])
 *   yield* Exec.write(tr, "hello")
 *   yield* Exec.end(tr)
 *   const said = yield* Exec.read(tr)
 *   return [Exec.text(Option.getOrThrow(said)), yield* Exec.wait(tr)]
 * })).pipe(Layer.provide(Exec.layer()))
 *
 * const program = Effect.flatten(Effect.flatMap(Process.spawn(Shouter), Process.await))
 * const Live = Layer.mergeAll(ShouterLive, ProcessHost.layer("app:processes")).pipe(Layer.provide(NodeServices.layer))
 * await Effect.runPromise(Effect.provide(program, Live)) // => ["HELLO", { _tag: "Exited", code: 0 }]
 * ```
 *
 * @category yielding
 */
export const start = (command: string, args: ReadonlyArray<string> = [], options?: StartOptions) =>
  Process.yield(commands.start, payloadOf(command, args, options))

/**
 * Writes to the standard input of a child, and waits until the pipe has room for more.
 *
 * **Details**
 *
 * Writes come in the order in which they were asked for. One that is interrupted while it waits may still be written.
 *
 * **Errors**
 *
 * `ExecError` with the reason `NotRunning`, `InputClosed`, `InputTooLarge`, or `ChildNotFound`. Of a child that ends while
 * it is written to, `InputClosed` may come before it is known to have ended.
 *
 * @category yielding
 */
export const write = (child: Child, bytes: string | Uint8Array) =>
  Process.yield(commands.write, { child, bytes: bytesOf(bytes) })

/**
 * Ends the standard input of a child, once what was written before has reached it. Ended input stays so.
 *
 * **Errors**
 *
 * `ExecError` with the reason `ChildNotFound`.
 *
 * @category yielding
 */
export const end = (child: Child) => Process.yield(commands.end, { child })

/**
 * How an output is read.
 *
 * @category models
 */
export interface ReadOptions {
  /** Which one: `stdout` when absent. */
  readonly output?: "stdout" | "stderr" | undefined
  /** How many bytes to take at most: as many as a command may carry when absent. */
  readonly maxBytes?: number | undefined
}

/**
 * The next bytes of an output of a child: waits until there are any, and answers nothing at the end.
 *
 * **Details**
 *
 * An output that nobody reads is not lost: the child waits when the pipes are full. Each byte is read once. A piece may end
 * in the middle of a character: give `TextDecoder.decode` the option `stream` to put pieces together.
 *
 * **Errors**
 *
 * `ExecError` with the reason `ChildNotFound` or `SystemRefused`.
 *
 * @category yielding
 */
export const read = (child: Child, options?: ReadOptions) =>
  Process.yield(commands.read, {
    child,
    output: options?.output ?? "stdout",
    ...(options?.maxBytes === undefined ? {} : { maxBytes: options.maxBytes })
  })

/**
 * Waits until a child has ended, and answers how; as often as one likes.
 *
 * **Details**
 *
 * A child that has more to write than the pipes hold ends when it is read: read first, or at the same time.
 *
 * **Errors**
 *
 * `ExecError` with the reason `ChildNotFound`.
 *
 * @category yielding
 */
export const wait = (child: Child) => Process.yield(commands.wait, { child })

/**
 * How a child is ended.
 *
 * @category models
 */
export interface KillOptions {
  /** What asks it to end: SIGTERM when absent. */
  readonly signal?: Signal | undefined
  /** After how long it is killed if it has not ended: the layer's `killAfter` when absent. */
  readonly forceAfter?: Duration.Input | undefined
}

/**
 * Ends a child and its process group: asks with a signal, and kills with SIGKILL what has not ended in time. It has ended
 * when this answers; a child that had ended before stays so.
 *
 * **Errors**
 *
 * `ExecError` with the reason `ChildNotFound`, or `SystemRefused` for a child that belongs to another user by now.
 *
 * @category yielding
 */
export const kill = (child: Child, options?: KillOptions) =>
  Process.yield(commands.kill, {
    child,
    signal: options?.signal ?? "SIGTERM",
    ...(options?.forceAfter === undefined ? {} : { forceAfter: Duration.fromInputUnsafe(options.forceAfter) })
  })

/**
 * Ends a child if it runs, as the end of the process would, and forgets it; one that is forgotten stays so.
 *
 * @category yielding
 */
export const close = (child: Child) => Process.yield(commands.close, { child })

/**
 * How a child is run.
 *
 * @category models
 */
export interface RunOptions extends StartOptions {
  /** Its whole standard input: none when absent. */
  readonly stdin?: string | Uint8Array | undefined
  /** How many bytes of each output to take at most; never more than the layer's `maxBytes`, which holds when absent. */
  readonly maxBytes?: number | undefined
}

/**
 * Runs a child from its start to its end, and answers its exit code and what it wrote. A code other than 0 is an answer.
 *
 * **Details**
 *
 * - `command`: its name or path, and `args`: its arguments, as with `start`; no shell is between.
 * - `options`: its folder, variables and input, and how much output is taken.
 *
 * It ends when the child has ended and its outputs are closed. A child that doesn't read its input is not at fault. When the
 * yield is interrupted, or its time is over, the child is ended first.
 *
 * **Errors**
 *
 * `ExecError` with the reasons of `start`, and `EndedBySignal`, `InputTooLarge`, or `OutputTooLarge`.
 *
 * **Example** (One command)
 *
 * ```ts import.meta.vitest
 * import * as NodeServices from "@effect/platform-node/NodeServices"
 * import { Effect, Layer } from "effect"
 * import { Process, ProcessHost } from "troupe"
 * import { Exec } from "troupe/command"
 *
 * const Sorter = Process.make("app:sorter")
 * const SorterLive = Sorter.toLayer(Effect.fn(function*() {
 *   const { code, stdout } = yield* Exec.run("sort", ["-n"], { stdin: "10\n9\n" })
 *   return [code, Exec.text(stdout)]
 * })).pipe(Layer.provide(Exec.layer()))
 *
 * const program = Effect.flatten(Effect.flatMap(Process.spawn(Sorter), Process.await))
 * const Live = Layer.mergeAll(SorterLive, ProcessHost.layer("app:processes")).pipe(Layer.provide(NodeServices.layer))
 * await Effect.runPromise(Effect.provide(program, Live)) // => [0, "9\n10\n"]
 * ```
 *
 * @category yielding
 */
export const run = (command: string, args: ReadonlyArray<string> = [], options?: RunOptions) =>
  Process.yield(commands.run, {
    ...payloadOf(command, args, options),
    ...(options?.stdin === undefined ? {} : { stdin: bytesOf(options.stdin) }),
    ...(options?.maxBytes === undefined ? {} : { maxBytes: options.maxBytes })
  })

/**
 * The bytes of a whole output as text: UTF-8, with U+FFFD in place of what is not.
 *
 * @category reading
 */
export const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
