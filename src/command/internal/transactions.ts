/**
 * Transactions that last from one command of a process to another. A fiber of the process's scope is inside of effect's
 * `withTransaction` and waits there: until it is told to commit, or else, when the process ends, until it is interrupted.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import type { SqlClient, TransactionConnection } from "effect/sql/SqlClient"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import type { Yielder } from "../../dispatch/Yielded.ts"
import { failedStatement, NestedTransactionOpen, SqlFailed, TransactionNotOpen } from "../SqlError.ts"
import * as Handles from "../../dispatch/Handles.ts"

class Transaction {
  /** One statement after the other; the end takes its turn among them. */
  readonly turn = Semaphore.makeUnsafe(1)
  /** To be committed. */
  readonly decision = Deferred.makeUnsafe<void>()
  /** Takes no more statements; those under way are interrupted. */
  readonly ended = Deferred.makeUnsafe<void>()
  readonly outer: Transaction | undefined
  open = false
  id = 0
  nested: Transaction | undefined = undefined
  fiber: Fiber.Fiber<void, SqlError> | undefined = undefined
  level: TransactionConnection.Service | undefined = undefined
  context: Context.Context<never> | undefined = undefined

  constructor(outer: Transaction | undefined) {
    this.outer = outer
  }
}

/** The transactions that processes have begun with a client. */
export class Transactions {
  private readonly handles = Handles.make<Transaction>()
  private readonly client: SqlClient

  constructor(client: SqlClient) {
    this.client = client
  }

  /** Begins a transaction, or a savepoint in an outer one; answers its number. */
  begin(process: Yielder, outer: number | undefined): Effect.Effect<number, SqlFailed> {
    const statement = outer === undefined ? "BEGIN" : "SAVEPOINT"
    return outer === undefined
      ? this.open(process, statement, undefined)
      : this.inTurn(process, outer, statement, (outer) => this.open(process, statement, outer))
  }

  /** Runs a statement in a transaction. */
  within<A>(
    process: Yielder,
    transaction: number,
    statement: string,
    effect: Effect.Effect<A, SqlFailed>
  ): Effect.Effect<A, SqlFailed> {
    return this.inTurn(process, transaction, statement, ({ level }) =>
      level === undefined ? effect : Effect.provideService(effect, this.client.transactionService, level)
    )
  }

  /** Commits; afterwards the transaction has ended, whatever comes of it. */
  commit(process: Yielder, id: number): Effect.Effect<void, SqlFailed> {
    const statement = "COMMIT"
    return Effect.suspend(() => {
      const found = this.find(process, id, statement)
      if (found instanceof SqlFailed) return Effect.fail(found)
      const decide = Effect.suspend(() => {
        const again = this.find(process, id, statement)
        if (again instanceof SqlFailed) return Effect.fail(again)
        again.open = false
        return Deferred.succeed(again.decision, undefined)
      })
      // What was decided is waited for: an interrupted commit would leave nobody to tell what became of it.
      return Effect.uninterruptibleMask((restore) =>
        restore(Semaphore.take(found.turn, 1)).pipe(
          Effect.andThen(Effect.ensuring(decide, Semaphore.release(found.turn, 1))),
          Effect.andThen(this.outcome(process, found, statement))
        )
      )
    })
  }

  /** How many are open. */
  get size(): number {
    return this.handles.size
  }

  /** Rolls back, with what is nested in it; statements under way are interrupted. */
  rollback(process: Yielder, id: number): Effect.Effect<void, SqlFailed> {
    return Effect.suspend(() => {
      const found = this.handles.find(process, id)
      if (found === undefined || !found.open) return Effect.fail(notOpen(process, id, "ROLLBACK"))
      return Effect.uninterruptible(
        Effect.andThen(this.close(process, found), this.outcome(process, found, "ROLLBACK"))
      )
    })
  }

  private close(process: Yielder, { id, nested }: Transaction): Effect.Effect<unknown> {
    const closed = this.handles.close(process, id)
    return nested === undefined ? closed : Effect.andThen(this.close(process, nested), closed)
  }

  private find(process: Yielder, id: number, statement: string): Transaction | SqlFailed {
    const found = this.handles.find(process, id)
    if (found === undefined || !found.open) return notOpen(process, id, statement)
    return found.nested === undefined
      ? found
      : new SqlFailed({ statement, reason: new NestedTransactionOpen({ transaction: id }) })
  }

  // What was yielded first goes first; and what the transaction is, and has open, may be another when the turn comes.
  private inTurn<A>(
    process: Yielder,
    id: number,
    statement: string,
    use: (transaction: Transaction) => Effect.Effect<A, SqlFailed>
  ): Effect.Effect<A, SqlFailed> {
    const find = () => this.find(process, id, statement)
    return Effect.suspend(() => {
      const found = find()
      if (found instanceof SqlFailed) return Effect.fail(found)
      const used = Effect.suspend(() => {
        const again = find()
        return again instanceof SqlFailed ? Effect.fail(again) : use(again)
      })
      return Effect.raceFirst(
        Semaphore.withPermit(found.turn, used),
        Effect.flatMap(Deferred.await(found.ended), () => Effect.fail(notOpen(process, id, statement)))
      )
    })
  }

  private open(process: Yielder, statement: string, outer: Transaction | undefined): Effect.Effect<number, SqlFailed> {
    return Effect.suspend(() => {
      const transaction = new Transaction(outer)
      // Interruptible here alone: who yields uninterruptibly gets every transaction that has begun, and one that has begun
      // knows its number.
      const opened = this.handles.open(process, Effect.interruptible(hold(this.client, transaction)))
      return Effect.uninterruptible(
        Effect.matchEffect(opened, {
          onFailure: (error) => Effect.fail(failedStatement(statement, [], error)),
          onSuccess: (id) => {
            transaction.id = id
            return Effect.succeed(id)
          }
        })
      )
    })
  }

  private outcome(process: Yielder, { fiber, id }: Transaction, statement: string): Effect.Effect<void, SqlFailed> {
    if (fiber === undefined) return Effect.void
    return Effect.flatMap(Fiber.await(fiber), (exit) =>
      Effect.andThen(
        this.handles.close(process, id),
        Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause) ? Effect.void : ofCause(exit.cause, statement)
      )
    )
  }
}

const notOpen = (process: Yielder, transaction: number, statement: string): SqlFailed =>
  new SqlFailed({ statement, reason: new TransactionNotOpen({ transaction, process: process.id }) })

// A rollback that fails is a defect to effect; here it is the outcome of a command.
const ofCause = (cause: Cause.Cause<SqlError>, statement: string): Effect.Effect<never, SqlFailed> => {
  for (const reason of cause.reasons) {
    const error = Cause.isFailReason(reason) ? reason.error : Cause.isDieReason(reason) ? reason.defect : undefined
    if (isSqlError(error)) return Effect.fail(failedStatement(statement, [], error))
  }
  return Effect.die(Cause.squash(cause))
}

/** Answers when the transaction has begun; it ends when it is decided, or rolls back when the scope is closed. */
const hold = (client: SqlClient, transaction: Transaction): Effect.Effect<Transaction, SqlError, Scope.Scope> =>
  Effect.suspend(() => {
    const { outer } = transaction
    const begun = Deferred.makeUnsafe<Transaction, SqlError>()
    const enter = Effect.contextWith((context: Context.Context<never>) => {
      transaction.context = context
      transaction.level = Context.getOrUndefined(context, client.transactionService)
      transaction.open = true
      return Deferred.succeed(begun, transaction)
    })
    // Who is told that it has begun goes on in the midst of that step, and may end it there.
    const body = Effect.onExit(Effect.andThen(enter, Deferred.await(transaction.decision)), () => finish(transaction))
    const held = Effect.suspend(() => {
      if (outer !== undefined) outer.nested = transaction
      return Effect.interruptible(client.withTransaction(body))
    })
    const fiber = (outer?.context === undefined ? held : Effect.provideContext(held, outer.context)).pipe(
      Effect.onExit((exit) => {
        if (outer?.nested === transaction) outer.nested = undefined
        return Exit.isSuccess(exit) ? Effect.void : Deferred.failCause(begun, exit.cause)
      }),
      Effect.forkScoped({ startImmediately: true })
    )
    return Effect.flatMap(fiber, (fiber) => {
      transaction.fiber = fiber
      return Deferred.await(begun)
    })
  })

// Before COMMIT or ROLLBACK: nothing else uses the connection any more.
const finish = (transaction: Transaction): Effect.Effect<void> =>
  Effect.suspend(() => {
    transaction.open = false
    Deferred.doneUnsafe(transaction.ended, Exit.void)
    const nested = transaction.nested?.fiber
    const alone = Semaphore.withPermit(transaction.turn, Effect.void)
    return nested === undefined ? alone : Effect.andThen(Fiber.interrupt(nested), alone)
  })
