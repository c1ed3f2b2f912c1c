// #region test
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { Layer } from "effect"
import { Recording, Replay } from "troupe"
import { Clock } from "troupe/command"
import { it } from "troupe/testing/vitest"
import { Guests, Inviter, MendedLive } from "./record-and-replay.ts"

it.replay("an invitation of last monday", {
  process: Inviter,
  recording: Recording.read("docs/examples/concepts/inviter.ndjson"),
  layer: Layer.merge(MendedLive.pipe(Layer.provide(Replay.unhandled(Guests, Clock.commands))), NodeFileSystem.layer)
})
// #endregion test
