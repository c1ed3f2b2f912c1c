/**
 * Groups of processes: a process is a member as many times as it joined.
 */
import type { GroupEvent } from "../Group.ts"
import type { Cell } from "./cell.ts"
import { Topic } from "./topic.ts"

interface Members {
  readonly times: Map<Cell, number>
  readonly events: Topic<GroupEvent>
}

export class Groups {
  private readonly groups = new Map<string, Members>()
  private readonly groupsOfCell = new Map<Cell, Set<string>>()

  join(name: string, cell: Cell): void {
    const { events, times } = this.get(name)
    cell.isListed = true
    times.set(cell, (times.get(cell) ?? 0) + 1)
    const groups = this.groupsOfCell.get(cell)
    if (groups === undefined) this.groupsOfCell.set(cell, new Set([name]))
    else groups.add(name)
    events.publish({ _tag: "Joined", pid: cell.pid })
  }

  /** Takes back one joining; answers whether there was one. */
  leave(name: string, cell: Cell): boolean {
    const group = this.groups.get(name)
    const times = group?.times.get(cell)
    if (group === undefined || times === undefined) return false
    if (times > 1) {
      group.times.set(cell, times - 1)
    } else {
      group.times.delete(cell)
      const groups = this.groupsOfCell.get(cell)
      groups?.delete(name)
      if (groups?.size === 0) this.groupsOfCell.delete(cell)
    }
    group.events.publish({ _tag: "Left", pid: cell.pid })
    this.tidy(name, group)
    return true
  }

  /** The members, each as many times as it joined. */
  members(name: string): Array<Cell> {
    const members: Array<Cell> = []
    for (const [cell, times] of this.groups.get(name)?.times ?? []) {
      for (let i = 0; i < times; i++) members.push(cell)
    }
    return members
  }

  of(cell: Cell): ReadonlyArray<string> {
    return [...(this.groupsOfCell.get(cell) ?? [])]
  }

  /** The joinings and leavings of a group. The group is remembered until `done`. */
  watch(name: string): { readonly events: Topic<GroupEvent>; readonly done: () => void } {
    const group = this.get(name)
    return { events: group.events, done: () => this.tidy(name, group) }
  }

  /** Takes back all joinings of a process, when it ends. */
  forget(cell: Cell): void {
    for (const name of this.of(cell)) {
      while (this.leave(name, cell));
    }
  }

  private get(name: string): Members {
    let group = this.groups.get(name)
    if (group === undefined) {
      group = { times: new Map(), events: new Topic() }
      this.groups.set(name, group)
    }
    return group
  }

  private tidy(name: string, group: Members): void {
    if (group.times.size === 0 && group.events.isEmpty) this.groups.delete(name)
  }
}
