/**
 * The registry of an application: which handler does the work of a command.
 */
import type * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import { type Any, ranges } from "../Command.ts"
import {
  CommandConflict,
  InvalidCommandId,
  ModuleConflict,
  type RegistrationError,
  RegistryFrozen
} from "../DispatchError.ts"
import type { AnyYielded } from "../Yielded.ts"

/** A handler, and what it was built with. */
export interface Handling {
  readonly command: Any
  readonly run: (payload: never, yielded: AnyYielded) => Effect.Effect<unknown, unknown, unknown>
  readonly services: Context.Context<never>
}

/** What stands around handlers. */
export type Around = (
  yielded: AnyYielded,
  work: Effect.Effect<unknown, unknown, unknown>
) => Effect.Effect<unknown, unknown, unknown>

/** How many commands are looked up by their index. */
export const Indexed = 256

const rangeOf = (module: string): readonly [number, number] => {
  const kept: Readonly<Record<string, readonly [number, number]>> = ranges
  return Object.hasOwn(kept, module) ? (kept[module] as readonly [number, number]) : [Indexed, Number.MAX_SAFE_INTEGER]
}

const wrongIdOf = ({ _tag, id, module }: Any): InvalidCommandId | undefined => {
  const [first, last] = rangeOf(module)
  if (Number.isSafeInteger(id) && id >= first && id <= last) return undefined
  const expected = first === Indexed ? `whole numbers from ${Indexed} on` : `whole numbers from ${first} to ${last}`
  return new InvalidCommandId({ id, command: _tag, expected })
}

const noCounts = () => ({
  yields: 0,
  completions: 0,
  timeouts: 0,
  interruptions: 0,
  unknownCommands: 0,
  denied: 0,
  droppedUnknown: 0,
  droppedLate: 0
})

export class Registry {
  readonly counts: ReturnType<typeof noCounts>
  /** That of the application, where this one belongs to a part of it: its commands are handled there too. */
  private readonly outer: Registry | undefined
  private readonly indexed: Array<Handling | undefined> = Array.from({ length: Indexed })
  private readonly extended = new Map<number, Handling>()
  private around: ReadonlyArray<Around> = []
  private frozen = false

  constructor(outer?: Registry) {
    this.outer = outer
    this.counts = outer?.counts ?? noCounts()
  }

  /** The handler of a command; what another command with its id has is none. */
  find(command: Any): Handling | undefined {
    const handling = this.under(command.id)
    return handling?.command._tag === command._tag ? handling : this.outer?.find(command)
  }

  get all(): ReadonlyArray<Handling> {
    const own = [...this.indexed.filter((handling) => handling !== undefined), ...this.extended.values()]
    const further = this.outer?.all.filter(({ command }) => !own.some((one) => one.command._tag === command._tag))
    return [...own, ...(further ?? [])]
  }

  get isFrozen(): boolean {
    return this.frozen
  }

  freeze(): void {
    this.frozen = true
  }

  get interceptors(): ReadonlyArray<Around> {
    return this.outer === undefined ? this.around : [...this.outer.interceptors, ...this.around]
  }

  intercept(around: Around): () => void {
    // The same one may stand there twice, and each is removed for itself.
    const own: Around = (yielded, next) => around(yielded, next)
    this.around = [...this.around, own]
    return () => {
      this.around = this.around.filter((one) => one !== own)
    }
  }

  /** Registers all of them, or none; answers what is wrong, or how to take them away again. */
  register(module: string, handlings: ReadonlyArray<Handling>): RegistrationError | (() => void) {
    if (this.frozen) return new RegistryFrozen({ module })
    const ids = new Map<number, Handling>()
    for (const handling of handlings) {
      const { command } = handling
      const wrong = wrongIdOf(command)
      if (wrong !== undefined) return wrong
      const other = this.under(command.id) ?? ids.get(command.id)
      if (other !== undefined) {
        return new CommandConflict({
          id: command.id,
          command: command._tag,
          module,
          registered: other.command._tag,
          registeredModule: other.command.module
        })
      }
      ids.set(command.id, handling)
    }
    const namesakes = this.all.filter(({ command }) => command.module === module)
    if (namesakes.length > 0) {
      const tags = (all: ReadonlyArray<Handling>) => all.map(({ command }) => command._tag)
      return new ModuleConflict({ module, commands: tags(handlings), registered: tags(namesakes) })
    }
    for (const [id, handling] of ids) this.set(id, handling)
    return () => {
      for (const id of ids.keys()) this.set(id, undefined)
    }
  }

  private under(id: number): Handling | undefined {
    return id < Indexed ? this.indexed[id] : this.extended.get(id)
  }

  private set(id: number, handling: Handling | undefined): void {
    if (id < Indexed) this.indexed[id] = handling
    else if (handling === undefined) this.extended.delete(id)
    else this.extended.set(id, handling)
  }
}
