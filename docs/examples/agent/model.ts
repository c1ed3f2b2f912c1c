import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Context, Effect, Layer } from "effect"
import { HttpServer, HttpServerRequest, HttpServerResponse } from "effect/http"
import { createServer } from "node:http"
import { Conversation, type Reply } from "./conversation.ts"

/** Where a model answers. */
export class Model extends Context.Service<Model, { readonly url: string }>()("example/agent/Model") {}

// #region script
/** A model with a script: it has sums worked out by a tool, and knows nothing else. */
const reply = (conversation: Conversation): typeof Reply.Type => {
  const [first] = conversation
  const last = conversation.at(-1)
  const question = first?._tag === "User" ? first.text : ""
  if (last?._tag === "ToolResult") {
    const text = last.code === 0 ? `It is ${last.output}.` : "I can't work that out."
    return { _tag: "Answer", text }
  }
  const [, left, operator, right] = /(\d+) (plus|times|minus) (\d+)/.exec(question) ?? []
  if (left === undefined || operator === undefined || right === undefined) {
    return { _tag: "Answer", text: "I know nothing but sums." }
  }
  const sign = { plus: "+", times: "*", minus: "-" }[operator] ?? "+"
  return { _tag: "ToolCall", command: "expr", args: [left, sign, right] }
}
// #endregion script

// #region server
const thinking = "300 millis"

const answer = HttpServerRequest.schemaBodyJson(Conversation).pipe(
  Effect.delay(thinking),
  Effect.map((conversation) => HttpServerResponse.jsonUnsafe(reply(conversation))),
  Effect.orElseSucceed(() => HttpServerResponse.empty({ status: 400 }))
)

/** Serves the model on a free port of this machine. */
export const ModelLive = Layer.effect(
  Model,
  Effect.gen(function* () {
    const server = yield* HttpServer.HttpServer
    yield* server.serve(answer)
    return { url: HttpServer.formatAddress(server.address) }
  })
).pipe(Layer.provide(NodeHttpServer.layerServer(createServer, { host: "127.0.0.1", port: 0 })))
// #endregion server
