/** Generated modules, written into the repository, so that what they import is found, and imported. */
import { Effect } from "effect"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { format } from "../../src/cli/internal/generate/format.ts"
import { localModule } from "../../src/cli/internal/generate/localModule.ts"
import { remoteModule } from "../../src/cli/internal/generate/remoteModule.ts"
import { scaffold } from "../../src/cli/internal/generate/scaffold.ts"
import { ActorType, Contract, Protocol } from "../../src/net/index.ts"

export const root = join(import.meta.dirname, "../..")

/** A folder of its own, which is gone with the scope; git, the linter and vitest look past it. */
export const folder = Effect.acquireRelease(
  Effect.sync(() => {
    mkdirSync(join(root, ".generated"), { recursive: true })
    return mkdtempSync(join(root, ".generated/troupe-"))
  }),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

/** The sources of a contract, formatted. */
export const sourcesOf = Effect.fnUntraced(function* (contract: Contract.Contract, name = "shop") {
  const fingerprint = yield* Contract.fingerprint(contract)
  const formatted = (source: string) => format(join(root, "generated.ts"), source)
  return {
    remote: yield* Effect.flatMap(
      remoteModule({ name, contract, fingerprint, range: ActorType.compatible(contract.type) }),
      formatted
    ),
    local: yield* Effect.flatMap(localModule({ name, contract, fingerprint }), formatted),
    scaffold: yield* Effect.flatMap(scaffold({ name, contract, module: "./local.ts" }), formatted)
  }
})

/** Writes the sources into a folder of their own, and answers where. */
export const write = (path: string, sources: Readonly<Record<string, string>>) =>
  Effect.sync(() => {
    mkdirSync(path, { recursive: true })
    for (const [name, source] of Object.entries(sources)) writeFileSync(join(path, `${name}.ts`), source)
  })

/** What a module exports. */
export const load = (path: string): Effect.Effect<Readonly<Record<string, unknown>>> =>
  Effect.promise(() => import(/* @vite-ignore */ path))

export const isProtocol = (value: unknown): value is Protocol.Any =>
  typeof value === "object" && value !== null && Protocol.TypeId in value

/** The protocol that a module exports. */
export const protocolOf = (module: Readonly<Record<string, unknown>>): Protocol.Any | undefined =>
  Object.values(module).find(isProtocol)

/** Source without what stands in literals and comments. */
export const bare = (source: string): string =>
  source.replaceAll(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|\/\/[^\n\u2028\u2029]*|\/\*[^]*?\*\//g, "")
