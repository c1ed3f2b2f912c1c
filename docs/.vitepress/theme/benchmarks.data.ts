/** Reads the committed figures when the site is built. */
import { Effect } from "effect"
import { join } from "node:path"
import { defineLoader } from "vitepress"
import { readMachines } from "../../../test/bench/harness/machine.ts"
import { readResults } from "../../../test/bench/harness/results.ts"
import { type Benchmarks, benchmarksOf } from "./benchmarks.ts"

declare const data: Benchmarks
export { data }

export default defineLoader({
  watch: ["../../../test/bench/*.json"],
  load: async (files: Array<string>): Promise<Benchmarks> => {
    const results = files.find((file) => file.endsWith("results.json")) ?? "test/bench/results.json"
    const rows = await Effect.runPromise(readResults(results))
    return benchmarksOf(rows, readMachines(join(results, "../machine.json")))
  }
})
