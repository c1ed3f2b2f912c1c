/**
 * Servers that are announced, for the tests of directories.
 */
import { Effect, Exit, Fiber, Layer, Scope, Stream } from "effect"
import {
  ActorType,
  Address,
  Announcement,
  type Directory,
  DirectoryStore,
  type Discovery,
  InstanceId,
  Memory
} from "troupe/net"

export const typeOf = (text: string) => Effect.orDie(ActorType.parse(text))
export const rangeOf = (text: string) => Effect.orDie(ActorType.parseRange(text))

const nowhere = Address.of(Memory.make())

interface Parts extends Announcement.Report {
  readonly addresses?: ReadonlyArray<Address.Address>
  readonly contract?: string
  readonly metadata?: Readonly<Record<string, string>>
}

/** That of a server, by its type and the last part of its name. */
export const announcementOf = Effect.fnUntraced(function* (type: string, instance: string, parts: Parts = {}) {
  return yield* Effect.orDie(
    Announcement.make({
      type: yield* typeOf(type),
      instanceId: yield* Effect.orDie(InstanceId.make({ runtime: "process", namespace: "test", instance })),
      addresses: [nowhere],
      ...parts
    })
  )
})

/** Which instances a directory finds, the best first; or the tag of the error. */
export const found = Effect.fnUntraced(function* (directory: Directory.Directory["Service"], range: string) {
  return yield* directory.discover(yield* rangeOf(range)).pipe(
    Effect.map((all) => all.map(({ instanceId }) => instanceId.instance)),
    Effect.catch(({ _tag }) => Effect.succeed(_tag))
  )
})

/** What a change is, in short. */
export const inShort = ({ _tag, announcement: { health, instanceId, load } }: Discovery.Change): string =>
  _tag === "Changed" ? `${_tag} ${instanceId.instance} ${health} ${load}` : `${_tag} ${instanceId.instance}`

/** What has happened so far to the servers in a range. */
export const watching = Effect.fnUntraced(function* (directory: Directory.Directory["Service"], range: string) {
  const seen: Array<string> = []
  const changes = directory.changes(yield* rangeOf(range))
  const fiber = yield* Effect.forkScoped(
    Stream.runForEach(changes, (change) => Effect.sync(() => void seen.push(inShort(change))))
  )
  return { seen, ended: Fiber.join(fiber) }
})

/** A part of a program that can be ended before its test. */
export const part = <A, E, R>(effect: Effect.Effect<A, E, R | Scope.Scope>) =>
  Effect.gen(function* () {
    const scope = yield* Scope.fork(yield* Effect.scope)
    const value = yield* Scope.provide(effect, scope)
    return { value, end: Scope.close(scope, Exit.void) }
  })

/** Builds a layer of its own. */
export const built = <A, E>(layer: Layer.Layer<A, E>) => Layer.build(Layer.fresh(layer))

/** A store that keeps what it is told beside its directory, and can be told to fail. */
export const keptStore = () => {
  const kept = new Map<string, DirectoryStore.StoredLease>()
  const told = { failing: undefined as Parameters<typeof Effect.fail>[0], saves: 0 }
  const layer = Layer.succeed(DirectoryStore.DirectoryStore, {
    load: Effect.sync(() => [...kept.values()]),
    save: ({ put, remove }) =>
      Effect.suspend(() => {
        told.saves++
        if (told.failing !== undefined) return Effect.fail(told.failing as never)
        for (const lease of put) kept.set(lease.key, lease)
        for (const key of remove) kept.delete(key)
        return Effect.void
      })
  })
  return { kept, told, layer }
}
