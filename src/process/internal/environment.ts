/**
 * What a process sees of the world: the context of its spawner, over it the services that its implementation was built
 * with, and over those what was given at the spawn of the process or of an ancestor.
 */
import * as Context from "effect/Context"
import * as Scheduler from "effect/Scheduler"
import { type Allowance, Allowed, narrowed } from "../../dispatch/internal/allowed.ts"
import { ofTheCaller, ofTheFiber } from "../../dispatch/internal/ambient.ts"
import { Inner } from "../../dispatch/internal/inner.ts"
import type { Cell } from "./cell.ts"
import type { Implementation } from "./definition.ts"
import { CurrentProcess, ProcessHost } from "./services.ts"

// These are the process's own: they are replaced, or begin anew.
const ofTheProcess: ReadonlySet<string> = new Set([...ofTheFiber, CurrentProcess.key, Inner.key, ProcessHost.key])

/** Where processes are placed: what every process of one host sees. */
export interface Place {
  readonly host: object
  readonly scheduler: Scheduler.Scheduler
}

const empty: Context.Context<never> = Context.empty()

/** What the fibers of a process see, and hand on to what they spawn. */
export class Environment {
  /** The context, without what belongs to one process alone. */
  readonly base: Context.Context<never>
  /** What was given at the spawn of the process or of an ancestor. */
  readonly given: Context.Context<never>
  // One environment serves all processes that the same implementation runs for spawners which see the same.
  private readonly derived: Array<{ implementation: Implementation; place: Place; environment: Environment }> = []

  constructor(base: Context.Context<never>, given: Context.Context<never> = empty) {
    this.base = base
    this.given = given
  }

  /** The environment of a process that is spawned from here. */
  derive(implementation: Implementation, place: Place): Environment {
    for (const known of this.derived) {
      if (known.implementation === implementation && known.place === place) return known.environment
    }
    const environment = this.make(implementation, place)
    this.derived.push({ implementation, place, environment })
    return environment
  }

  /** What may be yielded; everything when it is absent. */
  get allowance(): Allowance | undefined {
    return Context.get(this.base, Allowed)
  }

  /** The same, where no more may be yielded than that. */
  within(allowance: Allowance | undefined): Environment {
    const isSame = allowance === undefined || allowance === this.allowance
    return isSame ? this : new Environment(narrowed(this.base, allowance), this.given)
  }

  private make(implementation: Implementation, place: Place): Environment {
    const map = new Map(this.base.mapUnsafe)
    for (const [key, value] of implementation.services.mapUnsafe) {
      if (!ofTheCaller.has(key)) map.set(key, value)
    }
    for (const [key, value] of this.given.mapUnsafe) map.set(key, value)
    for (const key of ofTheProcess) map.delete(key)
    map.set(implementation.definition.key.key, implementation)
    map.set(ProcessHost.key, place.host)
    map.set(Scheduler.Scheduler.key, place.scheduler)
    // A process that sees what its spawner sees shares its context, so that a tree of them costs one.
    return sameEntries(map, this.base.mapUnsafe) ? this : new Environment(Context.makeUnsafe(map), this.given)
  }
}

/** What a process sees that has ended. */
export const nothing = new Environment(empty)

/** What a fiber hands on to what it spawns. */
export const inherited = (context: Context.Context<never>, spawner: Cell | undefined): Environment => {
  if (spawner === undefined) return outside(context)
  // A fiber that still has the context in which its process started was given nothing of its own.
  if (context === spawner.context) return spawner.environment
  const last = spawner.handedOn
  if (last?.context === context) return last.environment
  const environment = new Environment(bounded(context, spawner), givenAround(context, spawner))
  spawner.handedOn = { context, environment }
  return environment
}

// Whatever code of the process has put under the key of policies: it hands on no more than the process may.
const bounded = (context: Context.Context<never>, { environment }: Cell): Context.Context<never> => {
  const own = environment.allowance
  return own === undefined || own === Context.get(context, Allowed) ? context : narrowed(context, own)
}

const spawnersOutside = new WeakMap<Context.Context<never>, Environment>()

const outside = (context: Context.Context<never>): Environment => {
  let environment = spawnersOutside.get(context)
  if (environment === undefined) {
    environment = new Environment(context)
    spawnersOutside.set(context, environment)
  }
  return environment
}

const givenAround = (context: Context.Context<never>, spawner: Cell): Context.Context<never> => {
  const own = spawner.context.mapUnsafe
  const given = new Map(spawner.environment.given.mapUnsafe)
  for (const [key, value] of context.mapUnsafe) {
    if (own.get(key) !== value && !ofTheProcess.has(key) && !ofTheCaller.has(key)) given.set(key, value)
  }
  return given.size === 0 ? empty : Context.makeUnsafe(given)
}

const sameEntries = (a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>): boolean => {
  if (a.size !== b.size) return false
  for (const [key, value] of a) {
    if (b.get(key) !== value) return false
  }
  return true
}
