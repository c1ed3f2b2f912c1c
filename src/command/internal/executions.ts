/**
 * Executions of workflows that run: which process runs which, what is recorded of it, and how far it has come.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import type { Yielder } from "../../dispatch/Yielded.ts"
import { ExecutionBusy, type HistoryFailed } from "../WorkflowError.ts"
import type { WorkflowHistory } from "../WorkflowHistory.ts"

/** What is recorded for good when it happens, as opposed to what is kept about an execution. */
const isStep = (key: string): boolean => key.startsWith("step/")

/** One run of an execution by one process. */
export class Run {
  readonly execution: string
  private readonly history: WorkflowHistory["Service"]
  private readonly records: Map<string, Schema.Json>
  private readonly counts = new Map<string, number>()
  // How many steps of earlier runs this one has not come to yet.
  private ahead: number

  constructor(execution: string, history: WorkflowHistory["Service"], records: ReadonlyMap<string, Schema.Json>) {
    this.execution = execution
    this.history = history
    this.records = new Map(records)
    this.ahead = [...records.keys()].filter(isStep).length
  }

  /** Whether an earlier run has come further than this one has. */
  get isReplaying(): boolean {
    return this.ahead > 0
  }

  /** What is kept under a key. */
  get(key: string): Schema.Json | undefined {
    return this.records.get(key)
  }

  /** Keeps a value under a key. */
  set(key: string, value: Schema.Json): Effect.Effect<void, HistoryFailed> {
    return Effect.tap(this.history.record(this.execution, key, value), () =>
      Effect.sync(() => this.records.set(key, value))
    )
  }

  /**
   * Answers what is recorded for the step, or does the work and records it. The steps of one name are told apart by their
   * order. Between the end of the work and its record nothing interrupts; a step without a record has not been.
   */
  once<E, R>(name: string, work: Effect.Effect<Schema.Json, E, R>): Effect.Effect<Schema.Json, E | HistoryFailed, R> {
    return Effect.suspend(() => {
      const count = (this.counts.get(name) ?? 0) + 1
      this.counts.set(name, count)
      const key = `step/${name}/${count}`
      const recorded = this.records.get(key)
      if (recorded !== undefined) {
        this.ahead--
        return Effect.succeed(recorded)
      }
      return Effect.uninterruptibleMask((restore) => Effect.tap(restore(work), (value) => this.set(key, value))).pipe(
        Effect.onError(() =>
          Effect.sync(() => {
            if (this.counts.get(name) === count) this.counts.set(name, count - 1)
          })
        )
      )
    })
  }
}

/** That a process runs an execution: nobody else does meanwhile. */
interface Claim {
  readonly scope: Scope.Scope
  readonly released: Deferred.Deferred<void>
  readonly loaded: Deferred.Deferred<void>
  run: Run | undefined
  /** How many commands of the run are under way. */
  busy: number
  hasEnded: boolean
}

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** Who waits for a process to end. */
interface Caller {
  readonly execution: string
  readonly process: string
}

export class Executions {
  private readonly history: WorkflowHistory["Service"]
  private readonly claims = new Map<string, Claim>()
  private readonly callers = new Map<string, Caller>()

  constructor(history: WorkflowHistory["Service"]) {
    this.history = history
  }

  /**
   * Does something in the run of an execution by a process, which begins with the first such thing and ends with the
   * process. While another process runs the execution, this one waits.
   */
  within<A, E, R>(
    process: Yielder,
    execution: string,
    use: (run: Run) => Effect.Effect<A, E, R>
  ): Effect.Effect<A, E | HistoryFailed | ExecutionBusy, R> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(this.enter(process, execution, restore), ({ claim, run }) =>
        Effect.ensuring(restore(use(run)), this.leave(execution, claim))
      )
    )
  }

  /** Has it known that an execution waits for the end of a process. */
  called(process: string, caller: Caller): void {
    this.callers.set(process, caller)
  }

  /** The process has ended, or nobody waits for it any more. */
  returned(process: string): void {
    this.callers.delete(process)
  }

  /** How many executions run. */
  get size(): number {
    return this.claims.size
  }

  // Not to be interrupted but where it waits, so that who has entered leaves.
  private enter(
    process: Yielder,
    execution: string,
    restore: Restore
  ): Effect.Effect<{ readonly claim: Claim; readonly run: Run }, HistoryFailed | ExecutionBusy> {
    const again = Effect.suspend(() => this.enter(process, execution, restore))
    return Effect.suspend(() => {
      const claim = this.claims.get(execution)
      if (claim === undefined) return Effect.andThen(this.begin(process, execution, restore), again)
      if (claim.scope !== process.scope) {
        return this.isCalledBy(process.id, execution)
          ? Effect.fail(new ExecutionBusy({ execution, process: process.id }))
          : Effect.andThen(restore(Deferred.await(claim.released)), again)
      }
      const { run } = claim
      if (run === undefined) return Effect.andThen(restore(Deferred.await(claim.loaded)), again)
      claim.busy++
      return Effect.succeed({ claim, run })
    })
  }

  private begin(process: Yielder, execution: string, restore: Restore): Effect.Effect<void, HistoryFailed> {
    const { scope } = process
    const claim: Claim = {
      scope,
      released: Deferred.makeUnsafe(),
      loaded: Deferred.makeUnsafe(),
      run: undefined,
      busy: 1,
      hasEnded: false
    }
    this.claims.set(execution, claim)
    const end = Effect.suspend(() => {
      claim.hasEnded = true
      return this.free(execution, claim)
    })
    return restore(this.history.load(execution)).pipe(
      Effect.flatMap((records) => {
        claim.run = new Run(execution, this.history, records)
        return Scope.addFinalizer(scope, end)
      }),
      // Where the process has ended meanwhile, nothing begins.
      Effect.flatMap(() => (claim.hasEnded ? Effect.interrupt : Effect.void)),
      Effect.onExit((exit) => {
        claim.busy--
        if (Exit.isFailure(exit)) claim.hasEnded = true
        return Effect.andThen(this.free(execution, claim), Deferred.succeed(claim.loaded, undefined))
      })
    )
  }

  private leave(execution: string, claim: Claim): Effect.Effect<void> {
    return Effect.suspend(() => {
      claim.busy--
      return this.free(execution, claim)
    })
  }

  // What a process that has ended still does counts as its run: the next one begins when that is done.
  private free(execution: string, claim: Claim): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (!claim.hasEnded || claim.busy > 0 || this.claims.get(execution) !== claim) return Effect.void
      this.claims.delete(execution)
      return Effect.asVoid(Deferred.succeed(claim.released, undefined))
    })
  }

  private isCalledBy(process: string, execution: string): boolean {
    for (let caller = this.callers.get(process); caller !== undefined; caller = this.callers.get(caller.process)) {
      if (caller.execution === execution) return true
    }
    return false
  }
}
