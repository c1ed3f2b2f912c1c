/** Packs the built library and checks the tarball as its users get it: publint, attw, an import by name, and the command. */
import { spawnSync } from "node:child_process"
import { globSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const root = join(import.meta.dirname, "../..")
const folder = mkdtempSync(join(tmpdir(), "troupe-package-"))

const run = (command: string, args: ReadonlyArray<string>, cwd = root): void => {
  const { status } = spawnSync(command, args, { cwd, stdio: ["ignore", "inherit", "inherit"] })
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} exited with ${status}`)
}

try {
  run("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder])
  const [tarball] = globSync("*.tgz", { cwd: folder }).map((file) => join(folder, file))
  if (tarball === undefined) throw new Error("npm pack wrote no tarball")
  run("publint", ["run", tarball, "--strict"])
  run("attw", [tarball, "--profile", "esm-only", "--exclude-entrypoints", "net/troupe.proto", "net/data_stream.proto"])

  run("tar", ["-xzf", tarball], folder)
  const unpacked = join(folder, "package")
  symlinkSync(join(root, "node_modules"), join(unpacked, "node_modules"))
  const { exports } = JSON.parse(readFileSync(join(unpacked, "package.json"), "utf8")) as { exports: object }
  const modules = Object.keys(exports).filter((path) => !/\.(?:json|proto)$/.test(path))
  const imports = modules.map((path) => `import ${JSON.stringify(path.replace(".", "troupe"))}\n`)
  writeFileSync(join(unpacked, "import.mjs"), imports.join(""))
  run("node", ["import.mjs"], unpacked)
  run("node", ["dist/cli/main.js", "--version"], unpacked)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
