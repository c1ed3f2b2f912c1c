import { describe, expect, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { floors } from "../oxlint.config.ts"

const root = join(import.meta.dirname, "..")

interface Report {
  readonly diagnostics: ReadonlyArray<{ readonly code: string; readonly filename: string }>
}

/** The rules which each file (path and source) of a project breaks under this repository's lint configuration. */
const lint = async (files: ReadonlyArray<readonly [path: string, source: string]>): Promise<Array<Array<string>>> => {
  const project = await mkdtemp(join(tmpdir(), "troupe-floors-"))
  const write = async (path: string, text: string): Promise<void> => {
    await mkdir(dirname(join(project, path)), { recursive: true })
    await writeFile(join(project, path), text)
  }
  // Each file has its own project, so that several sources can have the same path.
  await Promise.all(files.map(([path, source], index) => write(`${index}/${path}`, source)))
  const config = JSON.stringify(join(root, "oxlint.config.ts"))
  await Promise.all(files.map((_, index) => write(`${index}/oxlint.config.ts`, `export { default } from ${config}\n`)))
  const oxlint = join(root, "node_modules/oxlint/bin/oxlint")
  const output = await new Promise<string>((resolve) => {
    const command = [oxlint, "--format=json", ...files.map(([path], index) => join(`${index}`, path))]
    execFile(process.execPath, command, { cwd: project }, (_, stdout) => resolve(stdout))
  })
  await rm(project, { recursive: true, force: true })
  const { diagnostics } = JSON.parse(output) as Report
  return files.map((_, index) =>
    diagnostics.filter(({ filename }) => filename.startsWith(`${index}/`)).map(({ code }) => code)
  )
}

const importing = (path: string): string => `import { y } from "${path}"\n\nexport const x = y\n`

describe("the floors of src", () => {
  const above = "eslint(no-restricted-imports)"

  it("are the folders there are", async () => {
    const entries = await readdir(join(root, "src"), { withFileTypes: true })
    const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
    expect(floors).toEqual(expect.arrayContaining(folders))
  })

  it("import no floor above", async () => {
    const broken = await lint([
      ["src/scheduler/X.ts", importing("../process/Y.ts")],
      ["src/scheduler/internal/x.ts", importing("../../process/internal/y.ts")],
      ["src/process/X.ts", `export * from "../server/Y.ts"\n`],
      ["src/process/X.ts", `import type { Y } from "../server/Y.ts"\n\nexport type X = Y\n`],
      ["src/process/X.ts", importing("../index.ts")],
      ["src/cli/X.ts", importing("../index.ts")]
    ])
    expect(broken).toEqual([[above], [above], [above], [above], [above], [above]])
  })

  it("import their own floor and those below", async () => {
    const broken = await lint([
      ["src/process/X.ts", importing("../scheduler/Y.ts")],
      ["src/process/X.ts", importing("./Y.ts")],
      ["src/process/internal/x.ts", importing("../../scheduler/internal/y.ts")],
      ["src/cli/X.ts", importing("../testing/Y.ts")],
      ["src/index.ts", importing("./process/Y.ts")]
    ])
    expect(broken).toEqual([[], [], [], [], []])
  })

  it("import no package but effect", async () => {
    const packages = ["effect/Effect", "effect", "troupe", "@effect/platform-node", "effects", "node:fs"]
    const broken = await lint(packages.map((name) => ["src/process/X.ts", importing(name)]))
    const alone = "troupe(effect-alone)"
    expect(broken).toEqual([[], [], [alone], [alone], [alone], ["import(no-nodejs-modules)"]])
  })

  it("leave time, chance, failure and asynchrony to Effect", async () => {
    const rules = {
      "Date.now()": "eslint(no-restricted-properties)",
      "Math.random()": "eslint(no-restricted-properties)",
      "new Promise(() => {})": "promise(avoid-new)",
      "async () => {}": "oxc(no-async-await)",
      '() => { throw new Error("x") }': "troupe(no-throw)",
      "() => { try { f() } catch { g() } }": "troupe(no-try)",
      "console.log(1)": "eslint(no-console)",
      "process": "eslint(no-restricted-globals)"
    }
    const sources = Object.keys(rules).map((expression) => `export const x = ${expression}\n`)
    const broken = await lint(sources.map((source) => ["src/process/X.ts", source]))
    expect(broken).toEqual(Object.values(rules).map((rule) => [rule]))
  })
})
