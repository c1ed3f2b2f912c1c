/** Ends a run's output with `N passed, N failed`, and `, N skipped` if any were: the verdict in one line. */
import type { SerializedError } from "vitest"
import type { Reporter, TestModule } from "vitest/node"

export default class CountReporter implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>, unhandledErrors: ReadonlyArray<SerializedError>): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    const suites = modules.flatMap((module) => [module, ...module.children.allSuites()])
    const passed = tests.filter((test) => test.result().state === "passed").length
    const failedTests = tests.filter((test) => test.result().state === "failed").length
    // A file which does not load, a failing hook, a rejection nobody awaited.
    const errors = suites.reduce((sum, suite) => sum + suite.errors().length, 0) + unhandledErrors.length
    const failed = failedTests + errors
    const skipped = tests.length - passed - failedTests

    process.once("exit", (code) => {
      const reported = failed === 0 && code !== 0 ? 1 : failed
      process.stdout.write(`${passed} passed, ${reported} failed${skipped === 0 ? "" : `, ${skipped} skipped`}\n`)
    })
  }
}
