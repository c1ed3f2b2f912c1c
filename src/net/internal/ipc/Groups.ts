/**
 * Who is in which group. A group is there while somebody is in it.
 */
export class Groups<Member> {
  private readonly members = new Map<string, Set<Member>>()
  private readonly memberships = new Map<Member, Set<string>>()

  /** Whether it was not in the group before. */
  join(group: string, member: Member): boolean {
    const members = entryOf(this.members, group)
    if (members.has(member)) return false
    members.add(member)
    entryOf(this.memberships, member).add(group)
    return true
  }

  /** Whether it was in the group. */
  leave(group: string, member: Member): boolean {
    if (!remove(this.members, group, member)) return false
    remove(this.memberships, member, group)
    return true
  }

  leaveAll(member: Member): void {
    for (const group of this.of(member)) this.leave(group, member)
  }

  /** The groups of a member, in the order in which it has joined them. */
  of(member: Member): ReadonlyArray<string> {
    return [...(this.memberships.get(member) ?? [])]
  }

  /** The members of a group, in the order in which they have joined it. */
  in(group: string): ReadonlyArray<Member> {
    return [...(this.members.get(group) ?? [])]
  }

  get names(): ReadonlyArray<string> {
    return [...this.members.keys()]
  }
}

const entryOf = <K, V>(sets: Map<K, Set<V>>, key: K): Set<V> => {
  let set = sets.get(key)
  if (set === undefined) {
    set = new Set()
    sets.set(key, set)
  }
  return set
}

const remove = <K, V>(sets: Map<K, Set<V>>, key: K, value: V): boolean => {
  const set = sets.get(key)
  if (set?.delete(value) !== true) return false
  if (set.size === 0) sets.delete(key)
  return true
}
