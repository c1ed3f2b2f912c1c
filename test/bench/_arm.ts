// node --expose-gc -C source /work/prof/arm.ts <bench> <arm> <times>
import { Effect } from "effect"
import { benches } from "./benches.ts"
import { armsOf, collectGarbage } from "./harness/measure.ts"
const [bench, arm, times] = process.argv.slice(2)
const found = benches
  .filter((b) => b.name === bench)
  .flatMap(armsOf)
  .find((a) => a.name === arm)!
const only = benches.find((b) => b.name === bench)!
const cpu: Array<number> = []
const values: Array<Record<string, number>> = []
for (let i = 0; i < Number(times); i++) {
  await Effect.runPromise(collectGarbage)
  const before = process.threadCpuUsage()
  const run = await Effect.runPromise(found.run)
  const spent = process.threadCpuUsage(before)
  cpu.push((spent.user + spent.system) / 1000)
  for (const [k, v] of Object.entries(only.work)) if (run.proof[k] !== v) throw new Error(`${k} ${run.proof[k]} ${v}`)
  values.push(run.measured as never)
}
const keys = Object.keys(values[0]!)
for (const k of keys) {
  const s = values.map((v) => v[k]!).sort((a, b) => a - b)
  console.log(bench, arm, k, "median", s[s.length >> 1], "min", s[0], "max", s.at(-1))
}
cpu.sort((a, b) => a - b)
console.log("   cpu ms: median", cpu[cpu.length >> 1], "min", cpu[0])
process.exit(0)
