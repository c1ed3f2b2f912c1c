/**
 * Names of processes, each unique in the application, and properties, of which any process may have its own.
 */
import type { RegistryEvent } from "../Registry.ts"
import type { Cell } from "./cell.ts"
import { Topic } from "./topic.ts"

export class Names {
  readonly events = new Topic<RegistryEvent>()
  private readonly owners = new Map<string, Cell>()
  private readonly namesOfCell = new Map<Cell, Set<string>>()
  private readonly propertiesByKey = new Map<string, Map<Cell, unknown>>()
  private readonly propertiesOfCell = new Map<Cell, Set<string>>()

  whereis(name: string): Cell | undefined {
    return this.owners.get(name)
  }

  get all(): ReadonlyMap<string, Cell> {
    return this.owners
  }

  of(cell: Cell): ReadonlyArray<string> {
    return [...(this.namesOfCell.get(cell) ?? [])]
  }

  /** Gives the name to the process unless another one has it; answers who has it now. */
  register(name: string, cell: Cell): Cell {
    const owner = this.owners.get(name)
    if (owner !== undefined) return owner
    this.owners.set(name, cell)
    addTo(this.namesOfCell, cell, name)
    this.events.publish({ _tag: "Registered", name, pid: cell.pid })
    return cell
  }

  /** Frees the name if the process has it; answers whether it had. */
  unregister(name: string, cell: Cell): boolean {
    if (this.owners.get(name) !== cell) return false
    this.owners.delete(name)
    removeFrom(this.namesOfCell, cell, name)
    this.events.publish({ _tag: "Unregistered", name, pid: cell.pid })
    return true
  }

  setProperty(key: string, cell: Cell, value: unknown): void {
    const values = this.propertiesByKey.get(key)
    if (values === undefined) this.propertiesByKey.set(key, new Map([[cell, value]]))
    else values.set(cell, value)
    addTo(this.propertiesOfCell, cell, key)
  }

  unsetProperty(key: string, cell: Cell): boolean {
    const values = this.propertiesByKey.get(key)
    if (values === undefined || !values.delete(cell)) return false
    if (values.size === 0) this.propertiesByKey.delete(key)
    removeFrom(this.propertiesOfCell, cell, key)
    return true
  }

  properties(key: string): ReadonlyMap<Cell, unknown> {
    return this.propertiesByKey.get(key) ?? new Map()
  }

  /** Frees all that a process has, when it ends. */
  forget(cell: Cell): void {
    for (const name of this.of(cell)) this.unregister(name, cell)
    for (const key of this.propertiesOfCell.get(cell) ?? []) this.unsetProperty(key, cell)
  }
}

const addTo = (index: Map<Cell, Set<string>>, cell: Cell, value: string): void => {
  cell.isListed = true
  const values = index.get(cell)
  if (values === undefined) index.set(cell, new Set([value]))
  else values.add(value)
}

const removeFrom = (index: Map<Cell, Set<string>>, cell: Cell, value: string): void => {
  const values = index.get(cell)
  values?.delete(value)
  if (values?.size === 0) index.delete(cell)
}
