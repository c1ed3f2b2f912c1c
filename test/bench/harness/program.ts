/** One arm of a bench in a process of its own, which `apart.ts` starts; it ends with the one that has started it. */
import { Effect } from "effect"
import { benches } from "../benches.ts"
import { armsOf, collectGarbage } from "./measure.ts"

const [bench, arm] = process.argv.slice(2)
const found = benches
  .filter(({ name }) => name === bench)
  .flatMap(armsOf)
  .find(({ name }) => name === arm)
if (found === undefined) throw new Error(`There is no arm ${arm} of a bench ${bench}.`)

process.on("message", () => {
  void Effect.runPromise(Effect.andThen(collectGarbage, found.run)).then((run) => process.send!(run))
})
process.on("disconnect", () => process.exit())
