import { describe } from "@effect/vitest"
import { Effect } from "effect"
import { join } from "node:path"
import { it } from "troupe/testing/vitest"
import * as Unix from "../../src/net/transport/node/Unix.ts"
import { directory } from "../support/files.ts"
import { lose } from "./sockets.ts"

describe("unix", () => {
  it.conforms("unix", {
    make: Effect.map(directory, (folder) => Unix.make({ path: join(folder, "wire.sock") })),
    lose,
    withMaxFrame: ({ address }, maxFrame) => Unix.make({ path: address, maxFrame })
  })
})
