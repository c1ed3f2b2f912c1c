import { Effect, Option, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Pid, Policy, Process } from "troupe"
import { Exec, Http, Store } from "troupe/command"
import { Conversation, Reply } from "./conversation.ts"

// #region definition
/** What the agent tells whoever watches it. */
export const Step = Rpc.make("step", { payload: { text: Schema.String } })

export const Agent = Process.make("app:agent", {
  args: Schema.Struct({
    conversation: Schema.String,
    question: Schema.String,
    model: Schema.String,
    watcher: Pid.of(Step)
  }),
  success: Schema.String
})

/** What it may do, and no more. */
export const allowed = Policy.allow(Http.commands.request, Exec.commands.run, Store.commands)
// #endregion definition

// #region body
export const AgentLive = Agent.toLayer(
  Effect.fn(function* ({ conversation: id, model, question, watcher }) {
    const say = (text: string) => Process.send(watcher, "step", { text })

    // What was said before, when the agent was there, and was stopped.
    const known = yield* conversations.get(id)
    let conversation = Option.getOrElse(known, (): Conversation => [{ _tag: "User", text: question }])
    if (Option.isSome(known)) yield* say(`goes on after ${conversation.length} messages`)

    while (true) {
      const last = conversation.at(-1)
      if (last?._tag === "Answer") {
        yield* conversations.delete(id)
        return last.text
      }
      if (last?._tag === "ToolCall") {
        yield* say(`runs ${[last.command, ...last.args].join(" ")}`)
        conversation = conversation.concat(yield* use(last.command, last.args))
      } else {
        yield* say("asks the model")
        conversation = conversation.concat(yield* ask(model, conversation))
      }
      yield* conversations.set(id, conversation)
    }
  })
)
// #endregion body

// #region commands
/** The conversations, as the store has them. */
const conversations = Store.schema(Conversation)

/** Asks the model what comes next. */
const ask = Effect.fn("ask")(function* (url: string, conversation: Conversation) {
  const json = yield* encode(conversation)
  const response = yield* Http.request({ method: "POST", url, body: { _tag: "Json", json } })
  return yield* decode(yield* (yield* Http.filterStatusOk(response)).json)
})

/** Uses a tool. One that is missing, or takes too long, is no end: the model is told why, and goes on from there. */
const use = (command: string, args: ReadonlyArray<string>) =>
  Process.yield(Exec.commands.run, { command, args }, { timeout: "10 seconds" }).pipe(
    Effect.map(({ code, stdout }) => ({ code, output: Exec.text(stdout).trim() })),
    Effect.catchTags({
      ExecError: ({ message }) => Effect.succeed({ code: -1, output: message }),
      YieldTimeout: ({ message }) => Effect.succeed({ code: -1, output: message })
    }),
    Effect.map((result) => ({ _tag: "ToolResult" as const, ...result }))
  )

const encode = Schema.encodeEffect(Schema.toCodecJson(Conversation))
const decode = Schema.decodeUnknownEffect(Schema.toCodecJson(Reply))
// #endregion commands
