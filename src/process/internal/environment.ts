/**
 * What a process sees of the world: the context of its spawner, over it the services that its implementation was built
 * with, and over those what was given at the spawn of the process or of an ancestor.
 */
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as Scheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import type { Cell, Environment } from "./cell.ts"
import type { Implementation } from "./definition.ts"
import { CurrentProcess, ProcessHost } from "./services.ts"

// These belong to the place where code runs: a process has them from its spawner, and never from the layer that its
// implementation was built in.
const ofTheSpawner: ReadonlySet<string> = new Set([
  References.CurrentLogAnnotations.key,
  References.CurrentLogSpans.key,
  References.CurrentLogLevel.key,
  References.MinimumLogLevel.key,
  References.CurrentStackFrame.key,
  References.TracerSpanAnnotations.key,
  References.TracerSpanLinks.key,
  Tracer.ParentSpan.key
])

// These are the process's own, and are replaced.
const ofTheProcess: ReadonlySet<string> = new Set([
  Scope.Scope.key,
  CurrentProcess.key,
  ProcessHost.key,
  Scheduler.Scheduler.key,
  Layer.CurrentMemoMap.key
])

/** Where processes are placed: what every process of one host sees. */
export interface Place {
  readonly host: object
  readonly scheduler: Scheduler.Scheduler
}

const empty: Context.Context<never> = Context.empty()

/** What a spawner hands on to what it spawns. */
export const inherited = (context: Context.Context<never>, spawner: Cell | undefined): Environment => {
  if (spawner === undefined) return { base: context, given: empty }
  // A fiber that still has the context in which its process started was given nothing of its own.
  if (context === spawner.context) return spawner.environment
  let environment = inheritedFrom.get(context)
  if (environment === undefined) {
    environment = { base: context, given: givenAround(context, spawner) }
    inheritedFrom.set(context, environment)
  }
  return environment
}

// A context has the process in it that it belongs to, so that one answer serves it for ever.
const inheritedFrom = new WeakMap<Context.Context<never>, Environment>()

const givenAround = (context: Context.Context<never>, spawner: Cell): Context.Context<never> => {
  const own = spawner.context.mapUnsafe
  const given = new Map(spawner.environment.given.mapUnsafe)
  for (const [key, value] of context.mapUnsafe) {
    if (own.get(key) !== value && !ofTheProcess.has(key) && !ofTheSpawner.has(key)) given.set(key, value)
  }
  return given.size === 0 ? empty : Context.makeUnsafe(given)
}

// One environment serves all processes that the same implementation runs for spawners that see the same.
type Known = WeakMap<Context.Context<never>, Environment>

export class Environments {
  private readonly known = new WeakMap<Implementation, Known>()
  private readonly place: Place

  constructor(place: Place) {
    this.place = place
  }

  of(implementation: Implementation, from: Environment): Environment {
    let known = this.known.get(implementation)
    if (known === undefined) {
      known = new WeakMap()
      this.known.set(implementation, known)
    }
    const environment = known.get(from.base)
    if (environment !== undefined && environment.given === from.given) return environment
    const made = this.make(implementation, from)
    known.set(from.base, made)
    return made
  }

  private make(implementation: Implementation, from: Environment): Environment {
    const map = new Map(from.base.mapUnsafe)
    for (const [key, value] of implementation.services.mapUnsafe) {
      if (!ofTheSpawner.has(key)) map.set(key, value)
    }
    for (const [key, value] of from.given.mapUnsafe) map.set(key, value)
    for (const key of ofTheProcess) map.delete(key)
    map.set(ProcessHost.key, this.place.host)
    map.set(Scheduler.Scheduler.key, this.place.scheduler)
    // A process that sees what its spawner sees shares its context, so that a tree of them costs one.
    return sameEntries(map, from.base.mapUnsafe) ? from : { base: Context.makeUnsafe(map), given: from.given }
  }
}

const sameEntries = (a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>): boolean => {
  if (a.size !== b.size) return false
  for (const [key, value] of a) {
    if (b.get(key) !== value) return false
  }
  return true
}
