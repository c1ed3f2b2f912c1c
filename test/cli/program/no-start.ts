/** An application that does not start. */
import { Effect, Layer } from "effect"

export default Layer.effectDiscard(Effect.fail(new Error("the port is taken")))
