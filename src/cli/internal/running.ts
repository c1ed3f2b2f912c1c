/**
 * Applications of modules: loaded, and run with one of their processes as the main program.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { pathToFileURL } from "node:url"
import { make as makeDefinition, TypeId } from "../../process/Definition.ts"
import { runOn } from "../../process/internal/mainProcess.ts"
import { Node } from "../../process/internal/node.ts"
import type { ProcessHost } from "../../process/internal/services.ts"
import type { Pid } from "../../process/Pid.ts"
import type { SpawnError } from "../../process/ProcessError.ts"
import { spawn } from "../../process/Spawning.ts"
import { Shutdown } from "../../process/TerminalHost.ts"
import * as Application from "../../supervision/Application.ts"
import { InvalidTarget, ModuleFailed, NoApplication, NoSuchHost, NoSuchProcess } from "./errors.ts"

/** Which process is to be the main program, and where it runs. */
export interface Target {
  readonly host: string
  readonly process: string
}

/** Reads `<host>/<process>`. */
export const parseTarget = (text: string): Effect.Effect<Target, InvalidTarget> => {
  const [, host = "", process = ""] = /^([^/\s]+)\/(\S+)$/.exec(text) ?? []
  return host === "" ? Effect.fail(new InvalidTarget({ target: text })) : Effect.succeed({ host, process })
}

/** An application, whatever it provides; what it lacks it tells when it is built. */
export type App = Layer.Layer<unknown, unknown>

// Where it went wrong is in the stack alone, in its first line or the first of its frames that is no module of Node.
const place = /(?:^|\(|at )((?:file:|\/|[A-Z]:\\)[^\s()]*:\d+)/m

const detailOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  const [, where] = place.exec(error.stack ?? "") ?? []
  return where === undefined ? error.message : `${error.message} (${where})`
}

/** The application of a module: the layer that is its default export. */
export const load = Effect.fnUntraced(function* (
  module: string,
  path: string
): Effect.fn.Return<App, ModuleFailed | NoApplication> {
  const loaded = yield* Effect.tryPromise({
    try: (): Promise<Readonly<Record<string, unknown>>> => import(pathToFileURL(path).href),
    catch: (error) => new ModuleFailed({ module, detail: detailOf(error) })
  })
  const application = loaded["default"]
  // That it needs nothing else can't be seen.
  if (Layer.isLayer(application)) return application as App
  return yield* new NoApplication({ module, exports: Object.keys(loaded) })
})

// An implementation has the name of its process behind this.
const beginning = makeDefinition("")[TypeId].key.key

/** The processes whose implementations a context has. */
const processesOf = (context: Context.Context<never>): ReadonlyArray<string> =>
  [...context.mapUnsafe.keys()]
    .filter((key) => key.startsWith(beginning))
    .map((key) => key.slice(beginning.length))
    .toSorted()

/** Runs a process of an application on one of its hosts, and answers the exit code of the program. */
const mainOf = ({ host, process }: Target): Effect.Effect<number, NoSuchHost | NoSuchProcess | SpawnError, Node> =>
  Effect.gen(function* () {
    const { hosts } = yield* Node
    const context = yield* Effect.context<never>()
    const known = processesOf(context)
    const found = hosts.get(host)
    if (found === undefined) return yield* new NoSuchHost({ host, known: [...hosts.keys()].toSorted() })
    if (!known.includes(process)) return yield* new NoSuchProcess({ process, known })
    // Its implementation is in the context, as was seen.
    const started = spawn(makeDefinition(process)) as Effect.Effect<Pid, SpawnError, ProcessHost>
    return yield* runOn(found, started, yield* Shutdown)
  })

/** Runs an application until its main process ends, or it is asked to end, and answers the exit code of the program. */
export const run = (application: App, target: Target | undefined): Effect.Effect<number, unknown> =>
  target === undefined
    ? Application.run(application)
    : // The hosts of the application have the same node, whether it gives them out or not.
      Application.run(Layer.merge(application, Node.layer), { main: mainOf(target) })
