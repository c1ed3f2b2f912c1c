import { Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Invocation } from "troupe/net"

// #region functions
export class TooLarge extends Schema.TaggedError<TooLarge>()("TooLarge", { limit: Schema.Int }) {}

/** What the runner invokes, and its instances execute. */
export const Numbers = Invocation.functions("app:numbers", [
  /** How many primes there are below a number. */
  Rpc.make("primes", { payload: Schema.Int, success: Schema.Int, error: TooLarge }),
  /** Ends the instance in the midst of its work. */
  Rpc.make("crash", {})
])
// #endregion functions
