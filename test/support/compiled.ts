import { tmpdir } from "node:os"
import { join } from "node:path"

/** Has the programs that this one starts keep what Node has compiled of the sources, so that the next are there sooner. */
export const keepCompiled = (): void => {
  process.env["NODE_COMPILE_CACHE"] ??= join(tmpdir(), "troupe-compiled")
}
