/**
 * Doc examples as tests. Each `ts` fence in the JSDoc of `src` becomes one module under `.doctest`, at the line numbers
 * it has in its source file, so that an error there points back here. In it, `expression // => value` (and
 * `const name = expression // => value`) is an assertion; top-level `await` is allowed; a value which takes several
 * lines stands in a `// =>` comment after its statement. A fence marked `ts no-run` is type-checked and never run.
 *
 * `test/doctest.test.ts` runs the modules; as a script (`npm run check`) this file only writes them for `tsc`.
 */
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { pathToFileURL } from "node:url"
import { parseAst } from "vitest/node"

export interface Fence {
  /** `<file> › <symbol, or line>` */
  readonly name: string
  readonly file: string
  /** The line of the source file, from 1, on which the code starts. */
  readonly line: number
  readonly code: string
  readonly run: boolean
}

const root = join(import.meta.dirname, "../..")
const target = join(root, ".doctest")
const opening = /^\s*\* ```(?:ts|typescript)\b(.*)$/
const closing = /^\s*\* ```\s*$/
const declaration =
  /^\s*(?:export )?(?:declare |abstract |default )*(?:const|function\*?|class|interface|type|namespace) (\w+)/

/** The fences of one source text, in order. */
export const fencesOf = (file: string, source: string): Array<Fence> => {
  const lines = source.split("\n")
  const fences: Array<Fence> = []
  for (let start = 0; start < lines.length; start++) {
    const info = opening.exec(lines[start]!)?.[1]
    if (info === undefined) continue
    const end = lines.findIndex((line, index) => index > start && closing.test(line))
    if (end < 0) throw new Error(`${file}:${start + 1}: the code fence is never closed`)
    const code = lines.slice(start + 1, end).map((line) => line.replace(/^\s*\* ?/, ""))
    const afterDoc = lines.findIndex((line, index) => index > end && line.includes("*/")) + 1
    const symbol = declaration.exec(lines[afterDoc] ?? "")?.[1] ?? `line ${start + 1}`
    const taken = fences.filter((fence) => fence.name === `${file} › ${symbol}`).length
    const name = `${file} › ${symbol}${taken === 0 ? "" : ` (line ${start + 1})`}`
    fences.push({ name, file, line: start + 2, code: code.join("\n"), run: !/\bno-run\b/.test(info) })
    start = end
  }
  return fences
}

interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly expression?: Node
  readonly declarations?: ReadonlyArray<{ readonly id: Node & { readonly name: string } }>
}

const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null && "type" in value

/** Every expression statement and variable declaration in a syntax tree. */
const statementsOf = (node: Node): Array<Node> => [
  ...(node.type === "ExpressionStatement" || node.type === "VariableDeclaration" ? [node] : []),
  ...Object.values(node).flat().filter(isNode).flatMap(statementsOf)
]

/** The module of a fence: its code with the `// =>` comments made assertions. */
export const moduleOf = (fence: Fence): string => {
  const { code } = fence
  const statements = statementsOf(parseAst(code, { lang: "ts" }))
  const edits: Array<{ readonly at: number; readonly text: string }> = []
  for (const comment of code.matchAll(/\/\/ =>(.*(?:\n\s*\/\/(?! =>).*)*)/g)) {
    const expected = comment[1]!.replaceAll(/\n\s*\/\//g, "\n").trim()
    const asserted = statements.findLast(
      (node) => node.end <= comment.index && /^[\s;]*$/.test(code.slice(node.end, comment.index))
    )
    const value = asserted?.expression
    const id = asserted?.declarations?.[0]?.id
    if (value !== undefined) {
      edits.push({ at: value.start, text: "__expect(" }, { at: value.end, text: `).toEqual(${expected})` })
    } else if (asserted !== undefined && id?.type === "Identifier") {
      edits.push({ at: asserted.end, text: `; __expect(${id.name}).toEqual(${expected})` })
    } else {
      const line = fence.line + code.slice(0, comment.index).split("\n").length - 1
      throw new Error(`${fence.file}:${line}: no expression or \`const name = …\` stands before this \`// =>\``)
    }
  }
  const body = edits
    .toSorted((left, right) => right.at - left.at)
    .reduce((text, edit) => text.slice(0, edit.at) + edit.text + text.slice(edit.at), code)
  return `import { expect as __expect } from "vitest"${"\n".repeat(fence.line - 1)}${body}\n`
}

/** Writes the modules of all fences of `src`; only changed files are touched. */
export const generate = (): Array<Fence & { readonly module: string }> => {
  const fences = globSync("src/**/*.ts", { cwd: root })
    .toSorted()
    .flatMap((file) => fencesOf(file, readFileSync(join(root, file), "utf8")))
    .map((fence) => ({ ...fence, module: join(target, `${fence.file.replace(/\.ts$/, "")}.L${fence.line}.ts`) }))
  const stale = new Set(globSync("**/*.ts", { cwd: target }).map((file) => join(target, file)))
  const write = (path: string, text: string): void => {
    if (stale.delete(path) && readFileSync(path, "utf8") === text) return
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
  // Keeps `tsc` from failing for want of input while no source has an example.
  write(join(target, "index.ts"), "export {}\n")
  for (const fence of fences) write(fence.module, moduleOf(fence))
  for (const path of stale) rmSync(path)
  return fences
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  console.log(`${generate().length} doc examples written to ${relative(process.cwd(), target)}`)
}
