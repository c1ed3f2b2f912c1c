/**
 * Two nodes in one program, with a line between them that loses nothing until it is cut.
 */
import { Effect, Exit, Layer, Queue, type Scope } from "effect"
import { ProcessHost } from "troupe"
import type { HostImpl } from "../../src/process/internal/host.ts"
import type { NodeImpl } from "../../src/process/internal/node.ts"
import { RemoteNode } from "../../src/process/internal/remoteLink.ts"
import { decode, type Signal } from "../../src/process/internal/remoteSignal.ts"

/** An application of its own. */
export interface Application<R> {
  /** Runs an effect in it. */
  readonly in: <A, E, R2>(effect: Effect.Effect<A, E, R2>) => Effect.Effect<A, E, Exclude<R2, R>>
  readonly node: NodeImpl
}

/** Builds an application, which shares nothing with others. */
export const application = <R, E>(
  layer: Layer.Layer<R | ProcessHost.ProcessHost, E>
): Effect.Effect<Application<R | ProcessHost.ProcessHost>, E, Scope.Scope> =>
  Effect.gen(function* () {
    const memo = yield* Layer.makeMemoMap
    const scope = yield* Effect.scope
    const context = yield* Layer.buildWithMemoMap(layer, memo, scope)
    const host = (yield* Effect.provide(ProcessHost.ProcessHost, context)) as HostImpl
    return { in: (effect) => Effect.provide(effect, context), node: host.node }
  })

/** The two ends of a line. */
export interface Line {
  /** Cuts it: what is on its way is lost, and both ends learn it. */
  readonly cut: Effect.Effect<void>
}

/** Gives a node a name, in its first run unless another one is named. */
export const named = (node: NodeImpl, name: string, incarnation = "1"): void => {
  node.self = { name, incarnation }
}

/** Connects two nodes that have names. */
export const connect = (a: NodeImpl, b: NodeImpl): Effect.Effect<Line, never, Scope.Scope> =>
  Effect.gen(function* () {
    const there = yield* Queue.unbounded<Signal>()
    const back = yield* Queue.unbounded<Signal>()
    const self = (node: NodeImpl) => node.self ?? { name: "nobody", incarnation: undefined }
    const atA = new RemoteNode(a, self(a), self(b), { post: (signal) => void Queue.offerUnsafe(there, signal) })
    const atB = new RemoteNode(b, self(b), self(a), { post: (signal) => void Queue.offerUnsafe(back, signal) })
    const carry = (queue: Queue.Queue<Signal>, to: RemoteNode) =>
      Effect.forkScoped(
        Effect.forever(
          Effect.flatMap(Queue.take(queue), (signal) =>
            Effect.sync(() => {
              const read = decode(JSON.parse(JSON.stringify([signal])))
              if (Exit.isFailure(read)) throw new Error(`not a signal: ${JSON.stringify(signal)}`)
              for (const one of read.value) to.receive(one)
            })
          )
        )
      )
    yield* carry(there, atB)
    yield* carry(back, atA)
    a.remotes.set(self(b).name, atA)
    b.remotes.set(self(a).name, atB)
    const lose = (node: NodeImpl, remote: RemoteNode) =>
      Effect.sync(() => {
        if (node.remotes.get(remote.id.name) === remote) node.remotes.delete(remote.id.name)
        remote.lose()
      })
    return { cut: Effect.andThen(lose(a, atA), lose(b, atB)) }
  })
