/** Which machine is said to have measured what. */
import { assert, describe, it } from "@effect/vitest"
import { type Machine, noted, readMachines, thisMachine } from "./machine.ts"

const machine = (date: string): Machine => ({
  date,
  node: "v26.0.0",
  processor: "a processor",
  cores: 2,
  platform: "linux x64",
  peers: { Go: "1.0" }
})

describe("machines", () => {
  it("have the figures of the benches that they measured last", () => {
    const first = noted([], machine("2026-01-01"), ["call", "yield", "select"])
    const second = noted(first, machine("2026-01-02"), ["yield"])
    assert.deepStrictEqual(second, [
      { machine: machine("2026-01-01"), benches: ["call", "select"] },
      { machine: machine("2026-01-02"), benches: ["yield"] }
    ])
    assert.deepStrictEqual(noted(second, machine("2026-01-02"), ["call"]), [
      { machine: machine("2026-01-01"), benches: ["select"] },
      { machine: machine("2026-01-02"), benches: ["yield", "call"] }
    ])
    assert.deepStrictEqual(noted(second, machine("2026-01-03"), ["call", "yield", "select"]), [
      { machine: machine("2026-01-03"), benches: ["call", "yield", "select"] }
    ])
  })

  it("know themselves", () => {
    const { cores, node, peers } = thisMachine()
    assert.isAbove(cores, 0)
    assert.strictEqual(node, process.version)
    assert.property(peers, "Effect")
  })

  it("are none where nothing says so", () => {
    assert.deepStrictEqual(readMachines("/nowhere/machine.json"), [])
  })
})
