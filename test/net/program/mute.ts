/**
 * A program that connects, meets the other side, and takes and says nothing from then on.
 */
import { Effect } from "effect"
import { meet, reach } from "../../../src/net/internal/session/handshake.ts"
import { transportAt, type Place } from "./programs.ts"
import { Work } from "./work.ts"

const { place }: { readonly place: Place } = JSON.parse(process.argv[2]!)

Effect.runFork(
  Effect.scoped(
    Effect.gen(function* () {
      const caller = { protocol: Work.name, instance: undefined, connection: "mute", credentials: undefined }
      yield* meet(yield* reach(transportAt(place), caller), caller)
      process.stdout.write("mute\n")
      // Not even the end of the socket is heard any more.
      yield* Effect.never
    })
  )
)
setInterval(() => {}, 1000)
