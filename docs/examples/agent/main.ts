import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, FileSystem, Layer, Path, Schema } from "effect"
import { FetchHttpClient } from "effect/http"
import { Application, Process, ProcessHost, Recording, TerminalHost } from "troupe"
import { Exec, Http, Store } from "troupe/command"
import { createHash } from "node:crypto"
import { tmpdir } from "node:os"
import { Agent, AgentLive, allowed, Step } from "./agent.ts"
import { Model, ModelLive } from "./model.ts"

const inTmp = `${tmpdir()}/troupe-agent`

// #region cli
const Cli = Process.make("app:cli", { protocol: [Step], success: Schema.Int })

const CliLive = Cli.toLayer(
  Effect.fn(function* () {
    const [question = "What is 6 times 7?", folder = inTmp, ...more] = yield* TerminalHost.args
    if (question.trim() === "" || question.startsWith("-") || more.length > 0) {
      yield* TerminalHost.print('Usage: main.ts ["What is 6 times 7?" [folder]]')
      return 2
    }
    const fs = yield* FileSystem.FileSystem
    yield* fs.makeDirectory(folder, { recursive: true })
    const model = yield* Model
    yield* TerminalHost.print(question)

    const record = yield* Recording.toFile((yield* Path.Path).join(folder, "recording.ndjson"))
    // A question may be longer than the key of a store.
    const conversation = createHash("sha256").update(question).digest("hex")
    const args = { conversation, question, model: model.url, watcher: yield* Cli.self }
    const agent = yield* Process.spawnLinked(Agent, args, { host: "app:agents", policy: allowed, record })
    yield* Process.fork(
      Effect.forever(Effect.flatMap(Cli.receive(), ({ payload }) => TerminalHost.print(`  ${payload.text}`)))
    )
    yield* TerminalHost.print(String(yield* Effect.flatten(Process.await(agent))))
    yield* TerminalHost.print(`  recorded in ${folder}`)
    return 0
  })
)
// #endregion cli

// #region app
const StoreLive = Layer.unwrap(
  Effect.map(TerminalHost.args, ([, folder = inTmp]) => Store.layerFiles(`${folder}/store`))
)

const App = CliLive.pipe(
  Layer.provide(AgentLive),
  Layer.provide([Http.layer().pipe(Layer.provide(FetchHttpClient.layer)), Exec.layer(), StoreLive, ModelLive]),
  Layer.provideMerge(ProcessHost.layer("app:agents")),
  Layer.provideMerge(TerminalHost.layer("app:terminal")),
  Layer.provide(NodeServices.layer)
)

Application.runMain(App, { main: TerminalHost.main(Cli) })
// #endregion app
