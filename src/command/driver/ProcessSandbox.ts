/**
 * A sandbox of processes of the operating system, which run Node.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as PlatformError from "effect/PlatformError"
import * as ChildProcess from "effect/process/ChildProcess"
import { type ChildProcessHandle, ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import { readFile } from "node:fs/promises"
import { availableParallelism } from "node:os"
import { execPath } from "node:process"
import type { InvalidOption } from "../../process/ProcessError.ts"
import type { EvalError } from "../EvalError.ts"
import { limitsOf } from "../internal/limits.ts"
import { type Limits, Sandbox } from "../Sandbox.ts"
import { crashed, memoryLimit, type Request, resultOf, timeLimit } from "./internal/answer.ts"
import { processCode } from "./internal/evaluator.ts"

/**
 * What a sandbox of processes can be told.
 *
 * @category models
 */
export interface Options {
  /** How many processes there are at most; who comes later waits. As many as the machine has processors when absent. */
  readonly concurrency?: number | undefined
}

/**
 * Runs source in processes of Node: one for each run, which is killed at its limits, and with which ends whatever happened
 * in it.
 *
 * **Details**
 *
 * The source has what it has in `WorkerSandbox`. Around it is a process of its own instead of a thread:
 *
 * - **Time.** The process is killed at the limit, whatever it is doing.
 * - **Memory.** It has a heap of its own, which has the limit; V8 may end it, and with it the run alone. Where there is a
 *   `/proc`, its whole memory is looked at every 10 ms, and it is killed when that is more than 96 MB over the limit; Node
 *   takes about half of them for itself. Elsewhere buffers are not limited.
 * - **Walls.** It has no variables of the environment, and Node's permission model denies it files, other processes, threads,
 *   addons, and from Node 25 on the network. It runs as the same user: what breaks out of V8 can do what that user may, so
 *   that code of strangers who mean harm needs a container, or a machine of its own.
 *
 * A process costs more than a thread: some 40 ms to start and end, and 45 MB while it runs.
 *
 * **Errors**
 *
 * `InvalidOption` for a `concurrency` that is no whole number from 1 on.
 *
 * **Example** (Code that would end a program)
 *
 * ```ts import.meta.vitest
 * import * as NodeServices from "@effect/platform-node/NodeServices"
 * import { Effect, Layer } from "effect"
 * import { Process, ProcessHost } from "troupe"
 * import { Eval } from "troupe/command"
 * import * as ProcessSandbox from "troupe/command/process-sandbox"
 *
 * const Judge = Process.make("app:judge")
 * const JudgeLive = Judge.toLayer(() => Eval.run("return [...input].reverse().join('')", "abc")).pipe(
 *   Layer.provide(Eval.layer()),
 *   Layer.provide(ProcessSandbox.layer()),
 *   Layer.provide(NodeServices.layer)
 * )
 *
 * const program = Effect.flatten(Effect.flatMap(Process.spawn(Judge), Process.await))
 * await Effect.runPromise(Effect.provide(program, [JudgeLive, ProcessHost.layer("app:processes")])) // => "cba"
 * ```
 *
 * @category layers
 */
export const layer = (options?: Options): Layer.Layer<Sandbox, InvalidOption, ChildProcessSpawner> =>
  Layer.effect(
    Sandbox,
    Effect.gen(function* () {
      const spawner = yield* ChildProcessSpawner
      const concurrency = limitsOf("ProcessSandbox.layer").count(
        "concurrency",
        options?.concurrency,
        availableParallelism(),
        1
      )
      const places = yield* Semaphore.make(yield* concurrency)
      const evaluate = (request: Omit<Request, "maxBytes">, limits: Limits) =>
        evaluating({ ...request, maxBytes: limits.maxBytes }, limits).pipe(
          Effect.scoped,
          Effect.provideService(ChildProcessSpawner, spawner),
          Semaphore.withPermit(places)
        )
      return {
        check: (source, limits) => Effect.asVoid(evaluate({ source, input: undefined }, limits)),
        run: (source, input, limits) => evaluate({ source, input }, limits)
      }
    })
  )

const evaluating = (
  request: Request,
  limits: Limits
): Effect.Effect<string, EvalError, ChildProcessSpawner | Scope.Scope> =>
  Effect.gen(function* () {
    const handle = yield* start(request, limits)
    const started = yield* Deferred.make<void>()
    const outcome = Effect.raceAllFirst([
      answered(handle, started, limits),
      late(started, limits),
      large(handle, limits)
    ])
    return yield* resultOf(yield* outcome, limits)
  })

const start = (request: Request, limits: Limits) =>
  ChildProcess.make(
    execPath,
    [
      "--permission",
      "--disallow-code-generation-from-strings",
      "--no-warnings",
      `--max-old-space-size=${Math.ceil(limits.memory)}`,
      "--max-semi-space-size=8",
      "--eval",
      processCode
    ],
    {
      env: {},
      extendEnv: false,
      killSignal: "SIGKILL",
      stdin: Stream.succeed(new TextEncoder().encode(JSON.stringify(request)))
    }
  ).pipe(Effect.mapError(({ reason: { _tag } }) => crashed(`its process was not started: ${_tag}`)))

// What the process writes: a line when it has started, and one with its answer. Both are Node's to write, not the source's.
const answered = (
  handle: ChildProcessHandle,
  started: Deferred.Deferred<void>,
  limits: Limits
): Effect.Effect<unknown, EvalError> =>
  Effect.gen(function* () {
    let answer = ""
    const read = (line: string): Effect.Effect<void> => {
      if (answer === "" && line === startedLine) return Effect.asVoid(Deferred.succeed(started, undefined))
      answer = line
      return Effect.void
    }
    const lines = limited(handle.stdout, limits).pipe(Stream.decodeText(), Stream.splitLines, Stream.runForEach(read))
    const [, complaint, exit] = yield* Effect.all(
      [lines, Effect.mapError(beginning(handle.stderr), unreadable), Effect.exit(handle.exitCode)],
      { concurrency: "unbounded" }
    )
    if (answer !== "") return yield* Effect.mapError(parse(answer), () => crashed("its answer can't be read"))
    // V8 says why it ends a process, and ends it with a signal.
    if (/heap|memory|invalid size|allocation failed/i.test(complaint)) return yield* memoryLimit(limits)
    return yield* crashed(`its process ended ${exit._tag === "Success" ? `with code ${exit.value}` : "by a signal"}`)
  })

const unreadable = ({ reason: { _tag } }: PlatformError.PlatformError): EvalError =>
  crashed(`its process can't be read: ${_tag}`)

// A result is JSON in JSON, where a byte takes six at most. More is not written by what we started.
const limited = (
  stream: Stream.Stream<Uint8Array, PlatformError.PlatformError>,
  { maxBytes }: Limits
): Stream.Stream<Uint8Array, EvalError> => {
  let left = 6 * maxBytes + 100_000
  return stream.pipe(
    Stream.mapError(unreadable),
    Stream.mapEffect((piece) => {
      left -= piece.length
      return left < 0 ? Effect.fail(crashed("it wrote more than any result has")) : Effect.succeed(piece)
    })
  )
}

const startedLine = '{"_tag":"Started"}'

const parse = Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.Unknown))

const beginning = (
  stream: Stream.Stream<Uint8Array, PlatformError.PlatformError>
): Effect.Effect<string, PlatformError.PlatformError> =>
  stream.pipe(
    Stream.decodeText(),
    Stream.runFold(
      () => "",
      (text, piece) => (text.length > 8192 ? text : text + piece)
    )
  )

// Fails when the source has run for too long; a process that starts slowly is not its fault.
const late = (started: Deferred.Deferred<void>, limits: Limits): Effect.Effect<never, EvalError> =>
  Deferred.await(started).pipe(
    Effect.andThen(Effect.sleep(limits.time)),
    Effect.andThen(Effect.suspend(() => Effect.fail(timeLimit(limits))))
  )

// Beside its heap: Node itself, the young generation, and what was freed and not given back.
const beside = 96

// Buffers lie outside of the heap, and of what V8 limits.
const large = ({ pid }: ChildProcessHandle, limits: Limits): Effect.Effect<never, EvalError> => {
  const most = (limits.memory + beside) * 1024
  const look = Effect.tryPromise(() => readFile(`/proc/${pid}/status`, "utf8")).pipe(
    // There is no /proc, or no such process any more.
    Effect.catch(() => Effect.never),
    Effect.flatMap((status) =>
      Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) > most
        ? Effect.fail(memoryLimit(limits))
        : Effect.sleep("10 millis")
    )
  )
  return Effect.forever(look)
}
