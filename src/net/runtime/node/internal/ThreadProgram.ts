/**
 * A worker thread from its start to its end: it says when it is ready, is asked to end, and ends with the scope.
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import { Worker, type WorkerOptions } from "node:worker_threads"
import type { Ended } from "../../../Instance.ts"
import type { StartFailed } from "../../../RuntimeError.ts"
import type { Transport } from "../../../Transport.ts"
import * as WorkerPort from "../../../transport/node/WorkerPort.ts"
import { type FromChild, isFromChild, Stop } from "./familyTalk.ts"
import type { Failing } from "./failing.ts"

/** What is started, and how long it may take to start and to stop. */
export interface Start {
  readonly script: string | URL
  readonly worker: WorkerOptions
  readonly startTimeout: Duration.Duration
  readonly grace: Duration.Duration
  readonly failing: Failing
}

export class ThreadProgram {
  readonly transport: Transport
  private readonly worker: Worker
  private readonly options: Start
  private readonly readyOrNot = Deferred.makeUnsafe<void, StartFailed>()
  private readonly over = Deferred.makeUnsafe<Ended>()
  private fault: string | undefined
  private isStopping = false

  private constructor(worker: Worker, options: Start) {
    this.worker = worker
    this.options = options
    this.transport = WorkerPort.make(worker)
    worker.on("message", (message: unknown) => {
      if (isFromChild(message)) this.hear(message)
    })
    worker.on("error", (error: unknown) => (this.fault = `its thread has failed: ${String(error)}`))
    worker.once("exit", (code) => this.onExit(this.fault ?? `its thread ended with code ${code}`, code))
  }

  /** Starts it, and answers when it is ready; it is stopped with the scope. */
  static readonly start = (options: Start): Effect.Effect<ThreadProgram, StartFailed, Scope.Scope> =>
    Effect.acquireRelease(
      Effect.try({
        try: () => new ThreadProgram(new Worker(options.script, options.worker), options),
        catch: (error) => options.failing("Refused", `Node does not start it: ${String(error)}`)
      }),
      (program) => program.stop
    ).pipe(Effect.tap((program) => program.ready))

  private get ready(): Effect.Effect<void, StartFailed> {
    const { failing, startTimeout } = this.options
    return Effect.timeoutOrElse(Deferred.await(this.readyOrNot), {
      duration: startTimeout,
      orElse: () => Effect.fail(failing("NotReady", `it was not ready within ${Duration.format(startTimeout)}`))
    })
  }

  readonly ended: Effect.Effect<Ended> = Deferred.await(this.over)

  private hear(message: FromChild): void {
    if (message._tag === "TroupeReady") Deferred.doneUnsafe(this.readyOrNot, Exit.void)
    else if (message._tag === "TroupeFailed") this.fail(this.options.failing("Refused", message.detail))
  }

  private onExit(detail: string, exitCode: number): void {
    this.fail(this.options.failing("Ended", `${detail} before it was ready`, { exitCode }))
    Deferred.doneUnsafe(this.over, Exit.succeed({ how: this.isStopping ? "stopped" : "exited", detail }))
  }

  private fail(error: StartFailed): void {
    Deferred.doneUnsafe(this.readyOrNot, Exit.fail(error))
  }

  /** Asks it to end, which it does when what it has underway is answered, and ends it when the grace is over. */
  private readonly stop: Effect.Effect<void> = Effect.suspend(() => {
    if (Deferred.isDoneUnsafe(this.over)) return Effect.void
    this.isStopping = true
    // Who was never ready has nothing underway, and may not listen.
    if (!Deferred.isDoneUnsafe(this.readyOrNot)) return this.terminate
    this.worker.postMessage(Stop.make({}), [])
    return Effect.timeoutOrElse(Effect.asVoid(this.ended), {
      duration: this.options.grace,
      orElse: () => this.terminate
    })
  })

  private readonly terminate: Effect.Effect<void> = Effect.suspend(() => {
    void this.worker.terminate()
    return Effect.asVoid(this.ended)
  })
}
