/** The code on documentation pages comes from files which are type-checked and run, never from the page itself. */
import { describe, expect, it } from "@effect/vitest"
import { existsSync, globSync, readFileSync } from "node:fs"
import { join } from "node:path"

const docs = join(import.meta.dirname, "../docs")
const pages = globSync("**/*.md", { cwd: docs, exclude: [".vitepress"] }).toSorted()

/** The lines on which a page has TypeScript of its own. */
const inlineCode = (page: string): Array<number> =>
  page
    .split("\n")
    .flatMap((line, index) => (/^\s*(?:>\s*)*(?:`{3,}|~{3,})\s*(?:ts|tsx|typescript)\b/.test(line) ? [index + 1] : []))

/** The `<<< @/path#region` includes of a page which lead nowhere. */
const brokenIncludes = (page: string): Array<string> =>
  [...page.matchAll(/^\s*<<<\s*(\S+)/gm)]
    .map((match) => match[1]!.replace(/\{.*$/, ""))
    .filter((include) => {
      const [path = "", region] = include.split("#")
      if (!/^@\/(?:examples|snippets)\//.test(path)) return true
      const file = join(docs, path.slice(2))
      return !existsSync(file) || (region !== undefined && !readFileSync(file, "utf8").includes(`#region ${region}\n`))
    })

describe("documentation pages", () => {
  for (const path of pages) {
    const page = readFileSync(join(docs, path), "utf8")
    it(`${path} has no TypeScript but includes`, () => {
      expect(inlineCode(page).map((line) => `docs/${path}:${line}`)).toEqual([])
      expect(brokenIncludes(page)).toEqual([])
    })
  }

  it("may not slip code past these tests", () => {
    expect(inlineCode("```sh\nnpm i\n```\n\n  ```ts\n  f()\n  ```\n````typescript no-run")).toEqual([5, 8])
    const includes = ["@/examples/echo-service/main.ts{2}", "@/examples/none.ts", "@/index.md", "../src/index.ts"]
    expect(brokenIncludes(includes.map((path) => `<<< ${path}\n`).join(""))).toEqual(includes.slice(1))
  })
})
