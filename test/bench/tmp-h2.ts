import { Effect } from "effect"
import { million } from "./million.ts"
const arm = process.argv[2] === "raw" ? (million.peers[0] as any) : million.subject
console.log(process.execArgv.join(" "), JSON.stringify(await Effect.runPromise(arm.run)))
