import { DateTime, Effect, Exit, FileSystem, Layer, Logger, Random, Redacted, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Command, Dispatcher, Process, ProcessHost, Recording, Replay } from "troupe"
import { Clock } from "troupe/command"

// #region process
export class NoSuchGuest extends Schema.TaggedError<NoSuchGuest>()("NoSuchGuest", { name: Schema.String }) {}

export const Guests = Command.module("guests", {
  find: Command.make(300, {
    payload: { name: Schema.String },
    success: Schema.Struct({ email: Schema.String }),
    error: NoSuchGuest
  })
})

const Invite = Rpc.make("invite", { payload: { name: Schema.String } })

export const Inviter = Process.make("app:inviter", {
  args: Schema.Struct({ event: Schema.String }),
  protocol: [Invite],
  success: Schema.String
})

export const invite = Effect.fn(function* ({ event }: typeof Inviter.args.Type) {
  const { payload } = yield* Inviter.receive()
  const now = yield* Clock.now
  const guest = yield* Process.yield(Guests.find, { name: payload.name })
  const code = yield* Random.nextIntBetween(1000, 9999)
  return `${guest.email}: ${event} on ${DateTime.formatIsoDateUtc(now)}, code ${code}`
})

export const InviterLive = Inviter.toLayer(invite)
// #endregion process

// #region mended
export const MendedLive = Inviter.toLayer((args) =>
  invite(args).pipe(Effect.catchTag("NoSuchGuest", ({ name }) => Effect.succeed(`nobody is called ${name}`)))
)
// #endregion mended

const GuestsLive = Dispatcher.layer(Guests, {
  find: ({ name }) => (name === "Ada" ? Effect.succeed({ email: "ada@example.org" }) : new NoSuchGuest({ name }))
})

const Live = Layer.merge(InviterLive.pipe(Layer.provide([GuestsLive, Clock.layer])), ProcessHost.layer("app:processes"))

// #region record
export const recordTo = Effect.fn(function* (path: string, name: string) {
  const recorder = yield* Recording.toFile(path)
  const inviter = yield* Process.spawn(Inviter, { event: "the fair" }, { record: recorder })
  yield* Process.send(inviter, "invite", { name })
  return yield* Process.await(inviter)
})
// #endregion record

// #region replay
/** The body with its modules unhandled: every answer is in the recording. */
const ReplayLive = InviterLive.pipe(Layer.provide(Replay.unhandled(Guests, Clock.commands)))

export const replayed = Effect.fn(function* (path: string) {
  const { exit, matches } = yield* Replay.run(Inviter, yield* Recording.read(path))
  return { exit, matches } // ends as it did, and so matches is true
}, Effect.provide(ReplayLive))
// #endregion replay

// #region changed
const hurried = Effect.fn(function* ({ event }: typeof Inviter.args.Type) {
  const { payload } = yield* Inviter.receive()
  // Before it asks for the time.
  const guest = yield* Process.yield(Guests.find, { name: payload.name })
  const now = yield* Clock.now
  return `${guest.email}: ${event} on ${DateTime.formatIsoDateUtc(now)}`
})
// #endregion changed

export const diverged = Effect.fn(function* (path: string) {
  const HurriedLive = Inviter.toLayer(hurried).pipe(Layer.provide(Replay.unhandled(Guests, Clock.commands)))
  const error = yield* Replay.run(Inviter, yield* Recording.read(path)).pipe(Effect.provide(HurriedLive), Effect.flip)
  return error.message
})

// #region cut
export const cut = Effect.fn(function* (path: string) {
  const fs = yield* FileSystem.FileSystem
  const text = yield* fs.readFileString(path)
  // As a crash would leave it.
  const half = yield* Recording.parse(text.slice(0, text.length / 2))
  // Answers { exit: undefined, matches: true }.
  return yield* Replay.run(Inviter, half)
}, Effect.provide(ReplayLive))
// #endregion cut

// What the page says of secrets.
const Listen = Rpc.make("listen", { payload: Schema.Redacted(Schema.String) })
const Vault = Command.module("vault", {
  open: Command.make(310, { payload: Schema.Redacted(Schema.String), success: Schema.String }),
  strict: Command.make(311, { payload: Schema.Redacted(Schema.String, { disallowJsonEncode: true }) })
})
const VaultLive = Dispatcher.layer(Vault, { open: () => Effect.succeed("gold"), strict: () => Effect.void })

const Ear = Process.make("app:ear", { protocol: [Listen] })
const EarLive = Ear.toLayer(() => Ear.receive())

const Thief = Process.make("app:thief", { args: Schema.Redacted(Schema.String) })
const ThiefLive = Thief.toLayer(
  Effect.fn(function* (secret) {
    yield* Process.yield(Vault.open, secret)
    yield* Process.send(Ear.named("ear"), "listen", secret)
    yield* Process.yield(Vault.strict, secret)
    return secret
  })
).pipe(Layer.provide(VaultLive))

export const secrets = Effect.gen(function* () {
  const logged: Array<string> = []
  const logger = Logger.make(({ message }) => void logged.push(String(message)))
  return yield* Effect.gen(function* () {
    const recorder = yield* Recording.inMemory
    yield* Process.spawn(Ear, undefined, { name: "ear" })
    const thief = yield* Process.spawn(Thief, Redacted.make("sesame"), { record: recorder })
    const exit = yield* Process.await(thief)
    const { entries } = yield* recorder.recording
    const lines = entries.map((entry) => JSON.stringify(entry))
    return { ended: Exit.isSuccess(exit), lines, reported: logged.some((line) => line.includes("the recording of")) }
  }).pipe(Effect.provide([ThiefLive, EarLive, ProcessHost.layer("app:processes"), Logger.layer([logger])]))
})

export const record = (path: string, name: string) => Effect.scoped(recordTo(path, name)).pipe(Effect.provide(Live))
