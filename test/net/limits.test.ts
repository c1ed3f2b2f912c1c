import { assert, it } from "@effect/vitest"
import { Duration } from "effect"
import { MaxFrame } from "../../src/net/internal/frames.ts"
import { limitsOf } from "../../src/net/transport/node/internal/limits.ts"

it("a time without end is the longest that a timer of Node takes, and not none", () => {
  assert.strictEqual(Duration.toMillis(limitsOf({ connectTimeout: Duration.infinity }).connectTimeout), 2 ** 31 - 1)
  assert.strictEqual(Duration.toMillis(limitsOf({ connectTimeout: "30 days" }).connectTimeout), 2 ** 31 - 1)
  assert.strictEqual(Duration.toMillis(limitsOf({ connectTimeout: "5 seconds" }).connectTimeout), 5000)
})

it("no frame is so long that its length would be a mark", () => {
  assert.strictEqual(limitsOf({ maxFrame: 2 ** 32 }).maxFrame, MaxFrame)
})
