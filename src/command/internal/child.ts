/**
 * A child process whose input is written, and whose outputs are read, one piece at a time.
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as PlatformError from "effect/PlatformError"
import type * as ChildProcess from "effect/process/ChildProcess"
import * as Process from "effect/process/ChildProcess"
import type { ChildProcessHandle, ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import * as ExecError from "../ExecError.ts"
import { makeReader, type Read } from "./reader.ts"

/** What is started, and how it is ended with its scope. */
export interface Start {
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly cwd: string | undefined
  readonly env: Readonly<Record<string, string>> | undefined
  readonly inheritEnv: boolean
  /** A child that was told to end, and has not, is killed after this time. */
  readonly killAfter: Duration.Duration
  readonly stdin: "pipe" | "ignore" | Stream.Stream<Uint8Array, PlatformError.PlatformError>
}

/** How a child has ended. */
export type Ended =
  | { readonly _tag: "Exited"; readonly code: number }
  | { readonly _tag: "Signaled"; readonly signal: string }

export const failure = (reason: ExecError.Reason): ExecError.ExecError => new ExecError.ExecError({ reason })

/** Starts a child, which ends with the scope. */
export const spawn = (
  start: Start
): Effect.Effect<ChildProcessHandle, ExecError.ExecError, ChildProcessSpawner | Scope.Scope> => {
  const { args, command, cwd, env, inheritEnv, killAfter, stdin } = start
  const options: ChildProcess.CommandOptions = {
    cwd,
    stdin,
    forceKillAfter: killAfter,
    ...environment(env, inheritEnv)
  }
  const refused = (error: unknown) => Effect.fail(failure(startReason(start, error)))
  // Node throws what the system refuses for rarer reasons, such as too many arguments.
  return Process.make(command, args, options).pipe(Effect.catch(refused), Effect.catchDefect(refused))
}

const environment = (
  env: Start["env"],
  inheritEnv: boolean
): Pick<ChildProcess.CommandOptions, "env" | "extendEnv"> => ({ env: env ?? {}, extendEnv: inheritEnv })

const startReason = ({ command, cwd }: Start, error: unknown): ExecError.Reason => {
  const reason = PlatformError.isPlatformError(error) ? error.reason : undefined
  // The folder is looked at before the command is started.
  if (reason?.module === "FileSystem" && cwd !== undefined) return new ExecError.FolderNotFound({ command, cwd })
  if (reason?._tag === "NotFound") return new ExecError.CommandNotFound({ command })
  if (reason?._tag === "PermissionDenied") return new ExecError.PermissionDenied({ command })
  return new ExecError.SystemRefused({ command, action: "start", detail: detailOf(error) })
}

// The message of a platform error has the arguments in it, which may be secret.
const detailOf = (error: unknown): string => {
  if (!PlatformError.isPlatformError(error)) return codeOf(error) ?? "it was refused without a code"
  const { reason } = error
  if (reason._tag === "BadArgument") return reason.description ?? "an argument is not valid"
  return codeOf(reason.cause) ?? reason._tag
}

const codeOf = (error: unknown): string | undefined => {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined
  return typeof error.code === "string" ? error.code : undefined
}

/** Waits until a child has ended, whether its output was read or not. */
export const ended = (command: string, handle: ChildProcessHandle): Effect.Effect<Ended, ExecError.ExecError> =>
  handle.exitCode.pipe(
    Effect.map((code): Ended => ({ _tag: "Exited", code })),
    Effect.catch((error) => {
      // A spawner has exit codes alone; a signal stands in the words of its error.
      const signal = /signal: '(\w+)'/.exec(String(error.reason.cause))?.[1]
      if (signal !== undefined) return Effect.succeed<Ended>({ _tag: "Signaled", signal })
      return Effect.fail(failure(new ExecError.SystemRefused({ command, action: "read", detail: detailOf(error) })))
    })
  )

const isRunning = (handle: ChildProcessHandle): Effect.Effect<boolean> =>
  Effect.orElseSucceed(handle.isRunning, () => false)

// One write, until it was accepted.
interface Writing {
  readonly bytes: Uint8Array
  readonly accepted: Deferred.Deferred<void, ExecError.ExecError>
}

/** An output that is read piece by piece; what is not read stops the child when the pipes are full. */
interface Output {
  readonly pieces: Queue.Queue<Uint8Array, ExecError.ExecError | Cause.Done>
  /** Readers come one after the other. */
  readonly alone: Semaphore.Semaphore
  rest: Uint8Array | undefined
}

export class Child {
  readonly command: string
  private readonly handle: ChildProcessHandle
  private readonly writings: Queue.Queue<Writing, Cause.Done>
  private readonly outputs: Readonly<Record<"stdout" | "stderr", Output>>

  private constructor(
    command: string,
    handle: ChildProcessHandle,
    writings: Queue.Queue<Writing, Cause.Done>,
    outputs: Readonly<Record<"stdout" | "stderr", Output>>
  ) {
    this.command = command
    this.handle = handle
    this.writings = writings
    this.outputs = outputs
  }

  /** Starts a child, which ends with the scope. */
  static readonly start = (
    start: Omit<Start, "stdin">
  ): Effect.Effect<Child, ExecError.ExecError, ChildProcessSpawner | Scope.Scope> =>
    Effect.gen(function* () {
      const { command } = start
      const read = yield* makeReader
      const handle = yield* spawn({ ...start, stdin: "pipe" })
      const writings = yield* Queue.bounded<Writing, Cause.Done>(1)
      yield* Effect.forkScoped(feed(command, handle, writings))
      const stdout = yield* outputOf(command, read, handle.stdout)
      const stderr = yield* outputOf(command, read, handle.stderr)
      yield* Effect.addFinalizer(() => Effect.forEach([stdout, stderr], close))
      return new Child(command, handle, writings, { stdout, stderr })
    })

  /** Writes, and waits until the pipe has room for more. */
  write(bytes: Uint8Array): Effect.Effect<void, ExecError.ExecError> {
    const { command, handle, writings } = this
    return Effect.gen(function* () {
      const accepted = yield* Deferred.make<void, ExecError.ExecError>()
      if (yield* Queue.offer(writings, { bytes, accepted })) return yield* Deferred.await(accepted)
      return yield* Effect.flip(refusal(command, handle))
    })
  }

  /** Ends the input, once everything is written. */
  get end(): Effect.Effect<void> {
    return Effect.asVoid(Queue.end(this.writings))
  }

  /** The next bytes of an output, up to `max` of them; nothing at its end. */
  read(name: "stdout" | "stderr", max: number): Effect.Effect<Option.Option<Uint8Array>, ExecError.ExecError> {
    const output = this.outputs[name]
    const take = Effect.suspend(() =>
      output.rest === undefined ? Queue.take(output.pieces) : Effect.succeed(output.rest)
    )
    return take.pipe(
      Effect.map((piece) => {
        output.rest = piece.length > max ? piece.subarray(max) : undefined
        // A copy, since a piece may be a part of a large buffer that it would keep alive.
        return Option.some(piece.slice(0, max))
      }),
      Effect.catchTag("Done", () => Effect.succeedNone),
      Semaphore.withPermit(output.alone)
    )
  }

  get wait(): Effect.Effect<Ended, ExecError.ExecError> {
    return ended(this.command, this.handle)
  }

  /** Ends the child, and waits until it has; one that has ended stays so. */
  kill(signal: ChildProcess.Signal, forceKillAfter: Duration.Duration): Effect.Effect<void, ExecError.ExecError> {
    const { command, handle } = this
    const refused = (error: PlatformError.PlatformError) =>
      // It may end between the look at it and the signal.
      Effect.flatMap(isRunning(handle), (running) => {
        if (!running) return Effect.void
        return Effect.fail(failure(new ExecError.SystemRefused({ command, action: "kill", detail: detailOf(error) })))
      })
    return Effect.flatMap(isRunning(handle), (running) =>
      running ? Effect.catch(handle.kill({ killSignal: signal, forceKillAfter }), refused) : Effect.void
    )
  }
}

const refusal = (command: string, handle: ChildProcessHandle): Effect.Effect<ExecError.ExecError> =>
  Effect.map(isRunning(handle), (running) =>
    failure(running ? new ExecError.InputClosed({ command }) : new ExecError.NotRunning({ command }))
  )

/**
 * Writes what comes to the child until the end; a write is accepted when the next one is asked for. When the child takes
 * no more, everybody who still waits is told.
 */
const feed = (
  command: string,
  handle: ChildProcessHandle,
  writings: Queue.Queue<Writing, Cause.Done>
): Effect.Effect<void> => {
  let current: Writing | undefined
  const tell = (writing: Writing | undefined, exit: Exit.Exit<void, ExecError.ExecError>) =>
    writing === undefined ? Effect.void : Effect.asVoid(Deferred.done(writing.accepted, exit))
  const next = Effect.suspend(() => tell(current, Exit.void)).pipe(
    Effect.andThen(Queue.take(writings)),
    Effect.map((writing) => {
      current = writing
      return [writing.bytes] as const
    })
  )
  const refuseRest = Effect.gen(function* () {
    yield* Queue.end(writings)
    const waiting = yield* Queue.collect(writings)
    const error = Exit.fail(yield* refusal(command, handle))
    yield* Effect.forEach([current, ...waiting], (writing) => tell(writing, error), { discard: true })
  })
  return Stream.fromPull(Effect.succeed(next)).pipe(
    Stream.run(handle.stdin),
    Effect.exit,
    Effect.ensuring(refuseRest),
    Effect.asVoid
  )
}

const outputOf = (command: string, read: Read, stream: ChildProcessHandle["stdout"]): Effect.Effect<Output> =>
  Effect.gen(function* () {
    const pieces = yield* Queue.bounded<Uint8Array, ExecError.ExecError | Cause.Done>(1)
    yield* read(
      stream,
      (piece) => Queue.offer(pieces, piece),
      Exit.match({
        onFailure: (cause) => Queue.fail(pieces, unreadable(command, cause)),
        onSuccess: () => Queue.end(pieces)
      })
    )
    return { pieces, alone: yield* Semaphore.make(1), rest: undefined }
  })

// Whoever reads learns that nothing more comes, and what still comes passes by.
const close = ({ pieces }: Output): Effect.Effect<unknown> =>
  Effect.andThen(Queue.end(pieces), Effect.ignore(Queue.collect(pieces)))

/** The error of an output that broke. */
export const unreadable = (command: string, cause: Cause.Cause<PlatformError.PlatformError>): ExecError.ExecError =>
  failure(new ExecError.SystemRefused({ command, action: "read", detail: detailOf(Cause.squash(cause)) }))
