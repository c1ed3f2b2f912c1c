import { Effect } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** A directory of its own for a test, which is gone when its scope is closed. */
export const directory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "troupe-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)
