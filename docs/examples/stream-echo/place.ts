import { Config, Effect, FileSystem, Layer, Option, Schema } from "effect"
import { Authentication, Directory } from "troupe/net"
import * as Unix from "troupe/net/unix"

/** There is no secret by which the programs know each other. */
class NoSecret extends Schema.TaggedError<NoSecret>()("NoSecret", {}) {
  override get message(): string {
    return "There is no TROUPE_DIRECTORY_SECRET: set it to the same text for all programs of the example."
  }
}

// #region place
/** Where the sockets of the programs are: a folder that this user alone can enter. */
export const folder = Effect.gen(function* () {
  const path = yield* Config.withDefault(Config.String("STREAM_ECHO_FOLDER"), "/tmp/troupe-stream-echo")
  const fs = yield* FileSystem.FileSystem
  yield* fs.makeDirectory(path, { recursive: true, mode: 0o700 })
  return path
})

/** By which they know each other. */
export const secret = Effect.flatMap(
  Config.option(Config.Redacted("TROUPE_DIRECTORY_SECRET")),
  Option.match({ onNone: () => Effect.fail(new NoSecret()), onSome: Effect.succeed })
)

/** What one of them shows to the others. */
export const credentials = (account: string) =>
  Effect.map(secret, (secret) => Authentication.secret({ account, secret }))

/** The directory, as the others reach it. */
export const directory = (account: string) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const at = Unix.make({ path: `${yield* folder}/directory.sock` })
      return Directory.layer(at, { credentials: yield* credentials(account), timeout: "2 seconds" })
    })
  )
// #endregion place
