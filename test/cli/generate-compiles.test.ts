/** What `troupe gen` writes compiles as it is, under the strictest options that this repository has. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { corpus } from "./corpus.ts"
import { folder, root, sourcesOf, write } from "./generating.ts"

const compile = (path: string) =>
  Effect.sync(() => {
    const config = {
      extends: "../../tsconfig.json",
      compilerOptions: { skipLibCheck: true },
      include: ["."],
      exclude: []
    }
    writeFileSync(join(path, "tsconfig.json"), JSON.stringify(config))
    const tsc = join(root, "node_modules/typescript/bin/tsc")
    const { stdout } = spawnSync(process.execPath, [tsc, "-p", path], { encoding: "utf8" })
    return stdout.split("\n").filter((line) => line !== "")
  })

/** What a person does with the client: each route is known by its name and types. */
const use = `import { Effect } from "effect"
import type { Address } from "troupe/net"
import { connect, Item } from "./remote.ts"

export const program = Effect.gen(function* () {
  const dialers: ReadonlyArray<Address.Dialer> = []
  const connection = yield* connect({
    dialers,
    handlers: { confirm: (item) => Effect.succeed(item.price > 1), watch: () => Stream.empty }
  })
  const item: typeof Item.Type = { id: "tea", price: 1 }
  const ordered: number = yield* connection.request("order", { item, count: 1 })
  return ordered
})
`.replace("import { Effect }", "import { Effect, Stream }")

const misuse = use
  .replace("item, count: 1", 'item, count: "1"')
  .replace("watch: () => Stream.empty", "other: () => Stream.empty")

describe("generated modules and scaffolds", () => {
  it.effect(
    "compile, and tell a wrong use",
    () =>
      Effect.gen(function* () {
        const path = yield* folder
        for (const [index, contract] of Object.values(corpus).entries()) {
          yield* write(join(path, `${index}`), yield* sourcesOf(yield* contract))
        }
        // Node takes off the types, and has no compiler.
        const modules = Object.keys(corpus).flatMap((_, index) =>
          ["remote", "scaffold"].map((name) => `import ${JSON.stringify(`./${index}/${name}.ts`)}`)
        )
        writeFileSync(join(path, "all.mjs"), modules.join("\n"))
        const node = spawnSync(process.execPath, ["-C", "source", join(path, "all.mjs")], { encoding: "utf8" })
        assert.strictEqual(node.status, 0, node.stderr)
        const shop = yield* sourcesOf(yield* corpus["shop"] ?? Effect.never)
        yield* write(join(path, "use"), { ...shop, use })
        assert.deepStrictEqual(yield* compile(path), [])
        yield* write(join(path, "use"), { misuse })
        const errors = yield* compile(path)
        assert.strictEqual(
          errors.filter((line) => /misuse\.ts\(\d+,\d+\): error/.test(line)).length,
          2,
          errors.join("\n")
        )
      }),
    120_000
  )
})
