/** The code of the README stands, word for word, in an example that is type-checked and run. */
import { assert, describe, it } from "@effect/vitest"
import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"

const root = join(import.meta.dirname, "..")
const readme = readFileSync(join(root, "README.md"), "utf8")

/** A text without the white space at the ends of its lines, so that an excerpt may be indented less. */
const trimmed = (text: string): string =>
  text
    .trim()
    .split(/\r?\n/)
    .map((line) => line.trim())
    .join("\n")

const examples = globSync("docs/examples/**/*.ts", { cwd: root }).map((path) =>
  trimmed(readFileSync(join(root, path), "utf8"))
)

const isInExamples = (code: string): boolean => {
  const lines = `\n${trimmed(code)}\n`
  return examples.some((example) => `\n${example}\n`.includes(lines))
}

/** The TypeScript of a page, by line. */
const fencesOf = (page: string): Array<{ readonly line: number; readonly code: string }> =>
  [...page.matchAll(/^(`{3,}|~{3,})[ \t]*(?:ts|tsx|typescript|js|javascript)\b.*\r?\n([\s\S]*?)^\1/gm)].map(
    (match) => ({
      line: page.slice(0, match.index).split("\n").length,
      code: match[2] ?? ""
    })
  )

describe("README.md", () => {
  const fences = fencesOf(readme)

  it("shows the echo service", () => {
    assert.isAbove(fences.length, 0)
  })

  for (const { code, line } of fences) {
    it(`has the code of line ${line} from an example`, () => {
      assert.isTrue(isInExamples(code), `README.md:${line} is not in docs/examples:\n${code}`)
    })
  }

  it("may not slip code past these tests", () => {
    const page = "# A\n\n```ts\na\n  b\n```\n\n```sh\nls\n```\n\n~~~typescript\nc\n~~~\n"
    assert.deepStrictEqual(fencesOf(page), [
      { line: 3, code: "a\n  b\n" },
      { line: 12, code: "c\n" }
    ])
    assert.isFalse(isInExamples("export const Nobody = Process.make()"))
    assert.isFalse(isInExamples("const Worker = Process"))
  })
})
