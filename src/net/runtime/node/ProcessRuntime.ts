/**
 * A runtime of processes: each instance is a Node program of its own, which is started, reached and stopped from here, and
 * ends with this program.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { randomBytes } from "node:crypto"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { env } from "node:process"
import * as Authentication from "../../Authentication.ts"
import type { Instance } from "../../Instance.ts"
import * as InstanceId from "../../InstanceId.ts"
import type { Starter } from "../../Runtime.ts"
import type { StartFailed } from "../../RuntimeError.ts"
import * as Strategy from "../../Strategy.ts"
import * as Tcp from "../../transport/node/Tcp.ts"
import * as Unix from "../../transport/node/Unix.ts"
import { ChildProgram } from "./internal/ChildProgram.ts"
import { type Failing, identified } from "./internal/failing.ts"
import { whole } from "./internal/whole.ts"

/**
 * What is started, and how.
 *
 * @category models
 */
export interface Options {
  /** What the instances are instances of: the middle part of their names. */
  readonly namespace: string
  /** The file of the program, which serves with `ProcessInstance.serve`. */
  readonly program: string | URL
  /** What the program is given on its command line, which every user of the machine can read. */
  readonly args?: ReadonlyArray<string> | undefined
  /** What its environment has besides that of this program. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** What Node itself is given, such as `["--max-old-space-size=256"]`. */
  readonly execArgv?: ReadonlyArray<string> | undefined
  /** How long it may take until it is ready: 30 seconds when absent. */
  readonly startTimeout?: Duration.Input | undefined
  /** How long it may take to end when it was asked to, until it is killed: 15 seconds when absent. */
  readonly stopTimeout?: Duration.Input | undefined
}

/**
 * Makes what starts instances of a program, each in a process.
 *
 * **Details**
 *
 * An instance is reached by a unix socket first, in a folder that nobody but this user can enter, and then by TCP on
 * 127.0.0.1, on a port that the system chooses. Either way whoever connects has to know a secret, which is made anew for each
 * start and is in the `credentials`.
 *
 * - The secret goes to the child over the channel that Node keeps between the two, when the child asks for it. It is neither
 *   on the command line, which all can read, nor in the environment, which other programs of the user can read, which
 *   whatever the child starts has as well, and which reports of crashes have in them.
 * - It is stopped with `SIGTERM`: it answers what it has underway, and ends. After `stopTimeout` it is killed.
 * - When this program ends, by whatever reason, the channel is closed, and the child ends as if it had been stopped. One that
 *   does nothing but compute does not see that before it is done, nor does one that does not serve.
 * - What a terminal sends to this program, such as `SIGINT` at Ctrl+C, does not reach it: it is for this program to end in
 *   order.
 * - What it writes to standard output and error goes to the standard error of this program.
 *
 * **Errors**
 *
 * To start fails with `StartFailed`: there is no such program, it ended before it was ready, with its exit code and what it
 * wrote last to standard error, it was not ready in time, or it said why it can't serve.
 *
 * **Example** (A program that is not there)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import * as ProcessRuntime from "troupe/net/process-runtime"
 *
 * const Images = ProcessRuntime.make({ namespace: "images", program: "/nowhere/images.js" })
 *
 * const program = Effect.flip(Images.start("1"))
 * await Effect.runPromise(Effect.scoped(program)).then(({ message }) => message)
 * // => "process/images/1 (/nowhere/images.js) was not started: there is no such file. Mend the path."
 * ```
 *
 * @category constructors
 */
export const make = (options: Options): Starter => ({
  type: "process",
  start: (instance) => whole(starting(options, instance))
})

const starting = Effect.fnUntraced(function* (
  options: Options,
  instance: string
): Effect.fn.Return<Instance, StartFailed, Scope.Scope> {
  const { failing, id, path } = yield* identified("process", options.namespace, instance, options.program)
  const folder = yield* privateFolder(failing)
  const socket = yield* Effect.mapError(InstanceId.socketPath(id, folder), ({ message }) =>
    failing("Invalid", message.slice(0, -1))
  )
  const secret = randomBytes(32).toString("hex")
  const program = yield* ChildProgram.start({
    path,
    args: options.args ?? [],
    execArgv: options.execArgv ?? [],
    env: { ...env, ...options.env, ...InstanceId.toEnvironment(id) },
    told: { secret, socket },
    startTimeout: Duration.fromInputUnsafe(options.startTimeout ?? "30 seconds"),
    grace: Duration.fromInputUnsafe(options.stopTimeout ?? "15 seconds"),
    failing
  })
  const port = yield* program.ready
  const ways = [Unix.make({ path: socket }), Tcp.make({ host: "127.0.0.1", port })] as const
  return {
    id,
    strategy: yield* Effect.orDie(Strategy.make("process", ways)),
    credentials: Authentication.secret({ account: String(id), secret: Redacted.make(secret) }),
    ended: program.ended
  }
})

// Node makes it for this user alone. A child that was killed leaves its socket in it.
const privateFolder = (failing: Failing): Effect.Effect<string, StartFailed, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: () => mkdtemp(join(tmpdir(), "troupe-")),
      catch: (error) => failing("Refused", `there is no folder for its socket: ${String(error)}`)
    }),
    (folder) => Effect.ignore(Effect.tryPromise(() => rm(folder, { recursive: true, force: true })))
  )
