/** Who is in which group. */
import { assert, describe, it } from "@effect/vitest"
import { Groups } from "../../src/net/internal/ipc/Groups.ts"

describe("Groups", () => {
  it("have each member once, in the order in which they came", () => {
    const groups = new Groups<string>()
    assert.isTrue(groups.join("blue", "ada"))
    assert.isTrue(groups.join("blue", "bob"))
    assert.isFalse(groups.join("blue", "ada"))
    assert.isTrue(groups.join("red", "ada"))
    assert.deepStrictEqual(groups.in("blue"), ["ada", "bob"])
    assert.deepStrictEqual(groups.of("ada"), ["blue", "red"])
    assert.deepStrictEqual(groups.names, ["blue", "red"])
  })

  it("are there while somebody is in them", () => {
    const groups = new Groups<string>()
    groups.join("blue", "ada")
    groups.join("blue", "bob")
    assert.isTrue(groups.leave("blue", "ada"))
    assert.isFalse(groups.leave("blue", "ada"))
    assert.isFalse(groups.leave("green", "bob"))
    assert.deepStrictEqual(groups.names, ["blue"])
    assert.isTrue(groups.leave("blue", "bob"))
    assert.deepStrictEqual(groups.names, [])
    assert.deepStrictEqual(groups.in("blue"), [])
    assert.deepStrictEqual(groups.of("bob"), [])
  })

  it("lose who leaves all of them, and nobody else", () => {
    const groups = new Groups<string>()
    for (const group of ["blue", "red"]) for (const member of ["ada", "bob"]) groups.join(group, member)
    groups.leaveAll("ada")
    assert.deepStrictEqual(groups.of("ada"), [])
    assert.deepStrictEqual(groups.in("blue"), ["bob"])
    assert.deepStrictEqual(groups.of("bob"), ["blue", "red"])
    groups.leaveAll("nobody")
    assert.deepStrictEqual(groups.names, ["blue", "red"])
  })

  it("may change while they are walked through", () => {
    const groups = new Groups<string>()
    for (const member of ["ada", "bob"]) groups.join("blue", member)
    const seen: Array<string> = []
    for (const member of groups.in("blue")) {
      seen.push(member)
      groups.leaveAll(member)
    }
    assert.deepStrictEqual(seen, ["ada", "bob"])
  })
})
