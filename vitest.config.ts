import { defineConfig } from "vitest/config"

// "troupe" resolves to src/index.ts: tests and doc examples run from source. Packages resolve as they do in Node: what some
// of them have for bundlers, under "module", does not load there.
const conditions = ["source", "node", "development|production"]

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["test/**/*.test.ts"],
    setupFiles: ["test/support/setup.ts"],
    reporters: ["default", "./test/support/count-reporter.ts"],
    pool: "forks",
    // Half of the files only explore, and never wait: a worker for each core of a small machine.
    maxWorkers: 2,
    execArgv: ["--expose-gc"],
    testTimeout: 30_000,
    hookTimeout: 10_000,
    teardownTimeout: 5_000,
    typecheck: {
      enabled: true,
      include: ["test/types/**/*.test-d.ts"],
      tsconfig: "test/tsconfig.json"
    }
  }
})
