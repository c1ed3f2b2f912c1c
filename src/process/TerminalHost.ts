/**
 * The host of a terminal program: its main process talks to standard input and output, and its end is the end of the
 * program.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type { PlatformError } from "effect/PlatformError"
import * as References from "effect/References"
import type { Rpc } from "effect/rpc"
import * as Runtime from "effect/Runtime"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as Selectable from "../channel/Selectable.ts"
import type { Definition, Implementation } from "./Definition.ts"
import type { HostImpl } from "./internal/host.ts"
import { LineSource } from "./internal/lines.ts"
import { isExitCode, runOn } from "./internal/mainProcess.ts"
import { makeHost } from "./internal/makeHost.ts"
import { Node } from "./internal/node.ts"
import { TerminalClosed, TerminalFailed } from "./ProcessError.ts"
import type { HostAlreadyExists, InvalidOption, SpawnError } from "./ProcessError.ts"
import type { Options } from "./ProcessHost.ts"
import { spawn, type ArgumentsOf } from "./Spawning.ts"

/**
 * The terminal of the program: lines from standard input, text to standard output, and the arguments.
 *
 * @category models
 */
export interface Terminal {
  /** The name of the host. */
  readonly name: string
  /** The arguments of the program. */
  readonly args: Effect.Effect<ReadonlyArray<string>>
  /** Whether a person sits there: standard input and output are both terminals. */
  readonly isInteractive: Effect.Effect<boolean>
  /**
   * The lines of standard input, without their ends: `None` when the input has ended, and then again and again.
   *
   * Input is read when a line is asked for, and not far ahead.
   */
  readonly lines: Selectable.Selectable<Option.Option<string>>
  /** Writes text to standard output as it is. */
  readonly write: (text: string) => Effect.Effect<void, TerminalClosed | TerminalFailed>
  /** Writes text to standard error as it is. */
  readonly writeError: (text: string) => Effect.Effect<void, TerminalClosed | TerminalFailed>
}

/**
 * The host on which the main process of a terminal program runs.
 *
 * @category services
 */
export class TerminalHost extends Context.Service<TerminalHost, Terminal>()("troupe/process/TerminalHost") {}

/**
 * Provides a terminal host on Effect's `Stdio`, which runs until the layer's scope closes and then stops.
 *
 * **Details**
 *
 * As `ProcessHost.layer`; its processes have a run queue of their own, so that the terminal answers while other hosts
 * are busy.
 *
 * **Example** (A terminal for tests)
 *
 * ```ts import.meta.vitest
 * import { Effect, Layer, Sink, Stdio } from "effect"
 * import { Process, TerminalHost } from "troupe"
 *
 * const Hello = Process.make("app:hello")
 * const HelloLive = Hello.toLayer(() => TerminalHost.print("Hello"))
 *
 * const output: Array<string | Uint8Array> = []
 * const stdio = Stdio.layerTest({ stdout: () => Sink.forEach((text) => Effect.sync(() => output.push(text))) })
 * const live = HelloLive.pipe(Layer.provideMerge(TerminalHost.layer("app:terminal")), Layer.provide(stdio))
 *
 * await Effect.runPromise(Effect.provide(TerminalHost.main(Hello), live)) // => 0
 * output // => ["Hello\n"]
 * ```
 *
 * @category layers
 */
export const layer = (
  name: string,
  options?: Options
): Layer.Layer<TerminalHost, HostAlreadyExists | InvalidOption, Stdio.Stdio> =>
  Layer.effect(TerminalHost, make(name, options)).pipe(Layer.provide(Node.layer))

// How Node tells that the reader of a pipe, or the terminal itself, has gone.
const hangUps: ReadonlySet<unknown> = new Set(["EPIPE", "EIO", "ECONNRESET", "ERR_STREAM_DESTROYED"])

const isHangUp = ({ reason }: PlatformError): boolean => {
  const { cause } = reason
  return typeof cause === "object" && cause !== null && "code" in cause && hangUps.has(cause.code)
}

interface TerminalHostImpl extends Terminal {
  readonly host: HostImpl
}

const make = Effect.fnUntraced(function* (
  name: string,
  options: Options | undefined
): Effect.fn.Return<TerminalHostImpl, HostAlreadyExists | InvalidOption, Node | Stdio.Stdio | Scope.Scope> {
  const stdio = yield* Stdio.Stdio
  const host = yield* makeHost(name, options)
  const lines = yield* LineSource.make(Stream.splitLines(Stream.decodeText(stdio.stdin)))
  const writeTo = (stream: "output" | "error", sink: ReturnType<Stdio.Stdio["stdout"]>) => (text: string) =>
    Stream.run(Stream.succeed(text), sink).pipe(
      Effect.mapError((error) => {
        const detail = String(error.reason.cause ?? error.message)
        return isHangUp(error) ? new TerminalClosed({ stream, detail }) : new TerminalFailed({ stream, detail })
      })
    )
  return {
    name,
    host,
    args: stdio.args,
    isInteractive: Effect.zipWith(stdio.stdinIsTerminal, stdio.stdoutIsTerminal, (input, output) => input && output),
    lines,
    write: writeTo("output", stdio.stdout()),
    writeError: writeTo("error", stdio.stderr())
  }
})

/**
 * The arguments of the program.
 *
 * **Example** (Reading the arguments)
 *
 * ```ts import.meta.vitest
 * import { Effect, Layer, Stdio } from "effect"
 * import { TerminalHost } from "troupe"
 *
 * const stdio = Stdio.layerTest({ args: Effect.succeed(["--loud"]) })
 * const live = TerminalHost.layer("app:terminal").pipe(Layer.provide(stdio))
 * await Effect.runPromise(Effect.provide(TerminalHost.args, live)) // => ["--loud"]
 * ```
 *
 * @category terminal
 */
export const args: Effect.Effect<ReadonlyArray<string>, never, TerminalHost> = Effect.flatMap(
  TerminalHost,
  (terminal) => terminal.args
)

/**
 * Whether a person sits at the terminal: false when standard input or output is a pipe or a file.
 *
 * **Example** (A prompt for persons only)
 *
 * ```ts import.meta.vitest
 * import { Effect, Layer, Stdio } from "effect"
 * import { TerminalHost } from "troupe"
 *
 * const prompt = Effect.map(TerminalHost.isInteractive, (person) => person ? "> " : "")
 *
 * const stdio = Stdio.layerTest({ stdinIsTerminal: Effect.succeed(true), stdoutIsTerminal: Effect.succeed(true) })
 * const live = TerminalHost.layer("app:terminal").pipe(Layer.provide(stdio))
 * await Effect.runPromise(Effect.provide(prompt, live)) // => "> "
 * ```
 *
 * @category terminal
 */
export const isInteractive: Effect.Effect<boolean, never, TerminalHost> = Effect.flatMap(
  TerminalHost,
  (terminal) => terminal.isInteractive
)

/**
 * The lines of standard input, as a source to select over; `None` when the input has ended.
 *
 * **Example** (Waiting for input or events)
 *
 * ```ts import.meta.vitest
 * import { Effect, Layer, Option, Stdio, Stream } from "effect"
 * import { Process, Select, TerminalHost } from "troupe"
 *
 * const Menu = Process.make("app:menu")
 * const MenuLive = Menu.toLayer(Effect.fn(function*() {
 *   const next = yield* Select.any({ line: yield* TerminalHost.lines, event: yield* Menu.events })
 *   return next._tag === "line" && Option.contains(next.value, "quit") ? 3 : 0
 * }))
 *
 * const stdio = Stdio.layerTest({ stdin: Stream.encodeText(Stream.make("quit\n")) })
 * const live = MenuLive.pipe(Layer.provideMerge(TerminalHost.layer("app:terminal")), Layer.provide(stdio))
 * await Effect.runPromise(Effect.provide(TerminalHost.main(Menu), live)) // => 3
 * ```
 *
 * @category terminal
 */
export const lines: Effect.Effect<Selectable.Selectable<Option.Option<string>>, never, TerminalHost> = Effect.map(
  TerminalHost,
  (terminal) => terminal.lines
)

/**
 * Reads the next line of standard input, without its end; `None` when the input has ended. An interrupted wait reads
 * nothing.
 *
 * **Example** (Reading to the end)
 *
 * ```ts import.meta.vitest
 * import { Effect, Layer, Option, Stdio, Stream } from "effect"
 * import { TerminalHost } from "troupe"
 *
 * const program = Effect.gen(function*() {
 *   const lines: Array<string> = []
 *   let line = yield* TerminalHost.readLine
 *   while (Option.isSome(line)) {
 *     lines.push(line.value)
 *     line = yield* TerminalHost.readLine
 *   }
 *   return lines
 * })
 *
 * const stdio = Stdio.layerTest({ stdin: Stream.encodeText(Stream.make("one\ntwo\n", "three")) })
 * const live = TerminalHost.layer("app:terminal").pipe(Layer.provide(stdio))
 * await Effect.runPromise(Effect.provide(program, live)) // => ["one", "two", "three"]
 * ```
 *
 * @category terminal
 */
export const readLine: Effect.Effect<Option.Option<string>, never, TerminalHost> = Effect.flatMap(
  lines,
  Selectable.take
)

/**
 * Writes text to standard output as it is. Fails with `TerminalClosed` when nobody reads it any
 * more, and with `TerminalFailed` when it can't be written.
 *
 * **Example** (A prompt)
 *
 * ```ts import.meta.vitest
 * import { Effect, Layer, Sink, Stdio } from "effect"
 * import { TerminalHost } from "troupe"
 *
 * const output: Array<string | Uint8Array> = []
 * const stdio = Stdio.layerTest({ stdout: () => Sink.forEach((text) => Effect.sync(() => output.push(text))) })
 * const live = TerminalHost.layer("app:terminal").pipe(Layer.provide(stdio))
 *
 * await Effect.runPromise(Effect.provide(TerminalHost.write("name? "), live))
 * output // => ["name? "]
 * ```
 *
 * @category terminal
 */
export const write = (text: string): Effect.Effect<void, TerminalClosed | TerminalFailed, TerminalHost> =>
  Effect.flatMap(TerminalHost, (terminal) => terminal.write(text))

/**
 * Writes a line to standard output. Fails with `TerminalClosed` when nobody reads it any
 * more, and with `TerminalFailed` when it can't be written.
 *
 * **Example** (Printing a line)
 *
 * ```ts import.meta.vitest
 * import { Effect, Layer, Sink, Stdio } from "effect"
 * import { TerminalHost } from "troupe"
 *
 * const output: Array<string | Uint8Array> = []
 * const stdio = Stdio.layerTest({ stdout: () => Sink.forEach((text) => Effect.sync(() => output.push(text))) })
 * const live = TerminalHost.layer("app:terminal").pipe(Layer.provide(stdio))
 *
 * await Effect.runPromise(Effect.provide(TerminalHost.print("Hello, Ada"), live))
 * output // => ["Hello, Ada\n"]
 * ```
 *
 * @category terminal
 */
export const print = (line: string): Effect.Effect<void, TerminalClosed | TerminalFailed, TerminalHost> =>
  write(`${line}\n`)

/**
 * The request that the program ends, with its reason: SIGINT, SIGTERM or SIGHUP under {@link runMain}.
 *
 * **Example** (Asking a program to end)
 *
 * ```ts import.meta.vitest
 * import { Deferred, Effect, Layer, Stdio } from "effect"
 * import { Process, Selectable, TerminalHost } from "troupe"
 *
 * const requested = Deferred.makeUnsafe<string>()
 * const Server = Process.make("app:server")
 * const ServerLive = Server.toLayer(Effect.fn(function*() {
 *   const events = yield* Server.events
 *   yield* Deferred.succeed(requested, "SIGTERM")
 *   const event = yield* Selectable.take(events)
 *   return event._tag === "Cancel" && event.reason === "SIGTERM" ? 3 : 0
 * }))
 *
 * const terminal = Layer.provide(TerminalHost.layer("app:terminal"), Stdio.layerTest({}))
 * const program = TerminalHost.main(Server).pipe(
 *   Effect.provideService(TerminalHost.Shutdown, Deferred.await(requested)),
 *   Effect.provide(Layer.provideMerge(ServerLive, terminal))
 * )
 * await Effect.runPromise(program) // => 3
 * ```
 *
 * @category services
 */
export const Shutdown: Context.Reference<Effect.Effect<string>> = Context.Reference<Effect.Effect<string>>(
  "troupe/process/TerminalHost/Shutdown",
  { defaultValue: () => Effect.never }
)

/**
 * Runs the main process of a terminal program on the terminal host, waits for its end and answers the exit code of the
 * program.
 *
 * **Details**
 *
 * The exit code is 0 for a normal end, the number that the process returned if it is an exit code (0 to 255), 1 for a
 * failure, whose report is logged, and 130 for an interruption or a kill. A failure because the reader of standard
 * output went away is not reported. When the
 * program is asked to end, the process gets a `Cancel` event; one that does not read its events is interrupted. An
 * interruption of this effect ends the process.
 *
 * Fails with the errors of `spawn`.
 *
 * **Example** (Greeting whoever types a name)
 *
 * ```ts import.meta.vitest
 * import { Effect, Layer, Option, Sink, Stdio, Stream } from "effect"
 * import { Process, TerminalHost } from "troupe"
 *
 * const Greeter = Process.make("app:greeter")
 * const GreeterLive = Greeter.toLayer(Effect.fn(function*() {
 *   const name = yield* TerminalHost.readLine
 *   if (Option.isNone(name)) return 1
 *   yield* TerminalHost.print(`Hello, ${name.value}`)
 *   return 0
 * }))
 *
 * const output: Array<string | Uint8Array> = []
 * const stdio = Stdio.layerTest({
 *   stdin: Stream.encodeText(Stream.make("Ada\n")),
 *   stdout: () => Sink.forEach((text) => Effect.sync(() => output.push(text)))
 * })
 * const live = GreeterLive.pipe(Layer.provideMerge(TerminalHost.layer("app:terminal")), Layer.provide(stdio))
 *
 * await Effect.runPromise(Effect.provide(TerminalHost.main(Greeter), live)) // => 0
 * output // => ["Hello, Ada\n"]
 * ```
 *
 * @category running
 */
export const main = <
  Name extends string,
  Rpcs extends Rpc.Any,
  Args extends Schema.Top,
  Success extends Schema.Top,
  State extends Schema.Top
>(
  process: Definition<Name, Rpcs, Args, Success, State>,
  ...[args]: ArgumentsOf<Args["Type"]>
): Effect.Effect<number, SpawnError, Implementation<Name> | TerminalHost> =>
  Effect.gen(function* () {
    const { host } = (yield* TerminalHost) as TerminalHostImpl
    return yield* runOn(host, spawn(process, args), yield* Shutdown)
  })

// What this module needs of the operating system's process; in a runtime without one nothing is signalled.
interface SystemProcess {
  on(signal: string, listener: () => void): void
  off(signal: string, listener: () => void): void
  exit(code: number): void
}

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const

// Whoever started the program may pass a signal on that the terminal has sent to both (npm does): within this time, in
// milliseconds, signals are one.
const OneKeyPress = 500

/**
 * Runs an effect as the main program of the operating system's process, and exits with the code that it answers.
 *
 * **Details**
 *
 * The first SIGINT (Ctrl+C), SIGTERM or SIGHUP asks the program to end (see {@link main}); another one, half a second
 * later or more, interrupts it.
 * A failure exits with 1. Whatever is logged goes to standard error, so that standard output is the program's own.
 *
 * **Example** (The main program on Node.js)
 *
 * ```ts no-run
 * import * as NodeStdio from "@effect/platform-node/NodeStdio"
 * import { Effect, Layer } from "effect"
 * import { Process, TerminalHost } from "troupe"
 *
 * const Main = Process.make("app:main")
 * const MainLive = Main.toLayer(() => TerminalHost.print("Hello"))
 *
 * const live = MainLive.pipe(Layer.provideMerge(TerminalHost.layer("app:terminal")), Layer.provide(NodeStdio.layer))
 * TerminalHost.main(Main).pipe(Effect.provide(live), TerminalHost.runMain)
 * ```
 *
 * @category running
 */
export const runMain = <E>(program: Effect.Effect<number, E>): void => {
  const system = (globalThis as { readonly process?: SystemProcess }).process
  const requested = Deferred.makeUnsafe<string>()
  let asked = 0
  const run = Runtime.makeRunMain(({ fiber, teardown }) => {
    const listeners = signals.map((signal) => {
      const onSignal = () => {
        if (Deferred.doneUnsafe(requested, Effect.succeed(signal))) asked = performance.now()
        else if (performance.now() - asked >= OneKeyPress) fiber.interruptUnsafe()
      }
      system?.on(signal, onSignal)
      return () => system?.off(signal, onSignal)
    })
    fiber.addObserver((exit) => {
      for (const off of listeners) off()
      teardown(exit, (code) => system?.exit(code))
    })
  })
  run(
    program.pipe(
      Effect.tapCause((cause) => (Cause.hasInterruptsOnly(cause) ? Effect.void : Effect.logError(cause))),
      Effect.provideService(Shutdown, Deferred.await(requested)),
      Effect.provideService(References.LogToStderr, true)
    ),
    {
      // It is reported above, where logs go to standard error.
      disableErrorReporting: true,
      teardown: (exit, onExit) =>
        Exit.isSuccess(exit) && isExitCode(exit.value) ? onExit(exit.value) : Runtime.defaultTeardown(exit, onExit)
    }
  )
}
