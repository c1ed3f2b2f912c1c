/**
 * Functions for the tests of invocations, and instances that execute them.
 */
import { Clock, Duration, Effect, Exit, Schema, Scope, Stream, SubscriptionRef } from "effect"
import { Rpc } from "effect/rpc"
import { Authentication, type Instance, InstanceId, Invocation, Memory, Strategy, type Transport } from "troupe/net"

export class Mine extends Schema.TaggedError<Mine>()("Timeout", { why: Schema.String }) {}

export const Work = Invocation.functions("test:work", [
  /** Answers with the name of the instance. */
  Rpc.make("who", { success: Schema.String }),
  Rpc.make("echo", { payload: Schema.String, success: Schema.String }),
  Rpc.make("fail", { payload: Schema.String, error: Mine }),
  Rpc.make("die", {}),
  /** Takes so many milliseconds. */
  Rpc.make("take", { payload: Schema.Int, success: Schema.String }),
  /** As `take`; what has begun is known by the id that is given. */
  Rpc.make("mark", { payload: { id: Schema.String, ms: Schema.Int }, success: Schema.String }),
  Rpc.make("bytes", { payload: Schema.Uint8Array, success: Schema.Uint8Array }),
  /** Tells what the handler knows. */
  Rpc.make("tell", {
    payload: { n: Schema.Int },
    success: Schema.Struct({
      n: Schema.Int,
      attempt: Schema.Int,
      function: Schema.String,
      instance: Schema.String,
      left: Schema.Number,
      tenant: Schema.UndefinedOr(Schema.String),
      account: Schema.UndefinedOr(Schema.String)
    })
  })
])

export type Invoker = Invocation.Invoker<(typeof Work)["rpcs"][number]>

/** What became of the executions of an instance. */
export interface Executed {
  /** By the ids of invocations, each time that one began. */
  readonly begun: Array<string>
  done: number
  interrupted: number
  /** Why it says that it is not well. */
  unwell: string | undefined
  /** When it was asked how it is. */
  readonly asked: Array<number>
}

export const idOf = (instance: string) => new InstanceId.InstanceId({ runtime: "worker", namespace: "work", instance })

export const instanceOf = (
  name: string,
  transport: Transport.Transport,
  ended: Instance.Instance["ended"] = Effect.never
): Instance.Instance => ({ id: idOf(name), strategy: Strategy.of(transport), credentials: undefined, ended })

/** Serves the functions as an instance of the name. */
export const serve = Effect.fnUntraced(function* (
  name: string,
  transport: Transport.Transport = Memory.make(),
  options: { readonly stopTimeout?: Duration.Input; readonly limits?: { readonly pending: number } } = {}
) {
  const executed: Executed = { begun: [], done: 0, interrupted: 0, unwell: undefined, asked: [] }
  const counted = <A, E>(execution: Invocation.Execution, effect: Effect.Effect<A, E>) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.suspend(() => {
        executed.begun.push(execution.id)
        return Effect.onExit(restore(effect), (exit) =>
          Effect.sync(() => void (Exit.hasInterrupts(exit) ? executed.interrupted++ : executed.done++))
        )
      })
    )
  const acceptor = yield* Invocation.serve(transport, Work, {
    instanceId: idOf(name),
    authenticator: Authentication.open,
    ...options,
    health: Effect.gen(function* () {
      executed.asked.push(yield* Clock.currentTimeMillis)
      if (executed.unwell === "stuck") return yield* Effect.never
      if (executed.unwell !== undefined) return yield* Effect.fail(executed.unwell)
    }),
    handlers: {
      who: (_, execution) => counted(execution, Effect.succeed(execution.instance.instance)),
      echo: (text, execution) => counted(execution, Effect.succeed(text)),
      fail: (why, execution) => counted(execution, Effect.fail(new Mine({ why }))),
      die: (_, execution) => counted(execution, Effect.die(new Error("it was to die"))),
      take: (ms, execution) => counted(execution, Effect.as(Effect.sleep(ms), execution.instance.instance)),
      mark: ({ id, ms }, execution) => counted({ ...execution, id }, Effect.as(Effect.sleep(ms), id)),
      bytes: (bytes, execution) => counted(execution, Effect.succeed(bytes.toReversed())),
      tell: ({ n }, execution) =>
        counted(
          execution,
          Effect.gen(function* () {
            yield* execution.respondWith({ cost: "3", region: "eu" })
            yield* execution.respondWith({ region: "us" })
            return {
              n,
              attempt: execution.attempt,
              function: execution.function,
              instance: execution.instance.instance,
              left: Duration.toMillis(yield* execution.timeLeft),
              tenant: execution.metadata["tenant"],
              account: execution.caller.identity?.account
            }
          })
        )
    }
  })
  return { acceptor, executed, instance: instanceOf(name, acceptor.transport) }
})

/** One that can be stopped by itself. */
export const serveApart = Effect.fnUntraced(function* (...args: Parameters<typeof serve>) {
  const scope = yield* Scope.make()
  yield* Effect.addFinalizer((exit) => Scope.close(scope, exit))
  return { ...(yield* Scope.provide(serve(...args), scope)), stop: Scope.close(scope, Exit.void) }
})

/** Instances that come and go as the test says. */
export const live = Effect.fnUntraced(function* (first: ReadonlyArray<Instance.Instance>) {
  const ref = yield* SubscriptionRef.make(first)
  const instances: Stream.Stream<ReadonlyArray<Instance.Instance>> = SubscriptionRef.changes(ref)
  return { instances, set: (now: ReadonlyArray<Instance.Instance>) => SubscriptionRef.set(ref, now) }
})

/** An invoker of instances that stay. */
export const invoke = (instances: ReadonlyArray<Instance.Instance>, options?: Invocation.Options) =>
  Invocation.make({ instances: Stream.make(instances) }, Work, options)

/** How each instance is, by its name. */
export const statesOf = (invoker: Invoker) =>
  Effect.map(invoker.instances, (all) =>
    Object.fromEntries(all.map(({ instance, state }) => [instance.id.instance, state._tag]))
  )

/** How often each name is there. */
export const countOf = (names: ReadonlyArray<string>): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}
