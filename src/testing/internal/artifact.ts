/**
 * Writes what an exploration found where CI keeps it. In a runtime without Node's file system nothing is written.
 */
import * as Effect from "effect/Effect"

interface NodeFileSystem {
  readonly mkdirSync: (path: string, options: { readonly recursive: true }) => void
  readonly writeFileSync: (path: string, text: string) => void
}

interface Runtime {
  readonly process?: { readonly getBuiltinModule?: (name: string) => NodeFileSystem | undefined }
}

/** Answers the path of the file; `undefined` if it could not be written, since the finding itself matters more. */
export const write = (directory: string, name: string, text: string): Effect.Effect<string | undefined> => {
  const path = `${directory}/${name.replaceAll(/[^\p{L}\p{N}.-]+/gu, "-").replaceAll(/^-+|-+$/g, "") || "exploration"}.txt`
  return Effect.sync(() => {
    const fs = (globalThis as Runtime).process?.getBuiltinModule?.("node:fs")
    if (fs === undefined) return undefined
    fs.mkdirSync(directory, { recursive: true })
    fs.writeFileSync(path, text)
    return path
  }).pipe(Effect.catchDefect(() => Effect.succeed(undefined)))
}
