/**
 * The file of a unix socket: made out of reach, given its path when it listens, taken over when it is stale, and removed when
 * it is still ours.
 *
 * What it is for: a path can be replaced only blindly, so that of two who replace the same stale file the second would throw
 * away the socket of the first. Those who want to replace one are therefore candidates first, each with a directory beside
 * the path in which its socket answers, under a name that the others know. Of two candidates at least one sees the other,
 * since each is to be seen before it looks. Who sees one with a lower name gives up; who sees one with a higher name waits
 * until that has given up or is done, and looks at the path again. The socket of a candidate that was killed does not answer.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { createHash } from "node:crypto"
import { chmodSync, linkSync, lstatSync, mkdtempSync, readdirSync, renameSync, rmSync, unlinkSync } from "node:fs"
import { createConnection } from "node:net"
import { platform } from "node:os"
import { basename, dirname, join } from "node:path"
import type { Transport } from "../../../Transport.ts"
import type { TransportError } from "../../../TransportError.ts"
import type { Binding } from "./medium.ts"
import type { Failures } from "./reasons.ts"

interface Publication {
  readonly path: string
  readonly mode: number
  readonly listener: Binding
  readonly failures: Failures
  readonly transport: () => Transport
}

// What the systems have room for, without the zero at the end.
const MaxPath = platform() === "linux" ? 107 : 103

// The socket in a directory of its own, whose name is 14 characters long.
const SocketName = "s"
const socketIn = (directory: string): string => join(directory, SocketName)

/** What is wrong with a path, if anything is. */
export const pathFault = (doing: TransportError["doing"], path: string): string | undefined => {
  if (path === "" || path.includes("\0")) return "it is no path"
  const longest = doing === "connect" ? path : [path, join(dirname(path), "x".repeat(14), SocketName)].reduce(longer)
  const bytes = new TextEncoder().encode(longest).length
  if (bytes <= MaxPath) return undefined
  return longest === path
    ? `the path has ${bytes} bytes, and a socket's may have ${MaxPath}`
    : `the path of its directory is ${bytes - MaxPath} bytes too long`
}

const longer = (one: string, other: string): string => (other.length > one.length ? other : one)

/** Has the listener listen at the path, for as long as the scope is open. */
export const publish = (publication: Publication): Effect.Effect<Transport, TransportError, Scope.Scope> =>
  Effect.gen(function* () {
    const { failures, listener, mode, path, transport } = publication
    if (platform() === "win32") {
      return yield* Effect.fail(failures.of("listen", "Unsupported", "this system has no permissions for sockets"))
    }
    const work = new Work(publication)
    return yield* Effect.gen(function* () {
      yield* work.begin
      yield* listener.listen({ path: socketIn(work.directory) }, () => {})
      yield* work.doing(() => chmodSync(socketIn(work.directory), mode))
      const own = yield* work.doing(() => lstatSync(socketIn(work.directory)))
      // Still listening, so that nobody takes the path for stale and puts something there between the two steps.
      yield* Effect.addFinalizer(() =>
        tidy(() => {
          const there = lstatSync(path, { throwIfNoEntry: false })
          if (there !== undefined && there.ino === own.ino && there.dev === own.dev) rmSync(path, { force: true })
        })
      )
      yield* work.place
      return transport()
    }).pipe(Effect.ensuring(work.end))
  })

// What can't be removed stays: it is in nobody's way.
const tidy = (remove: () => void): Effect.Effect<void> =>
  Effect.ignore(Effect.try({ try: remove, catch: () => "left" }))

class Work {
  directory = ""
  private readonly publication: Publication
  // The beginning of the names of all who want this path.
  private readonly prefix: string

  constructor(publication: Publication) {
    this.publication = publication
    const digest = createHash("sha256").update(basename(publication.path)).digest("hex")
    this.prefix = `.t${digest.slice(0, 6)}`
  }

  doing<A>(does: () => A): Effect.Effect<A, TransportError> {
    return Effect.try({ try: does, catch: (cause) => this.publication.failures.from("listen", cause) })
  }

  // Node makes it for this user alone. The name is not one of a candidate yet, whose socket has to answer.
  readonly begin = Effect.suspend(() =>
    this.doing(() => {
      this.directory = mkdtempSync(join(dirname(this.publication.path), ".n"))
    })
  )

  readonly end = tidy(() => {
    if (this.directory !== "") rmSync(this.directory, { recursive: true, force: true })
  })

  /** Gives the socket its path, which has to be free or stale. */
  readonly place: Effect.Effect<void, TransportError> = Effect.suspend(() =>
    Effect.gen({ self: this }, function* () {
      if (yield* this.link) return
      yield* this.examine
      yield* this.doing(() => {
        const directory = join(dirname(this.directory), `${this.prefix}${basename(this.directory).slice(".n".length)}`)
        renameSync(this.directory, directory)
        this.directory = directory
      })
      yield* this.wait
      // Whoever was there before us may have taken the path meanwhile.
      if ((yield* this.examine) === "stale") yield* this.doing(() => unlinkSync(this.publication.path))
      if (!(yield* this.link)) return yield* this.inUse("another one has just begun to listen there")
    })
  )

  // Whether the path was free, and is ours now.
  private readonly link = Effect.suspend(() =>
    this.doing(() => {
      linkSync(socketIn(this.directory), this.publication.path)
      this.publication.listener.begin()
    }).pipe(
      Effect.as(true),
      Effect.catchIf(
        () => lstatSync(this.publication.path, { throwIfNoEntry: false }) !== undefined,
        () => Effect.succeed(false)
      )
    )
  )

  private readonly examine = Effect.suspend(() =>
    Effect.gen({ self: this }, function* () {
      const { failures, path } = this.publication
      const there = yield* this.doing(() => lstatSync(path, { throwIfNoEntry: false }))
      if (there === undefined) return "free" as const
      if (!there.isSocket()) {
        return yield* Effect.fail(failures.of("listen", "InvalidAddress", "there is a file that is no socket"))
      }
      const answer = yield* probe(path)
      return answer === "refuses" ? ("stale" as const) : answer === "absent" ? ("free" as const) : yield* this.inUse("")
    })
  )

  private readonly wait: Effect.Effect<void, TransportError> = Effect.suspend(() =>
    Effect.gen({ self: this }, function* () {
      const folder = dirname(this.directory)
      const own = basename(this.directory)
      const others = (yield* this.doing(() => readdirSync(folder))).filter(
        (name) => name.length === own.length && name.startsWith(this.prefix) && name !== own
      )
      for (const other of others) {
        const directory = join(folder, other)
        if (yield* answers(directory)) {
          if (other < own) return yield* this.inUse("another one is just about to listen there")
          yield* Effect.sleep("5 millis").pipe(
            Effect.andThen(answers(directory)),
            Effect.repeat({ while: (still) => still }),
            Effect.timeoutOrElse({
              duration: "5 seconds",
              orElse: () => this.inUse("another one is about to listen there, and does not get on")
            })
          )
        } else {
          // Of one that was killed.
          yield* tidy(() => rmSync(directory, { recursive: true, force: true }))
        }
      }
    })
  )

  private inUse(detail: string): Effect.Effect<never, TransportError> {
    return Effect.fail(
      this.publication.failures.of("listen", "AddressInUse", detail === "" ? "the socket there answers" : detail)
    )
  }
}

const answers = (directory: string): Effect.Effect<boolean> =>
  Effect.map(probe(socketIn(directory)), (answer) => answer === "accepts")

/** What a connection to the socket comes to. All but a refusal is an answer: of one that is busy, or not ours to know. */
const probe = (path: string): Effect.Effect<"accepts" | "refuses" | "absent"> =>
  Effect.callback((resume) => {
    const socket = createConnection({ path })
    socket.on("connect", () => {
      socket.destroy()
      resume(Effect.succeed("accepts"))
    })
    socket.on("error", (cause: NodeJS.ErrnoException) => {
      const { code } = cause
      resume(Effect.succeed(code === "ECONNREFUSED" ? "refuses" : code === "ENOENT" ? "absent" : "accepts"))
    })
    return Effect.sync(() => socket.destroy())
  })
