import { describe } from "@effect/vitest"
import { Effect } from "effect"
import { it } from "troupe/testing/vitest"
import * as Tcp from "../../src/net/transport/node/Tcp.ts"
import { lose } from "./sockets.ts"

const local = (maxFrame?: number) => Tcp.make({ host: "127.0.0.1", port: 0, maxFrame })

describe("tcp", () => {
  it.conforms("tcp", {
    make: Effect.sync(() => local()),
    lose,
    withMaxFrame: ({ address }, maxFrame) =>
      Tcp.make({ host: "127.0.0.1", port: Number(address.split(":").at(-1)), maxFrame })
  })
})
