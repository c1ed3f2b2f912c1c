/**
 * Follows the endpoint slices of a service, and knows who is ready by them.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Result from "effect/Result"
import type * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import { exponential } from "../../../../supervision/Backoff.ts"
import type { Credentials } from "../../../Authentication.ts"
import type { Ended, Instance } from "../../../Instance.ts"
import * as InstanceId from "../../../InstanceId.ts"
import { Delays } from "../../../internal/runtime/Delays.ts"
import { Members } from "../../../internal/runtime/Members.ts"
import type { DiscoveryFailed, RuntimeError } from "../../../RuntimeError.ts"
import * as Strategy from "../../../Strategy.ts"
import type { Transport } from "../../../Transport.ts"
import * as Grpc from "../../../transport/node/Grpc.ts"
import * as Tcp from "../../../transport/node/Tcp.ts"
import { Api, type Change, type Place, type Slice } from "./kubernetesApi.ts"

/** What is looked for, and how it is reached. */
interface Settings extends Place {
  readonly ports?: { readonly grpc?: string | undefined; readonly tcp?: string | undefined } | undefined
  readonly credentials?: Credentials | undefined
  readonly retry?: Schedule.Schedule<unknown, DiscoveryFailed> | undefined
}

// A watch that was open for so long is one that works, though nothing has changed.
const Long = Duration.toMillis("30 seconds")

const usual = exponential({ min: "200 millis", max: "30 seconds", jitter: 0.2 })

/** Answers who is ready, as they come and go, once that is known. */
export const following = (
  options: Settings,
  client: HttpClient.HttpClient
): Effect.Effect<Stream.Stream<ReadonlyArray<Instance>, RuntimeError>, DiscoveryFailed, Scope.Scope> =>
  Effect.gen(function* () {
    const follower = new Follower(options, new Api(options, client))
    yield* follower.list
    yield* Effect.addFinalizer(() => Effect.sync(() => follower.members.over()))
    yield* Effect.forkScoped(follower.follow)
    return follower.members.stream
  })

interface Known {
  readonly at: string
  readonly instance: Instance
  readonly ended: Deferred.Deferred<Ended>
}

class Follower {
  readonly members = new Members([])
  private readonly options: Settings
  private readonly api: Api
  private readonly slices = new Map<string, Slice>()
  private known: ReadonlyMap<string, Known> = new Map()
  private version = ""
  private hasHeard = false
  private openSince: number | undefined
  // Something was told that was not understood: only a list says now who is there.
  private isLost = false

  constructor(options: Settings, api: Api) {
    this.options = options
    this.api = api
  }

  readonly list: Effect.Effect<void, DiscoveryFailed> = Effect.suspend(() =>
    Effect.flatMap(this.api.list, ({ items, metadata }) => {
      this.version = metadata.resourceVersion
      this.isLost = false
      this.slices.clear()
      for (const slice of items) this.slices.set(slice.metadata.name, slice)
      return this.update
    })
  )

  /** Watches, and lists again where the watch has lost track, until the schedule of retries ends. */
  readonly follow: Effect.Effect<void> = Effect.suspend(() => {
    const retry: Schedule.Schedule<unknown, DiscoveryFailed> = this.options.retry ?? usual
    return Effect.gen({ self: this }, function* () {
      const delays = new Delays(retry)
      while (true) {
        this.hasHeard = false
        this.openSince = undefined
        const outcome = yield* Effect.result(this.watched)
        const now = yield* Clock.currentTimeMillis
        const works = this.hasHeard || now - (this.openSince ?? now) >= Long
        if (works) delays.anew()
        if (works && Result.isSuccess(outcome)) continue
        const error = Result.isSuccess(outcome) ? this.api.brief : outcome.failure
        if (Result.isFailure(outcome)) yield* Effect.logWarning(error.message)
        const delay = yield* delays.next(error)
        if (delay === undefined) return this.members.over(error)
        yield* Effect.sleep(delay)
      }
    })
  })

  private readonly watched: Effect.Effect<void, DiscoveryFailed> = Effect.suspend(() =>
    this.isLost ? this.list : Effect.void
  ).pipe(
    Effect.andThen(Effect.suspend(() => this.api.watch(this.version, this.open, (change) => this.hear(change)))),
    Effect.catchTag("Gone", () => this.list),
    Effect.tapError(({ reason }) => Effect.sync(() => void (this.isLost ||= reason === "Unreadable")))
  )

  private readonly open: Effect.Effect<void> = Effect.map(Clock.currentTimeMillis, (now) => void (this.openSince = now))

  private hear({ object, type }: Change): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.hasHeard = true
      this.version = object.metadata.resourceVersion
      if (type === "BOOKMARK") return Effect.void
      if (type === "DELETED") this.slices.delete(object.metadata.name)
      else this.slices.set(object.metadata.name, object)
      return this.update
    })
  }

  /** Shows who is ready; who was so before is the same instance. */
  private readonly update: Effect.Effect<void> = Effect.suspend(() =>
    Effect.gen({ self: this }, function* () {
      const before = this.known
      const known = new Map<string, Known>()
      for (const [key, spots] of this.ready) {
        const stays = before.get(key)
        const one = spots.some(({ at }) => at === stays?.at) ? stays : yield* this.found(spots[0])
        if (one !== undefined) known.set(key, one)
      }
      this.known = known
      const isSame = known.size === before.size && [...known].every(([key, one]) => before.get(key) === one)
      if (isSame) return
      this.members.set([...known.values()].map(({ instance }) => instance))
      const lost: Ended = { how: "lost", detail: `it is not among the ready endpoints of ${this.api.source} any more` }
      for (const [key, one] of before) {
        if (known.get(key) !== one) yield* Deferred.succeed(one.ended, lost)
      }
    })
  )

  /** Where each is that is ready. A pod has a slice for each family of addresses, and for a while may stand in two of one. */
  private get ready(): ReadonlyMap<string, readonly [Spot, ...Array<Spot>]> {
    const ready = new Map<string, [Spot, ...Array<Spot>]>()
    for (const slice of this.slices.values()) {
      const ports = this.portsOf(slice)
      if (ports.grpc === undefined && ports.tcp === undefined) continue
      for (const { addresses, conditions, targetRef } of slice.endpoints ?? []) {
        const [host] = addresses
        // What is not said counts as ready.
        if (host === undefined || conditions?.ready === false) continue
        const at = JSON.stringify([host, ports])
        const key = targetRef?.uid ?? targetRef?.name ?? at
        const spot: Spot = { at, host, name: targetRef?.name ?? host, ports }
        const spots = ready.get(key)
        if (spots === undefined) ready.set(key, [spot])
        else spots.push(spot)
      }
    }
    return ready
  }

  private portsOf({ ports }: Slice): Ports {
    const named = (name: string) => ports?.find((port) => port.name === name)?.port ?? undefined
    return { grpc: named(this.options.ports?.grpc ?? "grpc"), tcp: named(this.options.ports?.tcp ?? "tcp") }
  }

  private found({ at, host, name, ports: { grpc, tcp } }: Spot): Effect.Effect<Known | undefined> {
    const { credentials, namespace, service } = this.options
    return Effect.gen(function* () {
      const transports: Array<Transport> = []
      if (grpc !== undefined) transports.push(yield* Grpc.make({ host, port: grpc }))
      if (tcp !== undefined) transports.push(Tcp.make({ host, port: tcp }))
      const [preferred, ...others] = transports
      if (preferred === undefined) return undefined
      const id = yield* InstanceId.make({ runtime: "kubernetes", namespace: `${service}.${namespace}`, instance: name })
      const strategy = yield* Strategy.make("kubernetes", [preferred, ...others])
      const ended = yield* Deferred.make<Ended>()
      return { at, instance: { id, strategy, credentials, ended: Deferred.await(ended) }, ended }
      // The package was there when this began, and names of Kubernetes are good ones.
    }).pipe(Effect.orDie)
  }
}

/** An address of an endpoint. */
interface Spot {
  readonly at: string
  readonly host: string
  readonly name: string
  readonly ports: Ports
}

interface Ports {
  readonly grpc: number | undefined
  readonly tcp: number | undefined
}
