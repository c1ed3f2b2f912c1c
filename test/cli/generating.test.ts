import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Generating from "../../src/cli/internal/generating.ts"
import { ownerOf, sealed } from "../../src/cli/internal/header.ts"
import { printable } from "../../src/cli/internal/printable.ts"

describe("whose a file is", () => {
  it.effect("is told by its first line", () =>
    Effect.gen(function* () {
      const text = yield* sealed("export const one = 1\n")
      assert.strictEqual(text.split("\n").length, 3)
      assert.strictEqual(yield* ownerOf(text), "generated")
      assert.strictEqual(yield* ownerOf(text.replaceAll("\n", "\r\n")), "generated")
      assert.strictEqual(yield* ownerOf(text.replace("= 1", "= 2")), "changed")
      assert.strictEqual(yield* ownerOf(`${text}\n`), "changed")
      assert.strictEqual(yield* ownerOf(`\n${text}`), "foreign")
      assert.strictEqual(yield* ownerOf("export const one = 1\n"), "foreign")
      assert.strictEqual(yield* ownerOf(""), "foreign")
    })
  )
})

describe("what is written", () => {
  const file = (path: string, text = path) => ({ path, text })
  const files = (
    existing: ReadonlyArray<readonly [string, Generating.Existing["owner"], string?]>
  ): Generating.Files => ({
    generated: [file("generated/a.ts"), file("generated/b.ts")],
    scaffolds: [file("a.ts")],
    existing: new Map(existing.map(([path, owner, text = path]) => [path, { owner, text }]))
  })

  it("is all of it, where nothing is", () => {
    const plan = Generating.plan(files([]))
    assert.deepStrictEqual(
      plan.write.map(({ path }) => path),
      ["generated/a.ts", "generated/b.ts", "a.ts"]
    )
    assert.deepStrictEqual(Generating.report(plan), ["wrote generated/a.ts", "wrote generated/b.ts", "wrote a.ts"])
  })

  it("is what is another by now, and no scaffold that is there", () => {
    const plan = Generating.plan(
      files([
        ["generated/a.ts", "generated"],
        ["generated/b.ts", "generated", "old"],
        ["a.ts", "foreign", "mine"]
      ])
    )
    assert.deepStrictEqual(plan.write, [file("generated/b.ts")])
    assert.deepStrictEqual(plan.kept, ["a.ts"])
    assert.deepStrictEqual(plan.refused, [])
    assert.deepStrictEqual(Generating.report(plan), [
      "wrote generated/b.ts",
      "kept a.ts, which is yours",
      "1 file is as it was"
    ])
  })

  it("is told where there is nothing to do", () => {
    const plan = Generating.plan({ generated: [], scaffolds: [], existing: new Map() })
    assert.deepStrictEqual(Generating.report(plan), ["There are no dependencies and no contracts in troupe.json."])
  })

  it("is nothing over what a person wrote, be it what would be written", () => {
    const plan = Generating.plan(
      files([
        ["generated/a.ts", "changed"],
        ["generated/b.ts", "foreign"]
      ])
    )
    assert.deepStrictEqual(
      plan.refused.map(({ at }) => at),
      ["generated/a.ts", "generated/b.ts"]
    )
  })

  it("takes away what nothing asks for, if nobody has changed it", () => {
    const plan = Generating.plan(
      files([
        ["generated/x.ts", "generated"],
        ["generated/y.ts", "changed"],
        ["generated/z.ts", "foreign"]
      ])
    )
    assert.deepStrictEqual([plan.remove, plan.left, plan.refused], [["generated/x.ts"], ["generated/y.ts"], []])
  })
})

describe("texts of others", () => {
  it("are no commands to the terminal", () => {
    assert.strictEqual(printable("a\u001b[31mb\nc\u202ed\r"), "a\\u{1b}[31mb\nc\\u{202e}d\\u{d}")
    assert.strictEqual(printable("größe → 😀"), "größe → 😀")
  })
})
