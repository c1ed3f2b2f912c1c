import { describe, expect, it } from "@effect/vitest"
import { type Fence, fencesOf, generate, moduleOf } from "./support/doctest.ts"

describe("doc examples", () => {
  for (const fence of generate()) {
    if (fence.run) it(fence.name, () => import(/* @vite-ignore */ fence.module))
  }
})

describe("the extraction of doc examples", () => {
  const fence = (code: string): Fence => ({ name: "a.ts › a", file: "a.ts", line: 3, code, run: true })
  const bodyOf = (code: string): string => moduleOf(fence(code)).split("\n").slice(2).join("\n").trim()

  it("names fences after the documented symbol, or the line", () => {
    const doc = (info: string) => `/**\n * \`\`\`ts ${info}\n * f()\n * \`\`\`\n */\n`
    const source = `${doc("import.meta.vitest")}\n${doc("no-run")}export const f = 1\n${doc("")}export type G = 1`
    expect(fencesOf("src/a.ts", source).map(({ name, line, run }) => ({ name, line, run }))).toEqual([
      { name: "src/a.ts › line 2", line: 3, run: true },
      { name: "src/a.ts › f", line: 9, run: false },
      { name: "src/a.ts › G", line: 15, run: true }
    ])
  })

  it("makes a module at the lines of its source", () => {
    const module = moduleOf(fence("const a = 1\na // => 1"))
    expect(module.split("\n")[2]).toBe("const a = 1")
  })

  it("asserts the value of an expression, on one line or on several", () => {
    expect(bodyOf("f(1) // => 2")).toBe("__expect(f(1)).toEqual(2) // => 2")
    expect(bodyOf("f(\n  1\n) // => 2")).toBe("__expect(f(\n  1\n)).toEqual(2) // => 2")
    expect(bodyOf("g(function*() {\n  yield* x // => 1\n})")).toContain("__expect(yield* x).toEqual(1)")
  })

  it("asserts the value of a variable", () => {
    expect(bodyOf("const a = 1 // => 1")).toBe("const a = 1; __expect(a).toEqual(1) // => 1")
    expect(bodyOf("const a = f()\n// => {\n//   b: 1\n// }")).toContain("__expect(a).toEqual({\n   b: 1\n })")
  })

  it("refuses an assertion on nothing", () => {
    expect(() => moduleOf(fence('import {} from "x"\n// => 1'))).toThrow("a.ts:4: no expression")
  })
})
