/**
 * A program that is a directory, which keeps what is announced in a database.
 */
import { Effect, Layer } from "effect"
import { Authentication, DirectoryServer, DirectoryStore } from "troupe/net"
import * as Sqlite from "../../../src/command/driver/Sqlite.ts"
import { placeOf, transportAt, type Place } from "./programs.ts"

const { filename, place }: { readonly place: Place; readonly filename: string } = JSON.parse(process.argv[2]!)
const say = (line: string) => Effect.sync(() => void process.stdout.write(`${line}\n`))

const serves = Effect.gen(function* () {
  const { transport } = yield* DirectoryServer.DirectoryServer
  yield* say(`listens ${placeOf(place, transport).at}`)
  return yield* Effect.never
})

Effect.runFork(
  Effect.provide(
    serves,
    DirectoryServer.layer(transportAt(place), { authenticator: Authentication.open }).pipe(
      Layer.provide(DirectoryStore.layerSql()),
      Layer.provide(Sqlite.layer({ filename }))
    )
  )
)
