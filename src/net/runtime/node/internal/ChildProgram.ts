/**
 * A child process from its start to its end: it is told what it asks for, says when it is ready, and ends with the scope.
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import { type ChildProcess, fork } from "node:child_process"
import { stderr } from "node:process"
import type { Ended } from "../../../Instance.ts"
import type { StartFailed } from "../../../RuntimeError.ts"
import { type FromChild, isFromChild, Told } from "./familyTalk.ts"
import type { Failing } from "./failing.ts"
import { Tail } from "./Tail.ts"
import { writeLossy } from "./writeLossy.ts"

/** What is started, and how long it may take to start and to stop. */
export interface Start {
  readonly path: string
  readonly args: ReadonlyArray<string>
  readonly execArgv: ReadonlyArray<string>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly told: Omit<typeof Told.Type, "_tag">
  readonly startTimeout: Duration.Duration
  readonly grace: Duration.Duration
  readonly failing: Failing
}

export class ChildProgram {
  private readonly child: ChildProcess
  private readonly options: Start
  private readonly tail = new Tail()
  private readonly over = Deferred.makeUnsafe<void>()
  // It has ended, and all that it wrote has come.
  private readonly closed = Deferred.makeUnsafe<void>()
  private readonly readyOn = Deferred.makeUnsafe<number, StartFailed>()
  private isStopping = false

  private constructor(child: ChildProcess, options: Start) {
    this.child = child
    this.options = options
    const { failing } = options
    child.on("error", (error) => {
      // Else it has a process, and what can't be done is to kill it or to tell it something.
      if (child.pid !== undefined) return
      this.fail(failing("Refused", `the system does not start it: ${error.message}`))
      Deferred.doneUnsafe(this.over, Exit.void)
      Deferred.doneUnsafe(this.closed, Exit.void)
    })
    child.once("exit", () => Deferred.doneUnsafe(this.over, Exit.void))
    child.once("close", () => Deferred.doneUnsafe(this.closed, Exit.void))
    child.on("message", (message) => {
      if (isFromChild(message)) this.hear(message)
    })
    child.stderr?.setEncoding("utf8").on("data", (piece: string) => {
      this.tail.add(piece)
      writeLossy(stderr, piece)
    })
  }

  /** Starts it, and answers when it is ready; it is stopped with the scope. */
  static readonly start = (options: Start): Effect.Effect<ChildProgram, StartFailed, Scope.Scope> =>
    Effect.acquireRelease(
      Effect.try({
        try: () => {
          const { args, env, execArgv, path } = options
          const child = fork(path, args, {
            env,
            execArgv: [...execArgv],
            // Not in the group of this program, which a terminal signals as a whole: Ctrl+C would end it before it is stopped.
            detached: true,
            // What it writes goes where this program's own log goes, and is looked at on the way.
            stdio: ["ignore", 2, "pipe", "ipc"],
            serialization: "json"
          })
          return new ChildProgram(child, options)
        },
        catch: (error) => options.failing("Refused", `Node does not start it: ${String(error)}`)
      }),
      (program) => program.stop
    ).pipe(Effect.tap((program) => program.ready))

  /** The port that it listens on. */
  get ready(): Effect.Effect<number, StartFailed> {
    const { failing, startTimeout } = this.options
    const late = Effect.suspend(() =>
      Effect.fail(
        failing("NotReady", `it was not ready within ${Duration.format(startTimeout)}`, { stderr: this.tail.lines })
      )
    )
    return Effect.raceFirst(Deferred.await(this.readyOn), this.endedEarly).pipe(
      Effect.timeoutOrElse({ duration: startTimeout, orElse: () => late })
    )
  }

  readonly ended: Effect.Effect<Ended> = Effect.suspend(() =>
    Effect.map(Deferred.await(this.over), (): Ended => ({
      how: this.isStopping ? "stopped" : "exited",
      detail: this.detail
    }))
  )

  private get detail(): string {
    const { exitCode, signalCode } = this.child
    return signalCode === null ? `its process ended with code ${exitCode}` : `its process was ended by ${signalCode}`
  }

  private readonly endedEarly: Effect.Effect<never, StartFailed> = Effect.suspend(() =>
    Deferred.await(this.over).pipe(
      // What it wrote last may come after its end; who has inherited its output may never close it.
      Effect.andThen(Effect.timeoutOption(Deferred.await(this.closed), "1 second")),
      Effect.flatMap(() => {
        const { exitCode, signalCode } = this.child
        return Effect.fail(
          this.options.failing("Ended", `${this.detail} before it was ready`, {
            stderr: this.tail.lines,
            ...(exitCode === null ? {} : { exitCode }),
            ...(signalCode === null ? {} : { signal: signalCode })
          })
        )
      })
    )
  )

  private hear(message: FromChild): void {
    if (message._tag === "TroupeAsks") this.child.send(Told.make(this.options.told))
    else if (message._tag === "TroupeReady") Deferred.doneUnsafe(this.readyOn, Exit.succeed(message.ports[0] ?? 0))
    else this.fail(this.options.failing("Refused", message.detail))
  }

  private fail(error: StartFailed): void {
    Deferred.doneUnsafe(this.readyOn, Exit.fail(error))
  }

  /** Asks it to end, which it does when what it has underway is answered, and ends it when the grace is over. */
  private readonly stop: Effect.Effect<void> = Effect.suspend(() => {
    if (Deferred.isDoneUnsafe(this.over)) return Effect.void
    this.isStopping = true
    this.child.kill("SIGTERM")
    return Deferred.await(this.over).pipe(
      Effect.timeoutOrElse({
        duration: this.options.grace,
        orElse: () => {
          this.child.kill("SIGKILL")
          return Deferred.await(this.over)
        }
      })
    )
  })
}
